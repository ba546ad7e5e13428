"""Approximate search, against brute force by NumPy."""

from __future__ import annotations

import lookalike as la
import numpy as np
import pytest

COUNT, DIMENSION = 3000, 20


def clustered(count: int, seed: int) -> np.ndarray:
    """Return points around 40 centers."""
    centers = np.random.default_rng(99).normal(size=(40, DIMENSION))
    chance = np.random.default_rng(seed)
    points = centers[chance.integers(0, 40, count)] + 0.7 * chance.normal(size=(count, DIMENSION))
    return points.astype(np.float32)


def nearest(vectors: np.ndarray, query: np.ndarray, k: int) -> np.ndarray:
    """Return positions of the nearest rows, ties by position."""
    return np.argsort(((vectors.astype(float) - query.astype(float)) ** 2).sum(1), kind="stable")[:k]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return clustered(COUNT, 1)


@pytest.fixture(scope="module")
def queries() -> np.ndarray:
    return clustered(60, 2)


@pytest.fixture(scope="module")
def known(vectors) -> la.ApproximateIndex:
    return la.ApproximateIndex(vectors)


def test_nearly_all_of_the_nearest_are_found_with_their_distances(known, vectors, queries):
    assert len(known) == COUNT
    assert known.dimension == DIMENSION
    found = known.search(queries, k=10, candidates=80)
    assert len(found) == len(queries)
    shares = []
    for query, some in zip(queries, found):
        assert not some.certified
        exact = ((vectors[some.ids].astype(float) - query.astype(float)) ** 2).sum(1)
        np.testing.assert_array_equal(some.distances, exact.astype(np.float32))
        best = nearest(vectors, query, 10)
        shares.append(len(np.intersect1d(best, some.ids)) / 10)
        distances = ((vectors[best].astype(float) - query.astype(float)) ** 2).sum(1).astype(np.float32)
        assert la.recall(some, la.Matches(best, distances, certified=True)) == shares[-1]
    assert np.mean(shares) > 0.95
    assert known.measure_recall(queries, k=10, candidates=80) == pytest.approx(np.mean(shares))
    one = known.search(queries[0], k=10, candidates=80)
    np.testing.assert_array_equal(one.ids, found[0].ids)


def test_vectors_may_come_in_any_type_and_order_of_memory(known, vectors, queries):
    expected = known.search(queries[0]).ids
    strange = np.asfortranarray(vectors.astype(np.float64))
    np.testing.assert_array_equal(la.ApproximateIndex(strange).search(queries[0]).ids, expected)
    maps = vectors.reshape(COUNT, 5, 2, 2)
    np.testing.assert_array_equal(la.ApproximateIndex(maps).search(queries[0]).ids, expected)
    wide = np.zeros((COUNT, 2 * DIMENSION), np.float32)
    wide[:, ::2] = vectors
    np.testing.assert_array_equal(la.ApproximateIndex(wide[:, ::2]).search(queries[0]).ids, expected)


@pytest.mark.parametrize("step", [2, 50, 3000])
def test_filters_of_all_kinds_lose_nothing(known, vectors, queries, step):
    allowed = np.arange(0, COUNT, step)
    mask = np.zeros(COUNT, bool)
    mask[allowed] = True
    for only in (allowed.tolist(), mask, lambda id_: id_ % step == 0):
        found = known.search(queries[0], k=5, candidates=50, only=only, leave_out=[4, 50])
        expected = [id_ for id_ in allowed[nearest(vectors[allowed], queries[0], 7)] if id_ not in (4, 50)][
            :5
        ]
        assert found.count == len(expected)
        assert not np.intersect1d(found.ids, [4, 50]).size
        if step >= 50:  # few enough to measure all of them
            np.testing.assert_array_equal(found.ids[: found.count], expected)
    assert known.search(queries[0], only=[]).count == 0
    assert known.search(queries[0], only=[COUNT + 5, -3]).count == 0


