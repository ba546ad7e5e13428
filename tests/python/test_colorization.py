"""Colorization by look-up, against NumPy and SciPy."""

from __future__ import annotations

import pickle

import lookalike as la
import numpy as np
import pytest
from conftest import texture
from scipy import ndimage, spatial

LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
OPPONENT = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])


def l_alpha_beta(picture: np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(picture.astype(np.float64) @ LMS.T, 1 / 1024)) @ OPPONENT.T


@pytest.fixture(scope="module")
def tiny() -> np.ndarray:
    """Eighty pictures of 32x32."""
    return np.stack([la.resize(texture(seed), 32, 32, method="area") for seed in range(80)])


@pytest.fixture(scope="module")
def known(tiny: np.ndarray) -> la.GrayIndex:
    return la.GrayIndex(tiny)


MODES = [
    "average",
    "vote",
    "global_transfer",
    "welsh",
    la.average_color(average="median"),
    la.welsh(examples=3),
]


@pytest.mark.parametrize("mode", MODES, ids=repr)
@pytest.mark.parametrize("kind", ["gray bytes", "gray floats", "color bytes", "color float64"])
def test_lightness_stays_bit_for_bit(known: la.GrayIndex, mode: object, kind: str) -> None:
    color = texture(90)
    query = {
        "gray bytes": la.rgb_to_gray(color),
        "gray floats": la.rgb_to_gray(color.astype(np.float32) / 255),
        "color bytes": color,
        "color float64": color / 255,
    }[kind]
    result = la.colorize(query, known, k=6, mode=mode)
    colored = query if query.ndim == 3 else np.repeat(query[..., None], 3, axis=2)
    wanted = la.rgb_to_lab(colored)[..., 0].astype(np.float32)
    assert result.lab.dtype == np.float32
    assert result.lab[..., 0].tobytes() == wanted.tobytes()
    assert result.picture.shape == (160, 200, 3)
    assert result.picture.dtype == query.dtype
    allowed = 0.3 if query.dtype == np.uint8 else 0.05
    assert np.abs(la.rgb_to_lab(result.picture)[..., 0] - wanted).max() < allowed
    assert np.isfinite(result.lab).all()


def test_a_known_picture_gets_its_own_colors(tiny: np.ndarray, known: la.GrayIndex) -> None:
    result = la.colorize(tiny[11], known, k=1)
    assert result.used == (11,)
    assert np.array_equal(result.picture, tiny[11])
    assert la.metrics.chroma_error(result.lab, la.rgb_to_lab(tiny[11])) == 0
    assert result.saturation_ratio == pytest.approx(1)
    gray = la.colorize(la.rgb_to_gray(tiny[11]), known, k=1)
    assert gray.used == (11,)


def test_the_average_is_numpys(tiny: np.ndarray, known: la.GrayIndex) -> None:
    query = texture(91, 32, 32)
    result = la.colorize(query, known, k=7)
    light = np.stack([la.rgb_to_lab(p.astype(np.float32) / 255)[..., 0] for p in [*tiny, query]]).reshape(
        81, -1
    )
    light = light.astype(np.float64) - light.mean(1, keepdims=True)
    light /= np.linalg.norm(light, axis=1, keepdims=True)
    nearest = np.argsort(-(light[:80] @ light[80]), kind="stable")[:7]
    assert result.used == tuple(nearest.tolist())
    ab = np.mean([la.rgb_to_lab(tiny[i].astype(np.float32) / 255)[..., 1:] for i in nearest], 0)
    lab = la.rgb_to_lab(query.astype(np.float32) / 255)
    lab[..., 1:] = ab
    assert np.abs(result.lab - la.limit_chroma(lab)).max() < 0.05


