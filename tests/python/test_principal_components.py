"""Principal components against NumPy's, and prepared collections against those that are not."""

from __future__ import annotations

import lookalike as la
import numpy as np
import pytest


def rows(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    """Numbers whose variances fall by direction."""
    random = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(random.standard_normal((dimension, dimension)))
    spread = 10.0 * 0.7 ** np.arange(dimension)
    return ((random.standard_normal((count, dimension)) * spread) @ turn + 3).astype(np.float32)


def test_directions_and_variances_are_those_of_the_singular_values() -> None:
    """The first ones, up to their sign."""
    vectors = rows(500, 30)
    components = la.PrincipalComponents.fit(vectors, 6)
    centered = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    _, singular, directions = np.linalg.svd(centered, full_matrices=False)
    assert len(components) == 6
    assert components.directions.shape == (6, 30)
    np.testing.assert_allclose(components.mean, vectors.mean(0, dtype=np.float64), rtol=1e-5)
    np.testing.assert_allclose(components.variances, singular[:6] ** 2 / 500, rtol=1e-3)
    np.testing.assert_allclose(components.total_variance, (singular**2).sum() / 500, rtol=1e-5)
    overlap = np.abs((components.directions * directions[:6]).sum(1))
    assert overlap.min() > 0.999
    gram = components.directions.astype(np.float64) @ components.directions.T
    np.testing.assert_allclose(gram, np.eye(6), atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8])
def test_coordinates_are_products_with_the_directions(dtype: type) -> None:
    """Of every type of vectors, and however many."""
    random = np.random.default_rng(1)
    vectors = random.integers(0, 200, (300, 40)).astype(dtype)
    components = la.PrincipalComponents.fit(vectors, 5, seed=3)
    wanted = (vectors.astype(np.float64) - components.mean) @ components.directions.T.astype(np.float64)
    np.testing.assert_allclose(components.project(vectors), wanted, atol=1e-3 * np.abs(wanted).max())
    np.testing.assert_allclose(components.project(vectors[:1]), wanted[:1], atol=1e-3 * np.abs(wanted).max())
    assert components.project(vectors[:0]).shape == (0, 5)


def test_what_is_saved_is_loaded(tmp_path) -> None:
    """And nothing that is cut short or damaged."""
    components = la.PrincipalComponents.fit(rows(100, 12), 4)
    file = tmp_path / "components"
    components.save(file)
    again = la.PrincipalComponents.load(file)
    np.testing.assert_array_equal(again.directions, components.directions)
    np.testing.assert_array_equal(again.mean, components.mean)
    whole = file.read_bytes()
    for damaged in (whole[:-5], whole[:20], b"", whole[:100] + b"?" + whole[101:]):
        file.write_bytes(damaged)
        with pytest.raises(la.FileError):
            la.PrincipalComponents.load(file)
    with pytest.raises(la.FileError):
        la.PrincipalComponents.load(tmp_path / "nothing")


def test_what_cannot_be_fitted_is_refused() -> None:
    """With a sentence."""
    vectors = rows(20, 8)
    with pytest.raises(la.InputError, match="wanted at least 1"):
        la.PrincipalComponents.fit(vectors, 0)
    with pytest.raises(la.InputError, match="at least one"):
        la.PrincipalComponents.fit(vectors[:0], 3)
    vectors[3, 2] = np.nan
    with pytest.raises(la.InputError, match="not finite"):
        la.PrincipalComponents.fit(vectors, 3)
    components = la.PrincipalComponents.fit(rows(20, 8), 3)
    with pytest.raises(la.InputError, match="wanted 8"):
        components.project(rows(20, 9))


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> la.Collection:
    """Smooth random pictures, described."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(5)
    for number in range(60):
        coarse = random.random((6, 8, 3), dtype=np.float32)
        la.write_image(folder / f"{number:02}.png", la.resize(coarse, 96, 128, method="bilinear"))
    return la.Collection.build(folder)


def test_a_prepared_collection_finds_what_the_collection_finds(photos) -> None:
    """With holes and without, one query and several, and with entries left out."""
    ready = la.PreparedCollection(photos)
    assert len(ready) == len(photos) == 60
    random = np.random.default_rng(6)
    queries = []
    for _ in range(5):
        picture = random.random((96, 128, 3), dtype=np.float32)
        hole = np.zeros((96, 128), bool)
        top, left = random.integers(0, 60, 2)
        hole[top : top + 30, left : left + 40] = True
        queries.append(la.scene_descriptor(la.fill_hole(picture, hole)))
    queries.append(la.scene_descriptor(picture))
    several = ready.search(queries, k=7, leave_out=[3, 4])
    for query, found in zip(queries, several):
        wanted = photos.search(query, k=7, leave_out=[3, 4])
        np.testing.assert_array_equal(found.ids, wanted.ids)
        np.testing.assert_allclose(found.distances, wanted.distances, rtol=1e-6)
        alone = ready.search(query, k=7, only=range(20), importance=[1.0, 0.0])
        wanted = photos.search(query, k=7, only=range(20), importance=[1.0, 0.0])
        np.testing.assert_array_equal(alone.ids, wanted.ids)
    pipeline = la.fill_hole | la.scene_descriptor | la.lookup(ready, 3)
    assert len(pipeline(picture, hole).ids) == 3
    with pytest.raises(la.InputError):
        ready.search(la.gist(picture))


def test_components_are_a_stage_before_a_look_up(photos) -> None:
    """From descriptor to descriptor; with a hole they refuse."""
    components = la.PrincipalComponents.fit([photos.descriptor(id_).values for id_ in photos.ids], 8)
    picture = np.random.default_rng(7).random((96, 128, 3), dtype=np.float32)
    short = (la.scene_descriptor | components)(picture)
    whole = la.scene_descriptor(picture)
    np.testing.assert_allclose(
        short.values, components.project(np.array(whole.values)[None])[0], rtol=1e-4, atol=1e-5
    )
    hole = np.zeros((96, 128), bool)
    hole[20:60, 30:90] = True
    with pytest.raises(la.InputError, match="wanted 1"):
        components(la.scene_descriptor(la.fill_hole(picture, hole)))
