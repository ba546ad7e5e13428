"""Planted scenes: a displaced, scaled, brightened and recompressed part of a photograph, found and pasted back.

For every query, a hole is cut into a photograph less a margin of 24 pixels. The collection holds all photographs
of the folder and, for every query, one window of its photograph: it contains the hole and the 80 pixels around it,
its borders lie up to 24 whole pixels off those of the query, and it is enlarged by 1/0.9 (so that the search's scale
0.90 undoes it), 5 units of L* brighter and recompressed as a JPEG of quality 85. All other copies of the photograph
are left out.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import lookalike as la
import numpy as np
from _photographs import choose, keep, median, parser, photographs, psnr, random_hole, say, table

MARGIN = 24  # pixels of the photograph around the query, and the largest displacement of a window's border
BAND = 80  # pixels around the hole that the window contains where they exist
LONGEST_SIDE = (
    900  # larger photographs are reduced, so that enlarged windows stay below the matching resolution
)
LEAST_SIDE = 200  # of a photograph that becomes a query
CANDIDATES = 200
COPY = 0.95  # thumbnails of copies correlate at least this much


@dataclasses.dataclass
class Scene:
    """A query, its truth, and its plant."""

    path: Path
    photo: np.ndarray
    hole: np.ndarray
    at_border: bool
    #: The part of the photograph that is planted, and where it begins in the query's frame: what is looked for.
    window: np.ndarray
    begin: np.ndarray
    #: Of the plant, once the collection is built.
    id: int = -1

    @property
    def truth(self) -> np.ndarray:
        """The query before the hole was cut."""
        return self.photo[MARGIN:-MARGIN, MARGIN:-MARGIN]

    @property
    def center(self) -> np.ndarray:
        """The middle of the hole's box, in pixels."""
        return np.array([(where.min() + where.max() + 1) / 2 for where in np.nonzero(self.hole)])


@dataclasses.dataclass
class Outcome:
    """What became of one query; ranks count from 1, and 0 is not found."""

    photograph: str
    at_border: bool
    hole_percent: float
    rank_by_thumbnail: int
    rank_by_scene: int
    rank_by_context: int
    rank: int
    scale: float
    offset_error: float
    psnr: float
    harmonic_psnr: float
    seconds: float


def span(extent: int, first: int, last: int, random: np.random.Generator) -> tuple[int, int]:
    """Begin and end of a window along one axis of a query of `extent` pixels, the hole in [first, last).

    Each lies up to `MARGIN` pixels off the query's, and never cuts into the hole's surroundings; their difference
    is a multiple of 9, so that 10/9 of it, and 9/10 of that, are whole.
    """
    begin = int(random.integers(-MARGIN, np.clip(first - BAND, 0, MARGIN) + 1))
    least = extent - np.clip(extent - last - BAND, 0, MARGIN)
    ends = [end for end in range(least, extent + MARGIN + 1) if (end - begin) % 9 == 0]
    return begin, int(random.choice(ends))


def make_scene(path: Path, photo: np.ndarray, number: int, random: np.random.Generator) -> Scene:
    """A query from a photograph: every third has its hole at a border, every other an ellipse."""
    height, width = photo.shape[0] - 2 * MARGIN, photo.shape[1] - 2 * MARGIN
    at_border = number % 3 == 0
    hole = random_hole(height, width, random, at_border=at_border, ellipse=number % 2 == 0)
    rows, columns = np.nonzero(hole.any(axis=1))[0], np.nonzero(hole.any(axis=0))[0]
    top, bottom = span(height, rows[0], rows[-1] + 1, random)
    left, right = span(width, columns[0], columns[-1] + 1, random)
    window = photo[MARGIN + top : MARGIN + bottom, MARGIN + left : MARGIN + right]
    return Scene(path, photo, hole, at_border, window, np.array([top, left]))