def test_two_equally_likely_colors() -> None:
    colors = np.array([[65, 40, -40], [65, -40, 40]], np.float32)
    pictures = np.stack([la.lab_to_rgb(np.broadcast_to(c, (8, 8, 3)).copy()) for c in colors])
    photos = la.GrayIndex(np.round(255 * pictures).astype(np.uint8))
    query = np.full((8, 8), 0.6, np.float32)
    average = la.colorize(query, photos, k=2)
    assert np.abs(average.lab[..., 1:]).max() < 1
    assert average.saturation_ratio < 0.03
    vote = la.colorize(query, photos, k=2, mode="vote")
    assert np.abs(np.abs(vote.lab[..., 1:]) - 40).max() < 2


def test_color_transfer_is_reinhards() -> None:
    picture, example = texture(1) / 255, texture(2, 100, 90) / 255
    result = la.transfer_color(picture, example, clip=False)
    own, target, found = l_alpha_beta(picture), l_alpha_beta(example), l_alpha_beta(result)
    expected = (own - own.mean((0, 1))) * target.std((0, 1)) / own.std((0, 1)) + target.mean((0, 1))
    assert np.abs(found - expected).max() < 1e-4
    assert found.mean((0, 1)) == pytest.approx(target.mean((0, 1)), abs=1e-5)
    assert found.std((0, 1)) == pytest.approx(target.std((0, 1)), abs=1e-5)
    clipped = la.transfer_color(picture, example)
    assert np.abs(clipped - np.clip(result, 0, 1)).max() == 0
    assert la.transfer_color(texture(1), example).dtype == np.uint8


def test_welsh_takes_only_colors_of_the_example_and_the_nearest_ones() -> None:
    picture, example = texture(3, 50, 60), texture(4, 40, 30)
    # One sample a pixel: nothing is left to chance.
    result = la.welsh_transfer(picture / 255, example / 255, samples=1200, remap=False)

    def features(lab: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(lab[..., 0], 2, mode="symmetric"), (5, 5))
        return 0.5 * np.stack([lab[..., 0], windows.std((2, 3))], -1).reshape(-1, 2)

    lab, example_lab = la.rgb_to_lab(picture / 255), la.rgb_to_lab(example / 255)
    distances, nearest = spatial.cKDTree(features(example_lab)).query(features(lab), k=2)
    expected = lab.copy()
    expected[..., 1:] = example_lab.reshape(-1, 3)[nearest[:, 0], 1:].reshape(50, 60, 2)
    found = la.rgb_to_lab(result)
    clear = (distances[:, 1] - distances[:, 0] > 1e-4).reshape(50, 60)
    assert clear.mean() > 0.9
    assert np.abs(found - la.limit_chroma(expected))[clear].max() < 0.1


def test_stages_compose(known: la.GrayIndex) -> None:
    query = texture(92)
    pipeline = la.skip(la.gray_thumbnail | la.lookup(known, k=5)) | la.vote_color(temperature=0.2)
    result = pipeline(query)
    assert isinstance(result, la.Colorization)
    same = la.colorize(query, known, k=5, mode=la.vote_color(temperature=0.2))
    assert np.array_equal(result.lab, same.lab)
    assert np.array_equal(
        la.colorization_by_lookup(known, k=5)(query).lab, la.colorize(query, known, k=5).lab
    )
    with pytest.raises(
        la.CompositionError,
        match=r"average_color: expects \(image with 3 channels, matches\), given matches by lookup",
    ):
        la.gray_thumbnail | la.lookup(known) | la.average_color
    assert repr(pipeline).startswith("skip(gray_thumbnail | lookup(<GrayIndex of 80 pictures")


def test_an_index_by_another_encoder(photos: la.Collection) -> None:
    by_gist = la.GrayIndex(photos, la.on_gray(la.gist))
    query = photos.read(photos.ids[3])
    result = la.colorize(query, by_gist, k=1, mode="welsh")
    assert result.used == (photos.ids[3],)
    assert result.neighbors.photos is photos
    with pytest.raises(la.InputError, match="wanted on_gray"):
        by_gist.search(la.gist(query))
    # A collection described in gray is an index itself.
    assert la.colorize(query, photos, k=1, encoder=la.on_gray(la.gist(side=64))).used == result.used

    class Mean:
        blocks = (la.DescriptorBlock("mean", 4, 1),)
        sufficient_side = 32

        def __call__(self, picture: np.ndarray) -> la.Descriptor:
            return la.Descriptor(self.blocks, la.resize(picture, 2, 2, method="area")[..., 0].ravel())

    assert la.colorize(query, photos, k=1, encoder=la.on_gray(Mean())).used == result.used


