"""Shards of a collection and of arrays, with and without a cluster: the answers of one machine."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import threading
import time
from pathlib import Path

import lookalike as la
import numpy as np
import pytest
from conftest import texture

dask_distributed = pytest.importorskip("distributed", reason="dask and distributed are not installed")


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes on this machine."""
    with (
        dask_distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        dask_distributed.Client(cluster) as connected,
    ):
        yield connected


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Pictures in two folders, three of them twice, and files that are no pictures."""
    root = tmp_path_factory.mktemp("sharded") / "photos"
    (root / "b").mkdir(parents=True)
    (root / ".hidden").mkdir()
    for seed in range(20):
        la.write_image(root / ("b" if seed % 2 else "") / f"{seed:02}.png", texture(seed, 64, 80))
    la.write_image(root / ".hidden" / "x.png", texture(77, 64, 80))
    for seed in (0, 5, 11):
        source = root / ("b" if seed % 2 else "") / f"{seed:02}.png"
        shutil.copy(source, root / f"z{seed:02}.png")
    shutil.copy(root / "02.png", root / "02 again.png")
    (root / "notes.txt").write_text("no picture")
    (root / "b" / "broken.png").write_bytes((root / "04.png").read_bytes()[:100])
    return root


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory) -> la.Collection:
    """The same on one machine."""
    return la.Collection.build(folder, tmp_path_factory.mktemp("whole") / "store")


@pytest.fixture(scope="module")
def stores(folder, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("stores") / "all"
    la.distributed.ShardedCollection.build(folder, place, shards=4)
    return place


def same(sharded: la.distributed.ShardedCollection, whole: la.Collection) -> None:
    """Check that two collections are one and the same, and find the same."""
    np.testing.assert_array_equal(sharded.ids, whole.ids)
    assert [sharded.path(id_) for id_ in sharded] == [whole.path(id_) for id_ in whole]
    np.testing.assert_array_equal(sharded.block_distances, whole.block_distances)
    first = int(whole.ids[0])
    np.testing.assert_array_equal(sharded.thumbnail(first), whole.thumbnail(first))
    np.testing.assert_array_equal(sharded.descriptor(first).values, whole.descriptor(first).values)
    for seed in (3, 40):
        query = la.scene_descriptor(texture(seed, 64, 80))
        for options in (
            {},
            {"k": 50},
            {"k": 5, "leave_out": whole.ids[::3], "importance": [1, 3]},
            {"k": 5, "only": [*whole.ids[1:9], 10**9]},
            {"k": 2, "only": []},
        ):
            ours, theirs = sharded.search(query, **options), whole.search(query, **options)
            np.testing.assert_array_equal(ours.ids, theirs.ids)
            np.testing.assert_array_equal(ours.distances, theirs.distances)
            assert ours.certified
            assert ours.photos is sharded


@pytest.mark.parametrize("shards", [1, 2, 7, 40])
def test_shards_answer_as_one_collection_does(folder, whole, tmp_path, shards):
    sharded = la.distributed.ShardedCollection.build(folder, tmp_path / "stores", shards=shards)
    assert len(sharded.shards) == shards
    same(sharded, whole)
    assert sharded.report.added >= len(whole)
    assert {path for path, _ in sharded.report.skipped} == {"notes.txt", "b/broken.png"}
    assert f"{len(whole)} photographs in {shards} shards" in repr(sharded)


def test_a_cluster_gives_the_same(client, folder, whole, tmp_path):
    heard = []
    sharded = la.distributed.ShardedCollection.build(
        folder, tmp_path / "stores", shards=5, client=client, progress=lambda *step: heard.append(step)
    )
    assert ("build shards", 5, 5) in heard
    same(sharded, whole)
    opened = la.distributed.ShardedCollection.open(tmp_path / "stores", client=client)
    same(opened, whole)
    by_picture = opened.search(texture(3, 64, 80), k=3)
    np.testing.assert_array_equal(
        by_picture.ids, whole.search(la.scene_descriptor(texture(3, 64, 80)), k=3).ids
    )


def test_building_again_keeps_ids_and_follows_the_folder(folder, tmp_path):
    own = Path(shutil.copytree(folder, tmp_path / "own"))
    build = la.distributed.ShardedCollection.build
    sharded, whole = build(own, tmp_path / "s", shards=3), la.Collection.build(own, tmp_path / "w")
    same(sharded, whole)
    (own / "00.png").unlink()  # z00.png, in the last shard, holds the same picture
    (own / "b" / "03.png").unlink()
    la.write_image(own / "06.png", texture(106, 64, 80))
    la.write_image(own / "a.png", texture(107, 64, 80))
    la.write_image(own / "zz.png", texture(108, 64, 80))
    again, whole = build(own, tmp_path / "s"), la.Collection.build(own, tmp_path / "w")
    np.testing.assert_array_equal(again.ids, whole.ids)
    assert [again.path(id_) for id_ in again] == [whole.path(id_) for id_ in whole]
    query = la.scene_descriptor(texture(107, 64, 80))
    np.testing.assert_array_equal(again.search(query, k=30).ids, whole.search(query, k=30).ids)
    assert len(again.report.vanished) == 2
    with pytest.raises(la.InputError, match="open it again"):
        sharded.search(query)
    np.testing.assert_array_equal(
        la.distributed.ShardedCollection.open(tmp_path / "s").search(query).ids, again.search(query).ids
    )
    with pytest.raises(la.InputError, match="3, as many as"):
        build(own, tmp_path / "s", shards=4)
    with pytest.raises(la.FileError, match="describes the folder"):
        build(folder, tmp_path / "s")


def test_a_sharded_collection_stands_in_a_pipeline_and_is_pickled_by_its_path(stores, whole):
    sharded = pickle.loads(pickle.dumps(la.distributed.ShardedCollection.open(stores)))
    find = la.scene_descriptor | la.lookup(sharded, 4)
    picture = texture(9, 64, 80)
    found = find(picture)
    np.testing.assert_array_equal(found.ids, whole.search(la.scene_descriptor(picture), k=4).ids)
    np.testing.assert_array_equal(sharded[int(found.ids[0])], picture)
    assert int(found.ids[0]) in sharded
    assert len(list(sharded)) == len(sharded) == len(whole)


def test_a_shard_that_is_missing_or_damaged_is_named(client, stores, tmp_path):
    own = Path(shutil.copytree(stores, tmp_path / "stores"))
    query = la.scene_descriptor(texture(1, 64, 80))
    for connected in (None, client):
        sharded = la.distributed.ShardedCollection.open(own, client=connected)
        (own / "shard-0002").rename(own / "elsewhere")
        with pytest.raises(la.FileError, match="search: shard-0002: "):
            sharded.search(query)
        with pytest.raises(la.FileError, match="open shards: shard-0002: "):
            la.distributed.ShardedCollection.open(own, client=connected)
        (own / "elsewhere").rename(own / "shard-0002")
        largest = max((own / "shard-0001").iterdir(), key=lambda file: file.stat().st_size)
        content = largest.read_bytes()
        largest.write_bytes(content[: len(content) // 2])
        with pytest.raises(la.FileError, match="open shards: shard-0001: "):
            la.distributed.ShardedCollection.open(own, client=connected)
        largest.write_bytes(content)
        assert sharded.search(query).count == 10
    index = json.loads((own / "shards.json").read_text())
    for change, said in (
        ({"version": 2}, "version 2"),
        ({"format": "x"}, "no index"),
        ({"checksum": 1}, "damaged"),
        ({"complete": False}, "not come to an end"),
    ):
        (own / "shards.json").write_text(json.dumps({**index, **change}))
        with pytest.raises(la.FileError, match=said):
            la.distributed.ShardedCollection.open(own)
    (own / "shards.json").write_text("{")
    with pytest.raises(la.FileError, match="cut short"):
        la.distributed.ShardedCollection.open(own)
    with pytest.raises(la.FileError, match="nowhere"):
        la.distributed.ShardedCollection.open(tmp_path / "nowhere")


def test_bad_input_and_folders_without_pictures(stores, tmp_path):
    sharded = la.distributed.ShardedCollection.open(stores)
    with pytest.raises(la.InputError, match="k = 0"):
        sharded.search(la.scene_descriptor(texture(1, 64, 80)), k=0)
    with pytest.raises(la.InputError, match="shard-0000: .*blocks|shard-0000: .*descriptor"):
        sharded.search(la.gist(texture(1, 64, 80)))
    with pytest.raises(la.InputError, match="99999"):
        sharded.path(99999)
    with pytest.raises(la.FileError, match="no folder"):
        la.distributed.ShardedCollection.build(tmp_path / "missing", tmp_path / "s")
    with pytest.raises(la.InputError, match="-1 shards"):
        la.distributed.ShardedCollection.build(tmp_path, tmp_path / "s", shards=-1)
    (tmp_path / "empty").mkdir()
    empty = la.distributed.ShardedCollection.build(tmp_path / "empty", tmp_path / "s", shards=2)
    assert len(empty) == 0
    assert empty.search(la.scene_descriptor(texture(1, 64, 80))).count == 0
    with pytest.raises(la.Interrupted):
        la.distributed.ShardedCollection.build(
            tmp_path / "empty", tmp_path / "s", progress=lambda task, done, total: done < 1
        )


# ---- workers that die ------------------------------------------------------------------------------------------


class DeadlyOnce:
    """An encoder, or a part of a search, that ends its process where a file says so, and removes the file."""

    def __init__(self, trap: Path, of: object) -> None:
        self.trap, self.of = str(trap), of

    def __call__(self, *given: object, **named: object) -> object:
        try:
            os.unlink(self.trap)  # noqa: PTH108 - whoever removes it is the one
        except FileNotFoundError:
            return self.of(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    @property
    def blocks(self) -> object:
        return self.of.blocks


def kill_a_worker_at(client, moment: threading.Event) -> threading.Thread:
    """Kill one of the workers' processes as soon as `moment` has come."""

    def kill() -> None:
        moment.wait()
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_a_worker_that_is_killed_in_mid_build_changes_nothing(client, folder, whole, tmp_path):
    trap = tmp_path / "trap"
    trap.touch()
    encoder = DeadlyOnce(trap, la.scene_descriptor)
    sharded = la.distributed.ShardedCollection.build(
        folder, tmp_path / "stores", shards=6, encoder=encoder, client=client
    )
    assert not trap.exists()
    sharded.client = None
    same(sharded, whole)


def test_a_worker_that_is_killed_in_mid_search_changes_nothing(client, stores, whole, tmp_path, monkeypatch):
    trap = tmp_path / "trap"
    trap.touch()
    task = DeadlyOnce(trap, la.distributed._search_shard)
    sharded = la.distributed.ShardedCollection.open(stores, client=client)
    monkeypatch.setattr(la.distributed, "_search_shard", task)
    query = la.scene_descriptor(texture(3, 64, 80))
    found = sharded.search(query, k=15)
    assert not trap.exists()
    expected = whole.search(query, k=15)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.distances, expected.distances)


def test_a_worker_that_is_killed_from_outside_is_replaced(client, stores, whole):
    sharded = la.distributed.ShardedCollection.open(stores, client=client)
    query = la.scene_descriptor(texture(3, 64, 80))
    expected = whole.search(query, k=15)
    moment = threading.Event()
    killer = kill_a_worker_at(client, moment)
    for turn in range(12):
        if turn == 4:
            moment.set()
        np.testing.assert_array_equal(sharded.search(query, k=15).ids, expected.ids)
        time.sleep(0.02)
    killer.join()
