"""Tiny images, distances between them, votes on a tree, and scaling curves, against NumPy."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import lookalike as la
import numpy as np
import pytest

tiny = la.tiny_images


@pytest.fixture(scope="module")
def scenes():
    """60 smooth random pictures, uint8 (60, 3, 32, 32)."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    pictures = np.zeros((60, 3, 32, 32))
    for picture in pictures:
        for _ in range(10):
            fy, fx, phase = random.uniform(-0.5, 0.5), random.uniform(-0.5, 0.5), random.uniform(0, 6)
            picture += random.normal(size=(3, 1, 1)) * np.cos(fy * y + fx * x + phase)
    return np.clip(128 + 25 * pictures, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def rows(scenes):
    return tiny.normalized_pixels(scenes)


def test_normalized_pixels_are_centered_and_have_length_one(scenes, rows):
    flat = scenes.reshape(60, -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    np.testing.assert_allclose(rows, flat, atol=1e-7)
    correlation = np.corrcoef(scenes.reshape(60, -1))
    squared = ((rows[:, None].astype(np.float64) - rows[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(squared, 2 * (1 - correlation), atol=1e-6)
    assert not tiny.normalized_pixels(np.full((1, 1, 4, 4), 7, np.uint8)).any()
    with pytest.raises(la.InputError, match="wanted uint8"):
        tiny.normalized_pixels(scenes.astype(np.float32))
    with pytest.raises(la.InputError, match="wanted 4"):
        tiny.normalized_pixels(scenes[0])


def test_tiny_image_is_a_stage_on_pictures(scenes, rows):
    picture = scenes[4].transpose(1, 2, 0)
    found = la.tiny_image(picture)
    np.testing.assert_allclose(found.values, rows[4], atol=1e-6)
    assert la.tiny_image(importance=2).blocks[0].importance == 2
    assert found.blocks == la.tiny_image.blocks
    with pytest.raises(la.InputError):
        la.tiny_image(np.zeros((0, 4, 3), np.uint8))


def test_a_collection_is_described_by_tiny_images(tmp_path, scenes):
    for number, scene in enumerate(scenes[:5]):
        la.write_image(tmp_path / f"{number}.png", scene.transpose(1, 2, 0))
    photos = la.Collection.build(tmp_path, encoder=la.tiny_image)
    found = (la.tiny_image | la.lookup(photos, k=1))(scenes[3].transpose(1, 2, 0))
    assert Path(photos.path(int(found.ids[0]))).name == "3.png"


def test_distances_never_exceed_those_that_allow_less(rows):
    plain = ((rows[:30].astype(np.float64) - rows[30:]) ** 2).sum(axis=1)
    warp, warps = tiny.warp_distance(rows[:30], rows[30:])
    shift, same = tiny.shift_distance(rows[:30], rows[30:])
    assert (warp <= plain * (1 + 1e-6)).all()
    assert (shift <= warp).all()
    np.testing.assert_array_equal(warps, same)
    for i in range(3):
        down, right, scale, mirrored = warps[i]
        moved = tiny.warped(rows[30 + i], down=down, right=right, scale=scale, mirrored=bool(mirrored))
        assert ((rows[i] - moved) ** 2).sum() == pytest.approx(warp[i], rel=1e-4)


def test_planted_warps_are_recovered(rows):
    planted = tiny.warped(rows[1], down=1.5, right=-2, scale=1.1, mirrored=True)
    squared, warp = tiny.warp_distance(planted, rows[1])
    assert squared < 1e-4
    np.testing.assert_allclose(warp, [1.5, -2, 1.1, 1], atol=0.02)
    mirrored = rows[2].reshape(3, 32, 32)[:, :, ::-1].ravel()
    assert tiny.warp_distance(mirrored, rows[2])[0] < 1e-6
    assert tiny.warp_distance(mirrored, rows[2], mirror=False)[0] > 0.1
    with pytest.raises(la.InputError, match="wanted 3 x 32 x 32"):
        tiny.warp_distance(rows[0, :10], rows[1, :10])
    with pytest.raises(la.InputError, match="not finite"):
        tiny.shift_distance(np.full(3072, np.nan), rows[0])
    with pytest.raises(la.InputError, match="pairs"):
        tiny.warp_distance(rows[:2], rows[:3])


def test_rerank_finds_what_was_moved(rows):
    queries = np.stack([tiny.warped(rows[i], right=3, mirrored=True) for i in range(5)])
    squared = ((queries[:, None] - rows[None]) ** 2).sum(axis=2)
    ids = np.argsort(squared, axis=1, kind="stable")
    found, distances = tiny.rerank(ids, rows, queries, 3, distance="warp")
    np.testing.assert_array_equal(found[:, 0], np.arange(5))
    assert (np.diff(distances, axis=1) >= 0).all()
    same, _ = tiny.rerank(ids, rows, queries, 3, distance="ssd")
    np.testing.assert_array_equal(same, ids[:, :3])
    with pytest.raises(la.InputError, match="wanted one of 'ssd', 'warp', 'shift'"):
        tiny.rerank(ids, rows, queries, distance="chamfer")
    with pytest.raises(la.InputError, match="id 149"):
        tiny.rerank(ids + 99, rows, queries)


def test_a_shortlist_by_components_is_a_search_in_their_coordinates():
    random = np.random.default_rng(3)
    spread = 2.0 ** -np.arange(10)  # so that each direction is well defined
    basis = np.linalg.qr(random.normal(size=(3072, 10)))[0].T
    rows = ((random.normal(size=(60, 10)) * spread) @ basis).astype(np.float32)
    ids, squared = tiny.component_shortlist(rows, rows[:7], 5, components=3)
    centered = rows - rows.mean(axis=0)
    directions = np.linalg.svd(centered.astype(np.float64), full_matrices=False)[2][:3]
    coordinates = centered @ directions.T
    wanted = ((coordinates[:7, None] - coordinates[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(squared, np.sort(wanted, axis=1)[:, :5], atol=2e-4)
    np.testing.assert_array_equal(ids[:, 0], np.arange(7))


def test_near_duplicates(rows):
    noisy = rows[:3] + np.random.default_rng(1).normal(0, 0.002, (3, 3072)).astype(np.float32)
    assert [found.tolist() for found in tiny.near_duplicates(rows, noisy)] == [[0], [1], [2]]
    with pytest.raises(la.InputError):
        tiny.near_duplicates(rows, noisy, correlation=2)


def test_nested_neighbors_are_those_of_prefixes(rows):
    ids, squared = tiny.nested_neighbors(rows[5:], rows[:5], [4, 20, 55], 4)
    assert ids.shape == squared.shape == (1, 3, 5, 4)
    all_of_them = ((rows[:5, None].astype(np.float64) - rows[None, 5:]) ** 2).sum(axis=2)
    for s, size in enumerate([4, 20, 55]):
        np.testing.assert_array_equal(ids[0, s], np.argsort(all_of_them[:, :size], axis=1)[:, :4])
        np.testing.assert_allclose(squared[0, s], np.sort(all_of_them[:, :size], axis=1)[:, :4], rtol=1e-6)
    with pytest.raises(la.InputError):
        tiny.nested_neighbors(rows, rows, [0])


def test_orientations(rows):
    sky = np.zeros((40, 3, 32, 32), np.uint8)
    random = np.random.default_rng(2)
    for picture in sky:
        picture += random.integers(0, 40, picture.shape, dtype=np.uint8)
        picture[:, : random.integers(10, 20)] += 150
    upright = tiny.normalized_pixels(sky[:30])
    turned = np.stack([np.rot90(sky[30 + n], -n, axes=(1, 2)) for n in range(10)])
    found = tiny.find_orientations(upright, tiny.normalized_pixels(turned), neighbors=5)
    np.testing.assert_array_equal(found.quarter_turns, np.arange(10) % 4)
    assert found.correlation.shape == (10, 4)


def test_votes_on_a_tree():
    tree = tiny.WordTree([("dog", "animal"), ("cat", "animal"), ("animal", "entity"), ("car", "entity")])
    assert (len(tree), tree.root, tree.parent("dog"), tree.parent("entity")) == (5, "entity", "animal", None)
    assert tree.children("animal") == ["dog", "cat"]
    assert tree.path_to_root("cat") == ["cat", "animal", "entity"]
    assert tree.depth("cat") == 2
    assert tree.is_within("cat", "animal")
    votes = tree.votes(["car", "car", "cat", "dog", "dog"])
    assert votes.total == 5
    assert votes.count("animal") == 3
    assert votes.share("car") == 0.4
    assert votes.best_path() == ["entity", "animal", "dog"]
    assert votes.best(["car", "cat"]) == "car"
    assert tree.votes([]).best(["car"]) is None
    with pytest.raises(la.InputError, match="two parents"):
        tiny.WordTree([("a", "b"), ("a", "c")])
    with pytest.raises(la.InputError, match="unicorn"):
        tree.votes(["unicorn"])


def test_wordnet():
    if not Path("/usr/share/wordnet/data.noun").exists():
        pytest.skip("there is no /usr/share/wordnet/data.noun (Debian's package wordnet-base)")
    nouns = tiny.WordNet()
    assert len(nouns.tree) == 82115
    assert nouns.synset("automobile") == "car.n.01"
    assert nouns.synsets("dog")[0] == "dog.n.01"
    assert nouns.tree.is_within("frog.n.01", "animal.n.01")
    with pytest.raises(la.FileError):
        tiny.WordNet("/nowhere")


def torus(count, dimension, seed):
    angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, (count, dimension))
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_scaling_curve_of_a_torus_and_its_plot(tmp_path):
    curve = la.experiments.scaling_curve(
        torus(6000, 2, 0), torus(300, 2, 1), sizes=[750, 1500, 3000, 6000], k=20, bootstrap=100
    )
    assert curve.slope.value == pytest.approx(-0.5, rel=0.1)
    assert curve.dimension.value == pytest.approx(2, rel=0.1)
    assert curve.likelihood_dimension.value == pytest.approx(2, rel=0.1)
    assert curve.values("distance").shape == (4, 3)
    assert np.isnan(curve.values("hit")).all()
    needed = curve.pictures_needed("distance", curve.values("distance")[-1, 0] / 2)
    assert needed.pictures.value == pytest.approx(24000, rel=0.25)
    assert not needed.measured
    assert "extrapolated by a factor of" in needed.notice
    assert "dimension" in str(curve)
    pytest.importorskip("matplotlib")
    curve.plot(tmp_path / "curve.png", tmp_path / "curve.svg", title="torus")
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (tmp_path / "curve.svg").read_text()


def test_scaling_curve_with_labels_and_with_any_task():
    random = np.random.default_rng(3)
    labels, wanted = random.integers(0, 3, 200), random.integers(0, 3, 40)
    centers = random.normal(size=(3, 8)) * 3
    vectors = (centers[labels] + random.normal(size=(200, 8))).astype(np.float32)
    queries = (centers[wanted] + random.normal(size=(40, 8))).astype(np.float32)
    curve = la.experiments.scaling_curve(
        vectors, queries, labels=labels, query_labels=wanted, sizes=[50, 200], k=5, bootstrap=50
    )
    assert curve.values("score")[1, 0] > 0.9
    seen = []

    def score(numbers, ids, squared):
        seen.append((len(numbers), ids.shape, squared.shape))
        return (labels[ids] == wanted[numbers][:, None]).mean(axis=1)

    own = la.experiments.scaling_curve(vectors, queries, sizes=[200], k=5, score=score, bootstrap=10)
    nearest = np.argsort(((queries[:, None] - vectors) ** 2).sum(axis=2), axis=1)[:, :5]
    assert own.values("score")[0, 0] == pytest.approx((labels[nearest] == wanted[:, None]).mean())
    assert seen[0] == (40, (40, 5), (40, 5))
    with pytest.raises(la.InputError, match="score"):
        la.experiments.scaling_curve(vectors, queries, k=5, score=lambda *_: [1.0], bootstrap=10)
    with pytest.raises(ZeroDivisionError):
        la.experiments.scaling_curve(vectors, queries, k=5, score=lambda *_: 1 / 0, bootstrap=10)
    with pytest.raises(la.InputError):
        la.experiments.scaling_curve(vectors, queries, labels=labels)
    with pytest.raises(la.InputError):
        la.experiments.scaling_curve(vectors * np.nan, queries)


def fashion_mnist(name, offset):
    folder = Path("/usr/share/datasets/fashion-mnist")
    found = sorted(folder.rglob(f"{name}*")) if folder.is_dir() else []
    if not found:
        pytest.skip("there is no Fashion-MNIST (Debian's package dataset-fashion-mnist)")
    data = found[0].read_bytes()
    return np.frombuffer(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data, np.uint8, offset=offset)


def test_fashion_mnist_by_its_nearest_neighbor():
    known = fashion_mnist("train-images", 16).reshape(-1, 784)
    labels = fashion_mnist("train-labels", 8)
    count = 1000 if not os.environ.get("LOOKALIKE_SLOW") else 10000
    sought = fashion_mnist("t10k-images", 16).reshape(-1, 784)[:count]
    wanted = fashion_mnist("t10k-labels", 8)[:count]
    ids, _ = tiny.nested_neighbors(known.astype(np.float32), sought.astype(np.float32), [len(known)], 1)
    # About 85 % are published for 1-NN by L2 on raw pixels; the standard error of 1,000 queries is 1.1 points.
    assert np.mean(labels[ids[0, 0, :, 0]] == wanted) == pytest.approx(0.85, abs=0.03)
