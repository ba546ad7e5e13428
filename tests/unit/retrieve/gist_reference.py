"""Gist in double precision, straight from its formulas: the truth that gist.cpp in this folder holds.

    python tests/unit/retrieve/gist_reference.py > tests/unit/retrieve/gist_reference.inc

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


def prefilter(gray):
    padded = np.pad(np.log(1 + gray), PREFILTER_PADDING, mode="symmetric")
    white = padded - low_pass(padded)
    deviation = np.sqrt(np.abs(low_pass(white**2)))
    white = white / (0.2 + deviation)
    return white[PREFILTER_PADDING:-PREFILTER_PADDING, PREFILTER_PADDING:-PREFILTER_PADDING]


def gabor(n, scale, orientation, orientations):
    fx, fy = np.meshgrid(np.arange(-n // 2, n // 2), np.arange(-n // 2, n // 2))
    fr = np.hypot(fx, fy)
    theta = np.angle(fx + 1j * fy) + np.pi * orientation / orientations
    theta = theta + 2 * np.pi * (theta < -np.pi) - 2 * np.pi * (theta > np.pi)
    p2 = 0.3 / 1.85**scale
    p3 = 16 * orientations**2 / 32**2
    return np.fft.fftshift(np.exp(-10 * 0.35 * (fr / (n * p2) - 1) ** 2 - 2 * np.pi * p3 * theta**2))


def gist(gray, orientations=6, scales=5, grid=4):
    """Square picture with values 0..255 -> (grid * grid, scales * orientations), cell-major."""
    padded = np.pad(prefilter(gray), GABOR_PADDING, mode="symmetric")
    spectrum = np.fft.fft2(padded)
    side, n = gray.shape[0], padded.shape[0]
    values = []
    for scale in range(scales):
        for orientation in range(orientations):
            response = np.abs(np.fft.ifft2(spectrum * gabor(n, scale, orientation, orientations)))
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


if __name__ == "__main__":
    out = sys.stdout
    for kind in ("stripes", "noise", "disk"):
        for side in (64, 128):
            values = gist(synthetic(kind, side).astype(float)).ravel()
            out.write(f'{{"{kind}", {side}, {{\n')
            for i in range(0, len(values), 8):
                out.write("    " + ", ".join(f"{v:.9e}" for v in values[i : i + 8]) + ",\n")
            out.write("}},\n")
