"""Exact nearest neighbors beside FAISS, usearch and NumPy: CIFAR-10, gist, masked scene descriptors, 2.3 million rows.

Without arguments: CIFAR-10's 50,000 training pictures as bytes, by normalized correlation, k = 50, with queries from
its test pictures one, 32 and 1000 at a time; then the same on thumbnails of photographs' crops, and on CIFAR-10 with
noise added (what went through JPEG is smoother than pictures are, and that favors pruning). `--descriptor gist` takes
gist descriptors, `--masked` scene descriptors with cell weights, `--large` 2.3 million of them.

Rivals are given what suits them best: vectors of floats that are already normalized, so that an inner product is the
correlation, and where queries weigh cells the augmented columns [g', |g'_c|^2]. Everybody runs in this process, on the
same cores, by turns (A B C, C B A, ...); a figure is the median of the turns. Before anything is timed, everybody's
answers are compared with distances in double precision.
"""

# needs: rivals
from __future__ import annotations

import argparse
import hashlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

THREADS = next(
    (int(sys.argv[i + 1]) for i, word in enumerate(sys.argv[:-1]) if word == "--threads"),
    2 if "--large" in sys.argv else 1,
)
for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(_name, None)
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = str(THREADS)  # before NumPy is loaded
os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[-THREADS:]))

import lookalike as la  # noqa: E402
import numpy as np  # noqa: E402
from _photographs import keep, median, parser, photographs, say, table  # noqa: E402

Search = Callable[[Any, int], tuple[np.ndarray, Any]]
#: By batch: over the best exact rival, and over FAISS's components with re-ranking.
Ratios = dict[int, tuple[float, float]]
OURS = "lookalike"
BATCHES = (1, 32, 1000)


@dataclass
class Contestant:
    """Who searches: `search(queries, k)` gives ids."""

    name: str
    search: Callable[[Any], np.ndarray]
    queries: Any
    settings: str = ""
    seconds: dict[int, list[float]] = field(default_factory=dict)
    wrong: str = ""


def resident() -> float:
    """Megabytes that the process holds at present."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def normalized(rows: np.ndarray) -> np.ndarray:
    """Mean 0 and length 1, so that inner products are correlations."""
    result = rows.reshape(len(rows), -1).astype(np.float32)
    result -= result.mean(1, keepdims=True)
    return result / np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-12)


# Rivals -------------------------------------------------------------------------------------------------------------


def faiss_flat(known: np.ndarray, queries: np.ndarray, k: int, by_product: bool) -> Contestant:
    """FAISS's exhaustive search."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    index = (faiss.IndexFlatIP if by_product else faiss.IndexFlatL2)(known.shape[1])
    index.add(known)
    return Contestant("FAISS Flat", lambda some: index.search(some, k)[1], queries)


def faiss_refined(
    known: np.ndarray, queries: np.ndarray, k: int, by_product: bool, misses: Callable[[Contestant], int]
) -> Contestant | None:
    """FAISS's principal components and re-ranking: the fewest components and candidates that make no mistake."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    metric = faiss.METRIC_INNER_PRODUCT if by_product else faiss.METRIC_L2
    sample = known[:: max(1, len(known) // 10000)]
    for components in (64, 128, 256):
        if components >= known.shape[1]:
            return None
        pca = faiss.PCAMatrix(known.shape[1], components)
        pca.train(sample)
        base = faiss.IndexPreTransform(pca, faiss.IndexFlat(components, metric))
        base.add(known)
        index = faiss.IndexRefineFlat(base, faiss.swig_ptr(known))
        index.own_fields = False
        for factor in (4, 10, 40):
            index.k_factor = factor
            contestant = Contestant(
                "FAISS PCA + refine",
                lambda some, index=index: index.search(some, k)[1],
                queries,
                f"{components} components, {factor} k candidates: right in {len(queries)} queries, no proof",
            )
            contestant.kept = (pca, base, index, known)  # type: ignore[attr-defined]
            if misses(contestant) == 0:
                return contestant
    return None


def usearch_exact(known: np.ndarray, queries: np.ndarray, k: int, by_product: bool) -> Contestant:
    """Usearch's exact search of arrays."""
    from usearch.index import MetricKind, search

    metric = MetricKind.IP if by_product else MetricKind.L2sq
    return Contestant(
        "usearch exact",
        lambda some: search(known, some, k, metric, exact=True, threads=THREADS).keys.reshape(len(some), k),
        queries,
    )


