"""Which of the compiled modules this processor can run.

A package that was compiled for the processor at hand has one module, ``_core``, beside this file. One that travels has
there a module for every processor of its kind, and in a folder for each better level of x86-64 another, of the same
sources. The folders that the processor has the instructions for come first in the package's path, so that ``_core`` is
found in the best of them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

#: Folders of modules, best first, and flags of processors (as Linux calls them) that have all that the level needs.
LEVELS = {"x86_64_v3": frozenset({"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm"})}

#: Names a folder of LEVELS: none better is used. Other values: only the module for all processors.
VARIABLE = "LOOKALIKE_PROCESSOR"


def flags(description: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What the processor can do, by Linux's names; elsewhere nothing is known."""
    try:
        text = description.read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    found = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return frozenset(found[1].split()) if found else frozenset()


def module_folders(package: Path, known: frozenset[str], limit: str | None = None) -> list[str]:
    """Return the folders of `package` whose modules run on a processor with the flags `known`, best first."""
    levels = list(LEVELS)
    if limit is not None:
        levels = levels[levels.index(limit) :] if limit in LEVELS else []
    return [str(package / level) for level in levels if LEVELS[level] <= known and (package / level).is_dir()]


def folders() -> list[str]:
    """Return the folders for the processor at hand."""
    package = Path(__file__).resolve().parent
    if not any((package / level).is_dir() for level in LEVELS):
        return []  # there is nothing to choose from, so the processor need not be asked
    return module_folders(package, flags(), os.environ.get(VARIABLE))
