"""Pictures: files, color, size, contact sheets.

A picture is an array of shape (height, width), (height, width, 1) or (height, width, 3), RGB, of uint8 (0 to
255) or of float32 or float64 (0 to 1; anything else, NaN included, raises :class:`~lookalike.InputError`).
Any strides will do, and any object that shows its memory by the buffer protocol or, on the CPU, by DLPack.
Results have the type of what came in. Computation is in float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._types import Array, Mask, MaskLike, Path, PictureLike


def read_image(
    path: Path,
    *,
    dtype: npt.DTypeLike = np.uint8,
    at_least: int = 0,
    apply_orientation: bool = True,
    accept_damaged: bool = False,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
    max_pixels: int = 1 << 28,
) -> Array:
    """Read a JPEG or PNG file.

    Gray, palette, CMYK and 16-bit pictures all come out as RGB.

    Parameters
    ----------
    path
        The file.
    dtype
        uint8, float32 or float64. A 16-bit PNG keeps its precision in the latter two.
    at_least
        A JPEG is decoded at the smallest of 1/8, 2/8 ... 8/8 of its size whose shorter side has at least this
        many pixels, which is several times faster. 0: full size.
    apply_orientation
        Turn JPEGs upright as their Exif orientation says.
    accept_damaged
        Take files with missing or damaged data; what is missing is gray (JPEG) or black (PNG).
    background
        Red, green and blue, 0 to 1, that show through transparent pixels.
    max_pixels
        A file that claims more is refused before memory for it is taken.

    Returns
    -------
    numpy.ndarray
        (height, width, 3).

    Raises
    ------
    FileError
        If the file is missing, is no JPEG or PNG, is damaged, or claims too many pixels.
    """
    return _core.read_image(
        path,
        dtype=dtype,
        at_least=at_least,
        apply_orientation=apply_orientation,
        accept_damaged=accept_damaged,
        background=background,
        max_pixels=max_pixels,
    )


def decode_image(
    data: bytes,
    *,
    dtype: npt.DTypeLike = np.uint8,
    at_least: int = 0,
    apply_orientation: bool = True,
    accept_damaged: bool = False,
    background: tuple[float, float, float] = (1.0, 1.0, 1.0),
    max_pixels: int = 1 << 28,
) -> Array:
    """Read a picture from the bytes of a JPEG or PNG file; see :func:`read_image`."""
    return _core.decode_image(
        bytes(data),
        dtype=dtype,
        at_least=at_least,
        apply_orientation=apply_orientation,
        accept_damaged=accept_damaged,
        background=background,
        max_pixels=max_pixels,
    )


def read_mask(
    path: Path, *, rule: str = "automatic", apply_orientation: bool = True, max_pixels: int = 1 << 28
) -> Mask:
    """Read a mask from any JPEG or PNG file.

    Parameters
    ----------
    path
        The file.
    rule
        Which pixels are missing. ``"light"``: gray value above 127 (above 0 where no value exceeds 1).
        ``"transparent"``: alpha up to 127, what an eraser left. ``"automatic"``: transparent ones if there
        are any, otherwise light ones.
    apply_orientation, max_pixels
        See :func:`read_image`.

    Returns
    -------
    numpy.ndarray
        (height, width) of bool; True = missing.

    Raises
    ------
    FileError
        As :func:`read_image`.
    InputError
        If `rule` is none of the three.
    """
    return _core.read_mask(path, rule=rule, apply_orientation=apply_orientation, max_pixels=max_pixels)


def read_image_size(path: Path, *, apply_orientation: bool = True) -> tuple[int, int]:
    """Return (height, width) of a JPEG or PNG file from its header alone.

    Raises
    ------
    FileError
        If the file is missing, or its header is that of no such picture.
    """
    return _core.read_image_size(path, apply_orientation=apply_orientation)


def write_image(
    path: Path, picture: PictureLike, quality: int = 95, *, bits: int = 8, compression: int = 6
) -> None:
    """Write a JPEG or PNG file; the extension decides. It appears complete or not at all.

    Parameters
    ----------
    path
        Ends in .jpg, .jpeg or .png.
    picture
        uint8 is stored as it is, floats are rounded.
    quality
        Of a JPEG, 1 to 100. Above 90 color is kept at full resolution.
    bits
        8, or 16 for floats in a PNG.
    compression
        Of a PNG, 0 (none) to 9.

    Raises
    ------
    InputError
        If `picture` is no picture, or a number is out of range.
    FileError
        If the file cannot be written: another extension, a missing or protected folder, a full disk. An old
        file of this name then stays.
    """
    _core.write_image(path, picture, quality=quality, bits=bits, compression=compression)


def write_mask(path: Path, mask: MaskLike) -> None:
    """Write a mask as a gray picture, white where a pixel is missing. Prefer PNG.

    Raises
    ------
    InputError
        If `mask` is no mask.
    FileError
        As :func:`write_image`.
    """
    _core.write_mask(path, mask)


def encode_image(
    picture: PictureLike,
    format: str = "png",  # noqa: A002
    *,
    quality: int = 95,
    bits: int = 8,
    compression: int = 6,
) -> bytes:
    """Return the bytes of a ``"png"`` or ``"jpeg"`` file; see :func:`write_image`."""
    return _core.encode_image(picture, format=format, quality=quality, bits=bits, compression=compression)


def rgb_to_lab(picture: PictureLike) -> Array:
    """Convert sRGB to CIE L*a*b* (D65, 2 degree observer).

    Parameters
    ----------
    picture
        (height, width, 3).

    Returns
    -------
    numpy.ndarray
        (height, width, 3): L* from 0 to 100, a* and b*. float64 for float64, otherwise float32. Within 1e-4
        of exact arithmetic.

    Raises
    ------
    InputError
        If `picture` is no picture in color.
    """
    return _core.rgb_to_lab(picture)


def lab_to_rgb(lab: PictureLike, *, clamp: bool = True) -> Array:
    """Convert CIE L*a*b* to sRGB.

    Parameters
    ----------
    lab
        (height, width, 3) of float32 or float64: L* from 0 to 100, a* and b*. NaN stays NaN.
    clamp
        Limit colors that sRGB cannot show to 0 and 1.

    Returns
    -------
    numpy.ndarray
        (height, width, 3), of the type of `lab`.

    Raises
    ------
    InputError
        If `lab` has another shape or type.
    """
    return _core.lab_to_rgb(lab, clamp=clamp)


def rgb_to_gray(picture: PictureLike) -> Array:
    """Return the luma, 0.2125 R + 0.7154 G + 0.0721 B, of a picture in color.

    Returns
    -------
    numpy.ndarray
        (height, width), of the type of `picture`.
    """
    return _core.rgb_to_gray(picture)


def resize(
    picture: PictureLike, height: int, width: int, method: str = "area", *, antialias: bool = True
) -> Array:
    """Scale a picture to `height` by `width` pixels.

    Parameters
    ----------
    picture
        In gray or color.
    height, width
        At least 1.
    method
        ``"area"`` averages what an output pixel covers; ``"bilinear"`` and ``"bicubic"`` are Pillow's filters
        of these names. Results are limited to the range of pictures, which the cubic would leave beside
        edges.
    antialias
        Widen ``"bilinear"`` and ``"bicubic"`` when shrinking, so that every input pixel counts.

    Returns
    -------
    numpy.ndarray
        (height, width) or (height, width, channels), as `picture`, in its type.

    Raises
    ------
    InputError
        If `picture` is no picture, an extent is below 1, or `method` is none of the three.
    """
    return _core.resize(picture, height, width, method=method, antialias=antialias)


def contact_sheet(
    pictures: Iterable[Any],
    captions: Sequence[str] | None = None,
    *,
    columns: int = 5,
    cell_width: int = 256,
    cell_height: int = 192,
    margin: int = 14,
    text_scale: int = 0,
    title: str = "",
) -> npt.NDArray[np.uint8]:
    r"""Put many pictures on one page, each with a caption below.

    Parameters
    ----------
    pictures
        Pictures, or completions.
    captions
        One for each picture; ``"\n"`` separates lines. By default completions get their rank, score and the
        name of their source, and pictures nothing.
    columns
        Pictures side by side.
    cell_width, cell_height
        The room for each picture, in pixels. It is scaled to fit, whole and in its proportions.
    margin
        Pixels between cells and around them.
    text_scale
        Pixels a dot of the text; 0 chooses by the width of the cells.
    title
        A line above all pictures.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) of uint8.

    Raises
    ------
    InputError
        If there is no picture, captions are too many or too few, a number is out of range, or the sheet would
        have more than 2^28 pixels.
    """
    items = list(pictures)
    if captions is None:
        described = [getattr(item, "caption", "") for item in items]
        captions = [f"{rank}: {text}" if text else "" for rank, text in enumerate(described, 1)]
        captions = captions if any(captions) else []
    return _core.contact_sheet(
        [getattr(item, "image", item) for item in items],
        list(captions),
        columns=columns,
        cell_width=cell_width,
        cell_height=cell_height,
        margin=margin,
        text_scale=text_scale,
        title=title,
    )