def test_a_collection_of_files(photos: la.Collection) -> None:
    query = la.rgb_to_gray(photos.read(photos.ids[5]))
    index = la.GrayIndex(photos)
    assert la.colorize(query, index, k=1).used == (photos.ids[5],)
    assert index.near_duplicates(query).tolist() == [photos.ids[5]]
    assert photos.ids[5] not in la.colorize(query, index, near_duplicates=0.95).used
    assert photos.ids[5] not in la.colorize(query, index, leave_out=[photos.ids[5]]).used
    direct = la.colorize(query, photos, k=3)
    assert np.array_equal(direct.lab, la.colorize(query, index, k=3).lab)


def test_alternatives(known: la.GrayIndex) -> None:
    query = texture(93)
    nearest = la.colorize(query, known, k=4).used
    some = la.colorize_alternatives(query, known, 4)
    assert [one.used for one in some] == [(id_,) for id_ in nearest]
    assert not np.array_equal(some[0].lab, some[1].lab)


def test_pickles_and_options(known: la.GrayIndex) -> None:
    again = pickle.loads(pickle.dumps(known))
    assert np.array_equal(la.colorize(texture(94), again).lab, la.colorize(texture(94), known).lab)
    for stage in (la.average_color, la.vote_color, la.global_transfer, la.welsh):
        assert pickle.loads(pickle.dumps(stage)) == stage
        defaults = type(stage._stage).defaults()
        assert {name: getattr(stage, name) for name in defaults} == defaults
    assert repr(la.vote_color(temperature=0.1)) == "vote_color(temperature=0.1)"


def test_progress_is_heard(tiny: np.ndarray) -> None:
    heard = []
    la.GrayIndex(tiny, progress=lambda task, done, total: heard.append((task, done, total)))
    assert heard[-1] == ("describe in gray", 80, 80)
    with pytest.raises(la.Interrupted):
        la.GrayIndex(tiny, progress=lambda *_: False)


def test_bad_input(known: la.GrayIndex, tiny: np.ndarray) -> None:
    good = texture(95)
    nan = np.full((4, 4), np.nan, np.float32)
    for call in [
        lambda: la.colorize(good, known, k=0),
        lambda: la.colorize(good, known, mode="best"),
        lambda: la.colorize(good, known, mode=la.gist),
        lambda: la.colorize(good, known, encoder=la.gray_thumbnail),
        lambda: la.colorize(good, known, leave_out=range(80)),
        lambda: la.colorize(nan, known),
        lambda: la.colorize(np.zeros((0, 4, 3), np.uint8), known),
        lambda: la.colorize(np.full((4, 4), 1.5), known),
        lambda: la.colorize_alternatives(good, known, 0),
        lambda: la.GrayIndex(tiny[:0]),
        lambda: la.GrayIndex(tiny.astype(np.float32)),
        lambda: la.GrayIndex(tiny[0]),
        lambda: la.GrayIndex("nothing"),
        lambda: la.average_color(average="mode"),
        lambda: la.vote_color(window=2),
        lambda: la.welsh(examples=0),
        lambda: la.average_color(good),
        lambda: la.average_color((good, la.Matches([], []))),
        lambda: la.average_color((good, la.Matches([0], [0.0]))),
        lambda: la.transfer_color(nan, good),
        lambda: la.welsh_transfer(good, nan),
        lambda: la.welsh_transfer(good, good, swatches=[((0, 0, 500, 5), (0, 0, 5, 5))]),
        lambda: la.limit_chroma(good),
        lambda: la.metrics.chroma_error(good, good),
        lambda: la.metrics.chroma_error(np.zeros((2, 3, 3)), np.zeros((3, 2, 3))),
        lambda: la.metrics.hue_hit_rate([np.zeros((2, 2, 3))], []),
    ]:
        with pytest.raises(la.InputError):
            call()
    with pytest.raises(TypeError, match="given the option"):
        la.average_color(depth=3)


