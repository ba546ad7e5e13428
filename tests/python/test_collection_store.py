"""Collections as stores: items from elsewhere, columns, removal, compaction, damage, many processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import lookalike as la
import numpy as np
import pytest
from conftest import small_files, texture


def codes(ids, width: int = 5) -> np.ndarray:
    """Return rows that follow from the ids."""
    ids = np.asarray(ids, np.float32)
    return np.sin(ids[:, None] * 0.37 + np.arange(width, dtype=np.float32)).astype(np.float32)


def is_true(store: la.Collection) -> bool:
    column = store.column("code")
    return np.array_equal(column.values[column.live], codes(column.ids[column.live])) and np.array_equal(
        store.labels, store.ids % 100
    )


def add(store: la.Collection, ids) -> la.Collection:
    return store.add(ids=ids, labels=np.asarray(ids) % 100, columns={"code": (codes(ids), "sine")})


@pytest.fixture
def store(tmp_path) -> la.Collection:
    return add(la.Collection.create(tmp_path / "store"), [5, 3, 1000, 0])


def test_vectors_come_back_without_a_copy(store):
    assert store.ids.tolist() == [5, 3, 1000, 0]
    assert len(store) == 4
    assert 3 in store
    assert 4 not in store
    assert "3" not in store
    assert is_true(store)
    column = store.column("code")
    assert column.info == la.ColumnInfo("code", np.dtype(np.float32), 5, "sine")
    assert store.columns == {"code": column.info}
    assert np.asarray(column).base is not None
    assert np.shares_memory(np.asarray(column), column.values)
    assert np.shares_memory(column.values, store.column("code").values)
    with pytest.raises(ValueError, match="read-only"):
        column.values[0, 0] = 1
    item = store.get(1000)
    assert (item.id, item.label, item.path, item.thumbnail) == (1000, 0, None, None)
    np.testing.assert_array_equal(item.columns["code"], codes([1000])[0])
    assert store.folder is None
    assert store.report.added == 0 and list(store.report.skipped) == []
    assert repr(store).startswith("<Collection of 4 items in ")
    assert repr(column) == "<Column 'code': 4 rows of 5 float32>"
    assert pickle.loads(pickle.dumps(store)) == store
    with pytest.raises(la.InputError, match="keeps no thumbnails"):
        store.thumbnail(3)
    with pytest.raises(la.InputError, match="no file"):
        store.path(3)
    with pytest.raises(la.InputError, match="the id 4"):
        store.get(4)


def test_a_column_outlives_its_collection(store):
    column = store.column("code")
    other = store.remove([3]).compact()
    del store
    np.testing.assert_array_equal(column.values[1], codes([3])[0])
    assert other.ids.tolist() == [5, 1000, 0]


def test_what_does_not_fit_is_refused(store, tmp_path):
    def refused(match, **given):
        with pytest.raises(la.InputError, match=match):
            store.add(**given)

    one = codes([8])
    refused("the id 5, which the collection holds", ids=[5], columns={"code": (one, "sine")})
    refused("the id 8 twice", ids=[8, 8], columns={"code": (codes([8, 8]), "sine")})
    refused("float32 x 5 for the column 'code', wanted float32 x 5 by 'sine'", columns={"code": one})
    refused("by 'cosine'", columns={"code": (one, "cosine")})
    refused("uint8 x 5", columns={"code": (one.astype(np.uint8), "sine")})
    refused("float32 x 4", columns={"code": (one[:, :4], "sine")})
    refused("without the column 'code'", ids=[8])
    refused("the column 'other'", columns={"code": (one, "sine"), "other": one})
    refused("not finite", columns={"code": (one * np.nan, "sine")})
    refused("2 labels for 1 items", labels=[1, 2], columns={"code": (one, "sine")}, ids=[1])
    refused("integers of 32 bits", labels=[1 << 40], columns={"code": (one, "sine")})
    refused("wanted one of 'float32', 'float16', 'uint8'", columns={"code": (one.astype(int), "sine")})
    refused("3 axes", columns={"code": (one[None], "sine")})
    refused("with pictures", columns={"code": (one, "sine")}, pictures=[texture(1)])
    with pytest.raises(la.InputError, match="the id 77"):
        store.replace([77], columns={"code": (one, "sine")})
    with pytest.raises(la.InputError, match="the id 77"):
        store.remove([77])
    with pytest.raises(la.InputError, match="describes no folder|holds no|wanted one of 'code'"):
        store.search(la.color_grid(texture(1)))
    with pytest.raises(la.FileError, match="a collection already"):
        la.Collection.create(store.store)
    with pytest.raises(la.FileError, match="describes no folder"):
        store.add(tmp_path)
    assert store.refresh() == store
    assert store.verify() == ()


def test_items_are_replaced_removed_and_compacted(store):
    more = add(store, np.arange(2000, 2300))
    fewer = more.remove(range(2000, 2290)).replace([5], labels=[5], columns={"code": (codes([5]), "sine")})
    assert len(fewer) == 14
    assert fewer.ids.tolist() == [3, 1000, 0, *range(2290, 2300), 5]
    column = fewer.column("code")
    assert len(column) == 305
    assert column.live.sum() == 14
    size = sum(file.stat().st_size for file in fewer.store.iterdir())
    heard = []
    small = fewer.compact(progress=lambda *report: heard.append(report))
    assert heard[-1][0] == "compact"
    assert sum(file.stat().st_size for file in small.store.iterdir()) < size / 4
    assert all(is_true(each) for each in (store, more, fewer, small))
    assert len(more) == 304
    assert small == fewer
    assert small.column("code").live.all()
    assert small.verify() == ()


def test_columns_stand_side_by_side(store):
    halves = np.arange(8, dtype=np.float16).reshape(4, 2)
    store = store.add_column("half", halves, encoder="counting").remove([3])
    store = store.add_column("bytes", np.array([7, 8, 9], np.uint8)).add_column("double", np.ones((3, 2)))
    assert store.columns["half"] == la.ColumnInfo("half", np.dtype(np.float16), 2, "counting")
    assert store.columns["double"].dtype == np.float32
    np.testing.assert_array_equal(store.column("half"), halves)
    bytes_ = store.column("bytes")
    assert bytes_.values[bytes_.live, 0].tolist() == [7, 8, 9]
    assert store.get(0).columns["bytes"].tolist() == [9]
    store = store.add_column("labels", [10, 20, 30])
    assert store.labels.tolist() == [10, 20, 30]
    assert store.label(1000) == 20
    with pytest.raises(la.InputError, match="is there already"):
        store.add_column("half", halves[:3])
    with pytest.raises(la.InputError, match="given 4 rows for the column 'more', wanted 3"):
        store.add_column("more", halves)
    with pytest.raises(la.InputError, match="wanted a name"):
        store.add_column("a/b", halves)
    assert sorted(store.drop_column("half").columns) == ["bytes", "code", "double"]
    strided = np.asfortranarray(np.arange(12, dtype=">f4").reshape(3, 4))[:, ::2]
    np.testing.assert_array_equal(
        store.add_column("strided", strided).column("strided").values[[0, 2, 3]], strided
    )


def test_pictures_are_described_and_looked_up_by_column(tmp_path):
    pictures = [texture(seed, 50 + seed, 60) for seed in range(70)]
    store = la.Collection.create(tmp_path / "s").add(pictures, columns={"colors": la.color_grid})
    np.testing.assert_array_equal(store.thumbnail(9), la.resize(pictures[9], 32, 32))
    np.testing.assert_array_equal(store.read(9), store.thumbnail(9))
    assert store.read(9, dtype=np.float32).max() <= 1
    assert store.search(la.color_grid(pictures[41]), 1, column="colors").ids.tolist() == [41]
    store = store.add_column("gist", la.gist)
    assert store.columns["gist"].encoder.startswith("gist(")
    found = store.search(la.gist(store.thumbnail(7)), 2, column="gist")
    assert found.ids[0] == 7
    assert found.distances[0] == 0
    assert store.near_duplicates(pictures[7]).tolist() == [7]
    assert store.descriptor(7, "gist").values.shape == (480,)
    assert store.blocks == ()
    with pytest.raises(la.InputError, match="wanted gist"):
        store.search(la.color_grid(pictures[1]), column="gist")
    thumbnails = np.stack([store.thumbnail(id_) for id_ in store.ids])
    again = la.Collection.create(tmp_path / "t").add(thumbnails, labels=range(70))
    np.testing.assert_array_equal(again.thumbnail(69), store.thumbnail(69))

    with pytest.raises(la.Interrupted):
        store.add_column("again", la.gist, progress=lambda *report: False)
    assert store.refresh() == store


def test_a_folder_has_further_columns(photo_folder, tmp_path):
    photos = la.Collection.build(photo_folder, tmp_path / "s", columns={"colors": la.color_grid})
    assert sorted(photos.columns) == ["colors", "descriptors"]
    assert photos.path(photos.search(la.color_grid(texture(3)), 1, column="colors").ids[0]).stem == "03"
    with pytest.raises(la.FileError, match="its column 'colors' holds"):
        la.Collection.build(photo_folder, tmp_path / "s")
    removed = photos.remove([3])
    again = la.Collection.build(photo_folder, tmp_path / "s", columns={"colors": la.color_grid})
    assert again == removed
    assert again.report.unchanged == 12
    assert len(again.compact()) == 11


def test_vectors_are_looked_up_in_columns(store):
    ids = np.random.default_rng(0).permutation(np.arange(2000, 3000))
    store = add(store, ids).remove(ids[:100])
    column = store.column("code")
    live, live_ids = column.values[column.live].astype(float), column.ids[column.live]
    queries = codes(np.arange(50) + 0.5)

    def check(found, distances):
        order = np.lexsort((live_ids, distances))[: len(found.ids)]
        np.testing.assert_array_equal(found.ids, live_ids[order])
        np.testing.assert_allclose(found.distances, distances[order], rtol=1e-4, atol=1e-6)
        assert found.certified

    for query in queries:
        check(store.search(query, 7, column="code"), ((live - query) ** 2).sum(1))
        check(store.search(query, 7, column="code", metric="inner_product"), -live @ query.astype(float))
    centered = live - live.mean(1, keepdims=True)
    centered /= np.linalg.norm(centered, axis=1, keepdims=True)
    query = queries[0] - queries[0].mean(dtype=float)
    batch = store.search(queries, 5, column="code", metric="correlation")
    assert len(batch) == 50
    check(batch[0], 1 - centered @ query / np.linalg.norm(query))
    assert store.search(queries[0].astype(float), 5, column="code").ids.tolist() == (
        store.search(queries[0], 5, column="code").ids.tolist()
    )
    near = store.search(queries[0], 5, column="code", only=[5, 3], radius=1e6)
    assert sorted(near.ids[:2].tolist()) == [3, 5]
    assert near.count == 2
    assert store.search(queries[0], 5, column="code", radius=1e-9).count == 0
    with pytest.raises(la.InputError, match="float32 x 4, wanted float32 x 5, as the column 'code'"):
        store.search(queries[0][:4], column="code")
    with pytest.raises(la.InputError, match="uint8 x 5, wanted float32 x 5"):
        store.search(np.ones(5, np.uint8), column="code")
    with pytest.raises(la.InputError, match="wanted one of 'squared_l2', 'inner_product', 'correlation'"):
        store.search(queries[0], column="code", metric="l2")
    with pytest.raises(la.InputError, match="'descriptors', wanted one of 'code'"):
        store.search(queries[0])
    with pytest.raises(la.InputError, match="k = 0"):
        store.search(queries[0], 0, column="code")


def test_damage_is_named(store):
    ids = np.arange(10_000, 20_000)
    store = add(store, ids)
    file = next(
        file for file in store.store.iterdir() if file.name.startswith("code") and file.suffix == ".f32"
    )
    content = bytearray(file.read_bytes())
    content[70_000] ^= 1
    file.write_bytes(content)
    (damage,) = store.refresh().verify(progress=False)
    assert damage.file == file.name
    assert damage.what == "bytes 65536 to 131071 are damaged (entries 3276 to 6553)"
    file.write_bytes(content[:-1])
    with pytest.raises(la.FileError, match=file.name):
        la.Collection.open(store.store)
    manifest = store.store / "manifest"
    manifest.write_text(manifest.read_text().replace("lookalike collection 2", "lookalike collection 3"))
    with pytest.raises(la.FileError, match="it has version 3, wanted 1 to 2. Use the release"):
        la.Collection.open(store.store)


def test_a_full_disk_loses_nothing(store):
    store = add(store, np.arange(2000, 3000))
    with small_files(1000 * 20 + 5000), pytest.raises(la.FileError, match="File too large"):
        add(store, np.arange(4000, 5000))
    assert store.refresh() == store
    assert store.refresh().verify() == ()
    assert len(add(store, [4000])) == len(store) + 1


CHILD = """
import sys
import numpy as np
import lookalike as la
sys.path.insert(0, sys.argv[2])
from test_collection_store import add
store = la.Collection.open(sys.argv[1])
for step in range(60):
    first = 10_000 * (step + 1)
    store = add(store, np.arange(first, first + 50))
    if step % 7 == 3:
        store = store.remove(np.arange(first + 10, first + 40))
    if step % 20 == 19:
        store = store.compact()
