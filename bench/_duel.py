"""Duels: ours and its rivals by turns, each in a process of its own on the same cores.

A case is prepared once (bench/_twins.py), then all implementations load it, their results are checked against the
reference in double precision, and they run by turns: A B C, C B A, A B C, ... so that whatever drifts meets all of them
alike. A turn is one untimed run, which finds its way back into the caches, and as many timed ones as fill some
milliseconds; its mean is one repetition. Waiting is passive everywhere (no thread spins), so who is not having its turn
takes no time from who is.

Printed are medians and the interquartile range over the repetitions. A ratio is the rival's median over ours. Where the
medians differ by less than the wider of the two ranges it is a tie, and counts as 1.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from _photographs import keep, say, table

BENCH = Path(__file__).resolve().parent
OURS = "lookalike"
DIRECT = "lookalike, direct"
WINOGRAD_6X6 = "lookalike, F(6x6)"
ALGORITHMS = {DIRECT: "direct", WINOGRAD_6X6: "winograd_6x6"}
RIVALS = ("torch", "torch compiled", "onnxruntime", "openvino", "ncnn")
Case = dict[str, Any]


def parser(description: str | None, threads: int) -> argparse.ArgumentParser:
    """The arguments that all duels take."""
    result = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    result.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    result.add_argument("--cases", default="", metavar="REGEX", help="only cases whose name matches")
    result.add_argument("--rivals", default="", metavar="REGEX", help="only rivals whose name matches")
    result.add_argument("--threads", type=int, default=threads, help="of every implementation")
    result.add_argument("--repetitions", type=int, default=20, help="turns of every implementation")
    result.add_argument("--quick", action="store_true", help="few cases and repetitions, to try it out")
    result.add_argument("--seed", type=int, default=0, help="fixes weights and inputs")
    return result


def settle(given: argparse.Namespace) -> None:
    """What --quick and the machine mean for the other arguments."""
    cores = sorted(os.sched_getaffinity(0))
    if given.threads > len(cores):
        sys.exit(f"--threads: given {given.threads}, wanted at most {len(cores)}, as many as there are cores")
    if given.quick:
        given.repetitions = min(given.repetitions, 6)
    given.cores = cores[-given.threads :]
    given.names = [OURS, DIRECT, *(name for name in RIVALS if re.search(given.rivals, name))]


def chosen(cases: list[Case], given: argparse.Namespace, quick: Iterable[str]) -> list[Case]:
    """The cases that the arguments ask for."""
    wanted = [case for case in cases if re.search(given.cases, case["name"])]
    if given.quick and not given.cases:
        wanted = [case for case in wanted if case["name"] in set(quick)]
    if not wanted:
        sys.exit(f"--cases: given {given.cases!r}, wanted a pattern of {', '.join(c['name'] for c in cases)}")
    return wanted


# Workers ------------------------------------------------------------------------------------------------------------


def surroundings(threads: int) -> dict[str, str]:
    """The environment of all workers."""
    result = dict(os.environ)
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "GOMP_SPINCOUNT", "LD_PRELOAD"):
        result.pop(name, None)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        result[name] = str(threads)
    result.update(OMP_WAIT_POLICY="PASSIVE", KMP_BLOCKTIME="0", OMP_DYNAMIC="false")
    result.update(PYTHONWARNINGS="ignore", PYTHONDONTWRITEBYTECODE="1")
    return result


class Worker:
    """One implementation in a process of its own."""

    def __init__(self, name: str, command: list[str], given: argparse.Namespace) -> None:
        self.name = name
        self.algorithm = ALGORITHMS.get(name, "automatic")
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        cores = set(given.cores)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=surroundings(given.threads),
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """The answer to a command; of a worker that died, why it skips."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **what}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            return json.loads(line)
        self.log.seek(0)
        said = self.log.read().strip().splitlines() or ["it said nothing"]
        return {"skip": f"the worker ended with {self.process.wait()}: {said[-1][:200]}"}

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.process.poll() is None

    def close(self) -> None:
        """End it."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.log.close()


def python_worker(name: str, given: argparse.Namespace) -> Worker:
    """A worker of bench/_contestants.py."""
    implementation = OURS if name.startswith(OURS) else name
    script = str(BENCH / "_contestants.py")
    return Worker(name, [sys.executable, script, implementation, str(given.threads)], given)


class PreparationError(Exception):
    """A case cannot be measured."""


def prepare(case: Case, given: argparse.Namespace) -> None:
    """Fills the folder of a case, in a process of its own, on all cores."""
    environment = surroundings(len(os.sched_getaffinity(0)))
    command = [sys.executable, str(BENCH / "_contestants.py"), "prepare", json.dumps(case)]
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip() or "it said nothing").splitlines()
        raise PreparationError(f"preparing it ended with {done.returncode}: " + "\n".join(said[-15:]))


# Results ------------------------------------------------------------------------------------------------------------


@dataclass
class Result:
    """What one implementation did in one case."""

    skip: str = ""
    settings: str = ""
    load_seconds: float = math.nan
    error: float = math.nan
    seconds: list[float] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Of the repetitions."""
        return statistics.median(self.seconds) if self.seconds else math.nan

    @property
    def spread(self) -> float:
        """The interquartile range."""
        if not self.seconds:
            return math.nan
        low, high = np.percentile(self.seconds, (25, 75))
        return float(high - low)

    def as_figures(self) -> dict[str, Any]:
        """For --json."""
        if self.skip:
            return {"skip": self.skip}
        best = min(self.seconds) if self.seconds else None
        return {
            **{name: getattr(self, name) for name in ("settings", "load_seconds", "error", "extra")},
            "median": self.median,
            "spread": self.spread,
            "least": best,
            "seconds": self.seconds,
        }


