"""Scale of colors in the seam: how much of the known photograph a cut replaces, by color scale and band.

The published law of the seam, (0.002 d)^3 for a known pixel at d pixels from the hole, is weighed against color
differences whose unit is not published. Colors as RGB in [0, 1] have scale 1; a scale of 100 stands for L*a*b*.
"""

from __future__ import annotations

import math

import lookalike as la
import numpy as np
from _photographs import choose, keep, parser, photographs, random_hole, table

SETTINGS = [(1, math.inf), (100, math.inf), (1, 80), (100, 80)]


def main() -> None:
    """Cuts pairs of photographs."""
    arguments = parser(__doc__)
    arguments.add_argument("--count", type=int, default=8, help="pairs of photographs")
    given = arguments.parse_args()
    random = np.random.default_rng(given.seed)
    chosen = choose(photographs(given.photos), given.count, 200, random, 1024)
    rows = [["photograph", *(f"scale {scale}, band {band}" for scale, band in SETTINGS)]]
    replaced: list[list[float]] = []
    for (path, picture), (_, other) in zip(chosen, chosen[1:] + chosen[:1]):
        height, width, _ = picture.shape
        hole = random_hole(height, width, random, at_border=False, ellipse=True)
        patch = la.resize(other, height, width)
        replaced.append([])
        for scale, band in SETTINGS:
            quantization = 2.0**24 / scale**2  # so that the same changes become the same capacities
            cut = la.seam_cut(picture, patch, hole, color_scale=scale, band=band, quantization=quantization)
            replaced[-1].append(100 * float(cut.from_patch[~hole].mean()))
        rows.append([path.name, *(f"{percent:.1f} %" for percent in replaced[-1])])
    print("Known pixels that are taken from the patch.\n")
    print(table(rows))
    print()
    keep(given.json, {"settings": [[scale, str(band)] for scale, band in SETTINGS], "replaced": replaced})
    middle = np.median(replaced, axis=0)
    print(
        f"seam_scale: {middle[0]:.0f} % replaced with RGB in [0, 1], {middle[1]:.0f} % at 100 times that; "
        f"within 80 px {middle[2]:.0f} % and {middle[3]:.0f} %"
    )


if __name__ == "__main__":
    main()