def test_vectors_are_added_and_erased(vectors):
    known = la.ApproximateIndex(vectors[:100], ids=range(1000, 1100))
    known.add(vectors[100:120])
    known.add(vectors[120:121], ids=[5])
    np.testing.assert_array_equal(known.ids, [5, *range(1000, 1120)])
    assert known.search(vectors[120], k=1).ids[0] == 5
    known.erase([5, 1000])
    assert len(known) == 119
    assert known.search(vectors[120], k=1).ids[0] != 5
    with pytest.raises(la.InputError, match="id 5"):
        known.erase([5])
    with pytest.raises(la.InputError, match="1001 twice"):
        known.add(vectors[:1], ids=[1001])
    assert "119 vectors of 20" in repr(known)


def test_what_is_saved_is_found_again(known, queries, tmp_path):
    path = tmp_path / "known.graph"
    known.save(path)
    loaded = la.ApproximateIndex.load(path)
    for ours, theirs in zip(loaded.search(queries, k=5), known.search(queries, k=5)):
        np.testing.assert_array_equal(ours.ids, theirs.ids)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(la.FileError, match="cut short"):
        la.ApproximateIndex.load(path)
    with pytest.raises(la.FileError, match="nowhere"):
        la.ApproximateIndex.load(tmp_path / "nowhere")
    path.write_text("something else, but longer than eight bytes")
    with pytest.raises(la.FileError, match="not a saved approximate index"):
        la.ApproximateIndex.load(path)


def test_an_index_stands_in_a_pipeline(photos):
    ids = photos.ids
    vectors = np.stack([photos.descriptor(id_).values for id_ in ids])
    known = la.ApproximateIndex(vectors, ids)
    picture = photos.read(ids[4])
    find = la.scene_descriptor | la.lookup(known, 3)
    found = find(picture)
    assert found.ids[0] == ids[4]
    exact = nearest(vectors, la.scene_descriptor(picture).values, 3)
    np.testing.assert_array_equal(found.ids, ids[exact])
    masked = la.Descriptor(photos.blocks, vectors[0], np.zeros_like(la.scene_descriptor(picture).weights))
    with pytest.raises(la.InputError, match="as a whole"):
        known.search(masked)


def test_bad_input_is_refused(known, vectors):
    with pytest.raises(la.InputError, match="at least one vector"):
        la.ApproximateIndex(np.empty((0, 3), np.float32))
    with pytest.raises(la.InputError, match="nan"):
        la.ApproximateIndex(np.full((2, 3), np.nan, np.float32))
    with pytest.raises(la.InputError, match="axes"):
        la.ApproximateIndex(vectors[0])
    with pytest.raises(la.InputError, match="uint8"):
        la.ApproximateIndex(np.zeros((3, 3), np.uint8))
    with pytest.raises(la.InputError, match="2 ids for 3"):
        la.ApproximateIndex(vectors[:3], ids=[1, 2])
    with pytest.raises(la.InputError, match="links"):
        la.ApproximateIndex(vectors[:3], links=1)
    with pytest.raises(la.InputError, match="wanted 20"):
        known.search(vectors[0, :7])
    with pytest.raises(la.InputError, match="inf"):
        known.search(np.full(DIMENSION, np.inf, np.float32))
    with pytest.raises(la.InputError, match="k = 0"):
        known.search(vectors[0], k=0)
    with pytest.raises(la.InputError, match="candidates"):
        known.search(vectors[0], candidates=0)
    with pytest.raises(la.InputError, match="certified"):
        la.recall(known.search(vectors[0]), known.search(vectors[0]))


def test_building_can_be_watched_and_stopped(vectors):
    heard = []
    la.ApproximateIndex(vectors[:50], progress=lambda *step: heard.append(step))
    assert heard[-1] == ("link vectors", 50, 50)
    with pytest.raises(la.Interrupted):
        la.ApproximateIndex(vectors, progress=lambda task, done, total: False)
