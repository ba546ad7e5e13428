"""Files, color and size, against Pillow and scikit-image."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import lookalike as la
import numpy as np
import pytest
from conftest import small_files, texture
from PIL import Image
from skimage import color

PICTURE = texture(5)


def test_png_files_are_read_as_pillow_reads_them(tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "color.png")
    Image.fromarray(PICTURE[..., 0]).save(tmp_path / "gray.png")
    Image.fromarray(PICTURE).quantize(64).save(tmp_path / "palette.png")
    for name in ("color", "gray", "palette"):
        path = tmp_path / f"{name}.png"
        expected = np.asarray(Image.open(path).convert("RGB"))
        np.testing.assert_array_equal(la.read_image(path), expected)
        np.testing.assert_array_equal(la.read_image(str(path)), expected)
        assert la.read_image_size(path) == expected.shape[:2]


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_jpeg_files_are_read_as_pillow_reads_them(tmp_path, options):
    Image.fromarray(PICTURE).save(tmp_path / "a.jpg", quality=90, **options)
    expected = np.asarray(Image.open(tmp_path / "a.jpg")).astype(int)
    assert np.abs(la.read_image(tmp_path / "a.jpg") - expected).max() <= 2


def test_exif_turns_a_photograph_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PICTURE).save(tmp_path / "a.jpg", exif=exif)
    assert la.read_image(tmp_path / "a.jpg").shape == (200, 160, 3)
    assert la.read_image(tmp_path / "a.jpg", apply_orientation=False).shape == (160, 200, 3)
    assert la.read_image_size(tmp_path / "a.jpg") == (200, 160)


@pytest.mark.parametrize(
    ("dtype", "kind"), [("uint8", np.uint8), (np.float32, np.float32), (float, np.float64)]
)
def test_a_picture_is_read_in_the_type_that_is_wanted(tmp_path, dtype, kind):
    la.write_image(tmp_path / "a.png", PICTURE)
    picture = la.read_image(tmp_path / "a.png", dtype=dtype)
    assert picture.dtype == kind
    scale = 1 if kind == np.uint8 else 255
    np.testing.assert_allclose(picture * scale, PICTURE, atol=1e-4)


def test_16_bit_files_keep_their_precision_as_floats(tmp_path):
    ramp = np.linspace(0, 1, 1000, dtype=np.float32).reshape(1, -1).repeat(3, 0)
    la.write_image(tmp_path / "a.png", ramp, bits=16)
    again = la.read_image(tmp_path / "a.png", dtype=np.float32)[..., 0]
    assert np.abs(again - ramp).max() < 1e-5
    assert np.asarray(Image.open(tmp_path / "a.png")).max() == 65535


def test_what_was_written_reads_back(tmp_path):
    for name, given in [("c.png", PICTURE), ("g.png", PICTURE[..., 1]), ("f.png", PICTURE / 255)]:
        la.write_image(tmp_path / name, given)
        expected = PICTURE if name != "g.png" else PICTURE[..., 1]
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), expected)
    la.write_image(tmp_path / "a.jpeg", PICTURE, 95)
    assert np.abs(np.asarray(Image.open(tmp_path / "a.jpeg")).astype(int) - PICTURE).mean() < 4
    np.testing.assert_array_equal(la.decode_image(la.encode_image(PICTURE)), PICTURE)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(la.encode_image(PICTURE)))), PICTURE)


def test_masks_are_read_by_lightness_and_by_transparency(tmp_path, hole):
    la.write_mask(tmp_path / "light.png", hole)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "light.png")), np.where(hole, 255, 0))
    erased = np.dstack([PICTURE, np.where(hole, 0, 255).astype(np.uint8)])
    Image.fromarray(erased).save(tmp_path / "erased.png")
    for name in ("light", "erased"):
        mask = la.read_mask(tmp_path / f"{name}.png")
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, hole)
    assert not la.read_mask(tmp_path / "light.png", rule="transparent").any()
    with pytest.raises(
        la.InputError, match="given 'dark', wanted one of 'automatic', 'light', 'transparent'"
    ):
        la.read_mask(tmp_path / "light.png", rule="dark")


def enormous_png() -> bytes:
    """A complete PNG file whose header claims 100,000 x 100,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


