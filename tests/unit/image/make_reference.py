"""Writes reference.hpp: small picture files with their pixels, and results of other libraries.

The tests compare with what this script stores, so that they need no Python. Made with Pillow 13.0,
scikit-image 0.26, SciPy 1.17 and NumPy 2 by:  python make_reference.py > reference.hpp
"""

import io
import struct
import zlib

import numpy as np
import scipy.ndimage
import skimage.color
from PIL import Image, ImageOps

HEIGHT, WIDTH = 7, 10
random = np.random.default_rng(1)

# Smooth colors, so that JPEG keeps them, different in every corner, so that turns show.
y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
COLOR = np.stack([20 + 22 * x, 30 + 28 * y, 200 - 12 * x - 6 * y], axis=2).astype(np.uint8)
GRAY = (10 + 13 * x + 15 * y).astype(np.uint8)

files = []  # name, bytes, expected RGB bytes, tolerance


def add(name, data, expected, tolerance=0):
    files.append((name, data, np.ascontiguousarray(expected, dtype=np.uint8), tolerance))


def jpeg(picture, **options):
    out = io.BytesIO()
    picture.save(out, "JPEG", optimize=True, **options)
    return out.getvalue()


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def tiff_orientation(value, little):
    order = "<" if little else ">"
    head = (b"II*\0" if little else b"MM\0*") + struct.pack(order + "I", 8)
    other = struct.pack(order + "HHIHH", 256, 3, 1, WIDTH, 0)  # an entry before ours
    entry = struct.pack(order + "HHIHH", 274, 3, 1, value, 0)
    return b"Exif\0\0" + head + struct.pack(order + "H", 2) + other + entry + b"\0\0\0\0"


picture = Image.fromarray(COLOR)
for name, options in {
    "jpeg 4:4:4": {"quality": 92, "subsampling": 0},
    "jpeg 4:2:0": {"quality": 90, "subsampling": 2},
    "jpeg progressive": {"quality": 92, "progressive": True},
}.items():
    data = jpeg(picture, **options)
    add(name, data, pixels(data), 1)
data = jpeg(Image.fromarray(GRAY), quality=92)
add("jpeg gray", data, pixels(data), 1)
data = jpeg(picture.convert("CMYK"), quality=92)
add("jpeg CMYK", data, pixels(data), 1)
for value in range(1, 9):
    data = jpeg(picture, quality=92, subsampling=0, exif=tiff_orientation(value, little=value % 2 == 0))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    add(f"jpeg orientation {value}", data, np.asarray(upright), 1)
data = jpeg(picture, quality=92, subsampling=0, exif=tiff_orientation(9, little=True))
add("jpeg orientation 9, which does not exist", data, pixels(data), 1)


def png(samples, bits, color_type, chunks=b"", interlaced=False):
    """A PNG file by the letter of the specification; samples: (height, width, channels), integers."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def rows(part):
        raw = b""
        for row in part:
            flat = row.reshape(-1)
            if bits == 16:
                body = flat.astype(">u2").tobytes()
            elif bits == 8:
                body = flat.astype(np.uint8).tobytes()
            else:
                ones = ((flat[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
                body = np.packbits(ones.reshape(-1)).tobytes()
            raw += b"\0" + body
        return raw

    height, width = samples.shape[:2]
    if interlaced:
        steps = [
            (0, 0, 8, 8),
            (0, 4, 8, 8),
            (4, 0, 8, 4),
            (0, 2, 4, 4),
            (2, 0, 4, 2),
            (0, 1, 2, 2),
            (1, 0, 2, 1),
        ]
        parts = [samples[y0::dy, x0::dx] for y0, x0, dy, dx in steps]
        raw = b"".join(rows(part) for part in parts if part.size)
    else:
        raw = rows(samples)
    head = struct.pack(">IIBBBBB", width, height, bits, color_type, 0, 0, int(interlaced))
    body = b"".join(chunk(kind, data) for kind, data in chunks) if chunks else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + body
        + chunk(b"IDAT", zlib.compress(raw, 9))
        + chunk(b"IEND", b"")
    )


def over_white(color, alpha):
    return np.floor(color * alpha + 255.0 * (1 - alpha) + 0.5)


def three(gray):
    return np.repeat(gray[:, :, None], 3, axis=2)


ALPHA = (x * 28).astype(np.uint8)
for interlaced in (False, True):
    kind = ", interlaced" if interlaced else ""
    add("png color" + kind, png(COLOR, 8, 2, interlaced=interlaced), COLOR)
    for bits in (1, 2, 4, 8):
        samples = (GRAY >> (8 - bits)).astype(np.int64)
        add(
            f"png gray {bits} bits" + kind,
            png(samples[:, :, None], bits, 0, interlaced=interlaced),
            three(samples * 255 // (2**bits - 1)),
        )
    color_alpha = np.concatenate([COLOR, ALPHA[:, :, None]], axis=2)
    add(
        "png color and alpha" + kind,
        png(color_alpha, 8, 6, interlaced=interlaced),
        over_white(COLOR.astype(float), ALPHA[:, :, None] / 255.0),
    )
    gray_alpha = np.stack([GRAY, ALPHA], axis=2)
    add(
        "png gray and alpha" + kind,
        png(gray_alpha, 8, 4, interlaced=interlaced),
        over_white(three(GRAY).astype(float), ALPHA[:, :, None] / 255.0),
    )
fine = COLOR.astype(np.int64) * 256 + random.integers(0, 256, COLOR.shape)
fine_gray = GRAY.astype(np.int64) * 256 + random.integers(0, 256, GRAY.shape)
add("png color 16 bits", png(fine, 16, 2), np.floor(fine * 255 / 65535 + 0.5))
add("png gray 16 bits", png(fine_gray[:, :, None], 16, 0), three(np.floor(fine_gray * 255 / 65535 + 0.5)))
palette = random.integers(0, 256, (16, 3))
indices = (x + 2 * y) % 16
add(
    "png palette 4 bits",
    png(indices[:, :, None], 4, 3, [(b"PLTE", palette.astype(np.uint8).tobytes())]),
    palette[indices],
)
transparency = (np.arange(16) * 17).astype(np.uint8)
add(
    "png palette with transparency",
    png(
        indices[:, :, None],
        8,
        3,
        [(b"PLTE", palette.astype(np.uint8).tobytes()), (b"tRNS", transparency.tobytes())],
    ),
    over_white(palette[indices].astype(float), transparency[indices][:, :, None] / 255.0),
)
key = int(GRAY[3, 4])
add(
    "png gray with a transparent gray",
    png(GRAY[:, :, None], 8, 0, [(b"tRNS", struct.pack(">H", key))]),
    three(np.where(key == GRAY, 255, GRAY)),
)


def quoted(data):
    """Bytes as a hexadecimal string literal, 50 bytes a line."""
    lines = [data[i : i + 50].hex() for i in range(0, len(data), 50)]
    return "\n".join(f'     "{line}"' for line in lines) or '     ""'


def array(name, values, comment):
    values = np.asarray(values, dtype=np.float64)
    shape = " x ".join(str(n) for n in values.shape)
    print(f"\n/// {comment} ({shape})")
    print(f"inline constexpr float {name}[] = {{")
    flat = [f"{v:.9g}" for v in values.reshape(-1)]
    flat = [v + ("f" if "." in v or "e" in v else ".0f") for v in flat]
    for i in range(0, len(flat), 8):
        print("    " + ", ".join(flat[i : i + 8]) + ",")
    print("};")


print("""#pragma once

