"""Scene completion and its parts, from Python."""

from __future__ import annotations

import dataclasses
import pickle

import lookalike as la
import numpy as np
import pytest
from conftest import texture
from scipy import sparse
from scipy.sparse.linalg import spsolve

NEAR = la.context_match(band=20)


def small_completion(photos, **options):
    """Complete with a band that fits the small textures."""
    options = {"count": 3, "context": NEAR, "seam": la.seam(band=20), **options}
    return lambda photo, mask: la.complete(photo, mask, photos, **options)


def psnr(a, b):
    return -10 * np.log10(max(np.mean((a.astype(float) - b) ** 2) / 255**2, 1e-12))


def laplace(mask: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Solve Laplace's equation in the hole directly, in double precision, with Neumann's condition outside."""
    number = -np.ones(mask.shape, int)
    number[mask] = np.arange(mask.sum())
    rows, columns, values, right = [], [], [], np.zeros((mask.sum(), 3))
    for (y, x), row in zip(np.argwhere(mask), range(mask.sum())):
        neighbors = [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        neighbors = [(v, u) for v, u in neighbors if 0 <= v < mask.shape[0] and 0 <= u < mask.shape[1]]
        rows, columns, values = [*rows, row], [*columns, row], [*values, len(neighbors)]
        for v, u in neighbors:
            if mask[v, u]:
                rows, columns, values = [*rows, row], [*columns, number[v, u]], [*values, -1.0]
            else:
                right[row] += picture[v, u]
    filled = picture.copy()
    matrix = sparse.csr_matrix((values, (rows, columns)))
    filled[mask] = np.stack([spsolve(matrix, right[:, c]) for c in range(3)], 1)
    return filled


@pytest.mark.parametrize("touches", [False, True], ids=["inside", "at the border"])
def test_harmonic_filling_agrees_with_a_direct_solution(touches):
    picture = texture(1, 40, 50) / 255
    mask = np.zeros((40, 50), bool)
    mask[0 if touches else 10 : 25, 12:37] = True
    np.testing.assert_allclose(la.harmonic_fill(picture, mask), laplace(mask, picture), atol=1e-4)
    query = la.fill_hole(picture, mask)
    np.testing.assert_array_equal(query.picture, la.harmonic_fill(picture, mask))
    assert query.hole is mask


def test_a_seam_follows_the_border_where_pictures_agree(hole):
    picture = texture(1)
    patch = texture(2)
    ring = np.zeros_like(hole)
    ring[50:110, 60:140] = True
    ring[53:107, 63:137] = False  # three pixels wide, around the hole
    patch[ring] = picture[ring]
    result = la.seam_cut(picture, patch, hole, smoothness_epsilon=1e-6, unary_weight=0)
    assert result.flow == result.cut
    assert result.energy == pytest.approx(result.unary + result.pairwise)
    assert result.pairwise < 1e-3
    assert result.from_patch[hole].all()
    edge = result.from_patch[:, 1:] != result.from_patch[:, :-1]
    assert (ring[:, 1:] | ring[:, :-1])[edge].all()
    with pytest.raises(la.InputError, match="does not cover the missing pixel"):
        la.seam_cut(picture, patch, hole, covered=~hole)
    with pytest.raises(TypeError, match="seam: given the option 'width'"):
        la.seam_cut(picture, patch, hole, width=3)


def test_blending_a_picture_onto_itself_changes_nothing(hole):
    picture = texture(1)
    np.testing.assert_array_equal(la.poisson_blend(picture, picture, hole), picture)
    floats = (picture / 255).astype(np.float32)
    np.testing.assert_allclose(la.poisson_blend(floats, floats, hole), floats, atol=1e-5)


def test_blending_removes_a_difference_of_brightness(hole):
    picture = texture(1) * 0.6 / 255 + 0.1
    patch = picture + 0.15
    blended = la.poisson_blend(picture, patch, hole, domain="patch_only")
    np.testing.assert_allclose(blended, picture, atol=1e-4)
    np.testing.assert_array_equal(blended[~hole], picture[~hole].astype(np.float32))
    expected = laplace(hole, np.where(hole[..., None], 0, texture(3) / 510 - texture(2) / 510))
    blended = la.poisson_blend(texture(3) / 510, texture(2) / 510, hole, domain="patch_only", crossing="mean")
    inside = np.zeros_like(hole)
    inside[65:95, 75:125] = True
    np.testing.assert_allclose((blended - texture(2) / 510)[inside], expected[inside], atol=0.1)


def test_a_blend_reads_nothing_where_there_is_no_color(hole):
    picture, patch = texture(1) / 255, texture(2) / 255
    covered = np.zeros_like(hole)
    covered[40:120, 50:150] = True
    expected = la.poisson_blend.blend(picture, patch, hole, hole=hole, covered=covered)
    picture, patch = picture.copy(), patch.copy()
    picture[hole] = np.nan
    patch[~covered] = np.nan
    result = la.poisson_blend.blend(picture, patch, hole, hole=hole, covered=covered)
    np.testing.assert_array_equal(result, expected)


def test_descriptors_have_the_extent_that_they_announce():
    descriptor = la.scene_descriptor(texture(0))
    assert [(block.cells, block.values_per_cell) for block in descriptor.blocks] == [(16, 30), (16, 3)]
    assert descriptor.values.shape == (528,)
    assert descriptor.values.dtype == np.float32
    np.testing.assert_array_equal(descriptor.weights, np.ones(32))
    np.testing.assert_array_equal(descriptor.values[:480], la.gist(texture(0)).values)
    np.testing.assert_array_equal(descriptor.values[480:], la.color_grid(texture(0)).values)
    assert la.gist(texture(0), orientations=4, grid=2).values.shape == (4 * 20,)
    colors = la.rgb_to_lab(la.resize(texture(0) / 255, 4, 4)).reshape(-1)
    np.testing.assert_allclose(la.color_grid(texture(0)).values, colors, atol=1e-4)
    assert la.scene_descriptor.blocks == descriptor.blocks
    with pytest.raises(la.InputError, match="wanted an even side"):
        la.gist(side=5)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_a_planted_scene_is_found_and_restores_the_picture(photos, hole, dtype):
    original = texture(4)
    photo = original.copy() if dtype is np.uint8 else (original / 255).astype(dtype)
    photo[hole] = 0
    before = photo.copy()
    results = small_completion(photos)(photo, hole)
    best = results[0]
    assert len(results) == 3
    assert photos.path(best.source).stem == "04"
    assert best.name == str(photos.path(best.source))
    assert best.scale == 1
    assert best.offset == (0, 0)
    assert best.center_distance == 0
    assert best.image.dtype == dtype
    assert best.image.shape == photo.shape
    restored = best.image if dtype is np.uint8 else best.image * 255
    assert psnr(restored[hole], original[hole]) > 40
    assert best.cut_mask.dtype == bool
    assert best.cut_mask[hole].all()
    assert [result.score for result in results] == sorted(result.score for result in results)
    np.testing.assert_array_equal(photo, before)
    for result in results:
        assert result.flow == result.cut
        assert result.terms.seam == pytest.approx(result.seam_unary + result.seam_pairwise)
        assert result.image.min() >= 0


def test_gray_photographs_come_back_gray(photos, hole):
    photo = la.rgb_to_gray(texture(4))
    for given in (photo, photo[..., None]):
        result = small_completion(photos)(given, hole)[0]
        assert result.image.shape == given.shape
        assert result.image.dtype == np.uint8


def test_what_lies_in_the_hole_does_not_matter(photos, hole):
    photo = texture(4) / 255
    expected = small_completion(photos)(photo, hole)
    photo[hole] = np.nan
    for a, b in zip(expected, small_completion(photos)(photo, hole)):
        np.testing.assert_array_equal(a.image, b.image)
        assert a.score == b.score


def test_copies_can_be_left_out(photos, hole):
    copies = photos.near_duplicates(texture(4), hole)
    results = small_completion(photos, leave_out=copies, count=20)(texture(4), hole)
    assert "04" not in [photos.path(result.source).stem for result in results]
    assert len(results) <= 11


def test_patch_only_keeps_every_pixel_of_the_photograph(photos, hole):
    result = small_completion(photos, blend="patch_only")(texture(4), hole)[1]
    np.testing.assert_array_equal(result.image[~result.cut_mask], texture(4)[~result.cut_mask])
    with pytest.raises(la.InputError, match="given 'patch', wanted one of 'whole', 'patch_only'"):
        small_completion(photos, blend="patch")(texture(4), hole)


def test_complete_is_the_pipeline_written_out(photos, hole):
    pipeline = (
        la.skip(la.fill_hole | la.scene_descriptor | la.lookup(photos, k=12))
        | NEAR
        | la.seam(band=20)
        | la.rank(3)
        | la.poisson_blend
    )
    expected = small_completion(photos, candidates=12)(texture(4), hole)
    for result in (
        pipeline(texture(4), hole),
        pipeline((texture(4), hole)),
        pickle.loads(pickle.dumps(pipeline))(texture(4), hole),
    ):
        assert [(r.source, r.score, r.offset) for r in result] == [
            (r.source, r.score, r.offset) for r in expected
        ]
        np.testing.assert_array_equal(result[0].image, expected[0].image)
    assert (
        la.scene_completion(photos, count=3, candidates=12, context=NEAR, seam=la.seam(band=20)) == pipeline
    )


def test_stages_of_ones_own_sit_between_built_in_ones(photos, hole):
    class Brute:
        """An index over pictures, in NumPy: the candidates are in memory."""

        def __init__(self):
            self.pictures = [texture(seed) for seed in range(12)]

        def search(self, query, k, leave_out):
            picture, missing = query
            distances = [np.square((p / 255.0 - picture / 255.0)[~missing]).mean() for p in self.pictures]
            order = np.argsort(distances)[:k]
            return la.Matches(order, np.array(distances)[order], photos=self.pictures)

    def unscaled(placements):
        kept = [scene for scene in placements.scenes if scene.scale == 1]
        return dataclasses.replace(placements, scenes=kept)

    def cheapest_seam_first(composites):
        scenes = sorted(composites.scenes, key=lambda scene: scene.terms.seam)[:2]
        return dataclasses.replace(composites, scenes=scenes)

    seen = []

    def look(results):
        seen.extend(results)
        return results

    pipeline = (
        la.skip(la.lookup(Brute(), k=6))
        | NEAR
        | unscaled
        | la.seam(band=20)
        | cheapest_seam_first
        | la.poisson_blend
        | look
    )
    results = pipeline(texture(4), hole)
    assert [result.source for result in results][:1] == [4]
    assert results[0].name == "4"
    assert len(results) == 2
    assert seen == results
    assert psnr(results[0].image, texture(4)) > 40


def test_whole_pictures_can_be_placed_by_hand(hole):
    query = la.CompletionQuery(texture(4), hole, longest_side=100)
    assert query.matching_picture.shape == (80, 100, 3)
    assert query.reduction == 0.5
    assert query.picture.dtype == np.uint8
    np.testing.assert_array_equal(query.hole, hole)
    np.testing.assert_array_equal(query.matching_hole, hole[::2, ::2])
    scene = la.PlacedScene(0, "mine", 1.0, (0, 0), 0.0, la.CostTerms())
    composites = la.seam(la.Placements(query, [texture(4)], [scene]))
    assert composites.scenes[0].from_patch.shape == (80, 100)
    (result,) = la.poisson_blend(composites)
    assert psnr(result.image, texture(4)) > 40
    again = pickle.loads(pickle.dumps(query))
    np.testing.assert_array_equal(again.picture, query.picture)
    assert repr(again) == repr(query) == "CompletionQuery(160x200, longest_side=100)"


def test_errors_while_photographs_are_read_reach_the_caller(hole):
    class Missing:
        def read(self, id_):
            raise KeyError(id_)

    matches = la.Matches([3], [0.5], photos=Missing())
    with pytest.raises(KeyError, match="3"):
        NEAR((texture(4), hole), matches)

    class Flaky:
        def read(self, id_):
            if id_ == 3:
                raise OSError("gone")
            return texture(id_)

    placements = NEAR((texture(4), hole), la.Matches([3, 4], [0.5, 0.6], photos=Flaky()))
    assert [scene.source for scene in placements] == [4]  # as of a file that has vanished
    with pytest.raises(la.InputError, match="given no matches"):
        NEAR((texture(4), hole), la.Matches([], []))
    with pytest.raises(la.InputError, match="context_match: given int, wanted a pair"):
        NEAR(5)


def test_results_show_themselves(photos, hole):
    results = small_completion(photos)(texture(4), hole)
    np.testing.assert_array_equal(la.decode_image(results[0]._repr_png_()), results[0].image)
    assert "04.png" in repr(results[0])
    sheet = la.contact_sheet([texture(4), *results], columns=2)
    assert (sheet != la.contact_sheet([texture(4), *[r.image for r in results]], columns=2).max()).any()
    again = pickle.loads(pickle.dumps(results[0]))
    assert again.terms == results[0].terms
    np.testing.assert_array_equal(again.image, results[0].image)


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (np.zeros((160, 200), bool), "wanted a hole to fill"),
        (np.ones((160, 200), bool), "wanted at least one known pixel"),
        (np.ones((200, 160), bool), "given a mask of 200x160"),
        (np.ones((160, 200)), "given a mask of float64"),
    ],
)
def test_bad_masks_are_refused(photos, mask, sentence):
    with pytest.raises(la.InputError, match=sentence):
        la.complete(texture(4), mask, photos)


def test_a_hole_may_touch_the_border(photos):
    mask = np.zeros((160, 200), bool)
    mask[:50, 150:] = True
    photo = texture(4)
    photo[mask] = 0
    result = small_completion(photos)(photo, mask)[0]
    assert psnr(result.image[mask], texture(4)[mask]) > 40


def test_a_picture_may_be_smaller_than_the_band(photos, hole):
    results = la.complete(texture(4), hole, photos, count=2)  # the band is 80 px, the picture 160 x 200
    assert photos.path(results[0].source).stem == "04"


def test_one_photograph_is_a_collection(tmp_path, hole):
    la.write_image(tmp_path / "a.png", texture(4))
    results = la.complete(texture(4), hole, la.Collection.build(tmp_path))
    assert len(results) == 1


def test_an_empty_collection_is_refused(tmp_path, hole):
    with pytest.raises(la.InputError, match="wanted at least one photograph"):
        la.complete(texture(4), hole, la.Collection.build(tmp_path))


def test_a_photograph_that_has_vanished_is_dropped(tmp_path, hole):
    for seed in (1, 2):
        la.write_image(tmp_path / f"{seed}.png", texture(seed))
    photos = la.Collection.build(tmp_path)
    (tmp_path / "1.png").unlink()
    results = small_completion(photos)(texture(4), hole)
    assert [photos.path(result.source).stem for result in results] == ["2"]


def test_the_number_of_threads_changes_nothing(photos, hole):
    by_threads = []
    for count in (1, 2, 3):
        with la.set_threads(count):
            by_threads.append(small_completion(photos)(texture(9), hole))
    for others in by_threads[1:]:
        for a, b in zip(by_threads[0], others):
            assert (a.source, a.score, a.offset, a.terms) == (b.source, b.score, b.offset, b.terms)
            np.testing.assert_array_equal(a.image, b.image)


def test_real_photographs_are_completed(real_photos, tmp_path):
    from skimage import io

    files = sorted((real_photos / "bsds").glob("*.jpg"))[:40]
    for file in files:
        (tmp_path / file.name).symlink_to(file)
    photos = la.Collection.build(tmp_path, tmp_path / "store")
    photo = io.imread(files[7])
    mask = np.zeros(photo.shape[:2], bool)
    mask[100:200, 120:220] = True
    with_itself = la.complete(photo, mask, photos, count=3)
    assert photos.path(with_itself[0].source).name == files[7].name
    assert psnr(with_itself[0].image[mask], photo[mask]) > 35
    without = la.complete(photo, mask, photos, count=3, leave_out=photos.near_duplicates(photo, mask))
    assert files[7].name not in [photos.path(result.source).name for result in without]
    assert len(without) == 3
