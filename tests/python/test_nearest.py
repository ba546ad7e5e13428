"""The nearest vectors: exactly those of NumPy, on plain arrays and in indexes."""

from __future__ import annotations

import lookalike as la
import numpy as np
import pytest

METRICS = ["squared_l2", "inner_product", "correlation"]


def vectors(count: int, dimension: int, dtype: str, seed: int) -> np.ndarray:
    """Vectors near a subspace, as pictures are."""
    directions = np.random.default_rng(99).normal(size=(12, dimension)) / np.arange(1, 13)[:, None]
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, 12)) @ directions + 0.1 * random.normal(size=(count, dimension))
    if dtype == "uint8":
        return np.clip(128 + 20 * values, 0, 255).astype(np.uint8)
    return values.astype(dtype)


def distances(known: np.ndarray, queries: np.ndarray, metric: str) -> np.ndarray:
    """All of them, in double precision, from the definitions."""
    a, b = queries.astype(np.float64), known.astype(np.float64)
    if metric == "squared_l2":
        return ((a[:, None] - b[None]) ** 2).sum(2)
    if metric == "correlation":
        a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
        a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
        return 1 - a @ b.T
    return -a @ b.T


def check(found: la.Neighbors, wanted: np.ndarray, k: int) -> None:
    """`wanted` are all distances, of a row for each query."""
    order = np.argsort(wanted, axis=1, kind="stable")[:, :k]
    assert found.certified
    assert found.ids.dtype == np.int64
    assert found.distances.dtype == np.float32
    assert found.counts.tolist() == [min(k, wanted.shape[1])] * len(wanted)
    nearest = np.take_along_axis(wanted, order, 1)
    np.testing.assert_allclose(found.distances, nearest, rtol=1e-6, atol=1e-12)
    np.testing.assert_array_equal(found.ids, order)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_nearest_equals_numpy(metric, dtype):
    known, queries = vectors(700, 50, dtype, 1), vectors(6, 50, dtype, 2)
    wanted = distances(known, queries, metric)
    if dtype == "uint8" and metric != "correlation":  # ties, which come by id
        wanted = wanted.round()
    check(la.nearest(known, queries, k=9, metric=metric), wanted, 9)
    check(la.VectorIndex(known, metric=metric).search(queries, k=9), wanted, 9)


@pytest.mark.parametrize("metric", METRICS)
def test_a_prepared_index_finds_the_same(metric):
    known, queries = vectors(9000, 120, "float32", 3), vectors(40, 120, "float32", 4)
    prepared = la.VectorIndex(known, metric=metric)
    plain = la.VectorIndex(known, metric=metric, prepare=False)
    assert prepared.prepared_memory > 0
    assert plain.prepared_memory == 0
    found, wanted = prepared.search(queries, k=20), plain.search(queries, k=20)
    np.testing.assert_array_equal(found.ids, wanted.ids)
    np.testing.assert_array_equal(found.distances, wanted.distances)
    check(prepared.search(queries[:3], k=20), distances(known, queries[:3], metric), 20)
    assert prepared.last_counts["measured"] < prepared.last_counts["rows"] / 4
    for threads in (1, 3):
        np.testing.assert_array_equal(prepared.search(queries, k=20, threads=threads).ids, wanted.ids)


def test_all_pairs_leave_each_vector_itself_out():
    known = vectors(60, 8, "float32", 5)
    wanted = distances(known, known, "squared_l2")
    np.fill_diagonal(wanted, np.inf)
    found = la.nearest(known, None, k=4)
    check(found, wanted, 4)
    np.testing.assert_array_equal(la.VectorIndex(known).search(None, k=4).ids, found.ids)


def test_arrays_are_read_where_they_lie_or_copied():
    pictures = vectors(50, 48, "uint8", 6).reshape(50, 4, 4, 3)
    wanted = la.nearest(pictures.reshape(50, 48), pictures.reshape(50, 48)[:3])
    strided = np.zeros((100, 4, 4, 3), np.uint8)
    strided[::2] = pictures
    for given in (pictures, strided[::2], np.asfortranarray(pictures)):
        np.testing.assert_array_equal(la.nearest(given, pictures[:3]).ids, wanted.ids)
    doubles = vectors(50, 8, "float64", 7)
    np.testing.assert_array_equal(
        la.nearest(doubles, doubles.astype(np.float32)[:2]).ids,
        la.nearest(doubles.astype(np.float32), doubles[:2]).ids,
    )
    swapped = doubles.astype(">f4")
    assert la.nearest(swapped, swapped[:1], k=1).ids.tolist() == [[0]]