def numpy_product(known: np.ndarray, queries: np.ndarray, k: int, by_product: bool) -> Contestant:
    """A product of matrices and a partial sort."""
    squares = None if by_product else (known**2).sum(1)

    def search(some: np.ndarray) -> np.ndarray:
        found = np.empty((len(some), k), np.int64)
        for first in range(0, len(some), 64):
            distances = some[first : first + 64] @ known.T
            distances *= -1
            if squares is not None:
                distances *= 2
                distances += squares
            nearest = np.argpartition(distances, k, axis=1)[:, :k]
            order = np.take_along_axis(distances, nearest, 1).argsort(1)
            found[first : first + 64] = np.take_along_axis(nearest, order, 1)
        return found

    return Contestant("NumPy", search, queries)


# Measuring ----------------------------------------------------------------------------------------------------------


def mistakes(found: np.ndarray, distances: np.ndarray, k: int, tolerance: float) -> str:
    """What is wrong with the ids found, given all distances in double precision; empty if nothing is."""
    for row, all_distances in zip(found, distances):
        if len(set(row.tolist())) != k or row.min() < 0:
            return "not k different ids"
        kth = np.partition(all_distances, k - 1)[k - 1]
        if all_distances[row].max() > kth + tolerance * max(1e-6, abs(kth)):
            return f"an id at {all_distances[row].max():.6g}, where the {k}th nearest is at {kth:.6g}"
    return ""