JPEG = la.encode_image(PICTURE, "jpeg")
BAD_FILES = {
    "empty.jpg": (b"", "empty|no bytes"),
    "truncated.jpg": (JPEG[: len(JPEG) // 2], "truncated or damaged"),
    "truncated.png": (la.encode_image(PICTURE)[:2000], "truncated|damaged|ends"),
    "text.png": (b"this is no picture\n" * 100, "wanted JPEG or PNG"),
    "enormous.png": (enormous_png(), "found a header of 100000x100000"),
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("read", [la.read_image, la.read_mask])
def test_bad_files_are_refused_with_their_name(tmp_path, name, read):
    content, sentence = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(la.FileError, match=sentence) as caught:
        read(tmp_path / name)
    assert isinstance(caught.value, (la.Error, OSError))
    assert name in str(caught.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(la.FileError, match=r"nothing\.png': No such file"):
        la.read_image(tmp_path / "nothing.png")
    with pytest.raises(la.FileError, match="directory"):
        la.read_image(tmp_path)
    with pytest.raises(TypeError):
        la.read_image(5)


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    with pytest.raises(la.FileError, match="No such file"):
        la.write_image(tmp_path / "no" / "a.png", PICTURE)
    with pytest.raises(la.FileError, match="wanted .jpg, .jpeg or .png"):
        la.write_image(tmp_path / "a.gif", PICTURE)
    la.write_image(tmp_path / "a.png", PICTURE)
    with pytest.raises(la.InputError, match="quality: given 0"):
        la.write_image(tmp_path / "a.png", PICTURE, 0)
    with pytest.raises(la.InputError, match="given a value of nan"):
        la.write_image(tmp_path / "a.png", np.full((2, 2), np.nan))
    np.testing.assert_array_equal(la.read_image(tmp_path / "a.png"), PICTURE)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_is_refused():
    with pytest.raises(la.FileError, match="cannot write '/proc/self/a.png'"):
        la.write_image("/proc/self/a.png", PICTURE)


def test_a_full_disk_leaves_the_old_file(tmp_path):
    la.write_image(tmp_path / "a.png", PICTURE)
    with small_files(1000), pytest.raises(la.FileError, match="File too large"):
        la.write_image(tmp_path / "a.png", PICTURE[::-1])
    np.testing.assert_array_equal(la.read_image(tmp_path / "a.png"), PICTURE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_lab_agrees_with_scikit_image():
    grid = np.linspace(0, 1, 33)
    rgb = np.stack(np.meshgrid(grid, grid, grid), -1).reshape(33, -1, 3)
    expected = color.rgb2lab(rgb)
    assert np.abs(la.rgb_to_lab(rgb) - expected).max() < 1e-4
    assert np.abs(la.rgb_to_lab(PICTURE) - color.rgb2lab(PICTURE)).max() < 1e-4
    assert la.rgb_to_lab(PICTURE).dtype == np.float32
    assert la.rgb_to_lab(rgb).dtype == np.float64
    assert np.abs(la.lab_to_rgb(expected) - rgb).max() < 1e-5
    np.testing.assert_allclose(la.rgb_to_gray(rgb), color.rgb2gray(rgb), atol=1e-6)


@pytest.mark.parametrize(("method", "pillow"), [("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)])
@pytest.mark.parametrize("size", [(80, 100), (61, 83), (300, 333)])
def test_resizing_agrees_with_pillow(method, pillow, size):
    expected = np.asarray(Image.fromarray(PICTURE).resize(size[::-1], pillow)).astype(int)
    assert np.abs(la.resize(PICTURE, *size, method) - expected).max() <= 1  # Pillow rounds in between


def test_area_is_the_mean_of_what_a_pixel_covers():
    expected = (PICTURE / 255).reshape(80, 2, 50, 4, 3).mean((1, 3))
    np.testing.assert_allclose(la.resize(PICTURE / 255, 80, 50), expected, atol=1e-6)


def test_cubic_results_are_still_pictures():
    steps = np.kron(np.eye(2), np.ones((8, 8)))
    result = la.resize(steps, 50, 50, "bicubic")
    assert result.min() == 0
    assert result.max() == 1


def test_resize_refuses_what_it_does_not_know():
    with pytest.raises(la.InputError, match="given 'cubic', wanted one of 'area', 'bilinear', 'bicubic'"):
        la.resize(PICTURE, 5, 5, "cubic")
    with pytest.raises(la.InputError, match="given a wanted extent of 0x5"):
        la.resize(PICTURE, 0, 5)


def test_contact_sheets_show_each_picture_in_its_cell():
    red = np.zeros((50, 100, 3))
    red[..., 0] = 1
    sheet = la.contact_sheet([red, PICTURE, PICTURE[..., 0]], ["one", "two", "three"], columns=2)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] == 2 * 256 + 3 * 14
    assert (sheet == [255, 0, 0]).all(-1).sum() == 256 * 128
    assert la.contact_sheet([red]).shape[0] < sheet.shape[0]
    with pytest.raises(la.InputError, match="given 1 captions for 2 pictures"):
        la.contact_sheet([red, red], ["one"])
    with pytest.raises(la.InputError, match="given no pictures"):
        la.contact_sheet([])
