"""Unplanted scenes: contact sheets of completions from a folder of photographs, for people to look at.

Holes are cut into photographs of the folder; the photograph itself and everything whose thumbnail looks like it
are left out. Sheets are written, not judged: whether a completion convinces is for whoever looks at them.
"""

from __future__ import annotations

import time
from pathlib import Path

import lookalike as la
import numpy as np
from _photographs import choose, collection_of, keep, median, parser, photographs, random_hole, say, table

LONGEST_SIDE = 1024
LEAST_SIDE = 200
COPY = 0.9  # thumbnails that correlate at least this much are of the same scene


def shown(photo: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The query with its hole in magenta."""
    return np.where(hole[..., None], np.array([1, 0, 1], np.float32), photo)


def main() -> None:
    """Completes, and writes the sheets."""
    arguments = parser(__doc__, seed=12)
    arguments.add_argument("--count", type=int, default=12, help="queries")
    arguments.add_argument(
        "--store", type=Path, help="where the collection is kept; default: a temporary folder"
    )
    arguments.add_argument("--out", type=Path, default=Path("build/unplanted"), help="folder for the sheets")
    given = arguments.parse_args()
    if given.count < 1:
        arguments.error(f"--count: given {given.count}, wanted at least 1")
    random = np.random.default_rng(given.seed)
    chosen = choose(photographs(given.photos), given.count, LEAST_SIDE, random, LONGEST_SIDE)
    given.out.mkdir(parents=True, exist_ok=True)
    rows = [
        [
            "sheet",
            "photograph",
            "left out",
            "best source",
            "score",
            "scene",
            "context",
            "texture",
            "seam",
            "s",
        ]
    ]
    figures = []
    with collection_of(given.photos, given.store) as collection:
        for number, (path, photo) in enumerate(chosen, 1):
            height, width, _ = photo.shape
            hole = random_hole(height, width, random, at_border=number % 3 == 0, ellipse=number % 2 == 0)
            copies = collection.near_duplicates(photo, correlation=COPY)
            start = time.perf_counter()
            completions = la.complete(photo, hole, collection, count=20, leave_out=copies)
            seconds = time.perf_counter() - start
            best = completions[0]
            sheet = la.contact_sheet(
                [shown(photo, hole), *completions],
                ["query", *(f"{rank}: {made.caption}" for rank, made in enumerate(completions, 1))],
                columns=7,
            )
            file = given.out / f"{number:02}_{path.stem}.png"
            la.write_image(file, sheet)
            say(f"{number} of {len(chosen)}: {file}")
            terms = [best.terms.scene, best.terms.context, best.terms.texture, best.terms.seam]
            rows.append([file.name, path.name, len(copies), Path(best.name).name, f"{best.score:.2f}"])
            rows[-1] += [f"{term:.3g}" for term in terms] + [f"{seconds:.1f}"]
            figures.append(
                {"photograph": path.name, "sheet": file.name, "score": best.score, "seconds": seconds}
            )
    print(table(rows))
    print()
    keep(given.json, {"queries": figures})
    seconds = median(float(figure["seconds"]) for figure in figures)
    print(f"unplanted: {len(figures)} sheets in {given.out}, {seconds:.1f} s each (median)")


if __name__ == "__main__":
    main()