def test_unreadable_neighbors_are_passed_over() -> None:
    class Photos:
        def read(self, id: int) -> np.ndarray:
            if id == 0:
                raise OSError("gone")
            return texture(id)

    found = la.Matches([0, 1, 2], [0.1, 0.2, 0.3], Photos())
    assert la.average_color((texture(9), found)).used == (1, 2)
    assert la.welsh((texture(9), found)).used == (1,)


def test_metrics_are_numpys() -> None:
    a, b = texture(6), texture(7)
    x, y = la.rgb_to_lab(a / 255), la.rgb_to_lab(b / 255)
    difference = (x - y)[..., 1:].astype(np.float64)
    assert la.metrics.chroma_error(x, y) == pytest.approx(np.sqrt((difference**2).mean()))
    errors = np.hypot(difference[..., 0], difference[..., 1]).ravel()
    thresholds = np.arange(0, 150.01, 0.05)
    curve = np.searchsorted(np.sort(errors), thresholds, side="right") / errors.size
    assert la.metrics.color_accuracy_area(x, y) == pytest.approx(
        np.trapezoid(curve, thresholds) / 150, abs=1e-4
    )
    assert la.metrics.saturation_ratio(x, y) == pytest.approx(
        np.hypot(x[..., 1], x[..., 2]).mean() / np.hypot(y[..., 1], y[..., 2]).mean()
    )
    error = ((a / 255 - b / 255) ** 2).mean()
    assert la.metrics.peak_signal_to_noise(a / 255, b / 255) == pytest.approx(-10 * np.log10(error), rel=1e-5)
    assert la.metrics.peak_signal_to_noise(a, a) == np.inf
    red, green, blue = a.astype(np.float64).transpose(2, 0, 1)
    rg, yb = red - green, (red + green) / 2 - blue
    expected = np.sqrt(rg.var() + yb.var()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert la.metrics.colorfulness(a) == pytest.approx(expected, rel=1e-4)
    hue = np.arctan2(x[..., 2], x[..., 1]) % (2 * np.pi)
    chroma = np.hypot(x[..., 1], x[..., 2])
    votes = np.bincount((hue * 6 / np.pi).astype(int)[chroma >= 5], chroma[chroma >= 5], 12)
    assert la.metrics.dominant_hue(x) == int(np.argmax(votes))
    assert la.metrics.dominant_hue(np.zeros((3, 3, 3))) is None
    assert la.metrics.hue_hit_rate([x, y], [x, np.zeros_like(y)]) == 1
    assert np.isnan(la.metrics.hue_hit_rate([], []))
    weights = np.ones(313)
    assert la.metrics.color_accuracy_area(x, y, weights) == pytest.approx(
        la.metrics.color_accuracy_area(x, y)
    )


def test_limited_chroma_is_shown() -> None:
    lab = np.random.default_rng(0).uniform([0, -120, -120], [100, 120, 120], (50, 60, 3)).astype(np.float32)
    limited = la.limit_chroma(lab)
    assert limited[..., 0].tobytes() == lab[..., 0].tobytes()
    unclipped = la.lab_to_rgb(limited, clamp=False)
    assert unclipped.min() > -0.01
    assert unclipped.max() < 1.001


def test_lightness_of_a_picture_full_of_edges_stays(known: la.GrayIndex) -> None:
    edges = np.clip(ndimage.sobel(texture(96)[..., 0].astype(float)) / 2000 + 0.5, 0, 1)
    wanted = la.rgb_to_lab(np.repeat(edges[..., None], 3, 2))[..., 0]
    result = la.colorize(edges, known)
    assert np.abs(la.rgb_to_lab(result.picture)[..., 0] - wanted).max() < 0.05