def ratio(rival: Result, ours: Result) -> tuple[float, bool]:
    """The rival's median over ours, and whether it is a tie."""
    tie = abs(rival.median - ours.median) < max(rival.spread, ours.spread)
    return rival.median / ours.median, tie


def counted(rival: Result, ours: Result) -> float:
    """The ratio as it counts: a tie is 1."""
    value, tie = ratio(rival, ours)
    return 1.0 if tie else value


Results = dict[str, dict[str, Result]]


def relative_errors(case: Case, file: Path) -> float:
    """How far a result is from the reference, relative to the reference's largest number.

    Of training the larger of the loss's error and that of the whole change, by its length.
    """
    folder = Path(case["folder"])
    if case["kind"] == "training":
        wanted, found = np.load(folder / "reference.npz"), np.load(file)
        loss = abs(float(found["loss"]) - float(wanted["loss"])) / abs(float(wanted["loss"]))
        names = [name for name in wanted.files if name != "loss"]
        off = sum(float(((found[n].reshape(wanted[n].shape) - wanted[n]) ** 2).sum()) for n in names)
        length = sum(float((wanted[n] ** 2).sum()) for n in names)
        return max(loss, math.sqrt(off / length))
    wanted = np.load(folder / "reference.npy")
    raw = file.with_name(file.name + ".0.bin")
    output = np.fromfile(raw, np.float32) if raw.exists() else np.load(file)["output"]
    output = output.reshape(case["batch"], *wanted.shape[1:])[sorted({0, case["batch"] - 1})]
    return float(abs(output - wanted).max() / abs(wanted).max())


#: Errors above this are no rounding: the implementation computes something else, and is not timed.
LARGEST_ERROR = {"layer": 1e-3, "network": 1e-2, "training": 3e-2}


def duel(case: Case, workers: dict[str, Worker], given: argparse.Namespace) -> dict[str, Result]:
    """One case: load, check, then by turns."""
    results: dict[str, Result] = {}
    folder = Path(case["folder"])
    for name, worker in workers.items():
        said = worker.ask("load", case=case, algorithm=worker.algorithm)
        result = results[name] = Result(said.get("skip", ""), said.get("settings", ""))
        if not result.skip:
            result.load_seconds, result.extra = said["load_seconds"], said.get("extra", {})
            file = folder / f"output_{name.replace(' ', '_').replace(',', '')}.npz"
            result.skip = worker.ask("output", file=str(file)).get("skip", "")
        if not result.skip:
            result.error = relative_errors(case, file)
            if not result.error <= LARGEST_ERROR[case["kind"]]:
                result.skip = f"its result is off by {result.error:.2g}, so it is not timed"
        say(f"  {name}: {result.skip or f'{result.settings}; error {result.error:.2g}'}")

    running = [name for name, result in results.items() if not result.skip]
    runs: dict[str, int] = {}
    for name in running:
        workers[name].ask("burst", untimed=1, runs=1, keep=False)
        once = workers[name].ask("burst", untimed=0, runs=2, keep=False)["seconds"]
        again = max(2, min(50, math.ceil(0.2 / once)))
        once = workers[name].ask("burst", untimed=0, runs=again, keep=False)["seconds"]
        runs[name] = max(1, min(200, round(given.turn_seconds / once)))
    for turn in range(given.repetitions):
        for name in running if turn % 2 == 0 else reversed(running):
            workers[name].ask("burst", untimed=1, runs=runs[name], keep=True)
            time.sleep(0.002)  # whatever still winds up behind a run does so before the next one
    for name in running:
        said = workers[name].ask("finish")
        results[name].skip = said.get("skip", "")
        if not results[name].skip:
            results[name].seconds = said["seconds"]
            results[name].extra.update(said.get("extra", {}))
    return results


