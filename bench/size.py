"""Size: bytes of a static program that runs ResNet-18 from a file of weights, beside libtorch's shared libraries.

The program (bench/_resnet18_program.cpp) is compiled as a user would who wants it small and quick, linked statically,
stripped, and run: its five best classes and scores are compared with PyTorch's before anything is counted. It needs
nothing but the kernel. Of libtorch only the libraries count that a program in C++ loads for inference (libtorch,
libtorch_cpu, libc10 and their OpenMP), stripped; the C and C++ runtime that they need too, and the program, do not.
"""

# needs: rivals

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata, util
from pathlib import Path

import _duel
import network
import numpy as np

ROOT = _duel.BENCH.parent
SOURCE = _duel.BENCH / "_resnet18_program.cpp"
FLAGS = ["-std=c++20", "-DNDEBUG", "-fopenmp", "-static", "-s", "-ffunction-sections", "-fdata-sections"]
LINK = ["-Wl,--gc-sections"]
LIBTORCH = ("libtorch.so", "libtorch_cpu.so", "libc10.so", "libgomp")
MIB = 1024 * 1024
#: Where headers may be that are not in the compiler's own folders.
INCLUDES = (Path("/usr/include/eigen3"),)


def build(optimization: str, folder: Path) -> Path:
    """The program, compiled with -O2 or -Os."""
    compiler = os.environ.get("CXX", "g++")
    machine = ["-march=x86-64-v3"] if platform.machine() in ("x86_64", "AMD64") else []
    headers = ["-I", str(ROOT / "include"), *(f"-isystem{path}" for path in INCLUDES if path.is_dir())]
    program = folder / f"resnet18{optimization}"
    command = [compiler, optimization, *machine, *FLAGS, *headers, str(SOURCE), "-o", str(program), *LINK]
    _duel.say(" ".join(command))
    subprocess.run(command, check=True, stdout=sys.stderr)
    return program


def check(program: Path, folder: Path) -> float:
    """The largest error of the five best scores, relative to the largest; ends the run when classes differ."""
    with (folder / "input0.bin").open("rb") as picture:
        weights = str(folder / "ours.safetensors")
        said = subprocess.run(
            [program, weights], stdin=picture, stdout=subprocess.PIPE, text=True, check=True
        )
    wanted = np.load(folder / "reference.npy").reshape(-1)
    best = np.argsort(-wanted)[:5]
    rows = [line.split() for line in said.stdout.splitlines()]
    if [int(row[0]) for row in rows] != best.tolist():
        sys.exit(f"size: the program says classes {[row[0] for row in rows]}, wanted {best.tolist()}")
    return float(max(abs(float(row[1]) - wanted[k]) for row, k in zip(rows, best)) / abs(wanted).max())


def stripped(path: Path, folder: Path) -> int:
    """Bytes of a library without what only debuggers read."""
    copy = folder / "stripped"
    tool = shutil.which("strip")
    if (
        tool is None
        or subprocess.run([tool, "-o", copy, path], check=False, stderr=subprocess.DEVNULL).returncode
    ):
        return path.stat().st_size
    size = min(path.stat().st_size, copy.stat().st_size)
    copy.unlink()
    return size


def libraries(package: str, names: tuple[str, ...], folder: Path) -> int:
    """Bytes of the shared libraries of an installed package whose names begin with one of these."""
    place = util.find_spec(package)
    if place is None or place.origin is None:
        return 0
    root = Path(place.origin).parent
    found = {
        path.resolve()
        for place in (root, root.parent / f"{package}.libs")
        for path in place.rglob("*.so*")
        if path.name.startswith(names) and "test" not in path.name
    }
    return sum(stripped(path, folder) for path in found)


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--quick", action="store_true", help="only -O2")
    parser.add_argument("--cases", help="there is one case: ignored")
    parser.add_argument("--threads", help="nothing is timed: ignored")
    given = parser.parse_args()
    rows = [["what", "bytes", "MiB", "ratio", "error"]]
    sizes: dict[str, int] = {}
    errors: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="lookalike_size_") as temporary:
        folder = Path(temporary)
        (case,) = (case for case in network.cases() if case["name"] == "ResNet-18, batch 1")
        try:
            _duel.prepare({**case, "folder": temporary, "seed": 0, "onnx": False, "ncnn": False}, given)
        except _duel.PreparationError as failure:
            sys.exit(f"{case['name']}: {failure}")
        for optimization in ("-O2",) if given.quick else ("-O2", "-Os"):
            name = f"lookalike, static, {optimization}"
            program = build(optimization, folder)
            errors[name] = check(program, folder)
            sizes[name] = program.stat().st_size
        ours = "lookalike, static, -O2"  # -Os is smaller, but slower than what the other benchmarks time
        for name, package, names in (
            ("libtorch", "torch", LIBTORCH),
            ("onnxruntime, shared, with Python's bindings", "onnxruntime", ("onnxruntime", "libonnxruntime")),
            ("openvino, shared: core, CPU, ONNX, TBB", "openvino", ("libopenvino.", "libopenvino_intel_cpu",
             "libopenvino_onnx", "libtbb.")),
            ("ncnn, shared, with Vulkan and Python's bindings", "ncnn", ("ncnn", "libgomp")),
        ):  # fmt: skip
            sizes[name] = libraries(package, names, folder)
    for name, size in sizes.items():
        said = "" if name == ours else f"{size / sizes[ours]:.2f}"
        rows.append([name, size, f"{size / MIB:.2f}", said, f"{errors[name]:.1e}" if name in errors else ""])
    print(_duel.table(rows))
    print()
    print(
        "- A static program of ncnn is not compared: neither Debian 12 nor PyPI has ncnn as a static library or as "
        "source. The shared ones, which hold more than a static program would, are shown for their order of size only."
    )
    print()
    over = sizes["libtorch"] / sizes[ours]
    versions = {name: metadata.version(name) for name in ("torch", "ncnn")}
    _duel.keep(given.json, {"name": "size", "bytes": sizes, "ratio": over, "versions": versions})
    print(
        f"size: geometric mean {over:.2f} x over the best rival, worst {over:.2f} x (libtorch's shared libraries; "
        f"ours {sizes[ours]} bytes)"
    )


if __name__ == "__main__":
    main()