/// \\file
/// Small picture files with the pixels they hold, and results of other libraries.
/// Written by make_reference.py.

#include <string_view>

namespace reference {

// clang-format off

/// A picture file and its upright RGB pixels, both as hexadecimal digits.
struct picture_file {
  std::string_view name;
  std::string_view bytes;
  int height;
  int width;
  std::string_view pixels;
  int tolerance;  // of a decoder, in levels of 255
};

inline constexpr picture_file picture_files[] = {""")
for name, data, expected, tolerance in files:
    print(f'    {{"{name}",\n{quoted(data)},')
    print(f"     {expected.shape[0]}, {expected.shape[1]},\n{quoted(expected.tobytes())}, {tolerance}}},")
print("};")
array("fine_color", fine / 65535.0, 'The values of the file "png color 16 bits"')

rgb = np.concatenate(
    [random.random((20, 3)), np.eye(3), [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [0.04, 0.01, 0.002]]]
)
array("rgb", rgb, "Colors in sRGB")
array("lab", skimage.color.rgb2lab(rgb.astype(np.float32).astype(float)), "skimage.color.rgb2lab(rgb)")
lab = np.stack([random.uniform(0, 100, 20), random.uniform(-90, 90, 20), random.uniform(-90, 90, 20)], axis=1)
array("any_lab", lab, "Places in L*a*b*, many of them colors that sRGB lacks")
array("any_rgb", skimage.color.lab2rgb(lab), "skimage.color.lab2rgb(any_lab), which limits to [0, 1]")
array("gray", skimage.color.rgb2gray(rgb), "skimage.color.rgb2gray(rgb)")

plane = random.random((9, 12)).astype(np.float32).astype(np.float64)
array("plane", plane, "A picture of random values")
image = Image.fromarray(plane.astype(np.float32), "F")
BOX, TRIANGLE, CUBIC = Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC
for name, how, height, width in [
    ("box_3x4", BOX, 3, 4),
    ("triangle_5x7", TRIANGLE, 5, 7),
    ("triangle_20x17", TRIANGLE, 20, 17),
    ("triangle_2x30", TRIANGLE, 2, 30),
    ("cubic_5x7", CUBIC, 5, 7),
    ("cubic_20x17", CUBIC, 20, 17),
    ("cubic_1x1", CUBIC, 1, 1),
]:
    array(
        name, np.asarray(image.resize((width, height), how)), f"Pillow: plane (mode F) resized by {how.name}"
    )

for sigma in (0.8, 3.0):
    for mode in ("reflect", "mirror", "nearest", "constant"):
        name = f"gaussian_{str(sigma).replace('.', '_')}_{mode}"
        array(
            name,
            scipy.ndimage.gaussian_filter(plane, sigma, mode=mode),
            f'scipy.ndimage.gaussian_filter(plane, {sigma}, mode="{mode}")',
        )
array("sobel_x", scipy.ndimage.sobel(plane, axis=1) / 8, "scipy.ndimage.sobel(plane, axis=1) / 8")
array("sobel_y", scipy.ndimage.sobel(plane, axis=0) / 8, "scipy.ndimage.sobel(plane, axis=0) / 8")
array("central_x", np.gradient(plane, axis=1), "numpy.gradient(plane, axis=1)")
array("central_y", np.gradient(plane, axis=0), "numpy.gradient(plane, axis=0)")
for size in (3, 5, 7):
    array(
        f"median_{size}",
        scipy.ndimage.median_filter(plane, size),
        f"scipy.ndimage.median_filter(plane, {size})",
    )
print("\n// clang-format on\n\n}  // namespace reference")
