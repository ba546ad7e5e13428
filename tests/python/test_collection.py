"""Collections: built, opened, searched, and what can go wrong with them."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import lookalike as la
import numpy as np
import pytest
from conftest import small_files, texture


@pytest.fixture
def own_folder(photo_folder, tmp_path) -> Path:
    """A copy of the photographs that a test may change."""
    return Path(shutil.copytree(photo_folder, tmp_path / "own", ignore=shutil.ignore_patterns(".*")))


def test_a_collection_is_a_mapping_from_ids_to_pictures(photos, photo_folder):
    assert len(photos) == 12
    assert photos.ids.dtype == np.int64
    assert list(photos) == photos.ids.tolist()
    for id_ in photos:
        assert id_ in photos
        seed = int(photos.path(id_).stem)
        np.testing.assert_array_equal(photos[id_], texture(seed))
        np.testing.assert_allclose(photos.read(id_, dtype=np.float32), texture(seed) / 255, atol=1e-6)
    assert 999 not in photos
    assert photos.folder == photo_folder.resolve()
    with pytest.raises(la.InputError, match="999"):
        photos.path(999)


def test_a_thumbnail_is_the_mean_of_equal_parts(photos):
    expected = texture(0).reshape(32, 5, -1, 3).mean(1)
    thumbnail = photos.thumbnail(int(photos.ids[0]))
    assert thumbnail.shape == (32, 32, 3)
    ours = la.resize(texture(0), 32, 32)
    np.testing.assert_array_equal(thumbnail, ours)
    assert abs(expected.mean() - thumbnail.mean()) < 0.5


def test_building_again_describes_only_what_is_new(own_folder):
    first = la.Collection.build(own_folder)
    assert first.report.added == 12
    la.write_image(own_folder / "new.png", texture(99))
    (own_folder / "03.png").unlink()
    (own_folder / "04.png").rename(own_folder / "renamed.png")
    (own_folder / "copy.png").write_bytes((own_folder / "05.png").read_bytes())
    second = la.Collection.build(own_folder)
    assert (second.report.added, second.report.unchanged, second.report.moved) == (1, 10, 1)
    assert "03.png" in second.report.vanished
    assert [sorted(pair) for pair in second.report.duplicates] == [["05.png", "copy.png"]]
    assert len(second) == 12
    assert len(first) == 12
    assert len(first.refresh()) == 12
    assert la.Collection.open(own_folder) == second


def test_a_build_can_be_restricted_to_given_files(own_folder, tmp_path):
    shard = la.Collection.build(own_folder, tmp_path / "shard", paths=["03.png", Path("01.png"), "99.png"])
    assert [shard.path(id_).name for id_ in shard] == ["01.png", "03.png"]
    assert [path for path, _ in shard.report.skipped] == ["99.png"]
    assert len(la.Collection.build(own_folder, tmp_path / "nothing", paths=[])) == 0
    with pytest.raises(la.InputError, match="wanted that of a file below"):
        la.Collection.build(own_folder, tmp_path / "shard", paths=["../03.png"])


def test_what_cannot_be_read_is_listed_and_skipped(own_folder):
    (own_folder / "empty.jpg").write_bytes(b"")
    (own_folder / "text.png").write_text("no picture")
    (own_folder / "cut.png").write_bytes((own_folder / "00.png").read_bytes()[:3000])
    photos = la.Collection.build(own_folder)
    assert len(photos) == 12
    assert sorted(path for path, _ in photos.report.skipped) == ["cut.png", "empty.jpg", "text.png"]
    assert all(reason for _, reason in photos.report.skipped)


def test_progress_is_heard_and_can_stop_the_work(own_folder):
    heard = []
    photos = la.Collection.build(own_folder, progress=lambda *report: heard.append(report))
    assert len(photos) == 12
    assert ("describe photographs", 12, 12) in heard
    assert all(isinstance(task, str) and done >= 0 for task, done, _ in heard)

    shutil.rmtree(photos.store)
    with pytest.raises(la.Interrupted, match="stopped on request"):
        la.Collection.build(own_folder, progress=lambda *report: False)

    class MyError(Exception):
        pass

    def fail(task, done, total):
        raise MyError

    with pytest.raises(MyError):
        la.Collection.build(own_folder, progress=fail)
    assert len(la.Collection.build(own_folder, progress=lambda *report: None)) == 12


def test_the_progress_bar_draws(own_folder, capsys):
    la.Collection.build(own_folder, progress=True)
    assert "describe photographs" in capsys.readouterr().err


def test_a_search_finds_what_numpy_finds(photos):
    picture = texture(4)[:, 10:]
    query = la.scene_descriptor(picture)
    found = photos.search(query, k=5)

    cells = np.concatenate([np.repeat(query.weights[:16], 30), np.repeat(query.weights[16:], 3)])
    factors = np.array([block.importance for block in photos.blocks]) / photos.block_distances
    factors = np.concatenate([np.repeat(factors[0], 480), np.repeat(factors[1], 48)])
    others = np.array([photos.descriptor(id_).values for id_ in photos], np.float64)
    distances = (cells * factors * (others - query.values) ** 2).sum(1)
    nearest = np.argsort(distances, kind="stable")[:5]
    np.testing.assert_array_equal(found.ids, photos.ids[nearest])
    np.testing.assert_allclose(found.distances, distances[nearest], rtol=1e-3, atol=1e-4)
    assert found.ids.dtype == np.int64
    assert found.distances.dtype == np.float32
    assert photos.path(found.ids[0]).stem == "04"
    assert found.photos is photos
    assert [id_ for id_, _ in found] == found.ids.tolist()


def test_cells_without_weight_do_not_count(photos):
    picture = texture(6)
    mask = np.zeros(picture.shape[:2], bool)
    mask[:80] = True
    picture = picture.copy()
    picture[mask] = 0
    query = la.scene_descriptor(la.MaskedImage(picture, mask))
    np.testing.assert_allclose(query.weights[:8], 0, atol=1e-6)
    np.testing.assert_allclose(query.weights[8:16], 1, atol=1e-6)
    changed = np.array(query.values)
    changed[:240] += 7  # the upper two rows of gist cells
    again = la.Descriptor(query.blocks, changed, query.weights)
    np.testing.assert_array_equal(photos.search(again, 12).ids, photos.search(query, 12).ids)


def test_searches_can_be_restricted(photos):
    query = la.scene_descriptor(texture(4))
    best = int(photos.search(query, 1).ids[0])
    assert best not in photos.search(query, 12, leave_out=[best]).ids
    found = photos.search(query, 5, only=[1, 2])
    assert sorted(found.ids[:2]) == [1, 2]
    assert found.ids[2:].tolist() == [-1] * 3
    assert np.isinf(found.distances[2:]).all()
    assert len(found) == found.count == 2
    colors = photos.search(query, 3, importance=[0, 1])
    assert colors.distances[1] != photos.search(query, 3).distances[1]
    with pytest.raises(la.InputError, match="given k = 0"):
        photos.search(query, 0)
    with pytest.raises(la.InputError, match="given a descriptor of color_grid"):
        photos.search(la.color_grid(texture(4)))
    with pytest.raises(la.InputError, match="given a value of nan"):
        photos.search(la.Descriptor(query.blocks, np.full(528, np.nan)))


def test_thumbnails_are_an_index_too(photos):
    index = la.ThumbnailIndex(photos)
    assert photos.path(index.search(texture(7), 1).ids[0]).stem == "07"
    darker = (texture(7) * 0.8).astype(np.uint8)
    found = (la.fill_hole | la.lookup(index, 2))(darker, np.eye(160, 200, dtype=bool))
    assert photos.path(found.ids[0]).stem == "07"
    assert found.distances[0] < 0.01
    with pytest.raises(la.InputError, match="wanted one of 'correlation', 'squared_difference'"):
        la.ThumbnailIndex(photos, "l1").search(texture(7))


def test_copies_are_near_duplicates(photos):
    copy = la.decode_image(la.encode_image(la.resize(texture(8), 100, 150), "jpeg", quality=80))
    duplicates = photos.near_duplicates(copy)
    assert [photos.path(id_).stem for id_ in duplicates] == ["08"]
    mask = np.zeros((100, 150), bool)
    mask[:50] = True
    copy[mask] = 0
    assert photos.near_duplicates(copy, mask).tolist() == duplicates.tolist()
    with pytest.raises(la.InputError, match="given a correlation of 2"):
        photos.near_duplicates(copy, correlation=2)


def test_collections_pickle_by_path(photos):
    again = pickle.loads(pickle.dumps(photos))
    assert again == photos
    assert again.store == photos.store
    assert again != la.ThumbnailIndex(photos)
    assert len(pickle.dumps(photos)) < 1000


def test_an_encoder_in_python_can_describe_a_collection(own_folder, tmp_path):
    class MeanColor:
        blocks = (la.DescriptorBlock("mean_color", cells=1, values_per_cell=3),)

        def __call__(self, picture):
            assert picture.dtype == np.float32
            return la.Descriptor(self.blocks, picture.mean((0, 1)))

    photos = la.Collection.build(own_folder, tmp_path / "store", encoder=MeanColor())
    found = photos.search(MeanColor()((texture(2) / 255).astype(np.float32)), k=1)
    assert photos.path(found.ids[0]).stem == "02"
    np.testing.assert_allclose(
        photos.descriptor(found.ids[0]).values, texture(2).mean((0, 1)) / 255, atol=1e-3
    )
    with pytest.raises(la.FileError, match="encoder yields"):
        la.Collection.build(own_folder, tmp_path / "store")

    def fail(picture):
        raise KeyError("mine")

    fail.blocks = MeanColor.blocks
    with pytest.raises(KeyError, match="mine"):
        la.Collection.build(own_folder, tmp_path / "other", encoder=fail)
    with pytest.raises(la.InputError, match="wanted a stage that describes pictures"):
        la.Collection.build(own_folder, tmp_path / "other", encoder=5)


def test_a_built_in_encoder_can_be_chosen(own_folder, tmp_path):
    photos = la.Collection.build(own_folder, tmp_path / "store", encoder=la.color_grid(grid=8))
    assert [(block.cells, block.values_per_cell) for block in photos.blocks] == [(64, 3)]


def test_folders_that_are_none_are_refused(tmp_path):
    with pytest.raises(la.FileError, match="wanted a folder of photographs"):
        la.Collection.build(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(la.FileError, match="it is a file, wanted a folder"):
        la.Collection.build(tmp_path / "file")
    with pytest.raises(la.FileError):
        la.Collection.open(tmp_path)


def test_an_empty_folder_makes_an_empty_collection(tmp_path):
    photos = la.Collection.build(tmp_path)
    assert len(photos) == 0
    assert list(photos) == []
    assert photos.search(la.scene_descriptor(texture(0)), 3).count == 0


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to")
def test_a_store_that_cannot_be_made_is_refused(photo_folder):
    with pytest.raises(la.FileError, match="/proc/self/store"):
        la.Collection.build(photo_folder, "/proc/self/store")


def test_a_full_disk_leaves_the_old_store(own_folder):
    before = la.Collection.build(own_folder)
    for seed in range(20, 24):
        la.write_image(own_folder / f"{seed}.png", texture(seed))
    with small_files(10_000), pytest.raises(la.FileError):
        la.Collection.build(own_folder)
    assert la.Collection.open(own_folder) == before
    assert len(la.Collection.build(own_folder)) == 16


def test_a_store_that_was_cut_short_or_is_of_another_version_is_refused(own_folder, tmp_path):
    store = la.Collection.build(own_folder).store
    files = [path for path in store.iterdir() if path.stat().st_size > 0]
    assert len(files) >= 4
    refused = 0
    for number, file in enumerate(files):
        broken = Path(shutil.copytree(store, tmp_path / f"broken{number}"))
        content = file.read_bytes()
        (broken / file.name).write_bytes(content[: len(content) // 2])
        try:
            assert len(la.Collection.open(broken)) == 12  # a file that opening does not need
        except la.FileError as error:
            assert str(tmp_path) in str(error)
            refused += 1
    assert refused >= 3

    manifest = store / "manifest"
    manifest.write_text(manifest.read_text().replace("lookalike collection 2", "lookalike collection 9", 1))
    for refuse in (la.Collection.open, la.Collection.build):
        with pytest.raises(la.FileError, match="it has version 9, wanted"):
            refuse(own_folder)
