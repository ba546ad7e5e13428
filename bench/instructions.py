"""Instructions of the convolution kernels, counted by callgrind: figures that no neighbor on the machine can change.

Each case of bench/convolution_kernels.cpp runs once under valgrind; what is counted is the kernel alone. `per vector`
is the count over the multiply-adds of the direct method in vectors of 8 floats (its least is 1, without any loads).
"""

# builds: bench_convolution_kernels

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import which

from _photographs import keep, table

PROGRAM = Path(__file__).resolve().parent.parent / "build/release/bench/bench_convolution_kernels"
LANES = 8
#: Each case takes seconds to a minute under valgrind; `--cases .` counts backward as well.
FORWARD = "^(?!.*backward)"


def cases(pattern: str) -> list[str]:
    """What the program can run, by name, rivals left out."""
    listed = subprocess.run(
        [PROGRAM, "--benchmark_list_tests"], check=True, text=True, stdout=subprocess.PIPE
    )
    ours = [name for name in listed.stdout.splitlines() if name.startswith(("lookalike/", "direct/"))]
    return [name for name in ours if re.search(pattern, name)]


def count(name: str) -> tuple[int, float]:
    """Instructions of one run, and the multiplications and additions of the direct method."""
    with tempfile.TemporaryDirectory(prefix="lookalike_callgrind_") as folder:
        report = Path(folder) / "report.json"
        valgrind = ["valgrind", "--tool=callgrind", "--collect-atstart=no"]
        valgrind.append(f"--callgrind-out-file={folder}/callgrind")
        program = [str(PROGRAM), f"--benchmark_filter=^{name}$", "--benchmark_min_time=0"]
        program += [f"--benchmark_out={report}", "--benchmark_out_format=json"]
        done = subprocess.run([*valgrind, *program], text=True, capture_output=True, check=False)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or not found:
            sys.exit(f"{name}: valgrind ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        run = json.loads(report.read_text(encoding="utf-8"))["benchmarks"][0]
        seconds = run["cpu_time"] * 1e-3 * run["iterations"]  # the program's unit is ms
    return int(found[1]) // run["iterations"], run["flop/s"] * seconds / run["iterations"]


def main() -> None:
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--cases", default=FORWARD, metavar="REGEX", help="only cases whose name matches")
    given = parser.parse_args()
    if which("valgrind") is None:
        sys.exit("instructions: wanted valgrind (Debian's package of that name)")
    counted = {name: count(name) for name in cases(given.cases)}
    if not counted:
        sys.exit(f"--cases: given {given.cases!r}, which no case matches")
    rows = [["kernel", "instructions", "per vector", "direct", "per vector", "ratio"]]
    ratios = []
    for name, (instructions, flop) in counted.items():
        who, _, layer = name.partition("/")
        if who != "lookalike":
            continue
        row = [layer, f"{instructions:,}", f"{instructions / (flop / 2 / LANES):.2f}"]
        direct = counted.get(f"direct/{layer}")
        if direct:
            ratios.append(direct[0] / instructions)
            row += [f"{direct[0]:,}", f"{direct[0] / (flop / 2 / LANES):.2f}", f"{ratios[-1]:.2f}"]
        rows.append([*row, *[""] * (len(rows[0]) - len(row))])
    print(table(rows))
    print()
    keep(given.json, {"name": "instructions", "counts": {name: found[0] for name, found in counted.items()}})
    most = f"; at best {max(ratios):.2f} times fewer than directly" if ratios else ""
    print(f"instructions: {len(rows) - 1} kernels counted{most}")


if __name__ == "__main__":
    main()
