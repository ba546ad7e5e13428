"""What is taken as a picture or a mask, and what comes back."""

from __future__ import annotations

import threading

import lookalike as la
import numpy as np
import pytest
from conftest import texture


class OnlyDLPack:
    """What another library's array shows, and nothing else."""

    def __init__(self, array: np.ndarray, device: int = 1) -> None:
        self.array, self.device = array, device

    def __dlpack__(self, **options: object) -> object:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0


PICTURE = texture(3)
SHOWN = {
    "as it is": lambda a: a,
    "every other pixel": lambda a: np.repeat(np.repeat(a, 2, 0), 2, 1)[::2, ::2],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "channels first": lambda a: np.moveaxis(np.moveaxis(a, -1, 0).copy(), 0, -1),
    "channels backwards": lambda a: a[..., ::-1].copy()[..., ::-1],
    "Fortran order": np.asfortranarray,
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "buffer": memoryview,
    "DLPack": OnlyDLPack,
    "DLPack with strides": lambda a: OnlyDLPack(np.repeat(a, 2, 1)[:, ::2]),
}


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN.keys())
def test_a_picture_may_come_in_any_layout_and_is_never_changed(show, dtype):
    plain = PICTURE if dtype is np.uint8 else (PICTURE / 255).astype(dtype)
    given = show(plain)
    before = np.array(given.array if isinstance(given, OnlyDLPack) else given)
    expected = la.resize(plain, 50, 70)
    result = la.resize(given, 50, 70)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == dtype
    assert result.shape == (50, 70, 3)
    np.testing.assert_array_equal(given.array if isinstance(given, OnlyDLPack) else given, before)


@pytest.mark.parametrize("shape", [(160, 200), (160, 200, 1), (160, 200, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_the_result_has_the_axes_and_type_of_what_came_in(shape, dtype, hole):
    picture = PICTURE[..., : shape[2]] if len(shape) == 3 else PICTURE[..., 0]
    picture = picture if dtype is np.uint8 else (picture / 255).astype(dtype)
    filled = la.harmonic_fill(picture, hole)
    assert filled.shape == shape
    assert filled.dtype == dtype
    np.testing.assert_array_equal(filled[~hole], picture[~hole].astype(np.float32).astype(dtype))
    assert la.resize(picture, 80, 100).shape == (80, 100, *shape[2:])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int16, np.uint16, np.int64, np.uint64])
@pytest.mark.parametrize("value", [1, -1])
def test_a_mask_is_missing_wherever_it_is_not_zero(dtype, value, hole):
    mask = np.where(hole, value, 0).astype(np.int64).astype(dtype)
    expected = la.harmonic_fill(PICTURE, hole)
    np.testing.assert_array_equal(la.harmonic_fill(PICTURE, mask), expected)
    np.testing.assert_array_equal(la.harmonic_fill(PICTURE, np.asfortranarray(mask)), expected)
    np.testing.assert_array_equal(la.harmonic_fill(PICTURE, mask[..., None]), expected)


def test_values_whose_low_byte_is_zero_are_not_zero(hole):
    mask = np.where(hole, 256, 0)
    np.testing.assert_array_equal(la.harmonic_fill(PICTURE, mask), la.harmonic_fill(PICTURE, hole))


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (np.zeros((4, 5, 3), np.int64), "rgb_to_lab: given a picture of int64, wanted uint8"),
        (np.zeros((4, 5, 3), np.float16), "given a picture of float16"),
        (np.zeros((4, 5, 3), complex), "given a picture of complex128"),
        (np.zeros((4, 5, 3), bool), "given a picture of bool"),
        (np.array([[["a"] * 3]], object), "given a picture of object"),
        (np.zeros((4, 5, 4)), r"given an array of shape \(4, 5, 4\), wanted a picture"),
        (np.zeros((2, 4, 5, 3)), r"shape \(2, 4, 5, 3\)"),
        (np.zeros(7), r"shape \(7,\)"),
        (np.zeros((0, 5, 3)), r"shape \(0, 5, 3\), wanted at least one pixel"),
        (np.zeros((4, 5)), "with 1 channel, wanted 3"),
        (np.full((4, 5, 3), np.nan), "given a value of nan, wanted floats from 0 to 1"),
        (np.full((4, 5, 3), np.inf), "given a value of inf"),
        (np.full((4, 5, 3), 1.01), "given a value of 1.01"),
        (np.full((4, 5, 3), -0.01), "given a value of -0.01"),
        (np.full((4, 5, 3), 255.0), "given a value of 255"),
        (OnlyDLPack(np.zeros((4, 5, 3)), device=2), r"memory of device kind 2 \(DLPack\)"),
        ("picture.png", "given an array of shape"),
        (None, "given an array of shape"),
        ([[1, 2], [3]], "wanted a picture as an array"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(bad, sentence):
    with pytest.raises(la.InputError, match=sentence) as caught:
        la.rgb_to_lab(bad)
    assert isinstance(caught.value, (la.Error, ValueError))
    assert "\n" not in str(caught.value)


def test_rounding_of_doubles_is_no_offence():
    picture = np.full((2, 2, 3), np.nextafter(1.0, 2.0))
    assert la.rgb_to_gray(picture).max() <= 1.0


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (np.zeros((160, 200)), "given a mask of float64, wanted bool or integers"),
        (np.zeros((160, 200, 3), bool), r"given a mask of shape \(160, 200, 3\)"),
        (
            np.ones((160, 199), bool),
            r"given a mask of 160x199 \(height x width\), wanted the picture's 160x200",
        ),
        (np.zeros((160, 200), bool), "wanted a hole to fill"),
        (np.ones((160, 200), bool), "wanted at least one known pixel"),
    ],
)
def test_what_is_no_mask_is_refused_in_one_sentence(bad, sentence):
    with pytest.raises(la.InputError, match=sentence):
        la.harmonic_fill(PICTURE, bad)


def test_a_hole_may_hold_anything(hole):
    picture = PICTURE / 255
    picture[hole] = np.nan
    expected = la.harmonic_fill(PICTURE / 255, hole)
    np.testing.assert_array_equal(la.harmonic_fill(picture, hole), expected)
    picture[0, 0] = np.nan
    with pytest.raises(la.InputError, match="given a value of nan"):
        la.harmonic_fill(picture, hole)


def test_results_own_writable_memory():
    picture = (PICTURE / 255).astype(np.float32)
    result = la.resize(picture, 160, 200)
    result[:] = 0.0  # freed with the array, and nobody else's
    assert picture.max() > 0


def test_other_threads_run_during_a_call():
    large = np.zeros((3000, 3000, 3), np.float32)
    entered = threading.Event()
    beats = []

    def beat() -> None:
        while not entered.is_set():
            beats.append(1)
            entered.wait(0.001)

    thread = threading.Thread(target=beat)
    thread.start()
    for _ in range(3):
        before = len(beats)
        la.rgb_to_lab(large)
        during = len(beats) - before
    entered.set()
    thread.join()
    assert during > 3


def test_torch_tensors_are_pictures():
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(PICTURE.copy())
    np.testing.assert_array_equal(la.rgb_to_gray(tensor), la.rgb_to_gray(PICTURE))