"""


def test_readers_see_whole_commits_while_another_process_writes(store):
    writer = subprocess.Popen([sys.executable, "-c", CHILD, str(store.store), str(Path(__file__).parent)])
    looks = 0
    size = len(store)
    reader = store
    while writer.poll() is None:
        reader = reader.refresh()
        assert is_true(reader)
        assert reader.verify() == ()
        assert len(reader) >= size - 30
        size = max(size, len(reader))
        looks += 1
    assert writer.returncode == 0
    assert looks > 0
    last = store.refresh()
    assert len(last) == 4 + 60 * 50 - 9 * 30
    assert is_true(last)
    assert is_true(store)


LARGE = """
import resource
import sys
import numpy as np
import lookalike as la
with open("/proc/self/statm") as file:
    data = int(file.read().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (data + (64 << 20), data + (64 << 20)))
store = la.Collection.open(sys.argv[1])
column = store.column("code").values
assert column.nbytes > 3 * (64 << 20)
assert column[-1, -1] == len(column) - 1
store = store.add(columns={"code": np.full((1, column.shape[1]), len(column), np.float32)})
assert store.column("code").values[-1, 0] == len(column)
store.remove([3])
try:
    np.ones(65 << 20, np.uint8)
    raise SystemExit("the limit does not hold")
