"""Measures what the compiler needs for source files, against the budgets that they name.

A source names its budget in its first lines, in multiples of reference.cpp's user CPU time and in megabytes:

    // budget: 2.5 times the reference, 500 MB

User CPU time rather than wall-clock time, and a ratio rather than seconds, so that a busy or a slow machine
does not break the budget. Subject and reference take turns until the budget is met, at most --repetitions times;
the smallest of several times counts.
"""

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

BUDGET = re.compile(r"^// budget: ([0-9.]+) times the reference, ([0-9]+) MB$", re.MULTILINE)


def compile_once(compiler: str, arguments: list[str], source: Path, folder: str) -> tuple[float, float]:
    """User CPU seconds and peak megabytes of compiling `source` at -O2, without linking."""
    command = [compiler, *arguments, "-O2", "-c", str(source), "-o", f"{folder}/out.o"]
    process = os.posix_spawnp(compiler, command, os.environ)
    _, status, usage = os.wait4(process, 0)
    if status != 0:
        sys.exit(f"{source}: does not compile")
    return usage.ru_utime, usage.ru_maxrss / 1024


def main() -> int:
    """Returns 1 when a source exceeds its budget."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--compiler", default="g++")
    parser.add_argument(
        "--arguments", type=Path, required=True, help="file with one compiler argument a line"
    )
    parser.add_argument("--repetitions", type=int, default=6)
    parser.add_argument("sources", type=Path, nargs="+")
    options = parser.parse_args()

    arguments = [line for line in options.arguments.read_text(encoding="utf-8").splitlines() if line]
    arguments = [argument for argument in arguments if not argument.startswith("-W")]
    reference = Path(__file__).with_name("reference.cpp")

    over = 0
    print(
        f"{'source':<20} {'user s':>8} {'reference s':>12} {'ratio':>7} {'budget':>7} {'MB':>6} {'budget':>7}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for source in options.sources:
            found = BUDGET.search(source.read_text(encoding="utf-8"))
            if not found:
                sys.exit(f"{source}: must name a budget: '// budget: R times the reference, M MB'")
            wanted_ratio, wanted_memory = float(found[1]), float(found[2])
            times, reference_times, memory = [], [], 0.0
            for _ in range(options.repetitions):
                reference_times.append(compile_once(options.compiler, arguments, reference, folder)[0])
                seconds, megabytes = compile_once(options.compiler, arguments, source, folder)
                times.append(seconds)
                memory = max(memory, megabytes)
                if min(times) <= wanted_ratio * min(reference_times):
                    break
            ratio = min(times) / min(reference_times)
            exceeded = ratio > wanted_ratio or memory > wanted_memory
            over += exceeded
            row = f"{source.stem:<20} {min(times):>8.2f} {min(reference_times):>12.2f} {ratio:>7.2f}"
            row += f" {wanted_ratio:>7.2f} {memory:>6.0f} {wanted_memory:>7.0f}"
            print(row + ("  over budget" if exceeded else ""))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
