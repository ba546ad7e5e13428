"""docs/networks.md: its C++ is that of examples/networks.cpp, which is compiled and run."""

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```cpp\n(.+?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def in_one_line(code: str) -> str:
    return " ".join(code.split())


@pytest.mark.parametrize("snippet", BLOCKS, ids=lambda snippet: snippet.splitlines()[0][:40])
def test_cpp_is_that_of_the_example(snippet: str) -> None:
    program = (ROOT / "examples" / "networks.cpp").read_text(encoding="utf-8")
    assert in_one_line(textwrap.dedent(snippet)) in in_one_line(program)


def test_all_blocks_are_found() -> None:
    assert len(BLOCKS) == TEXT.count("```cpp") > 10
