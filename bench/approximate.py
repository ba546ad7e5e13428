"""Approximate search beside hnswlib, FAISS and usearch, at equal recall.

All build the same kind of graph (16 links, 200 candidates while building) of the same vectors: CIFAR-10's training
pictures as 8 x 8 thumbnails of mean 0 (192 numbers), looked up by test pictures; without LOOKALIKE_DATA, random points
around centers. For each recall that is wanted, every implementation gets the smallest number of candidates (ef) with
which its mean recall of the exact 10 nearest reaches it; then all answer the same queries by turns. A ratio is the
rival's time over ours: above 1, ours is faster.
"""

# needs: rivals

from __future__ import annotations

import argparse
import os
import sys

given_threads = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "1"
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before anything that reads them is imported
    os.environ[name] = given_threads
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import math  # noqa: E402
import tarfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import faiss  # noqa: E402
import hnswlib  # noqa: E402
import lookalike as la  # noqa: E402
import numpy as np  # noqa: E402
import usearch.index  # noqa: E402
from _photographs import keep, median, say, table  # noqa: E402

LINKS, EF_CONSTRUCTION, K = 16, 200, 10
#: Takes queries and a number of candidates, returns ids (queries, K).
Search = Callable[[np.ndarray, int], np.ndarray]


def tiny(archive: Path, count: int) -> np.ndarray:
    """Pictures of an archive as 8 x 8 thumbnails of mean 0."""
    rows = []
    with tarfile.open(archive) as files:
        for member in files:
            if member.isfile() and member.name.endswith((".jpg", ".jpeg", ".png")):
                picture = la.decode_image(files.extractfile(member).read(), dtype=np.float32)
                rows.append(picture.reshape(8, 4, 8, 4, 3).mean((1, 3)).ravel())
            if len(rows) == count:
                break
    vectors = np.array(rows, np.float32)
    return vectors - vectors.mean(1, keepdims=True)


def data(count: int, queries: int, seed: int) -> tuple[str, np.ndarray, np.ndarray]:
    """What is looked up in, and what is looked up."""
    folder = Path(os.environ.get("LOOKALIKE_DATA", "")) / "cifar10"
    archives = [folder / f"cifar10-{part}.tar.gz" for part in ("train", "test")]
    if "LOOKALIKE_DATA" in os.environ and all(archive.is_file() for archive in archives):
        return "CIFAR-10, 8 x 8 x 3", tiny(archives[0], count), tiny(archives[1], queries)
    random = np.random.default_rng(seed)
    centers = random.normal(size=(200, 192))
    points = centers[random.integers(0, 200, count + queries)] + 0.7 * random.normal(
        size=(count + queries, 192)
    )
    vectors = points.astype(np.float32)
    return "random clusters", vectors[:count], vectors[count:]


def build_ours(vectors: np.ndarray, threads: int, seed: int) -> Search:
    """Ours."""
    index = la.ApproximateIndex(
        vectors, links=LINKS, ef_construction=EF_CONSTRUCTION, seed=seed, deterministic=threads == 1
    )
    return lambda queries, ef: np.array([found.ids for found in index.search(queries, k=K, candidates=ef)])


def build_hnswlib(vectors: np.ndarray, threads: int, seed: int) -> Search:
    """The library that ours is made of, in its own packaging."""
    index = hnswlib.Index("l2", vectors.shape[1])
    index.init_index(len(vectors), M=LINKS, ef_construction=EF_CONSTRUCTION, random_seed=seed + 100)
    index.add_items(vectors, num_threads=threads)

    def search(queries: np.ndarray, ef: int) -> np.ndarray:
        index.set_ef(ef)
        return index.knn_query(queries, k=K, num_threads=threads)[0]

    return search


def build_faiss(vectors: np.ndarray, threads: int, seed: int) -> Search:
    """FAISS's graph."""
    faiss.omp_set_num_threads(threads)
    index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.add(vectors)

    def search(queries: np.ndarray, ef: int) -> np.ndarray:
        index.hnsw.efSearch = ef
        return index.search(queries, K)[1]

    return search


