"""docs/tutorial.md: its Python runs in order, and its C++ is that of examples/tutorial.cpp."""

import re
import textwrap
from pathlib import Path

import lookalike as la
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.+?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)


def in_one_line(code: str) -> str:
    return " ".join(code.split())


@pytest.mark.parametrize("snippet", blocks("cpp"), ids=lambda snippet: snippet.splitlines()[0][:40])
def test_cpp_is_that_of_the_example(snippet: str) -> None:
    program = (ROOT / "examples" / "tutorial.cpp").read_text(encoding="utf-8")
    assert in_one_line(textwrap.dedent(snippet)) in in_one_line(program)


def scene(seed: int) -> np.ndarray:
    """A sky over a ground, with an edge and a texture of its own."""
    random = np.random.default_rng(seed)
    rows = np.linspace(0, 1, 120)[:, None, None]
    sky, ground = random.uniform(0.4, 1, 3), random.uniform(0, 0.6, 3)
    horizon = random.uniform(0.4, 0.6)
    picture = np.where(rows < horizon, sky * (1 - 0.3 * rows), ground) + random.normal(0, 0.02, (120, 160, 3))
    return np.clip(picture, 0, 1).astype(np.float32)


def test_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("holiday_pictures").mkdir()
    for seed in range(12):
        la.write_image(f"holiday_pictures/{seed:02}.jpg", scene(seed))
    la.write_image("photo.jpg", scene(100))
    mask = np.zeros((120, 160), bool)
    mask[45:80, 60:100] = True
    la.write_mask("mask.png", mask)

    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "docs/tutorial.md", "exec"), names)

    assert len(names["completions"]) == 5
    assert (tmp_path / "filled.png").exists()
    assert "poisson_blend: expects composites, given placements by context_match" in capsys.readouterr().out
    filled = names["filled"][0].image
    assert np.array_equal(
        filled[:20], names["photo"][:20]
    )  # patch_only, and the band ends 40 pixels from the hole
