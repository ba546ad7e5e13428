"""Peers: decoding and color, seams, blending and search, each beside the libraries that people use for it.

All implementations run on one thread in one process, by turns; a figure is the median over the turns of the mean time
for one item, and a ratio is the rival's time over ours (above 1, ours is faster). Where results can agree, that they
do is checked before anything is timed.
"""

# needs: rivals

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before anything that reads them is imported
    os.environ[name] = "1"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import math  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import cv2  # noqa: E402
import faiss  # noqa: E402
import lookalike as la  # noqa: E402
import maxflow  # noqa: E402
import numpy as np  # noqa: E402
import PIL.Image  # noqa: E402
import scipy.ndimage  # noqa: E402
import scipy.sparse.linalg  # noqa: E402
import skimage.color  # noqa: E402
from _photographs import choose, collection_of, keep, median, parser, photographs, random_hole, say, table  # noqa: E402

SIDE = 256
BAND = 80
K = 200
Implementation = Callable[[Any], Any]


def by_turns(items: list[Any], implementations: dict[str, Implementation], turns: int) -> dict[str, float]:
    """Seconds an item, by implementation."""
    seconds: dict[str, list[float]] = {name: [] for name in implementations}
    for work in implementations.values():
        work(items[0])
    for _ in range(turns):
        for name, work in implementations.items():
            start = time.perf_counter()
            for item in items:
                work(item)
            seconds[name].append((time.perf_counter() - start) / len(items))
    return {name: median(values) for name, values in seconds.items()}


def agree(what: str, difference: float, allowed: float) -> None:
    """Ends the run when results differ by more than allowed."""
    if not difference <= allowed:
        raise SystemExit(f"peers: {what}: results differ by {difference:.3g}, wanted at most {allowed:.3g}")


# Pictures -----------------------------------------------------------------------------------------------------------


def lab_ours(path: Path) -> np.ndarray:
    """Decoded, reduced to a square, in L*a*b*."""
    return la.rgb_to_lab(la.resize(la.read_image(path, dtype=np.float32), SIDE, SIDE, method="area"))


def lab_pillow(path: Path) -> np.ndarray:
    """The same by Pillow and scikit-image."""
    with PIL.Image.open(path) as picture:
        small = picture.convert("RGB").resize((SIDE, SIDE), PIL.Image.Resampling.BOX)
    return skimage.color.rgb2lab(np.asarray(small))


