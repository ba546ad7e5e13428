"""Gist in double precision, straight from its formulas: the truth that gist.cpp in this folder holds.

    python tests/unit/retrieve/gist_reference.py > tests/unit/retrieve/gist_reference.inc
    python tests/unit/retrieve/gist_reference.py color > tests/unit/retrieve/gist_color_reference.inc

Oliva and Torralba, Modeling the shape of the scene, IJCV 2001, with the numerics of their released program.
"""

import sys

import numpy as np

PREFILTER_CYCLES = 4
PREFILTER_PADDING = 5
GABOR_PADDING = 32


def low_pass(picture):
    n = picture.shape[0]
    fx, fy = np.meshgrid(np.arange(-n // 2, n // 2), np.arange(-n // 2, n // 2))
    s1 = PREFILTER_CYCLES / np.sqrt(np.log(2))
    transfer = np.fft.fftshift(np.exp(-(fx**2 + fy**2) / s1**2))
    return np.fft.ifft2(np.fft.fft2(picture) * transfer).real


def prefilter(channels):
    """Channels (a list of pictures) share the contrast of their mean."""
    white = []
    for channel in channels:
        padded = np.pad(np.log(1 + channel), PREFILTER_PADDING, mode="symmetric")
        white.append(padded - low_pass(padded))
    deviation = np.sqrt(np.abs(low_pass(np.mean(white, axis=0) ** 2)))
    inside = slice(PREFILTER_PADDING, -PREFILTER_PADDING)
    return [(channel / (0.2 + deviation))[inside, inside] for channel in white]


def gabor(n, scale, orientation, orientations):
    fx, fy = np.meshgrid(np.arange(-n // 2, n // 2), np.arange(-n // 2, n // 2))
    fr = np.hypot(fx, fy)
    theta = np.angle(fx + 1j * fy) + np.pi * orientation / orientations
    theta = theta + 2 * np.pi * (theta < -np.pi) - 2 * np.pi * (theta > np.pi)
    p2 = 0.3 / 1.85**scale
    p3 = 16 * orientations**2 / 32**2
    return np.fft.fftshift(np.exp(-10 * 0.35 * (fr / (n * p2) - 1) ** 2 - 2 * np.pi * p3 * theta**2))


def gist(channels, orientations=(6, 6, 6, 6, 6), grid=4):
    """Square pictures with values 0..255 -> (grid * grid, channels * filters), cell-major."""
    values = []
    for filtered in prefilter(channels):
        padded = np.pad(filtered, GABOR_PADDING, mode="symmetric")
        spectrum = np.fft.fft2(padded)
        side, n = filtered.shape[0], padded.shape[0]
        for scale, count in enumerate(orientations):
            for orientation in range(count):
                response = np.abs(np.fft.ifft2(spectrum * gabor(n, scale, orientation, count)))
                response = response[GABOR_PADDING:-GABOR_PADDING, GABOR_PADDING:-GABOR_PADDING]
                cell = side // grid
                values.append(response.reshape(grid, cell, grid, cell).mean(axis=(1, 3)).ravel())
    return np.array(values).T


def synthetic(kind, side):
    """Bytes that gist.cpp computes alike: integer arithmetic only."""
    y, x = np.mgrid[0:side, 0:side]
    if kind == "stripes":
        return (x * 7 + y * 3) * 255 // (10 * side) // 8 % 2 * 200 + 20
    if kind == "noise":
        return (x * 7919 + y * 104729 + x * y * 31 + (x ^ y) * 17) % 256
    if kind == "disk":
        inside = (x - side // 3) ** 2 + (y - side // 2) ** 2 < (side // 4) ** 2
        return np.where(inside, 230, 40 + x * 100 // side)
    raise ValueError(kind)


def write(out, kind, side, values):
    out.write(f'{{"{kind}", {side}, {{\n')
    for i in range(0, len(values), 8):
        out.write("    " + ", ".join(f"{v:.9e}" for v in values[i : i + 8]) + ",\n")
    out.write("}},\n")


if __name__ == "__main__":
    kinds = ("stripes", "noise", "disk")
    if sys.argv[1:] == ["color"]:
        channels = [synthetic(kind, 64).astype(float) for kind in kinds]
        write(sys.stdout, "color", 64, gist(channels, (8, 8, 4)).ravel())
    else:
        for kind in kinds:
            for side in (64, 128):
                write(sys.stdout, kind, side, gist([synthetic(kind, side).astype(float)]).ravel())
