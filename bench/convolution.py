"""Convolutions: each layer of six networks, one picture on one thread, beside four inference engines.

The layers are those of ResNet-18 and 50, AlexNet, U-Net, Zhang's colorization and Iizuka's completion, taken from the
networks themselves, those of one geometry once, with a bias each (where normalization is folded). What is timed is the
layer between layers: maps lie in the order that an implementation keeps inside its networks, so that nobody converts
at the edges, and nobody's time has the cost of calling from Python in it.

- lookalike: by the clock, just before and after the layer within a network (bench/_convolution_layer.cpp)
- torch: the fastest of eager and packed by oneDNN, channels last or blocked, less a call with next to no pixels
- onnxruntime, openvino: by their own profilers, all nodes but reorders
- ncnn: maps in its packing, in and out; a call costs it microseconds, which stay in

Where ours has a choice of algorithm, rows with `algorithm = direct`, and for 3x3 with F(6x6), stand beside our
default; neither counts. `error` is the largest difference from PyTorch in double precision, relative to the layer's
largest output.
"""

# needs: rivals
# builds: bench__convolution_layer

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

import _duel

NETWORKS = ["ResNet-18", "ResNet-50", "AlexNet", "U-Net 256", "Zhang 256", "Iizuka 256"]
PROGRAM = _duel.BENCH.parent / "build" / "release" / "bench" / "bench__convolution_layer"


def pair(values: list[int]) -> str:
    """2 for 2 x 2, 2x1 otherwise."""
    return str(values[0]) if values[0] == values[1] else "x".join(map(str, values))


def name_of(layer: dict[str, Any]) -> str:
    """Like: 3x3 64-128 /2 at 56."""
    kernel = "x".join(map(str, layer["kernel"]))
    parts = [f"{kernel} {layer['inputs']}-{layer['outputs']}"]
    if layer["transposed"]:
        parts.insert(0, "transposed")
    if layer["stride"] != [1, 1]:
        parts.append("/" + pair(layer["stride"]))
    if layer["dilation"] != [1, 1]:
        parts.append("dilation " + pair(layer["dilation"]))
    if layer["groups"] > 1:
        parts.append(f"groups {layer['groups']}")
    if not layer["transposed"] and layer["padding"] != [
        d * (k - 1) // 2 for d, k in zip(layer["dilation"], layer["kernel"])
    ]:
        parts.append("padding " + pair(layer["padding"]))
    return " ".join([*parts, "at", pair([layer["height"], layer["width"]])])


def cases() -> list[dict[str, Any]]:
    """One case a layer. A process of its own asks the networks: PyTorch does not come into this one."""
    script = f"import json, _twins; print(json.dumps(_twins.convolution_layers({NETWORKS!r})))"
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=_duel.BENCH,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [
        {
            "name": name_of(layer),
            "kind": "layer",
            "layer": layer,
            "batch": 1,
            "shapes": [(1, layer["inputs"], layer["height"], layer["width"])],
            "onnx": True,
            "ncnn": True,
            "leave_out": left_out(layer),
        }
        for layer in json.loads(said.stdout)
    ]


def make_worker(name: str, given: argparse.Namespace) -> _duel.Worker:
    """Ours is a program, the others are Python's."""
    if name.startswith(_duel.OURS):
        return _duel.Worker(name, [str(PROGRAM)], given)
    return _duel.python_worker(name, given)


def left_out(layer: dict[str, Any]) -> list[str]:
    """Our algorithms that do not differ from others here.

    F(6x6) is for 3x3 with stride 1; others of Winograd's are also for 5x5, for 3x3 and 4x4 with stride 2, and
    transposed for 4x4.
    """
    kernel, stride = layer["kernel"], layer["stride"]
    if stride == [1, 1] and kernel == [3, 3] and not layer["transposed"]:
        return []
    least = 4 if layer["transposed"] else 3
    is_winograd = (stride == [1, 1] and kernel == [5, 5]) or (
        stride == [2, 2] and all(least <= taps <= 4 for taps in kernel)
    )
    return [_duel.WINOGRAD_6X6] if is_winograd else list(_duel.ALGORITHMS)


def is_3x3(layer: dict[str, Any], stride: int = 1) -> bool:
    """Neither dilated nor transposed."""
    return (
        layer["kernel"] == [3, 3]
        and layer["stride"] == [stride, stride]
        and layer["dilation"] == [1, 1]
        and not layer["transposed"]
    )


QUICK = (
    "3x3 64-64 at 56",
    "1x1 64-256 at 56",
    "3x3 512-512 dilation 2 at 32",
    "transposed 2x2 128-64 /2 at 128",
)


def main() -> None:
    """Compare."""
    given = _duel.parser(__doc__, threads=1).parse_args()
    _duel.settle(given)
    given.names.insert(2, _duel.WINOGRAD_6X6)
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM}: not built; bench/run convolution builds it")
    chosen = _duel.chosen(cases(), given, quick=QUICK)
    results = _duel.run(chosen, given, one_process=True, make=make_worker)
    _duel.print_cases(results)
    layers = {case["name"]: case["layer"] for case in chosen}
    for what, wanted in (
        ("3x3, stride 1", is_3x3),
        ("3x3, stride 2", lambda layer: is_3x3(layer, 2)),
        ("5x5", lambda layer: layer["kernel"] == [5, 5]),
        ("dilated", lambda layer: layer["dilation"] != [1, 1]),
        ("1x1", lambda layer: layer["kernel"] == [1, 1]),
        ("transposed", lambda layer: layer["transposed"]),
    ):
        some = {name: by_name for name, by_name in results.items() if wanted(layers[name])}
        if some:
            over_best = _duel.said_of(_duel.ratios_over(some, _duel.best_rival), "the best rival")
            over_torch = _duel.said_of(_duel.ratios_over(some, _duel.torch_rival), "torch")
            print(f"- {what} ({len(some)} layers): {over_best}; {over_torch}")
    six = {
        name: by_name[_duel.WINOGRAD_6X6]
        for name, by_name in results.items()
        if _duel.WINOGRAD_6X6 in by_name and not by_name[_duel.WINOGRAD_6X6].skip
    }
    if six:
        gains = [results[name][_duel.OURS].median / result.median for name, result in six.items()]
        print(
            f"- Ours with F(6x6), which has to be asked for, over ours without: {_duel.geometric_mean(gains):.2f} x; "
            f"its largest error is {max(result.error for result in six.values()):.1e}"
        )
    error = max(by_name[_duel.OURS].error for by_name in results.values() if not by_name[_duel.OURS].skip)
    print(f"- Largest error of ours: {error:.1e}")
    _duel.print_summary("convolution", results, given)


if __name__ == "__main__":
    main()