def lab_opencv(path: Path) -> np.ndarray:
    """The same by OpenCV."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR).astype(np.float32) / 255
    return cv2.cvtColor(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2Lab)


# Seams --------------------------------------------------------------------------------------------------------------


def seam_energy(picture: np.ndarray, patch: np.ndarray, hole: np.ndarray) -> tuple[np.ndarray, ...]:
    """What the seam of docs/scene_completion.md minimizes, on the box around hole and band.

    Returns the costs of the patch, those of cutting to the right and down, where the patch is certain, and where the
    picture is.
    """
    distance = scipy.ndimage.distance_transform_edt(~hole)
    rows, columns = np.nonzero(distance <= BAND + 1)
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    difference = ((picture - patch)[box].astype(np.float64) ** 2).sum(axis=2)
    hole, distance = hole[box], distance[box]
    difference[hole] = np.nan
    right, down = abs(np.diff(difference, axis=1)), abs(np.diff(difference, axis=0))
    # Beside the hole only one difference is known: its steepest known change stands for the pair's.
    around = [np.pad(right, [(0, 0), side]) for side in ((0, 1), (1, 0))]
    around += [np.pad(down, [side, (0, 0)]) for side in ((0, 1), (1, 0))]
    steepest = np.where(hole, 0, np.nan_to_num(np.stack(around), nan=0).max(axis=0))
    right = np.where(np.isnan(right), np.maximum(steepest[:, 1:], steepest[:, :-1]), right) + 1e-4
    down = np.where(np.isnan(down), np.maximum(steepest[1:], steepest[:-1]), down) + 1e-4
    return (0.002 * distance) ** 3, right, down, hole, distance > BAND


def cut_pymaxflow(energy: tuple[np.ndarray, ...]) -> tuple[float, np.ndarray]:
    """The minimum cut by PyMaxflow (Boykov and Kolmogorov's own code)."""
    unary, right, down, certain_patch, certain_picture = energy
    graph = maxflow.GraphFloat(unary.size, 2 * unary.size)
    nodes = graph.add_grid_nodes(unary.shape)
    for costs, pad, structure in (
        (right, [(0, 0), (0, 1)], [[0, 0, 0], [0, 0, 1], [0, 0, 0]]),
        (down, [(0, 1), (0, 0)], [[0, 0, 0], [0, 0, 0], [0, 1, 0]]),
    ):
        graph.add_grid_edges(nodes, np.pad(costs, pad), np.array(structure), symmetric=True)
    graph.add_grid_tedges(
        nodes,
        np.where(certain_picture, 1e6, np.where(certain_patch, 0, unary)),
        np.where(certain_patch, 1e6, 0),
    )
    return graph.maxflow(), graph.get_grid_segments(nodes)


# Blending -----------------------------------------------------------------------------------------------------------


def blend_scipy(picture: np.ndarray, patch: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The patch's gradients inside `taken`, the picture outside: a sparse factorization."""
    number = np.full(taken.shape, -1)
    number[taken] = np.arange(np.count_nonzero(taken))
    mismatch = (picture - patch).astype(np.float64)
    rows, columns, right_side = [], [], np.zeros((np.count_nonzero(taken), 3))
    diagonal = np.zeros(len(right_side))
    for axis in (0, 1):
        for here, there in (
            (np.s_[:-1], np.s_[1:]),
            (np.s_[1:], np.s_[:-1]),
        ):
            a = (here, np.s_[:]) if axis == 0 else (np.s_[:], here)
            b = (there, np.s_[:]) if axis == 0 else (np.s_[:], there)
            inside = taken[a]
            both, border = inside & taken[b], inside & ~taken[b]
            diagonal += np.bincount(number[a][inside], minlength=len(diagonal))
            rows.append(number[a][both])
            columns.append(number[b][both])
            # Across the seam the mean of both gradients. One direction meets a pixel once: += is safe.
            right_side[number[a][border]] += (mismatch[a][border] + mismatch[b][border]) / 2
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    matrix = scipy.sparse.coo_matrix((-np.ones(len(rows)), (rows, columns)), shape=(len(diagonal),) * 2)
    solve = scipy.sparse.linalg.factorized((matrix + scipy.sparse.diags(diagonal)).tocsc())
    result = picture.copy()
    correction = np.stack([solve(right_side[:, c]) for c in range(3)], axis=1)
    result[taken] = patch[taken] + correction
    return result


def blend_opencv(picture: np.ndarray, patch: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """OpenCV's seamlessClone, on bytes as it wants them."""
    rows, columns = np.nonzero(taken)
    middle = ((columns.min() + columns.max()) // 2, (rows.min() + rows.max()) // 2)
    return cv2.seamlessClone(patch, picture, taken, (int(middle[0]), int(middle[1])), cv2.NORMAL_CLONE)


# Search -------------------------------------------------------------------------------------------------------------


class Augmented:
    """A masked search as one inner product: rows [x, |x_c|^2], queries [2 w q, -w], each times the block's factor."""

    def __init__(self, collection: la.Collection) -> None:
        self.ids = collection.ids
        described = [collection.descriptor(known) for known in self.ids]
        values = np.stack([one.values for one in described])
        self.factors, self.widths = [], []
        for block, distance in zip(described[0].blocks, collection.block_distances):
            self.factors += [block.importance / distance] * block.cells
            self.widths += [block.values_per_cell] * block.cells
        starts = np.concatenate([[0], np.cumsum(self.widths)[:-1]])
        self.rows = np.hstack([values, np.add.reduceat(values**2, starts, axis=1)]).astype(np.float32)
        self.index = faiss.IndexFlatIP(self.rows.shape[1])
        self.index.add(self.rows)

    def query(self, sought: la.Descriptor) -> np.ndarray:
        """A descriptor as a row to multiply with."""
        weights = np.asarray(self.factors) * sought.weights
        return np.concatenate([2 * np.repeat(weights, self.widths) * sought.values, -weights]).astype(
            np.float32
        )

    def by_numpy(self, sought: la.Descriptor) -> np.ndarray:
        """The nearest by a matrix product."""
        likeness = self.rows @ self.query(sought)
        best = np.argpartition(-likeness, K)[:K]
        return self.ids[best[np.argsort(-likeness[best])]]

    def by_faiss(self, sought: la.Descriptor) -> np.ndarray:
        """The nearest by faiss."""
        return self.ids[self.index.search(self.query(sought)[None], K)[1][0]]


# --------------------------------------------------------------------------------------------------------------------


def compare(photos: list[tuple[Path, np.ndarray]], collection: la.Collection, turns: int, seed: int) -> dict:
    """Seconds an item, by task and implementation."""
    random = np.random.default_rng(seed)
    results = {}

    paths = [path for path, _ in photos]
    agree("L*a*b*", float(np.median([abs(lab_ours(p) - lab_pillow(p)).mean() for p in paths])), 0.5)
    say("pictures")
    lab = {"ours": lab_ours, "Pillow and scikit-image": lab_pillow, "OpenCV": lab_opencv}
    results[f"decode, reduce to {SIDE}x{SIDE}, L*a*b*"] = by_turns(paths, lab, turns)

    cases, seams = [], []
    for (_, picture), (_, other) in zip(photos, photos[1:] + photos[:1]):
        height, width, _ = picture.shape
        hole = random_hole(height, width, random, at_border=False, ellipse=True)
        patch = la.resize(other, height, width, method="area")
        energy = seam_energy(picture, patch, hole)
        cut = la.seam_cut(picture, patch, hole)
        agree("seams", abs(cut.energy - cut_pymaxflow(energy)[0]) / cut.energy, 1e-3)
        seams.append((picture, patch, hole, energy))
        bytes_of = [(255 * part).round().astype(np.uint8) for part in (picture, patch)]
        cases.append((picture, patch, cut.from_patch, *bytes_of, cut.from_patch.astype(np.uint8) * 255))
    say("seams")
    cuts = {
        "ours": lambda item: la.seam_cut(*item[:3]),
        "PyMaxflow": lambda item: cut_pymaxflow(item[3]),
    }
    results["seam of hole and band"] = by_turns(seams, cuts, turns)

    blend = la.poisson_blend(domain="patch_only")
    for picture, patch, taken, *_ in cases[:3]:
        exact = blend_scipy(picture, patch, taken)
        agree("blending", float(abs(blend(picture, patch, taken) - np.clip(exact, 0, 1)).max()), 5e-3)
    say("blending")
    blends = {
        "ours": lambda item: blend(*item[:3]),
        "SciPy, sparse factorization": lambda item: blend_scipy(*item[:3]),
        "OpenCV seamlessClone": lambda item: blend_opencv(*item[3:]),
    }
    results["Poisson blending of the patch"] = by_turns(cases, blends, turns)

    describe = la.fill_hole | la.scene_descriptor
    sought = [describe(picture, hole) for picture, _, hole, _ in seams]
    augmented = Augmented(collection)
    for one in sought:
        ours = collection.search(one, k=K).ids
        agree("search", len(set(ours.tolist()) ^ set(augmented.by_faiss(one).tolist())), 2)
    say("search")
    searches = {
        "ours": lambda one: collection.search(one, k=K),
        "NumPy": augmented.by_numpy,
        "faiss IndexFlatIP": augmented.by_faiss,
    }
    results[f"masked search, {K} of {len(collection)}"] = by_turns(sought, searches, 5 * turns)
    return results


def main() -> None:
    """Compares."""
    arguments = parser(__doc__)
    arguments.add_argument("--count", type=int, default=10, help="photographs")
    arguments.add_argument("--turns", type=int, default=7)
    arguments.add_argument(
        "--store", type=Path, help="where the collection is kept; default: a temporary folder"
    )
    given = arguments.parse_args()
    cv2.setNumThreads(1)
    faiss.omp_set_num_threads(1)
    paths = photographs(given.photos)
    photos = choose(paths, given.count, 200, np.random.default_rng(given.seed), 1024)
    with collection_of(given.photos, given.store) as collection, la.set_threads(1):
        if len(collection) <= K:
            raise SystemExit(f"peers: found {len(collection)} photographs, wanted more than {K}")
        results = compare(photos, collection, given.turns, given.seed)
    rows = [["task, one item on one thread", "ours", "rival", "time", "ratio"]]
    ratios = {}
    for task, seconds in results.items():
        for rival, time_of_rival in seconds.items():
            if rival == "ours":
                continue
            ratios[f"{task}: {rival}"] = time_of_rival / seconds["ours"]
            figures = [f"{1e3 * seconds['ours']:.3g} ms", rival, f"{1e3 * time_of_rival:.3g} ms"]
            rows.append([task, *figures, f"{time_of_rival / seconds['ours']:.2f}"])
    print(table(rows))
    print()
    keep(given.json, {"seconds": results, "ratios": ratios})
    mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
    print(f"peers: {mean:.2f} times as fast as a rival (geometric mean of {len(ratios)} comparisons)")


if __name__ == "__main__":
    main()