def duel(
    case: str, contestants: list[Contestant], batches: tuple[int, ...], given: argparse.Namespace
) -> list[list[str]]:
    """By turns; a table row for each contestant and batch."""
    rows = []
    for batch in batches:
        running = [one for one in contestants if not one.wrong]
        turns = given.turns if batch < 1000 else max(3, given.turns // 4)
        for one in running:
            one.seconds[batch] = []
            one.search(one.queries[:batch])
        for turn in range(turns):
            first = turn * batch % max(1, len(contestants[0].queries) - batch + 1)
            for one in running if turn % 2 == 0 else reversed(running):
                some = one.queries[first : first + batch]
                start = time.perf_counter()
                one.search(some)
                one.seconds[batch].append(time.perf_counter() - start)
        medians = {one.name: median(one.seconds[batch]) / batch for one in running}
        for one in running:
            ratio = medians[one.name] / medians[OURS]
            rows.append(
                [
                    case,
                    str(batch),
                    one.name,
                    f"{medians[one.name] * 1e3:.3f}",
                    "" if one.name == OURS else f"{ratio:.2f}",
                ]
            )
            say(" | ".join(rows[-1]))
    return rows


#: Right in all queries that were compared, but without a proof: a row, and a ratio, of its own.
UNPROVEN = "FAISS PCA + refine"


def best_ratios(contestants: list[Contestant], batch: int) -> tuple[float, float]:
    """Medians over ours: of the best exact rival, and of the one that has no proof."""
    ours = median(next(one for one in contestants if one.name == OURS).seconds[batch])
    rivals = {one.name: median(one.seconds[batch]) / ours for one in contestants if batch in one.seconds}
    del rivals[OURS]
    unproven = rivals.pop(UNPROVEN, float("nan"))
    return min(rivals.values(), default=float("nan")), unproven


# Data ---------------------------------------------------------------------------------------------------------------


def cached(name: str, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """An array that takes long to make, kept in the user's cache."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lookalike-bench"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if not file.exists():
        array = make()
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".npy", delete=False) as temporary:
            np.save(temporary, array)
        Path(temporary.name).replace(file)
    return np.load(file)


def cifar(given: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Training and test pictures, rows of 3072 bytes."""
    if given.cifar is None or not given.cifar.is_dir():
        sys.exit("wanted --cifar FOLDER, with CIFAR-10's cifar10-train.tar.gz and cifar10-test.tar.gz")

    def read(split: str) -> np.ndarray:
        import io
        import tarfile

        from PIL import Image

        with tarfile.open(given.cifar / f"cifar10-{split}.tar.gz") as archive:
            members = [member for member in archive if member.name.endswith((".jpg", ".png"))]
            pictures = [
                np.asarray(Image.open(io.BytesIO(archive.extractfile(member).read())).convert("RGB"))  # type: ignore[union-attr]
                for member in members
            ]
        rows = np.stack(pictures).reshape(len(pictures), -1)
        return rows[np.random.default_rng(0).permutation(len(rows))]

    return tuple(
        cached(f"cifar-{split}", str(given.cifar), lambda split=split: read(split))
        for split in ("train", "test")
    )  # type: ignore[return-value]


def crops(
    given: argparse.Namespace, count: int, describe: Callable[[np.ndarray], np.ndarray], name: str
) -> tuple[np.ndarray, np.ndarray]:
    """`describe` of square crops of photographs, as many from each, and the number of the photograph."""
    paths = photographs(given.photos)

    def make() -> np.ndarray:
        random = np.random.default_rng(given.seed)
        rows: list[np.ndarray] = []
        for number, path in enumerate(paths):
            try:
                photo = la.read_image(path, dtype=np.float32)
            except la.FileError:
                continue
            least = min(photo.shape[:2])
            if least < 90:
                continue
            for _ in range(-(-count // len(paths)) + 1):
                side = int(random.integers(80, least + 1))
                top = int(random.integers(0, photo.shape[0] - side + 1))
                left = int(random.integers(0, photo.shape[1] - side + 1))
                crop = photo[top : top + side, left : left + side]
                if random.random() < 0.5:
                    crop = crop[:, ::-1]
                rows.append(np.append(describe(np.ascontiguousarray(crop)), np.float32(number)))
            if number % 50 == 0:
                say(f"{name}: {len(rows)} crops of {count}")
        random.shuffle(rows)
        return np.stack(rows[:count]).astype(np.float32)

    both = cached(name, f"{given.photos} {count} {given.seed} {len(paths)}", make)
    return np.ascontiguousarray(both[:, :-1]), both[:, -1].astype(int)


def thumbnail_bytes(crop: np.ndarray) -> np.ndarray:
    """A crop at 32x32."""
    return (la.resize(crop, 32, 32, method="area") * 255 + 0.5).astype(np.uint8).ravel().astype(np.float32)


def scene_values(crop: np.ndarray) -> np.ndarray:
    """Gist and colors of a crop."""
    return la.scene_descriptor(crop).values


def random_weights(blocks: Any, count: int, random: np.random.Generator) -> np.ndarray:
    """Cell weights of holes of a seventh to a quarter of the picture, the same for all blocks of one grid."""
    from _photographs import random_hole

    rows = []
    for _ in range(count):
        hole = random_hole(
            128, 128, random, at_border=bool(random.integers(2)), ellipse=bool(random.integers(2))
        )
        weights = []
        for block in blocks:
            side = round(block.cells**0.5)
            known = 1 - hole.reshape(side, 128 // side, side, 128 // side).mean((1, 3))
            weights.append(known.ravel())
        rows.append(np.concatenate(weights))
    return np.array(rows, np.float32)


# Cases --------------------------------------------------------------------------------------------------------------


def plain_case(
    case: str,
    known: np.ndarray,
    queries: np.ndarray,
    metric: str,
    k: int,
    given: argparse.Namespace,
    batches: tuple[int, ...] = BATCHES,
) -> tuple[list[list[str]], list[str], Ratios]:
    """Ours on the rows as they are, rivals on floats."""
    by_product = metric == "correlation"
    floats = normalized(known) if by_product else known.astype(np.float32)
    float_queries = normalized(queries) if by_product else queries.astype(np.float32)
    before, start = resident(), time.perf_counter()
    index = la.VectorIndex(known, metric=metric)
    seconds, grown = time.perf_counter() - start, resident() - before
    compared = 20
    exact_known, exact_queries = floats.astype(np.float64), float_queries[:compared].astype(np.float64)
    if by_product:
        distances = 1 - exact_queries @ exact_known.T
    else:
        distances = np.stack([((exact_known - q) ** 2).sum(1) for q in exact_queries])
    del exact_known
    tolerance = 3e-5  # of the rivals' sums of floats

    truth = index.search(queries, k)

    def misses(one: Contestant) -> int:
        """Queries for which something else is found than by ours, which has a proof; equal distances may differ."""
        found = np.concatenate(
            [np.asarray(one.search(one.queries[i : i + 250])) for i in range(0, len(queries), 250)]
        )
        return sum(len(set(a.tolist()) - set(b.tolist())) > 1 for a, b in zip(found, truth.ids))

    def measure(one: Contestant) -> str:
        return mistakes(
            np.asarray(one.search(one.queries[:compared])).astype(np.int64), distances, k, tolerance
        )

    ours = Contestant(OURS, lambda some: index.search(some, k).ids, queries)
    contestants: list[Contestant | None] = [
        ours,
        faiss_flat(floats, float_queries, k, by_product),
        faiss_refined(floats, float_queries, k, by_product, misses),
        usearch_exact(floats, float_queries, k, by_product),
        numpy_product(floats, float_queries, k, by_product),
    ]
    there = [one for one in contestants if one is not None]
    for one in there:
        one.wrong = measure(one)
    rows = duel(case, there, batches, given)
    index.search(queries[: max(batches)], k)
    counts, asked = index.last_counts, len(queries[: max(batches)])
    notes = [
        f"{case}: preparing took {seconds:.2f} s and {index.prepared_memory / 1e6:.1f} MB (resident memory grew by "
        f"{grown:.0f} MB; the vectors are {known.nbytes / 1e6:.0f} MB, the rivals' {floats.nbytes / 1e6:.0f} MB). Of "
        f"{counts['rows'] // asked} rows {counts['coarse'] // asked} were left over by the first stage, "
        f"{counts['measured'] // asked} measured."
    ]
    notes += [f"{case}: {one.name}: {one.settings}" for one in there if one.settings and not one.wrong]
    notes += [f"{case}: {one.name} is not timed: {one.wrong}" for one in there if one.wrong]
    return rows, notes, {batch: best_ratios(there, batch) for batch in batches}


def masked_case(
    case: str,
    values: np.ndarray,
    sources: np.ndarray,
    asked: np.ndarray,
    k: int,
    batches: tuple[int, ...],
    given: argparse.Namespace,
    leave_out_family: bool,
) -> tuple[list[list[str]], list[str], Ratios]:
    """Scene descriptors, each query with cell weights of its own."""
    blocks = la.scene_descriptor.blocks
    random = np.random.default_rng(given.seed + 1)
    before, start = resident(), time.perf_counter()
    index = la.DescriptorIndex(values, blocks)
    seconds, grown = time.perf_counter() - start, resident() - before
    count = max(batches) + given.turns
    weights = random_weights(blocks, count, random)
    chosen = random.choice(len(asked), count)
    queries = [la.Descriptor(blocks, asked[i], w) for i, w in zip(chosen, weights)]
    factors = np.array([block.importance for block in blocks]) / index.block_distances
    cell_factors = np.repeat(factors, [block.cells for block in blocks])
    per_value = np.repeat(
        np.arange(len(cell_factors)),
        np.repeat([b.values_per_cell for b in blocks], [b.cells for b in blocks]),
    )
    starts = np.flatnonzero(np.diff(per_value, prepend=-1))
    width = values.shape[1] + len(cell_factors)
    augmented = np.empty((len(values), width), np.float32)
    for first in range(0, len(values), 65536):
        part = values[first : first + 65536]
        augmented[first : first + 65536, : values.shape[1]] = part
        augmented[first : first + 65536, values.shape[1] :] = np.add.reduceat(part**2, starts, axis=1)
    # Smaller is nearer, an inner product is larger for the nearer: negated.
    cells = weights * cell_factors
    asked_values = np.array([query.values for query in queries])
    augmented_queries = np.concatenate([2 * cells[:, per_value] * asked_values, -cells], axis=1).astype(
        np.float32
    )
    families = sources[chosen] if leave_out_family else None

    compared = 5
    distances = []
    for q in range(compared):
        each = cells[q, per_value].astype(np.float64)
        row = np.concatenate(
            [
                (each * (part.astype(np.float64) - asked_values[q]) ** 2).sum(1)
                for part in np.array_split(values, 64)
            ]
        )
        distances.append(row)

    def found_by(one: Contestant) -> np.ndarray:
        return np.concatenate([np.asarray(one.search(one.queries[q : q + 1])) for q in range(compared)])

    ours = Contestant(OURS, lambda some: index.search(some, k).ids, queries)
    contestants = [ours, faiss_flat(augmented, augmented_queries, k, True)]
    if not given.large:
        contestants.append(numpy_product(augmented, augmented_queries, k, True))
    for one in contestants:
        one.wrong = mistakes(found_by(one).astype(np.int64), np.array(distances), k, 1e-4)
    rows = duel(case, contestants, batches, given)
    index.search(queries[:8], k)
    counts = {name: value // 8 for name, value in index.last_counts.items()}
    shares = [np.sort(row)[k - 1] / np.median(row) for row in distances]
    notes = [
        f"{case}: preparing took {seconds:.1f} s and {index.prepared_memory / 1e6:.0f} MB (resident memory grew by "
        f"{grown:.0f} MB; the values are {values.nbytes / 1e6:.0f} MB, the rivals' {augmented.nbytes / 1e6:.0f} MB). "
        f"Of {counts['rows']} rows {counts['coarse']} were left over by the first stage, {counts['fine']} by the "
        f"second when the search ended, {counts['measured']} were measured. The {k}th distance is "
        f"{median(shares):.2f} of the median distance. Resident at the end: {resident():.0f} MB."
    ]
    if families is not None:
        notes.append(f"{case}: queries are crops of photographs that no row comes from.")
    notes += [f"{case}: {one.name} is not timed: {one.wrong}" for one in contestants if one.wrong]
    return rows, notes, {batch: best_ratios(contestants, batch) for batch in batches}


def main() -> None:
    """Measures."""
    arguments = parser(__doc__)
    default = Path(os.environ["LOOKALIKE_DATA"]) / "cifar10" if "LOOKALIKE_DATA" in os.environ else None
    arguments.add_argument("--cifar", type=Path, default=default, help="folder with CIFAR-10's archives")
    arguments.add_argument("--descriptor", choices=("pixels", "gist"), default="pixels")
    arguments.add_argument("--masked", action="store_true", help="scene descriptors with cell weights")
    arguments.add_argument("--large", action="store_true", help="the same, 2.3 million of them, on two cores")
    arguments.add_argument("--rows", type=int, help="other than 50,000, 100,000 and 2,300,000")
    arguments.add_argument("--threads", type=int, default=THREADS, help="of every implementation")
    arguments.add_argument("--turns", type=int, default=21, help="of every implementation")
    given = arguments.parse_args()
    la.set_threads(THREADS)
    rows: list[list[str]] = [["case", "batch", "implementation", "ms a query", "ratio"]]
    notes: list[str] = []
    ratios: dict[str, Ratios] = {}
    random = np.random.default_rng(given.seed)

    def take(case: str, result: tuple[list[list[str]], list[str], Ratios]) -> None:
        rows.extend(result[0])
        notes.extend(result[1])
        ratios[case] = result[2]

    if given.masked or given.large:
        described = 100_000 if given.rows is None else min(100_000, given.rows)
        base, sources = crops(given, -(-described * 10 // 9) + 2000, scene_values, "scenes")
        # Queries come from photographs of which no row is: a tenth of them.
        held_out = sources % 10 == 0
        known, asked = base[~held_out], base[held_out]
        if given.large:
            count = given.rows or 2_300_000
            spread = known.std(0)
            large = np.empty((count, known.shape[1]), np.float32)
            for first in range(0, count, 65536):
                some = min(65536, count - first)
                noise = 0.3 * spread * random.standard_normal((some, known.shape[1]), np.float32)
                large[first : first + some] = known[random.integers(0, len(known), some)] + noise
            take("large", masked_case("large", large, sources[held_out], asked, 200, (1,), given, True))
        else:
            known = known[: given.rows or 100_000]
            take("masked", masked_case("masked", known, sources[held_out], asked, 200, (1, 32), given, True))
    elif given.descriptor == "gist":
        count = given.rows or 50_000
        # 20 filters x 16 cells of each of 3 colors, and 32 filters x 16 cells of the luminance.
        for width, stage in (
            (960, la.gist(orientations_per_scale=(8, 8, 4), color=True)),
            (512, la.gist(orientations=8, scales=4)),
        ):

            def describe(crop: np.ndarray, stage: Any = stage) -> np.ndarray:
                return stage(crop).values

            values, _ = crops(given, count + 1000, describe, f"gist-{width}")
            case = f"gist {values.shape[1]}"
            take(case, plain_case(case, values[:count], values[count:], "squared_l2", 50, given))
    else:
        train, test = cifar(given)
        train = train[: given.rows or len(train)]
        take("cifar10", plain_case("cifar10", train, test[:1000], "correlation", 50, given))
        values, _ = crops(given, len(train) + 1000, thumbnail_bytes, "thumbnails")
        small = values.astype(np.uint8)
        take("crops", plain_case("crops", small[:-1000], small[-1000:], "correlation", 50, given))
        noise = random.normal(0, 8, train.shape).astype(np.float32)
        noisy = np.clip(train + noise, 0, 255).astype(np.uint8)
        asked = np.clip(test[:1000] + random.normal(0, 8, test[:1000].shape), 0, 255).astype(np.uint8)
        take("cifar10 + noise", plain_case("cifar10 + noise", noisy, asked, "correlation", 50, given))

    print(table(rows))
    print()
    for note in notes:
        print(f"- {note}")
    print(f"- {THREADS} thread(s); medians of {given.turns} turns (a quarter of them at batches of 1000).")
    print()
    keep(given.json, {"threads": THREADS, "rows": rows[1:], "notes": notes, "ratios": ratios})

    def said(which: int) -> str:
        return "; ".join(
            f"{case} "
            + " / ".join(f"{both[which]:.2f}" for both in by_batch.values())
            + " x at batches "
            + " / ".join(map(str, by_batch))
            for case, by_batch in ratios.items()
            if all(both[which] == both[which] for both in by_batch.values())
        )

    unproven = said(1)
    if unproven:
        print(f"Over {UNPROVEN}, right in all queries that were compared, but without a proof: {unproven}.\n")
    print(f"nearest: over the best exact rival: {said(0)}")


if __name__ == "__main__":
    main()
