"""The program `colorize`, as a user's shell sees it: files, exit status, and one line for every bad input."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import lookalike as la
import numpy as np
import pytest
from conftest import texture

ROOT = Path(__file__).parents[2]


def find_program() -> Path | None:
    """The newest build of the program, or the one that LOOKALIKE_COLORIZE names."""
    if "LOOKALIKE_COLORIZE" in os.environ:
        return Path(os.environ["LOOKALIKE_COLORIZE"])
    builds = sorted(ROOT.glob("build/*/examples/colorize"), key=lambda path: path.stat().st_mtime)
    return builds[-1] if builds else None


PROGRAM = find_program()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="the program colorize has not been built")


def colorize(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the program to its end."""
    command = [str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def fails(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """Checks the exit status, and that one line says what is wrong."""
    assert result.returncode == 1, result.stderr
    assert result.stderr.splitlines()[-1].startswith("colorize: ")
    for word in words:
        assert word in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("mode", ["average", "median", "soft", "vote", "global_transfer", "welsh"])
@pytest.mark.parametrize("encoder", ["thumbnail", "gist"])
def test_writes_picture_sheet_and_figures(
    photo_folder: Path, tmp_path: Path, mode: str, encoder: str
) -> None:
    out = tmp_path / "out"
    la.write_image(tmp_path / "query.png", texture(4))
    result = colorize(
        *(tmp_path / "query.png", "--collection", photo_folder, "--store", tmp_path / "store", "--out", out),
        *("--mode", mode, "--encoder", encoder, "--neighbors", 3, "--threads", 1),
    )
    assert result.returncode == 0, result.stderr
    assert "colorized among 12 photographs" in result.stdout
    document = json.loads((out / "colorization.json").read_text())
    assert document["mode"] == mode
    assert document["used"][0]["name"].endswith("04.png")
    figures = document["results"][0]
    assert figures["against_the_query"]["chroma_error"] < 30
    colored = la.read_image(out / "colorized.png", dtype=np.float32)
    wanted = la.rgb_to_lab(texture(4).astype(np.float32) / 255)
    assert np.abs(la.rgb_to_lab(colored)[..., 0] - wanted[..., 0]).max() < 0.3
    assert la.read_image(out / "contact_sheet.png").ndim == 3


def test_alternatives_of_a_gray_picture(photo_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    la.write_image(tmp_path / "query.png", la.rgb_to_gray(texture(4)))
    result = colorize(
        *(tmp_path / "query.png", "--collection", photo_folder, "--store", tmp_path / "store", "--out", out),
        *("--alternatives", 3, "--leave-out", "04.png"),
    )
    assert result.returncode == 0, result.stderr
    document = json.loads((out / "colorization.json").read_text())
    assert [made["file"] for made in document["results"]] == [f"alternative_0{i}.png" for i in (1, 2, 3)]
    assert all("against_the_query" not in made for made in document["results"])
    assert not any(used["name"].endswith("04.png") for used in document["used"])
    assert all((out / made["file"]).is_file() for made in document["results"])


def test_near_duplicates_are_left_out(photo_folder: Path, tmp_path: Path) -> None:
    la.write_image(tmp_path / "query.jpg", texture(4), quality=80)
    result = colorize(
        *(tmp_path / "query.jpg", "--collection", photo_folder, "--store", tmp_path / "store"),
        *("--out", tmp_path / "out", "--near-duplicates", 0.95, "--neighbors", 20),
    )
    assert result.returncode == 0, result.stderr
    used = json.loads((tmp_path / "out" / "colorization.json").read_text())["used"]
    assert len(used) == 11
    assert not any(one["name"].endswith("04.png") for one in used)


def test_bad_input_is_one_line(photo_folder: Path, tmp_path: Path) -> None:
    la.write_image(tmp_path / "query.png", texture(4))
    store = ("--store", tmp_path / "store")
    out = ("--out", tmp_path / "out")
    empty = tmp_path / "empty"
    empty.mkdir()
    fails(colorize(tmp_path / "none.png", "--collection", photo_folder, *store, *out), "none.png")
    fails(colorize(tmp_path / "query.png", "--collection", tmp_path / "nowhere", *store, *out), "nowhere")
    fails(colorize(tmp_path / "query.png", "--collection", empty, *store, *out), "without pictures")
    (tmp_path / "file").write_text("no folder")
    fails(
        colorize(tmp_path / "query.png", "--collection", photo_folder, "--out", tmp_path / "file"), "folder"
    )
    every = ("--leave-out", ".png")
    fails(
        colorize(
            tmp_path / "query.png", "--collection", photo_folder, "--store", tmp_path / "s2", *out, *every
        ),
        "nothing is left",
    )
    for wrong in [("--mode", "best"), ("--neighbors", "0"), ("--near-duplicates", "2")]:
        result = colorize(tmp_path / "query.png", "--collection", photo_folder, *out, *wrong)
        assert result.returncode == 2
