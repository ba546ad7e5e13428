"""Memory: what running takes beyond the weights, of the networks and steps of the other benchmarks, beside PyTorch.

Everybody is measured alike, from outside, in a process of its own. `weights` is how much memory of its own the process
has more of when the network is loaded and made ready (weights in all their forms, graphs, code that was compiled), all
that is free given back to the system. `running` is how far the peak lies above that while it runs: activations,
workspace, outputs; of training gradients and momentum, too. Inputs are there before, what PyTorch imports and compiles
for any network at all too, and pages of libraries' code do not count. `own` is what our library says that a pass takes.

ONNX Runtime, OpenVINO and ncnn are shown, but do not count: they set memory for running aside while they load, so that
it cannot be told from weights. Their totals can be compared.
"""

# needs: rivals

from __future__ import annotations

import argparse
import tempfile
from typing import Any

import _duel
import network
import training

LOW = "lookalike, low"
NAMES = [_duel.OURS, LOW, *_duel.RIVALS]
MIB = 1024 * 1024


def measure(case: dict[str, Any], given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What each implementation takes, or why it does not run."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="lookalike_duel_") as folder:
        case = {**case, "folder": folder, "seed": given.seed, "tuning_seconds": 0.5, "warm": True}
        try:
            _duel.prepare(case, given)
        except _duel.PreparationError as failure:
            return {name: {"skip": str(failure)} for name in given.names}
        for name in given.names:
            worker = _duel.python_worker(name, given)
            said = worker.ask(
                "load", case=case, algorithm="automatic, memory low" if name == LOW else "automatic"
            )
            settings = said.get("settings", "")
            if "skip" not in said:
                said = worker.ask("memory", runs=2 if given.quick else 4)
            worker.close()
            found[name] = {"settings": settings, **said}
            _duel.say(f"  {name}: {said}")
    return found


def ratio(measured: dict[str, dict[str, Any]], rival: str, ours: str, total: bool) -> float | None:
    """The rival's bytes over ours."""
    if any("skip" in measured.get(name, {"skip": ""}) for name in (rival, ours)):
        return None

    def size(name: str) -> int:
        return measured[name]["running"] + (measured[name]["weights"] if total else 0)

    return size(rival) / max(size(ours), 1)


def ratios(found: dict[str, dict[str, Any]], rivals: list[str], ours: str, total: bool) -> dict[str, float]:
    """By case, over the rival that takes least."""
    result = {}
    for case, measured in found.items():
        some = [r for r in (ratio(measured, rival, ours, total) for rival in rivals) if r is not None]
        if some:
            result[case] = min(some)
    return result


def print_cases(found: dict[str, dict[str, Any]]) -> None:
    """A row for each case and implementation."""
    rows = [
        [
            "case",
            "implementation",
            "weights, MiB",
            "running, MiB",
            "ratio",
            "total",
            "ratio",
            "own",
            "settings",
        ]
    ]
    skipped: dict[tuple[str, str], list[str]] = {}
    for case, measured in found.items():
        for name, said in measured.items():
            if "skip" in said:
                skipped.setdefault((name, said["skip"]), []).append(case)
                continue
            pair = [ratio(measured, name, _duel.OURS, total) for total in (False, True)]
            texts = ["" if r is None or name == _duel.OURS else f"{r:.2f}" for r in pair]
            sizes = [f"{said[what] / MIB:.1f}" for what in ("weights", "running")]
            total = f"{(said['weights'] + said['running']) / MIB:.1f}"
            own = said["own"]
            rows.append(
                [
                    case,
                    name,
                    *sizes,
                    texts[0],
                    total,
                    texts[1],
                    f"{own / MIB:.1f}" if own else "",
                    said["settings"],
                ]
            )
    print(_duel.table(rows))
    print()
    for (name, why), cases in skipped.items():
        where = "all cases" if len(cases) == len(found) else ", ".join(cases)
        print(f"- {name} did not run {where}: {why}")


def main() -> None:
    """Measure."""
    given = _duel.parser(__doc__, threads=2).parse_args()
    _duel.settle(given)
    given.names = [_duel.OURS, LOW, *(name for name in given.names if not name.startswith(_duel.OURS))]
    everything = network.cases() + training.cases()
    chosen = _duel.chosen(everything, given, quick=("ResNet-18, batch 1", "ResNet-20, batch 128 at 32"))
    found = {}
    for number, case in enumerate(chosen, 1):
        _duel.say(f"{case['name']} ({number} of {len(chosen)})")
        found[case["name"]] = measure(case, given)
    print_cases(found)
    torch, eager = ["torch", "torch compiled"], ["torch"]
    best = ratios(found, torch, _duel.OURS, total=False)
    running = ratios(found, eager, _duel.OURS, total=False)
    for what, ours, total in (
        ("total", _duel.OURS, True),
        ("total with memory = low", LOW, True),
        ("running with memory = low", LOW, False),
    ):
        values = ratios(found, torch, ours, total)
        print(f"- {what}: {_duel.said_of(values, 'the better of torch and torch compiled')}")
    print()
    _duel.keep(
        given.json,
        {"name": "memory", "threads": given.threads, "cases": found, "best": best, "torch": running},
    )
    print(
        f"memory: {_duel.said_of(best, 'the best rival')}; over torch without compiling "
        + _duel.plain(running, "torch without compiling")
    )


if __name__ == "__main__":
    main()