def test_radius_filters_and_removed_ids():
    known, queries = vectors(500, 10, "float32", 8), vectors(2, 10, "float32", 9)
    index = la.VectorIndex(known, ids=range(1000, 1500))
    first = index.search(queries[:1], k=6)
    near = first[0]
    assert len(near) == 6
    assert index.search(queries[:1], k=6, radius=float(near.distances[2])).counts.tolist() == [3]
    assert index.search(queries[:1], k=2, leave_out=near.ids[:2]).ids.tolist() == [near.ids[2:4].tolist()]
    assert index.search(queries[:1], k=3, only=[near.ids[5], 7]).ids.tolist() == [[near.ids[5], -1, -1]]
    allowed = np.zeros(1400, bool)
    allowed[near.ids[near.ids < 1400]] = True
    some = index.search(queries[:1], k=6, only=allowed)
    assert some[0].ids[: some[0].count].tolist() == near.ids[near.ids < 1400].tolist()
    assert index.search(queries[:1], only=[]).counts.tolist() == [0]
    assert index.search(queries[:1], only=np.zeros(0, bool)).counts.tolist() == [0]
    rest = index.without(near.ids[:1])
    assert len(rest) == 499
    assert len(index) == 500
    assert rest.search(queries[:1], k=1).ids.tolist() == [[near.ids[1]]]
    assert np.isinf(index.search(queries[:1], only=[]).distances).all()


def test_masked_descriptors_equal_numpy():
    blocks = (la.DescriptorBlock("a", 4, 10, 2.0), la.DescriptorBlock("b", 4, 3, 1.0))
    values = vectors(9000, 52, "float32", 10)
    index = la.DescriptorIndex(values, blocks)
    assert index.prepared_memory > 0
    random = np.random.default_rng(11)
    queries = [la.Descriptor(blocks, row, random.uniform(0, 1, 8)) for row in vectors(5, 52, "float32", 12)]
    found = index.search(queries, k=12)
    weights = np.array([2.0, 1.0]) / index.block_distances
    for number, query in enumerate(queries):
        cells = query.weights.astype(np.float64) * np.repeat(weights, 4)
        each = np.concatenate([np.repeat(cells[:4], 10), np.repeat(cells[4:], 3)])
        wanted = (each * (query.values.astype(np.float64) - values.astype(np.float64)) ** 2).sum(1)
        np.testing.assert_array_equal(found.ids[number], np.argsort(wanted, kind="stable")[:12])
        np.testing.assert_array_equal(index.search(query, k=12).ids[0], found.ids[number])
    with pytest.raises(la.InputError, match="wanted"):
        index.search(la.Descriptor(blocks[:1], np.zeros(40)))


def test_progress_may_stop_a_search():
    known = vectors(9000, 100, "float32", 13)
    with pytest.raises(la.Interrupted):
        la.nearest(known, known, progress=lambda *_: False)
    heard = []
    la.nearest(known[:500], known[:500], progress=lambda *said: heard.append(said))
    assert heard[-1] == ("look up", 500, 500)


@pytest.mark.parametrize(
    ("known", "queries", "options", "says"),
    [
        (np.zeros((3, 4), np.float32), np.zeros((1, 5), np.float32), {}, "5 numbers, wanted 4"),
        (np.zeros((3, 4), np.float32), np.zeros((1, 4), np.uint8), {}, "uint8, wanted float32"),
        (np.zeros((3, 4), np.float32), np.zeros(4, np.float32), {}, "1 axes"),
        (np.zeros((0, 4), np.float32), np.zeros((1, 4), np.float32), {}, "no vectors"),
        (np.zeros((3, 0), np.float32), np.zeros((1, 0), np.float32), {}, "at least one number"),
        (np.full((3, 4), np.nan, np.float32), np.zeros((1, 4), np.float32), {}, "finite"),
        (np.zeros((3, 4), np.float32), np.full((1, 4), np.inf, np.float32), {}, "finite"),
        (np.zeros((3, 4), np.int32), np.zeros((1, 4), np.int32), {}, "int32"),
        (np.zeros((3, 4), np.float32), np.zeros((1, 4), np.float32), {"k": 0}, "k = 0"),
        (np.zeros((3, 4), np.float32), np.zeros((1, 4), np.float32), {"radius": float("nan")}, "radius"),
        (np.zeros((3, 4), np.float32), np.zeros((1, 4), np.float32), {"metric": "l1"}, "squared_l2"),
        (np.zeros((3, 4), np.float32), np.zeros((1, 4), np.float32), {"only": [0.5]}, "only"),
    ],
)
def test_what_cannot_be_searched_is_refused(known, queries, options, says):
    with pytest.raises(la.InputError, match=says):
        la.nearest(known, queries, **options)


def test_ids_of_an_index_are_checked():
    known = np.zeros((3, 4), np.float32)
    for ids in ([1, 2], [1, 1, 2], [-1, 0, 1]):
        with pytest.raises(la.InputError, match="VectorIndex|vector_index"):
            la.VectorIndex(known, ids=ids)