def run(
    cases: list[Case], given: argparse.Namespace, one_process: bool, make: Any = python_worker
) -> Results:
    """All cases. `one_process`: the workers stay from case to case; otherwise each case has new ones.

    A case that cannot be prepared is left out, and an interrupt (Control-C) leaves out the rest: `given.missing` says
    which and why.
    """
    results: Results = {}
    workers: dict[str, Worker] = {}
    given.turn_seconds = 0.02 if given.quick else 0.05
    given.missing = {case["name"]: "interrupted" for case in cases}
    try:
        for number, case in enumerate(cases, 1):
            with tempfile.TemporaryDirectory(prefix="lookalike_duel_") as folder:
                case = {**case, "folder": folder, "seed": given.seed}
                case["tuning_seconds"] = 0.3 if given.quick or case["kind"] == "layer" else 2.0
                say(f"{case['name']} ({number} of {len(cases)})")
                try:
                    prepare(case, given)
                except PreparationError as failure:
                    given.missing[case["name"]] = str(failure)
                    continue
                for name in given.names:
                    if name not in workers or not workers[name].alive:
                        workers[name] = make(name, given)
                here = {name: w for name, w in workers.items() if name not in case.get("leave_out", ())}
                results[case["name"]] = duel(case, here, given)
                del given.missing[case["name"]]
            if not one_process:
                for worker in workers.values():
                    worker.close()
                workers = {}
    except KeyboardInterrupt:
        say("interrupted: what has been measured follows")
    finally:
        for worker in workers.values():
            worker.close()
    return results


# Printing -----------------------------------------------------------------------------------------------------------


def readable(seconds: float) -> str:
    """A duration with three digits and a unit."""
    if seconds != seconds:
        return ""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"


def print_cases(results: Results) -> None:
    """A row for each case and implementation, and the reasons of those that did not run."""
    rows: list[list[str]] = [
        ["case", "implementation", "median", "spread", "ratio", "error", "load", "settings"]
    ]
    skipped: dict[tuple[str, str], list[str]] = {}
    for case, by_name in results.items():
        ours = by_name[OURS]
        for name, result in by_name.items():
            if result.skip:
                skipped.setdefault((name, result.skip), []).append(case)
                continue
            said = ""
            if name != OURS and not ours.skip:
                value, tie = ratio(result, ours)
                said = f"{value:.2f}" + (" (tie)" if tie else "")
            figures = [readable(result.median), readable(result.spread), said, f"{result.error:.1e}"]
            rows.append([case, name, *figures, readable(result.load_seconds), result.settings])
    print(table(rows))
    print()
    for (name, why), cases in skipped.items():
        where = "all cases" if len(cases) == len(results) else ", ".join(cases)
        print(f"- {name} did not run {where}: {why}")
    if skipped:
        print()


def best_rival(by_name: dict[str, Result]) -> str | None:
    """The rival with the smallest median."""
    known = {n: r.median for n, r in by_name.items() if not n.startswith(OURS) and not r.skip}
    return min(known, key=known.__getitem__) if known else None


def torch_rival(by_name: dict[str, Result]) -> str | None:
    """PyTorch, the faster of its two ways."""
    return best_rival({name: result for name, result in by_name.items() if name.startswith("torch")})


def geometric_mean(values: Sequence[float]) -> float:
    """NaN of nothing."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def ratios_over(results: Results, choose: Any) -> dict[str, float]:
    """By case, the ratio over the rival that `choose` takes."""
    found = {}
    for case, by_name in results.items():
        rival = choose(by_name)
        if rival is not None and not by_name[OURS].skip:
            found[case] = counted(by_name[rival], by_name[OURS])
    return found


def said_of(values: dict[str, float], over: str) -> str:
    """The geometric mean and the worst."""
    if not values:
        return f"nothing to compare with {over}"
    worst = min(values, key=values.__getitem__)
    return f"geometric mean {geometric_mean(list(values.values())):.2f} x over {over}, worst {values[worst]:.2f} x"


def plain(values: dict[str, float], over: str) -> str:
    """The same behind the rival's name."""
    return said_of(values, over).replace(f" over {over}", "", 1)


def print_summary(name: str, results: Results, given: argparse.Namespace) -> None:
    """What is counted over which rival, the worst cases by name, and the last line; keeps the figures."""
    best, torch = ratios_over(results, best_rival), ratios_over(results, torch_rival)
    for over, values in (("the best rival", best), ("torch", torch)):
        if values:
            worst = sorted(values, key=values.__getitem__)[:3]
            print(f"- Worst over {over}: " + "; ".join(f"{case} {values[case]:.2f}" for case in worst))
    direct = {
        case: by_name[DIRECT].median / by_name[OURS].median
        for case, by_name in results.items()
        if DIRECT in by_name and not by_name[DIRECT].skip and not by_name[OURS].skip
    }
    if direct:
        print(f"- Ours over ours with algorithm = direct: {geometric_mean(list(direct.values())):.2f} x")
    for case, why in given.missing.items():
        print(f"- {case} is missing: {why}")
    cores = ", ".join(map(str, given.cores))
    print(
        f"- {given.threads} thread(s) on core(s) {cores}; {given.repetitions} repetitions; a tie counts as 1.00"
    )
    print()
    figures = {case: {n: r.as_figures() for n, r in by_name.items()} for case, by_name in results.items()}
    versions = {name: version_of(name) for name in ("torch", "onnxruntime", "openvino", "ncnn")}
    keep(
        given.json,
        {
            "name": name,
            "threads": given.threads,
            "versions": versions,
            "cases": figures,
            "best": best,
            "torch": torch,
        },
    )
    print(f"{name}: {said_of(best, 'the best rival')}; over torch {plain(torch, 'torch')}")


def version_of(package: str) -> str:
    """Of an installed package."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
