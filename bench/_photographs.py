"""What the experiments share: photographs of a folder, holes at random places, figures, tables."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lookalike as la
import numpy as np

EXTENSIONS = {".jpg", ".jpeg", ".png"}


def parser(description: str | None, seed: int = 0) -> argparse.ArgumentParser:
    """The arguments that all experiments on a folder of photographs take."""
    result = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    default = Path(os.environ["LOOKALIKE_DATA"]) / "photos" if "LOOKALIKE_DATA" in os.environ else None
    result.add_argument(
        "--photos", type=Path, default=default, help="folder of photographs, with its subfolders"
    )
    result.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    result.add_argument("--seed", type=int, default=seed, help="fixes all random choices")
    return result


def photographs(folder: Path | None) -> list[Path]:
    """All JPEG and PNG files of a folder and its subfolders, sorted."""
    if folder is None:
        sys.exit("wanted --photos FOLDER, a folder of photographs")
    if not folder.is_dir():
        sys.exit(f"--photos: given {folder}, wanted a folder of photographs")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())


def read(path: Path, longest_side: int | None = None) -> np.ndarray:
    """A photograph as float32 in [0, 1], reduced so that no side is longer than `longest_side` pixels."""
    picture = la.read_image(path, dtype=np.float32)
    height, width, _ = picture.shape
    if longest_side is None or max(height, width) <= longest_side:
        return picture
    scale = longest_side / max(height, width)
    return la.resize(picture, max(1, round(height * scale)), max(1, round(width * scale)), method="area")


def choose(
    paths: Sequence[Path], count: int, least_side: int, random: np.random.Generator, longest_side: int
) -> list[tuple[Path, np.ndarray]]:
    """`count` photographs in random order with sides of at least `least_side` pixels, as `read` reads them."""
    chosen: list[tuple[Path, np.ndarray]] = []
    for index in random.permutation(len(paths)):
        try:
            picture = read(paths[index], longest_side)
        except la.FileError:
            continue
        if min(picture.shape[:2]) >= least_side:
            chosen.append((paths[index], picture))
        if len(chosen) == count:
            return chosen
    sys.exit(
        f"found {len(chosen)} photographs with sides of at least {least_side} pixels, wanted {count}: "
        "give another folder or a smaller --count"
    )


def random_hole(
    height: int, width: int, random: np.random.Generator, *, at_border: bool, ellipse: bool
) -> np.ndarray:
    """A hole of 15 to 25 % of the area: a rectangle or an ellipse, at one of the borders or away from all."""
    while True:
        area = random.uniform(0.15, 0.25) * height * width
        aspect = random.uniform(0.6, 1.7)
        box = area * 4 / np.pi if ellipse else area
        tall, wide = round(np.sqrt(box / aspect)), round(np.sqrt(box * aspect))
        room_down, room_right = height - tall, width - wide
        if min(room_down, room_right) < 17:
            continue
        top, left = random.integers(8, room_down - 8), random.integers(8, room_right - 8)
        if at_border:
            border = random.integers(4)
            top = (0, room_down, top, top)[border]
            left = (left, left, 0, room_right)[border]
        hole = np.zeros((height, width), bool)
        if ellipse:
            y, x = np.ogrid[:height, :width]
            down, across = (y + 0.5 - top - tall / 2) / (tall / 2), (x + 0.5 - left - wide / 2) / (wide / 2)
            hole = down**2 + across**2 <= 1
        else:
            hole[top : top + tall, left : left + wide] = True
        if 0.15 <= hole.mean() <= 0.25:
            return hole


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """A tiny image (Torralba et al. 2008): 32 x 32 pixels as a vector of mean zero and length one."""
    values = la.resize(picture, 32, 32, method="area").astype(np.float64).ravel()
    values -= values.mean()
    return values / max(np.linalg.norm(values), 1e-12)


def psnr(picture: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over the pixels of a mask; values in [0, 1]."""
    error = np.mean((picture[where].astype(np.float64) - truth[where]) ** 2)
    return float(-10 * np.log10(max(error, 1e-10)))


def say(text: str) -> None:
    """Progress, on the error stream."""
    print(text, file=sys.stderr, flush=True)


def table(rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; the first row is the heading."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in texts]
    return "\n".join([lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]])


def median(values: Iterable[float]) -> float:
    """The median; NaN of nothing."""
    known = [value for value in values if value == value]
    return statistics.median(known) if known else float("nan")


def keep(path: Path | None, figures: dict[str, Any]) -> None:
    """Writes the figures, and what they were measured on, if a file is wanted."""
    if path is None:
        return
    machine = {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version()}
    path.write_text(json.dumps({"machine": machine, **figures}, indent=2) + "\n", encoding="utf-8")


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


@contextlib.contextmanager
def collection_of(folder: Path, store: Path | None) -> Iterator[la.Collection]:
    """The collection of a folder, kept in `store`, or for the while in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="lookalike_") as temporary:
        say("describing the photographs")
        yield la.Collection.build(
            folder, store=store or Path(temporary) / "store", progress=sys.stderr.isatty()
        )
