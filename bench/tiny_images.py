"""Tiny images: CIFAR-10 by its neighbors, D_warp and D_shift, gist, features, orientation, and scaling curves.

One exact search per descriptor serves all sizes. Photographs (a folder with subfolders) give the scaling curve of scene
completion's retrieval: their descriptors, weighed as the collection weighs them; a quarter of them is looked up among
the rest.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import lookalike as la
import numpy as np
from _photographs import keep, parser, photographs, say, table

RECORD = 3073
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
tiny = la.tiny_images


def cifar(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 3, 32, 32) and labels of a file of binary records."""
    path = folder / name
    if not path.is_file():
        sys.exit(f"wanted {path}; the to_binary.py beside the archives writes it")
    records = np.fromfile(path, np.uint8).reshape(-1, RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def voted(labels: np.ndarray, classes: int) -> np.ndarray:
    """The label that most of each row have; of several, that of the nearest."""
    counts = np.zeros((len(labels), classes), int)
    np.add.at(counts, (np.arange(len(labels))[:, None], labels), 1)
    most = counts.max(axis=1, keepdims=True)
    tied = np.take_along_axis(counts, labels, axis=1) == most
    return labels[np.arange(len(labels)), tied.argmax(axis=1)]


def accuracy(ids: np.ndarray, labels: np.ndarray, wanted: np.ndarray, k: int) -> float:
    """Percent of right votes of the k nearest."""
    return float(100 * np.mean(voted(labels[ids[:, :k]], int(labels.max()) + 1) == wanted))


def gist_rows(pictures: np.ndarray) -> np.ndarray:
    """Gist of 32 x 32 pictures, enlarged to 64."""
    stage = la.gist(side=64, scales=4)
    return np.stack([stage(picture.transpose(1, 2, 0)).values for picture in pictures])


def feature_rows(weights: Path, pictures: np.ndarray, training: np.ndarray) -> np.ndarray:
    """The last hidden layer of a ResNet-20 that train_cifar trained, at length 1."""
    model = la.Model(la.models.cifar_resnet(20) | la.expose("descriptor"))
    model.load(weights)
    values = np.arange(256)
    counts = (
        np.stack([np.bincount(training[:, c].ravel(), minlength=256) for c in range(3)]) / training[:, 0].size
    )
    mean = counts @ values
    deviation = np.sqrt(counts @ values**2 - mean**2)
    rows = []
    for first in range(0, len(pictures), 256):
        batch = (pictures[first : first + 256] - mean[:, None, None]) / deviation[:, None, None]
        found = model.forward(batch.astype(np.float32))["descriptor"]
        rows.append(np.array(found).reshape(len(batch), -1))
    joined = np.concatenate(rows)
    return joined / np.maximum(np.linalg.norm(joined, axis=1, keepdims=True), 1e-12)


def scene_rows(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Scene descriptors of photographs, scaled so that squared L2 is the collection's distance; tiny images."""
    with tempfile.TemporaryDirectory(prefix="lookalike_") as store:
        photos = la.Collection.build(folder, store=Path(store) / "store", progress=sys.stderr.isatty())
        norms = np.asarray(photos.block_distances)
        factors = np.concatenate(
            [
                np.full(block.cells * block.values_per_cell, np.sqrt(block.importance / norm))
                for block, norm in zip(photos.blocks, norms)
            ]
        )
        scenes = np.stack([photos.descriptor(int(id_)).values * factors for id_ in photos.ids])
        thumbnails = np.stack([photos.thumbnail(int(id_)).transpose(2, 0, 1) for id_ in photos.ids])
    return scenes.astype(np.float32), tiny.normalized_pixels(thumbnails)


def levels(ids: np.ndarray, labels: np.ndarray, wanted: np.ndarray, k: int) -> float | None:
    """Percent right about animal or artifact, by votes on WordNet's tree."""
    try:
        nouns = tiny.WordNet()
    except la.FileError as failure:
        say(str(failure))
        return None
    names = [nouns.synset(name) for name in CLASSES]
    choices = [nouns.synset("animal"), nouns.synset("artifact")]
    truth = [next(c for c in choices if nouns.tree.is_within(name, c)) for name in names]
    right = sum(
        nouns.tree.votes([names[label] for label in labels[row[:k]]]).best(choices) == truth[label_wanted]
        for row, label_wanted in zip(ids, wanted)
    )
    return 100 * right / len(wanted)


def curve_figures(curve: la.experiments.ScalingCurve, target: float) -> dict[str, Any]:
    """What is kept of a curve."""
    needed = curve.pictures_needed("correlation", target)
    return {
        "sizes": curve.sizes.tolist(),
        **{name: curve.values(name).tolist() for name in ("distance", "correlation", "hit", "score")},
        "slope": str(curve.slope),
        "dimension": str(curve.dimension),
        "likelihood_dimension": str(curve.likelihood_dimension),
        "needed": [target, str(needed.pictures), needed.notice],
    }


def main() -> None:
    """Everything, in one run."""
    arguments = parser(__doc__)
    arguments.add_argument("--cifar", type=Path, required=True, help="folder of train.bin and test.bin")
    arguments.add_argument("--weights", type=Path, help="of ResNet-20, as train_cifar saves them")
    arguments.add_argument("--pictures", type=int, default=50000, help="training pictures")
    arguments.add_argument("--queries", type=int, default=10000)
    arguments.add_argument("--rerank", type=int, default=1000, help="queries whose shortlists are reranked")
    arguments.add_argument("--candidates", type=int, default=100, help="length of a shortlist")
    arguments.add_argument("--curve", type=int, default=1000, help="queries of the scaling curves")
    arguments.add_argument("--orientation", type=int, default=1000, help="pictures to bring upright")
    arguments.add_argument("--plots", type=Path, help="folder for the curves as PNG and SVG")
    given = arguments.parse_args()
    pictures, labels = cifar(given.cifar, "train.bin")
    test, wanted = cifar(given.cifar, "test.bin")
    pictures, labels = pictures[: given.pictures], labels[: given.pictures]
    test, wanted = test[: given.queries], wanted[: given.queries]
    sizes = [size for size in (1000, 5000, 10000, 50000) if size <= len(pictures)]
    figures: dict[str, Any] = {"queries": len(test)}
    bar = sys.stderr.isatty()

    known, sought = tiny.normalized_pixels(pictures), tiny.normalized_pixels(test)
    descriptors: dict[str, tuple[np.ndarray, np.ndarray]] = {"tiny image": (known, sought)}
    say("gist")
    descriptors["gist, 64 pixels, 6 x 4 filters"] = gist_rows(pictures), gist_rows(test)
    if given.weights:
        say("features")
        descriptors["ResNet-20's last hidden layer"] = (
            feature_rows(given.weights, pictures, pictures),
            feature_rows(given.weights, test, pictures),
        )
    rows = [["descriptor", "pictures", "1-NN", "10-NN", "50-NN", "animal or artifact, 50-NN"]]
    for name, (vectors, queries) in descriptors.items():
        say(name)
        ids, _ = tiny.nested_neighbors(vectors, queries, sizes, 50, progress=bar)
        for s, size in enumerate(sizes):
            shares = [accuracy(ids[0, s], labels, wanted, k) for k in (1, 10, 50)]
            level = levels(ids[0, s], labels, wanted, 50)
            rows.append(
                [name, size, *(f"{x:.1f} %" for x in shares), "" if level is None else f"{level:.1f} %"]
            )
            figures.setdefault(name, {})[size] = [*shares, level]
    print(table(rows))

    say("rerank")
    some, right = sought[: given.rerank], wanted[: given.rerank]
    exact, _ = tiny.nested_neighbors(known, some, [len(known)], max(given.candidates, 50), progress=bar)
    exact = exact[0, 0]
    rows = [[f"{len(some)} queries, {given.candidates} candidates", "1-NN", "10-NN", "50-NN"]]
    for name in ("ssd", "warp", "shift"):
        ids, _ = tiny.rerank(
            exact[:, : given.candidates], known, some, min(50, given.candidates), distance=name, progress=bar
        )
        shares = [accuracy(ids, labels, right, k) for k in (1, 10, 50)]
        figures[f"D_{name}"] = shares
        rows.append([f"D_{name}", *(f"{x:.1f} %" for x in shares)])
    for candidates in (100, 300, 1000):
        ids, _ = tiny.component_shortlist(known, some, candidates, progress=bar)
        found = np.mean([np.isin(a[:50], b).mean() for a, b in zip(exact, ids)])
        figures[f"recall of 50 among {candidates} by 19 components"] = float(found)
        rows.append(
            [f"recall of the 50 nearest among {candidates} by 19 components", "", "", f"{100 * found:.1f} %"]
        )
    print(f"\n{table(rows)}")

    say("orientation")
    turned = [np.rot90(picture, -n, axes=(1, 2)) for n, picture in enumerate(test[: given.orientation])]
    found = tiny.find_orientations(known, tiny.normalized_pixels(np.stack(turned)), progress=bar)
    upright = 100 * float(np.mean(found.quarter_turns == np.arange(len(turned)) % 4))
    figures["orientation, CIFAR-10"] = upright
    print(f"\n{upright:.1f} % of {len(turned)} turned test pictures are brought upright (chance: 25 %)")

    say("scaling curves")
    curves = {
        "CIFAR-10, tiny images": la.experiments.scaling_curve(
            known,
            sought[: given.curve],
            labels=labels,
            query_labels=wanted[: given.curve],
            seed=given.seed,
            progress=bar,
        )
    }
    if given.photos and photographs(given.photos):
        scenes, small = scene_rows(given.photos)
        order = np.random.default_rng(given.seed).permutation(len(scenes))
        ask, among = order[: len(order) // 4], order[len(order) // 4 :]
        halves = [len(among) >> halving for halving in range(5, -1, -1)]
        curves["photographs, scene descriptor"] = la.experiments.scaling_curve(
            scenes[among], scenes[ask], sizes=halves, near_duplicates=0.999, seed=given.seed
        )
        curves["photographs, tiny images"] = la.experiments.scaling_curve(
            small[among], small[ask], sizes=halves, near_duplicates=0.95, seed=given.seed
        )
        planes = small[ask].reshape(-1, 3, 32, 32)
        turned = [np.rot90(picture, -n, axes=(1, 2)) for n, picture in enumerate(planes)]
        found = tiny.find_orientations(small[among], np.stack(turned), neighbors=20)
        upright = 100 * float(np.mean(found.quarter_turns == np.arange(len(turned)) % 4))
        figures["orientation, photographs"] = upright
        print(f"{upright:.1f} % of {len(turned)} turned photographs (chance: 25 %)")
    for name, curve in curves.items():
        figures[name] = curve_figures(curve, 0.95)
        print(f"\n{name}:\n\n```\n{curve}\n```")
        print(f"correlation 0.95: {figures[name]['needed'][1]} pictures, {figures[name]['needed'][2]}")
        if given.plots:
            given.plots.mkdir(parents=True, exist_ok=True)
            stem = name.replace(", ", "_").replace(" ", "_").lower()
            curve.plot(given.plots / f"{stem}.png", given.plots / f"{stem}.svg", title=name)
    keep(given.json, figures)
    first = curves["CIFAR-10, tiny images"]
    best = figures["tiny image"][sizes[-1]]
    print(
        f"\ntiny_images: {best[0]:.1f} / {best[1]:.1f} / {best[2]:.1f} % by 1 / 10 / 50 neighbors among {sizes[-1]}; "
        f"D_warp {figures['D_warp'][0]:.1f}, D_shift {figures['D_shift'][0]:.1f} % by one, where D_ssd has "
        f"{figures['D_ssd'][0]:.1f} %; intrinsic dimension {first.dimension.value:.1f}"
    )


if __name__ == "__main__":
    main()