def build_usearch(vectors: np.ndarray, threads: int, seed: int) -> Search:
    """Usearch's graph."""
    index = usearch.index.Index(
        ndim=vectors.shape[1],
        metric="l2sq",
        dtype="f32",
        connectivity=LINKS,
        expansion_add=EF_CONSTRUCTION,
    )
    index.add(np.arange(len(vectors)), vectors, threads=threads)

    def search(queries: np.ndarray, ef: int) -> np.ndarray:
        index.expansion_search = ef
        return np.asarray(index.search(queries, K, threads=threads).keys)

    return search


BUILDERS = {"lookalike": build_ours, "hnswlib": build_hnswlib, "faiss": build_faiss, "usearch": build_usearch}


def exact(vectors: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The K nearest in double precision, by brute force."""
    lengths = (vectors.astype(np.float64) ** 2).sum(1)
    nearest = []
    for query in queries.astype(np.float64):
        rough = np.argpartition(lengths - 2 * (vectors @ query), 4 * K)[: 4 * K]
        distances = ((vectors[rough] - query) ** 2).sum(1)
        nearest.append(rough[np.lexsort((rough, distances))[:K]])
    return np.array(nearest)


def share(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean recall."""
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, truth)]))


def main() -> None:
    """Compares."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    arguments.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--count", type=int, default=50000, help="vectors")
    arguments.add_argument("--queries", type=int, default=1000)
    arguments.add_argument("--threads", type=int, default=1, help="of every implementation")
    arguments.add_argument("--turns", type=int, default=11)
    arguments.add_argument("--recall", type=float, nargs="+", default=[0.9, 0.95, 0.99])
    given = arguments.parse_args()
    la.set_threads(given.threads)
    name, vectors, queries = data(given.count, given.queries, given.seed)
    truth = exact(vectors, queries)
    say(f"{name}: {len(vectors)} vectors of {vectors.shape[1]}, {len(queries)} queries")

    searches: dict[str, Search] = {}
    build_seconds = {}
    for which, build in BUILDERS.items():
        start = time.perf_counter()
        searches[which] = build(vectors, given.threads, given.seed)
        build_seconds[which] = time.perf_counter() - start
        say(f"{which}: built in {build_seconds[which]:.1f} s")

    efs = sorted({round(K * 1.12**step) for step in range(48)})
    curves: dict[str, dict[int, float]] = {which: {} for which in searches}
    chosen: dict[float, dict[str, int]] = {wanted: {} for wanted in given.recall}
    for which, search in searches.items():
        for ef in efs:
            curves[which][ef] = share(search(queries, ef), truth)
            for wanted in given.recall:
                if curves[which][ef] >= wanted:
                    chosen[wanted].setdefault(which, ef)
            if curves[which][ef] >= max(given.recall):
                break
        say(f"{which}: {', '.join(f'{ef}: {value:.3f}' for ef, value in curves[which].items())}")

    seconds: dict[float, dict[str, float]] = {}
    rows = [["recall of 10", "implementation", "ef", "recall", "a query", "ratio", "built in"]]
    ratios = []
    for wanted in given.recall:
        contestants = chosen[wanted]
        times: dict[str, list[float]] = {which: [] for which in contestants}
        for turn in range(given.turns):
            for which in list(contestants)[:: 1 if turn % 2 == 0 else -1]:
                start = time.perf_counter()
                searches[which](queries, contestants[which])
                times[which].append((time.perf_counter() - start) / len(queries))
        seconds[wanted] = {which: median(values) for which, values in times.items()}
        ours = seconds[wanted].get("lookalike")
        for which, value in seconds[wanted].items():
            ratio = "" if which == "lookalike" or ours is None else f"{value / ours:.2f}"
            ef = contestants[which]
            rows.append(
                [
                    f"{wanted:.2f}",
                    which,
                    str(ef),
                    f"{curves[which][ef]:.3f}",
                    f"{1e6 * value:.0f} us",
                    ratio,
                    f"{build_seconds[which]:.0f} s",
                ]
            )
        rivals = [value for which, value in seconds[wanted].items() if which != "lookalike"]
        if ours is not None and rivals:
            ratios.append(min(rivals) / ours)
    print(table(rows))
    print()
    keep(
        given.json, {"data": name, "build": build_seconds, "curves": curves, "ef": chosen, "seconds": seconds}
    )
    if not ratios:
        print("approximate: no recall was reached by ours and a rival")
        return
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"approximate: geometric mean {mean:.2f} x over the best rival, worst {min(ratios):.2f} x")


if __name__ == "__main__":
    main()