except MemoryError:
    pass
"""


def test_columns_larger_than_memory_are_opened_and_appended_to(tmp_path):
    width = 65_536
    store = la.Collection.create(tmp_path / "large")
    for first in range(0, 800, 80):
        rows = np.arange(first, first + 80, dtype=np.float32)[:, None].repeat(width, 1)
        store = store.add(columns={"code": rows})
    subprocess.run([sys.executable, "-c", LARGE, str(store.store)], check=True)
    assert len(store.refresh()) == 800


def test_tiny_images_are_read_and_written(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    path = tmp_path / "tiny.bin"
    pictures.transpose(0, 3, 2, 1).tofile(path)  # planes, column by column
    tiny = la.TinyImages(path)
    assert len(tiny) == 5
    np.testing.assert_array_equal(tiny[:], pictures)
    np.testing.assert_array_equal(tiny[-1], pictures[4])
    np.testing.assert_array_equal(tiny[[3, 1]], pictures[[3, 1]])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(tiny))[2], pictures[2])
    assert len(list(tiny)) == 5
    with pytest.raises(IndexError):
        tiny[5]
    la.write_tiny_images(tmp_path / "again.bin", pictures)
    assert (tmp_path / "again.bin").read_bytes() == path.read_bytes()
    with pytest.raises(la.InputError, match=r"wanted a uint8 array of shape \(pictures, 32, 32, 3\)"):
        la.write_tiny_images(path, pictures / 255)
    with pytest.raises(la.InputError):
        la.write_tiny_images(path, pictures[:0])
    (tmp_path / "odd.bin").write_bytes(path.read_bytes()[:-1])
    with pytest.raises(la.FileError, match="it has 15359 bytes, wanted records of 3072"):
        la.TinyImages(tmp_path / "odd.bin")

    gist = np.random.default_rng(1).standard_normal((5, 384)).astype(np.float32)
    la.write_tiny_gist(tmp_path / "gist.bin", gist)
    np.testing.assert_array_equal(np.fromfile(tmp_path / "gist.bin", np.float32).reshape(5, 384), gist)
    np.testing.assert_array_equal(la.read_tiny_gist(tmp_path / "gist.bin"), gist)
    with pytest.raises(la.InputError):
        la.write_tiny_gist(tmp_path / "gist.bin", gist[:, 1:])

    store = la.import_tiny_images(path, tmp_path / "store", gist=tmp_path / "gist.bin", at_most=2)
    store = la.import_tiny_images(path, tmp_path / "store", gist=tmp_path / "gist.bin")
    assert store.ids.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(store.thumbnail(3), pictures[3])
    np.testing.assert_array_equal(store.column("gist"), gist)


def test_metadata_of_tiny_images_is_read_and_written(tmp_path):
    path = tmp_path / "metadata.bin"
    la.write_tiny_metadata(path, [{"keyword": "abbey", "engine": "altavista", "label": "1"}, b"\0" * 768])
    content = path.read_bytes()
    assert len(content) == 2 * 768
    assert content[:80] == b"abbey".ljust(80)
    assert content[212:222] == b"altavista "
    metadata = la.TinyMetadata(path)
    assert len(metadata) == 2
    assert metadata[0]["keyword"] == "abbey"
    assert metadata[0]["label"] == "1"
    assert set(metadata[-1].values()) == {""}
    assert list(metadata.keywords()) == ["abbey", ""]
    with pytest.raises(la.InputError, match="wanted at most 80 bytes"):
        la.write_tiny_metadata(path, [{"keyword": "a" * 81}])
    with pytest.raises(ValueError, match="given the field 'noun'"):
        la.write_tiny_metadata(path, [{"noun": "a"}])
    with pytest.raises(la.InputError, match="given a record of 3 bytes"):
        la.write_tiny_metadata(path, [b"abc"])
    with pytest.raises(la.FileError):
        la.TinyMetadata(tmp_path / "none.bin")


def test_cifar_records_are_read_and_written(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    path = tmp_path / "batch.bin"
    la.write_cifar10_records(path, pictures, [9, 0, 1, 2])
    content = np.frombuffer(path.read_bytes(), np.uint8).reshape(4, 3073)
    assert content[:, 0].tolist() == [9, 0, 1, 2]
    np.testing.assert_array_equal(content[:, 1:].reshape(4, 3, 32, 32), pictures.transpose(0, 3, 1, 2))
    read, labels = la.read_cifar10_records([path, path], at_most=6)
    np.testing.assert_array_equal(read, np.concatenate([pictures, pictures[:2]]))
    assert labels.tolist() == [9, 0, 1, 2, 9, 0]
    store = la.import_cifar10(path, tmp_path / "store")
    assert store.labels.tolist() == [9, 0, 1, 2]
    np.testing.assert_array_equal(store.thumbnail(2), pictures[2])
    with pytest.raises(la.InputError, match="the label 10"):
        la.write_cifar10_records(path, pictures, [10, 0, 1, 2])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(la.FileError, match="wanted records of 3073"):
        la.read_cifar10_records(path)
