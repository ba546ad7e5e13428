"""The program `complete`, as a user's shell sees it: files, exit status, and one line for every bad input."""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


def find_program() -> Path | None:
    """The newest build of the program, or the one that LOOKALIKE_COMPLETE names."""
    if "LOOKALIKE_COMPLETE" in os.environ:
        return Path(os.environ["LOOKALIKE_COMPLETE"])
    builds = sorted(ROOT.glob("build/*/examples/complete"), key=lambda path: path.stat().st_mtime)
    return builds[-1] if builds else None


PROGRAM = find_program()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="the program complete has not been built")


def texture(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """Smooth random colors with structure at several sizes."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for cells in (3, 7, 20):
        noise = random.uniform(0, 255, (cells, cells, 3)).astype(np.uint8)
        picture += np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))
    return (picture / 3).astype(np.uint8)


def hole(height: int = 96, width: int = 128, box: tuple[int, int, int, int] = (30, 40, 60, 80)) -> np.ndarray:
    """A mask: 255 in rows [top, bottom), columns [left, right)."""
    top, left, bottom, right = box
    mask = np.zeros((height, width), np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder of eight photographs, `photo.png` with `mask.png` beside it."""
    folder = tmp_path / "album"
    folder.mkdir()
    for seed in range(8):
        Image.fromarray(texture(seed)).save(folder / f"{seed}.jpg", quality=95)
    Image.fromarray(texture(3)).save(tmp_path / "photo.png")
    Image.fromarray(hole()).save(tmp_path / "mask.png")
    return folder


def complete(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs the program to its end."""
    command = [str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)  # type: ignore[call-overload]


def fails(result: subprocess.CompletedProcess[str], *words: str, status: int = 1) -> None:
    """Checks the exit status, and that one line says what is wrong."""
    assert result.returncode == status, result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("complete: ")]
    assert len(lines) == 1, result.stderr
    assert result.stderr.splitlines()[-1] == lines[0]
    for word in words:
        assert word in lines[0]


def test_writes_completions_sheet_and_terms(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = complete(
        tmp_path / "photo.png",
        tmp_path / "mask.png",
        "--collection",
        album,
        "--out",
        out,
        "--count",
        3,
        "--threads",
        1,
    )
    assert result.returncode == 0, result.stderr
    document = json.loads((out / "completions.json").read_text())
    assert len(document["completions"]) == 3
    scores = []
    for completion in document["completions"]:
        picture = Image.open(out / completion["file"])
        assert picture.size == (128, 96)
        seam = np.asarray(Image.open(out / completion["seam"]))
        assert seam.shape == (96, 128)
        assert (seam[hole() != 0] != 0).all()
        assert completion["max_flow"] == completion["min_cut"]
        assert set(completion["terms"]) == {"scene", "context", "texture", "seam"}
        scores.append(completion["score"])
    assert scores == sorted(scores)
    assert document["completions"][0]["source"]["name"].endswith("3.jpg")
    best = np.asarray(Image.open(out / "completion_01.png")).astype(float)
    error = (best - texture(3))[hole() != 0]
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 30
    assert Image.open(out / "contact_sheet.png").width > 500
    assert (album / ".lookalike").is_dir()


def test_leave_out_keeps_a_photograph_and_its_copies_away(album: Path, tmp_path: Path) -> None:
    arguments = (
        tmp_path / "photo.png",
        tmp_path / "mask.png",
        "--collection",
        album,
        "--out",
        tmp_path / "out",
    )
    for option in (("--leave-out", "3.jpg"), ("--near-duplicates", 0.95)):
        result = complete(*arguments, *option)
        assert result.returncode == 0, result.stderr
        document = json.loads((tmp_path / "out" / "completions.json").read_text())
        names = [Path(completion["source"]["name"]).name for completion in document["completions"]]
        assert len(names) == 7
        assert "3.jpg" not in names


def test_the_second_run_describes_nothing_again(album: Path, tmp_path: Path) -> None:
    arguments = (
        tmp_path / "photo.png",
        tmp_path / "mask.png",
        "--collection",
        album,
        "--out",
        tmp_path / "out",
    )
    assert "8 of them new" in complete(*arguments).stderr
    Image.fromarray(texture(99)).save(album / "99.jpg")
    (album / "broken.jpg").write_bytes((album / "1.jpg").read_bytes()[:500])
    second = complete(*arguments)
    assert second.returncode == 0
    assert "9 photographs, 1 of them new; 1 files skipped" in second.stderr
    assert "broken.jpg" in second.stderr
    store = complete(*arguments[:2], "--collection", album / ".lookalike", "--out", tmp_path / "again")
    assert store.returncode == 0, store.stderr


def enormous_png() -> bytes:
    """A PNG whose header claims 2^31 - 1 pixels in both directions."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "photo.png"),
        (lambda good: b"", "empty"),
        (lambda good: good[: len(good) // 2], "photo.png"),
        (lambda good: b"this is no picture, whatever its name says\n" * 20, "photo.png"),
        (lambda good: enormous_png(), "photo.png"),
    ],
    ids=["missing", "empty", "truncated", "no image", "enormous header"],
)
@pytest.mark.parametrize("which", ["photo", "mask"])
def test_bad_files(
    album: Path, tmp_path: Path, which: str, content: Callable[[bytes], bytes] | None, word: str
) -> None:
    path = tmp_path / f"{which}.png"
    good = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(content(good))
    out = tmp_path / "out"
    result = complete(tmp_path / "photo.png", tmp_path / "mask.png", "--collection", album, "--out", out)
    fails(result, word.replace("photo", which))
    assert not out.exists()


@pytest.mark.parametrize(
    ("mask", "word"),
    [
        (hole(95, 128), "95x128"),
        (np.zeros((96, 128), np.uint8), "without a missing pixel"),
        (np.full((96, 128), 255, np.uint8), "covers the whole picture"),
    ],
    ids=["another size", "empty", "covers everything"],
)
def test_bad_masks(album: Path, tmp_path: Path, mask: np.ndarray, word: str) -> None:
    Image.fromarray(mask).save(tmp_path / "mask.png")
    result = complete(
        tmp_path / "photo.png", tmp_path / "mask.png", "--collection", album, "--out", tmp_path / "out"
    )
    fails(result, word)


@pytest.mark.parametrize("box", [(0, 0, 30, 40), (60, 100, 96, 128), (0, 50, 96, 70)])
def test_holes_that_touch_the_border(album: Path, tmp_path: Path, box: tuple[int, int, int, int]) -> None:
    Image.fromarray(hole(box=box)).save(tmp_path / "mask.png")
    result = complete(
        tmp_path / "photo.png", tmp_path / "mask.png", "--collection", album, "--out", tmp_path / "out"
    )
    assert result.returncode == 0, result.stderr
    document = json.loads((tmp_path / "out" / "completions.json").read_text())
    assert document["completions"][0]["source"]["name"].endswith("3.jpg")


def test_one_photograph_is_a_collection_and_none_is_not(album: Path, tmp_path: Path) -> None:
    for path in album.glob("[1-9].jpg"):
        path.unlink()
    arguments = (
        tmp_path / "photo.png",
        tmp_path / "mask.png",
        "--collection",
        album,
        "--out",
        tmp_path / "out",
    )
    result = complete(*arguments)
    assert result.returncode == 0, result.stderr
    assert len(json.loads((tmp_path / "out" / "completions.json").read_text())["completions"]) == 1
    (album / "0.jpg").unlink()
    fails(complete(*arguments), "at least one photograph")
    fails(complete(*arguments[:3], tmp_path / "nowhere", *arguments[4:]), "nowhere")


def test_stores_of_another_version_or_cut_short(album: Path, tmp_path: Path) -> None:
    arguments = (
        tmp_path / "photo.png",
        tmp_path / "mask.png",
        "--collection",
        album,
        "--out",
        tmp_path / "out",
    )
    assert complete(*arguments).returncode == 0
    store = album / ".lookalike"
    manifest = next(path for path in store.iterdir() if "manifest" in path.name)
    good = manifest.read_bytes()
    manifest.write_bytes(good[: len(good) // 2])
    fails(complete(*arguments), str(store))
    manifest.write_bytes(good)
    columns = sorted(
        (path for path in store.iterdir() if path != manifest), key=lambda path: path.stat().st_size
    )
    content = columns[-1].read_bytes()
    columns[-1].write_bytes(content[: len(content) // 2])
    fails(complete(*arguments), str(store))
    columns[-1].write_bytes(content)
    assert complete(*arguments).returncode == 0


def test_a_full_disk_leaves_the_old_store_intact(album: Path, tmp_path: Path) -> None:
    arguments = (
        tmp_path / "photo.png",
        tmp_path / "mask.png",
        "--collection",
        album,
        "--out",
        tmp_path / "out",
    )
    assert complete(*arguments).returncode == 0
    for seed in range(20, 60):
        Image.fromarray(texture(seed)).save(album / f"{seed}.jpg", quality=95)

    def fill_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing beyond the limit fails, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    fails(complete(*arguments, preexec_fn=fill_disk), str(album))
    result = complete(*arguments[:3], album / ".lookalike", *arguments[4:])
    assert result.returncode == 0, result.stderr
    assert "40 of them new" in complete(*arguments).stderr


def test_results_that_cannot_be_written(album: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")
    result = complete(
        tmp_path / "photo.png", tmp_path / "mask.png", "--collection", album, "--out", tmp_path / "out"
    )
    fails(result, "out")
    assert not (album / ".lookalike").exists(), "what goes wrong late should have gone wrong early"


@pytest.mark.parametrize(
    "arguments", [[], ["photo.png"], ["a", "b", "--collection", "c"], ["a", "b", "--count", "many"]]
)
def test_wrong_usage(arguments: list[str]) -> None:
    assert complete(*arguments).returncode == 2
    assert complete("--help").returncode == 0


@pytest.mark.parametrize(
    "option", [("--count", 0), ("--candidates", -1), ("--threads", -1), ("--longest-side", 3)]
)
def test_options_that_make_no_sense(album: Path, tmp_path: Path, option: tuple[str, int]) -> None:
    result = complete(
        tmp_path / "photo.png",
        tmp_path / "mask.png",
        "--collection",
        album,
        "--out",
        tmp_path / "out",
        *option,
    )
    fails(result, "wanted")


def test_interruption_ends_it_and_keeps_what_was_described(album: Path, tmp_path: Path) -> None:
    for seed in range(100, 900):
        (album / f"{seed}.jpg").write_bytes(
            (album / f"{seed % 8}.jpg").read_bytes() + bytes([seed % 251, seed // 251])
        )
    command = [
        PROGRAM,
        tmp_path / "photo.png",
        tmp_path / "mask.png",
        "--collection",
        album,
        "--out",
        tmp_path / "out",
    ]
    with subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "describe" not in process.stderr.readline():
            pass
        time.sleep(0.3)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        message = process.stderr.read()
        assert process.wait(timeout=30) in (0, 130)  # a fast machine may have finished
        if process.returncode == 130:
            assert "complete: " in message
            assert time.monotonic() - start < 15
    result = complete(*command[1:])
    assert result.returncode == 0, result.stderr
