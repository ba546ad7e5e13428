"""Colorization by look-up: error, accuracy and saturation of each mode against the size of the collection.

Pictures of known color are looked up by their lightness alone, and what comes back is compared with what they were:
test pictures of CIFAR-10 among growing parts of its training pictures (`--cifar FOLDER` with train.bin and test.bin in
the standard binary records), and photographs of a folder (`--photos FOLDER`) among the others. Copies of a query are
left out: pictures whose 32x32 thumbnails correlate with it by 0.95 or more, in color or in gray. Two baselines know
nothing of the query: all gray, and the mean color of the collection everywhere. `--sheets FOLDER` writes contact sheets
of the first queries.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lookalike as la
import numpy as np
from _photographs import collection_of, keep, median, parser, say, table

Picture = np.ndarray
Decoder = Callable[[Picture, la.Matches], Any]

K = 20
NEAR = 0.95
GRAY_QUERY = 4.0  # mean chroma below which a query has no colors to be found
MODES: dict[str, Any] = {
    "average": la.average_color,
    "soft": la.average_color(average="soft"),
    "median": la.average_color(average="median"),
    "nearest": la.average_color,  # of the first neighbor alone
    "vote": la.vote_color,
    "global": la.global_transfer,
    "welsh": la.welsh,
}
BASELINES = ["gray", "mean color"]


class Score:
    """Figures of one way to colorize, added up over queries."""

    def __init__(self) -> None:
        self.squares: list[float] = []
        self.noise: list[float] = []
        self.areas: list[float] = []
        self.colorful: list[float] = []
        self.chroma: list[float] = []
        self.true_chroma: list[float] = []
        self.hits: list[bool] = []
        self.seconds: list[float] = []

    def add(self, lab: Picture, picture: Picture, true_lab: Picture, truth: Picture, seconds: float) -> None:
        """Counts one result."""
        self.squares.append(la.metrics.chroma_error(lab, true_lab) ** 2)
        self.noise.append(la.metrics.peak_signal_to_noise(picture, truth))
        self.areas.append(la.metrics.color_accuracy_area(lab, true_lab))
        self.colorful.append(la.metrics.colorfulness(picture))
        self.chroma.append(mean_chroma(lab))
        self.true_chroma.append(mean_chroma(true_lab))
        wanted = la.metrics.dominant_hue(true_lab)
        if wanted is not None:
            self.hits.append(la.metrics.dominant_hue(lab) == wanted)
        self.seconds.append(seconds)

    def figures(self) -> dict[str, float]:
        """Over all queries."""
        return {
            "ab_rmse": float(np.sqrt(np.mean(self.squares))),
            "psnr": float(np.mean(self.noise)),
            "auc": 100 * float(np.mean(self.areas)),
            "colorfulness": float(np.mean(self.colorful)),
            "saturation_ratio": float(np.sum(self.chroma) / np.sum(self.true_chroma)),
            "hue_hit_rate": 100 * float(np.mean(self.hits)) if self.hits else float("nan"),
            "milliseconds": 1000 * median(self.seconds),
        }


def mean_chroma(lab: Picture) -> float:
    """Of a picture in L*a*b*."""
    return float(np.hypot(lab[..., 1].astype(np.float64), lab[..., 2]).mean())


def plain(lab: Picture, color: np.ndarray) -> tuple[Picture, Picture]:
    """The lightness of a picture with one color everywhere, in L*a*b* and in sRGB."""
    colored = lab.copy()
    colored[..., 1:] = color
    colored = la.limit_chroma(colored)
    return colored, la.lab_to_rgb(colored)


def nearest_of(matches: la.Matches) -> la.Matches:
    """The first of the matches alone."""
    return la.Matches(matches.ids[:1], matches.distances[:1], matches.photos, matches.certified)


def measure(
    queries: list[tuple[Picture, list[int]]],
    index: la.GrayIndex,
    only: list[int] | None,
    mean_color: np.ndarray,
    modes: dict[str, Any],
) -> tuple[dict[str, dict[str, float]], list[dict[str, Picture]]]:
    """Figures of all modes and baselines, and the results of every query."""
    scores = {name: Score() for name in [*BASELINES, *modes]}
    shown = []
    for truth, copies in queries:
        true_lab = la.rgb_to_lab(truth)
        results: dict[str, Picture] = {}
        for name, color in zip(BASELINES, [np.zeros(2), mean_color]):
            lab, picture = plain(true_lab, color)
            scores[name].add(lab, picture, true_lab, truth, 0.0)
        start = time.perf_counter()
        described = index.encoder(truth)
        found = index.search(described, k=K, leave_out=copies, only=only)
        look_up = time.perf_counter() - start
        for name, decoder in modes.items():
            start = time.perf_counter()
            made = decoder(truth, nearest_of(found) if name == "nearest" else found)
            seconds = look_up + time.perf_counter() - start
            if not np.array_equal(made.lab[..., 0], true_lab[..., 0]):
                raise AssertionError(f"{name}: lightness has changed")
            scores[name].add(made.lab, made.picture, true_lab, truth, seconds)
            results[name] = made.picture
        results["query"] = plain(true_lab, np.zeros(2))[1]
        results["truth"] = truth
        results["neighbor"] = (
            index.read(int(found.ids[0])) if found.photos is index else found.photos.read(int(found.ids[0]))
        )
        shown.append(results)
    return {name: score.figures() for name, score in scores.items()}, shown


def sheet(shown: list[dict[str, Picture]], modes: list[str], count: int, cell: tuple[int, int]) -> Picture:
    """One row a query: query, truth, nearest neighbor, results."""
    columns = [
        "query",
        "truth",
        "neighbor",
        *(mode for mode in modes if mode not in ("nearest", "median", "soft")),
    ]
    pictures, captions = [], []
    for results in shown[:count]:
        for column in columns:
            picture = np.asarray(results[column])
            small = picture if picture.dtype == np.uint8 else np.round(255 * picture).astype(np.uint8)
            pictures.append(small if max(small.shape[:2]) > 64 else small.repeat(3, 0).repeat(3, 1))
            captions.append(column)
    return la.contact_sheet(
        pictures, captions, columns=len(columns), cell_height=cell[0], cell_width=cell[1], margin=6
    )


def cifar(folder: Path, part: str) -> Picture:
    """Pictures of one file of records, (count, 32, 32, 3)."""
    records = np.fromfile(folder / f"{part}.bin", np.uint8).reshape(-1, 3073)
    return np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def mean_color_of(pictures: Iterator[Picture]) -> np.ndarray:
    """Mean a* and b* over all pixels."""
    return np.mean(
        [la.rgb_to_lab(picture)[..., 1:].reshape(-1, 2).mean(0, np.float64) for picture in pictures], 0
    )


def on_cifar(options: Any, figures: dict[str, Any], rows: list[list[Any]]) -> None:
    """Test pictures of CIFAR-10 among its training pictures."""
    training, test = cifar(options.cifar, "train"), cifar(options.cifar, "test")
    random = np.random.default_rng(options.seed)
    order = random.permutation(len(training))
    asked = [test[i].astype(np.float32) / 255 for i in random.permutation(len(test))]
    asked = [query for query in asked if mean_chroma(la.rgb_to_lab(query)) >= GRAY_QUERY][
        : options.cifar_queries
    ]
    for size in options.cifar_sizes:
        say(f"CIFAR-10, {size} pictures")
        known = training[order[:size]]
        start = time.perf_counter()
        index = la.GrayIndex(known)
        say(f"  indexed in {time.perf_counter() - start:.1f} s")
        near = known.reshape(len(known), -1).astype(np.float32)
        near -= near.mean(1, keepdims=True)
        near /= np.maximum(np.linalg.norm(near, axis=1, keepdims=True), 1e-6)
        queries = []
        for query in asked:
            flat = query.ravel() - query.mean()
            alike = np.flatnonzero(near @ (flat / max(np.linalg.norm(flat), 1e-6)) >= NEAR)
            copies = {*alike.tolist(), *index.near_duplicates(query, correlation=NEAR).tolist()}
            queries.append((query, sorted(copies)))
        del near
        mean_color = mean_color_of(iter(known[:1000]))
        result, shown = measure(queries, index, None, mean_color, MODES)
        note("CIFAR-10", size, result, figures, rows)
        if options.sheets:
            la.write_image(options.sheets / f"cifar_{size}.png", sheet(shown, list(MODES), 12, (96, 96)))


def on_photographs(options: Any, figures: dict[str, Any], rows: list[list[Any]]) -> None:
    """Photographs of a folder among the others."""
    with collection_of(options.photos, options.store) as photos:
        random = np.random.default_rng(options.seed)
        ids = photos.ids[random.permutation(len(photos))]
        asked = []
        for id_ in random.permutation(ids):
            picture = photos.read(int(id_), dtype=np.float32)
            fits = min(picture.shape[:2]) >= 200 and max(picture.shape[:2]) <= 700
            if fits and mean_chroma(la.rgb_to_lab(picture)) >= GRAY_QUERY:
                asked.append((int(id_), picture))
            if len(asked) == options.queries:
                break
        mean_color = mean_color_of(photos.thumbnail(int(id_)) for id_ in ids)
        encoders: dict[str, Any] = {"": la.gray_thumbnail, " by gist": la.on_gray(la.gist)}
        for name, encoder in encoders.items():
            say(f"photographs{name}: index")
            index = la.GrayIndex(photos, encoder)
            queries = []
            for id_, picture in asked:
                copies = {
                    id_,
                    *photos.near_duplicates(picture, correlation=NEAR).tolist(),
                    *index.near_duplicates(picture, correlation=NEAR).tolist(),
                }
                queries.append((picture, sorted(copies)))
            for size in options.sizes if not name else options.sizes[-1:]:
                say(f"photographs{name}, {size}")
                result, shown = measure(queries, index, ids[:size].tolist(), mean_color, MODES)
                note(f"photographs{name}", size, result, figures, rows)
                if options.sheets:
                    path = options.sheets / f"photographs{name.replace(' ', '_')}_{size}.png"
                    la.write_image(path, sheet(shown, list(MODES), 8, (140, 200)))


def note(
    what: str, size: int, result: dict[str, Any], figures: dict[str, Any], rows: list[list[Any]]
) -> None:
    """Keeps figures, and makes rows of the table of them."""
    figures.setdefault(what, {})[str(size)] = result
    for name, f in result.items():
        rows.append(
            [
                what,
                size,
                name,
                f"{f['ab_rmse']:.2f}",
                f"{f['psnr']:.2f}",
                f"{f['auc']:.2f}",
                f"{f['colorfulness']:.1f}",
                f"{f['saturation_ratio']:.2f}",
                f"{f['hue_hit_rate']:.0f} %",
                f"{f['milliseconds']:.1f}" if name not in BASELINES else "",
            ]
        )


def main() -> None:
    """Measures, and prints the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--cifar", type=Path, metavar="FOLDER", help="folder with train.bin and test.bin")
    arguments.add_argument("--cifar-sizes", type=int, nargs="+", default=[100, 1000, 10000, 50000])
    arguments.add_argument("--cifar-queries", type=int, default=500)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000])
    arguments.add_argument("--queries", type=int, default=100)
    arguments.add_argument("--store", type=Path, help="where the collection is kept; by default it is not")
    arguments.add_argument("--sheets", type=Path, metavar="FOLDER", help="where contact sheets go")
    options = arguments.parse_args()
    if options.sheets:
        options.sheets.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {"k": K, "seed": options.seed}
    rows: list[list[Any]] = []
    if options.cifar:
        on_cifar(options, figures, rows)
    if options.photos:
        on_photographs(options, figures, rows)
    if not rows:
        raise SystemExit("wanted --cifar FOLDER or --photos FOLDER")
    keep(options.json, figures)
    heading = [
        "pictures",
        "collection",
        "mode",
        "ab RMSE",
        "PSNR",
        "AuC",
        "colorful",
        "saturation",
        "hue",
        "ms",
    ]
    print(table([heading, *rows]))
    parts = []
    for what, sizes in figures.items():
        if isinstance(sizes, dict):
            size, result = list(sizes.items())[-1]
            parts.append(
                f"{what} ({size}): ab RMSE {result['gray']['ab_rmse']:.2f} gray, "
                f"{result['average']['ab_rmse']:.2f} average; AuC {result['vote']['auc']:.1f} vote"
            )
    print("colorization: " + "; ".join(parts))


if __name__ == "__main__":
    main()