def edited(window: np.ndarray) -> np.ndarray:
    """The window enlarged and brightened."""
    height, width, _ = window.shape
    lab = la.rgb_to_lab(la.resize(window, height * 10 // 9, width * 10 // 9, method="bicubic"))
    lab[..., 0] += 5
    return la.lab_to_rgb(lab)


def build(scenes: list[Scene], folder: Path, store: Path) -> la.Collection:
    """A collection of all photographs of the folder and the plants; fills in the plants' ids."""
    shown = store / "photographs"
    (shown / "plants").mkdir(parents=True)
    (shown / "folder").mkdir()
    for number, path in enumerate(photographs(folder)):
        (shown / "folder" / f"{number:06}_{path.name}").symlink_to(path.resolve())
    for number, scene in enumerate(scenes):
        la.write_image(shown / "plants" / f"{number:03}.jpg", edited(scene.window), quality=85)
    say("describing the photographs")
    collection = la.Collection.build(shown, store=store / "store", progress=sys.stderr.isatty())
    ids = {Path(collection.path(known)): int(known) for known in collection.ids}
    for number, scene in enumerate(scenes):
        scene.id = ids[(shown / "plants" / f"{number:03}.jpg").resolve()]
    return collection


def rank_of(wanted: int, ids: Any) -> int:
    """Position in a ranking, 1 for the first; 0 if not there."""
    found = np.flatnonzero(np.asarray(ids) == wanted)
    return int(found[0]) + 1 if len(found) else 0


def misplaced(scene: Scene, placed: Any) -> float:
    """How far from its true place the middle of the hole is pasted, in pixels."""
    # Pixel q of the query is pixel (q - begin) / 0.9 of the plant, which is pasted at the found scale and offset.
    pasted = np.array(placed.offset) + placed.scale / 0.9 * (scene.center - scene.begin)
    return float(np.hypot(*(pasted - scene.center)))


def run(scene: Scene, collection: la.Collection, context: la.Stage) -> Outcome:
    """One query through the stages."""
    query = np.where(scene.hole[..., None], np.float32(0), scene.truth)
    near = collection.near_duplicates(scene.photo, correlation=COPY)
    copies = [known for known in near if known != scene.id]
    everything = len(collection)
    thumbnails = la.lookup(la.ThumbnailIndex(collection), k=everything, leave_out=copies)
    by_thumbnail = (la.fill_hole | thumbnails)(query, scene.hole)
    start = time.perf_counter()
    describe = la.fill_hole | la.scene_descriptor
    by_scene = (describe | la.lookup(collection, k=everything, leave_out=copies))(query, scene.hole)
    best = dataclasses.replace(
        by_scene, ids=by_scene.ids[:CANDIDATES], distances=by_scene.distances[:CANDIDATES]
    )
    placed = context(((query, scene.hole), best))
    by_context = sorted(placed.scenes, key=lambda candidate: candidate.terms.context)
    ranked = la.rank(CANDIDATES)(la.seam(placed))
    seconds = time.perf_counter() - start

    outcome = Outcome(
        photograph=scene.path.name,
        at_border=scene.at_border,
        hole_percent=100 * float(scene.hole.mean()),
        rank_by_thumbnail=rank_of(scene.id, by_thumbnail.ids),
        rank_by_scene=rank_of(scene.id, by_scene.ids),
        rank_by_context=rank_of(scene.id, [candidate.source for candidate in by_context]),
        rank=rank_of(scene.id, [candidate.source for candidate in ranked.scenes]),
        scale=float("nan"),
        offset_error=float("nan"),
        psnr=float("nan"),
        harmonic_psnr=psnr(la.harmonic_fill(query, scene.hole), scene.truth, scene.hole),
        seconds=seconds,
    )
    if outcome.rank:
        plant = ranked.scenes[outcome.rank - 1]
        completion = la.poisson_blend(dataclasses.replace(ranked, scenes=(plant,)))[0]
        outcome.scale = plant.scale
        outcome.offset_error = misplaced(scene, plant)
        outcome.psnr = psnr(completion.image, scene.truth, scene.hole)
    return outcome


def report(outcomes: list[Outcome]) -> dict[str, float]:
    """Prints the tables; returns the totals."""

    def first(ranks: list[int]) -> float:
        return 100 * float(np.mean([rank == 1 for rank in ranks]))

    totals = {
        "first by 32x32 thumbnail, %": first([outcome.rank_by_thumbnail for outcome in outcomes]),
        "first by scene descriptor, %": first([outcome.rank_by_scene for outcome in outcomes]),
        f"among {CANDIDATES} by scene descriptor, %": 100
        * float(np.mean([1 <= outcome.rank_by_scene <= CANDIDATES for outcome in outcomes])),
        "first by context, %": first([outcome.rank_by_context for outcome in outcomes]),
        "first in the final ranking, %": first([outcome.rank for outcome in outcomes]),
        "placed at scale 0.90, %": 100 * float(np.mean([outcome.scale == 0.9 for outcome in outcomes])),
        "offset error, median, px": median(outcome.offset_error for outcome in outcomes),
        "offset error, largest, px": max((o.offset_error for o in outcomes if o.rank), default=float("nan")),
        "PSNR in the hole, median, dB": median(outcome.psnr for outcome in outcomes),
        "PSNR in the hole, least, dB": min((o.psnr for o in outcomes if o.rank), default=float("nan")),
        "PSNR of harmonic filling, median, dB": median(outcome.harmonic_psnr for outcome in outcomes),
        "seconds to the final ranking, median": median(outcome.seconds for outcome in outcomes),
    }
    heading = [
        "photograph",
        "hole %",
        "border",
        "thumbnail",
        "scene",
        "context",
        "final",
        "scale",
        "offset px",
    ]
    rows: list[list[Any]] = [[*heading, "PSNR dB", "harmonic dB"]]
    for o in outcomes:
        ranks = [o.rank_by_thumbnail, o.rank_by_scene, o.rank_by_context, o.rank]
        figures = [f"{o.scale:.3g}", f"{o.offset_error:.2f}", f"{o.psnr:.1f}", f"{o.harmonic_psnr:.1f}"]
        border = "yes" if o.at_border else ""
        rows.append(
            [o.photograph, f"{o.hole_percent:.0f}", border, *(rank or "-" for rank in ranks), *figures]
        )
    print(table(rows))
    print()
    print(table([["of all queries", "figure"], *([name, f"{value:.4g}"] for name, value in totals.items())]))
    print()
    return totals


def main() -> None:
    """Plants, searches, reports."""
    arguments = parser(__doc__)
    arguments.add_argument("--count", type=int, default=50, help="queries")
    arguments.add_argument(
        "--store", type=Path, help="where the collection goes; default: a temporary folder"
    )
    arguments.add_argument("--offset-scale", type=float, default=100, help="of the context; 0 as published")
    given = arguments.parse_args()
    if given.count < 1:
        arguments.error(f"--count: given {given.count}, wanted at least 1")
    random = np.random.default_rng(given.seed)
    chosen = choose(photographs(given.photos), given.count, LEAST_SIDE, random, LONGEST_SIDE)
    scenes = [make_scene(path, photo, number, random) for number, (path, photo) in enumerate(chosen)]
    with tempfile.TemporaryDirectory(prefix="lookalike_planted_") as temporary:
        collection = build(scenes, given.photos, given.store or Path(temporary))
        outcomes = []
        for number, scene in enumerate(scenes, 1):
            outcomes.append(run(scene, collection, la.context_match(offset_scale=given.offset_scale)))
            o = outcomes[-1]
            say(
                f"{number} of {len(scenes)}: {o.photograph}: rank {o.rank_by_scene} by scene, "
                f"{o.rank_by_context} by context, {o.rank} in the end; "
                f"{o.offset_error:.2f} px, {o.psnr:.1f} dB, {o.seconds:.1f} s"
            )
    print(f"{len(scenes)} queries among {len(collection)} photographs.\n")
    totals = report(outcomes)
    keep(given.json, {"totals": totals, "queries": [dataclasses.asdict(outcome) for outcome in outcomes]})
    print(
        f"planted: first {totals['first in the final ranking, %']:.0f} %, "
        f"offset {totals['offset error, median, px']:.2f} px, "
        f"PSNR {totals['PSNR in the hole, median, dB']:.1f} dB, "
        f"harmonic {totals['PSNR of harmonic filling, median, dB']:.1f} dB"
    )


if __name__ == "__main__":
    main()
