"""Which compiled module is chosen at import."""

from __future__ import annotations

from pathlib import Path

import lookalike as la
from lookalike import _processor

GOOD = _processor.LEVELS["x86_64_v3"] | {"sse2"}


def test_flags_are_read_from_what_linux_says(tmp_path: Path):
    description = tmp_path / "cpuinfo"
    description.write_text(
        "processor\t: 0\nflags\t\t: fpu sse2 avx2 fma\nbugs\t\t: spectre\n\nflags\t\t: fpu\n"
    )
    assert _processor.flags(description) == {"fpu", "sse2", "avx2", "fma"}
    assert _processor.flags(tmp_path / "missing") == frozenset()
    description.write_text("Features\t: fp asimd\n")
    assert _processor.flags(description) == frozenset()


def test_a_module_is_used_where_it_is_and_where_it_runs(tmp_path: Path):
    assert _processor.module_folders(tmp_path, GOOD) == []
    folder = tmp_path / "x86_64_v3"
    folder.mkdir()
    assert _processor.module_folders(tmp_path, GOOD) == [str(folder)]
    assert _processor.module_folders(tmp_path, GOOD - {"fma"}) == []
    assert _processor.module_folders(tmp_path, frozenset()) == []
    assert _processor.module_folders(tmp_path, GOOD, "x86_64_v3") == [str(folder)]
    assert _processor.module_folders(tmp_path, GOOD, "baseline") == []


def test_the_package_says_what_it_computes_with():
    assert la.get_instruction_set() in {"avx512", "avx2_fma", "avx", "sse4_2", "sse2", "neon", "scalar"}
