"""Time of scene completion: photographs described a second, and one completion by stages.

A collection of `--photos` is built with one and with two threads. Then several photographs of it, with themselves
left out, are completed with 200 candidates, stage by stage, and the median of each stage is reported.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lookalike as la
import numpy as np
from _photographs import choose, keep, median, parser, photographs, random_hole, say, table

CANDIDATES = 200
COUNT = 20
STAGES = ["fill_hole", "scene_descriptor", "lookup", "context_match", "seam", "rank", "poisson_blend"]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and the result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def described_a_second(
    folder: Path, threads: int, store: Path, repetitions: int
) -> tuple[float, la.Collection]:
    """Photographs a second, the median of several builds from nothing."""
    rates = []
    for _ in range(repetitions):
        shutil.rmtree(store, ignore_errors=True)
        with la.set_threads(threads):
            seconds, collection = timed(lambda: la.Collection.build(folder, store=store))
        rates.append(len(collection) / seconds)
        say(f"{threads} threads: {rates[-1]:.0f} photographs a second")
    return median(rates), collection


def by_stages(photo: np.ndarray, hole: np.ndarray, collection: la.Collection) -> dict[str, float]:
    """Seconds that each stage of one completion takes."""
    copies = collection.near_duplicates(photo)
    seconds = {}
    seconds["fill_hole"], filled = timed(lambda: la.fill_hole(photo, hole))
    seconds["scene_descriptor"], described = timed(lambda: la.scene_descriptor(filled))
    find = la.lookup(collection, k=CANDIDATES, leave_out=copies)
    seconds["lookup"], found = timed(lambda: find(described))
    seconds["context_match"], placed = timed(lambda: la.context_match((photo, hole), found))
    seconds["seam"], cut = timed(lambda: la.seam(placed))
    seconds["rank"], ranked = timed(lambda: la.rank(COUNT)(cut))
    seconds["poisson_blend"], _ = timed(lambda: la.poisson_blend(ranked))
    return seconds


def main() -> None:
    """Measures."""
    arguments = parser(__doc__)
    arguments.add_argument("--queries", type=int, default=7)
    arguments.add_argument("--repetitions", type=int, default=3, help="builds of the collection")
    arguments.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments.add_argument(
        "--longest-side", type=int, default=1024, help="larger queries are reduced to this"
    )
    arguments.add_argument("--least-side", type=int, default=200, help="of a photograph that becomes a query")
    given = arguments.parse_args()
    random = np.random.default_rng(given.seed)
    paths = photographs(given.photos)
    chosen = choose(paths, given.queries, given.least_side, random, given.longest_side)
    queries = [
        (photo, random_hole(*photo.shape[:2], random, at_border=False, ellipse=True)) for _, photo in chosen
    ]
    rows, totals, figures = [], {}, {}
    with tempfile.TemporaryDirectory(prefix="lookalike_completion_") as temporary:
        for threads in given.threads:
            rate, collection = described_a_second(
                given.photos, threads, Path(temporary) / "store", given.repetitions
            )
            measured = []
            with la.set_threads(threads):
                by_stages(*queries[0], collection)  # what is computed once, and the first touch of every file
                for number, query in enumerate(queries, 1):
                    measured.append(by_stages(*query, collection))
                    seconds = sum(measured[-1].values())
                    say(f"{threads} threads, query {number} of {len(queries)}: {seconds:.1f} s")
            stages = {stage: median(query[stage] for query in measured) for stage in STAGES}
            totals[threads] = median(sum(query.values()) for query in measured)
            figures[threads] = {"described a second": rate, "completion": totals[threads], "stages": stages}
            rows.append(
                [threads, f"{rate:.0f}", f"{totals[threads]:.2f}", *(f"{stages[s]:.3f}" for s in STAGES)]
            )
    print(
        f"{len(collection)} photographs, {CANDIDATES} candidates, {COUNT} completions; "
        f"medians over {len(queries)} queries.\n"
    )
    print(
        table([["threads", "described a second", "completion s", *(f"{stage} s" for stage in STAGES)], *rows])
    )
    print()
    keep(given.json, {"photographs": len(collection), "by threads": figures})
    most = max(given.threads)
    stages = figures[most]["stages"]
    shares = {stage: 100 * seconds / sum(stages.values()) for stage, seconds in stages.items()}
    said = ", ".join(f"{stage} {share:.0f} %" for stage, share in shares.items() if share >= 1)
    rate = figures[most]["described a second"]
    print(
        f"completion: {totals[most]:.1f} s on {most} threads ({said}), {rate:.0f} photographs described a second"
    )


if __name__ == "__main__":
    main()
