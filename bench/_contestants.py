"""The workers of the duels: one implementation in a process of its own, which obeys lines of JSON.

    python bench/_contestants.py IMPLEMENTATION      (or `prepare`, which fills the folder of a case)

| command | answer |
| --- | --- |
| {"do": "load", "case": {...}, "algorithm": "..."} | load_seconds, settings; or skip, with the reason |
| {"do": "output", "file": "..."} | writes what the implementation computes, for the check |
| {"do": "burst", "untimed": 1, "runs": 5, "keep": true} | seconds of a run, by the clock on the wall |
| {"do": "finish"} | for each burst that is kept, seconds of a run |
| {"do": "memory", "runs": 3} | bytes that weights and running take, measured from outside |

`finish` may tell other seconds than the wall: single layers are timed inside where an implementation can (what
conversion of layouts at the edges takes does not count, since no network has it between its layers), and the cost of
calling from Python is taken off.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Case = dict[str, Any]


class SkipError(Exception):
    """An implementation cannot run a case, and why."""


def arrays_of(case: Case) -> list[np.ndarray]:
    """The inputs of a case."""
    folder = Path(case["folder"])
    return [
        np.fromfile(folder / f"input{i}.bin", np.float32).reshape(shape)
        for i, shape in enumerate(case["shapes"])
    ]


def targets_of(case: Case) -> np.ndarray:
    """Labels or pictures that training wants."""
    kind = np.float32 if case["target_type"] == "float32" else np.int64
    return np.fromfile(Path(case["folder"]) / "targets.bin", kind).reshape(case["target_shape"])


def fastest(candidates: dict[str, Callable[[], Any]], seconds: float = 2.0) -> tuple[str, list[str]]:
    """Name of the candidate that runs fastest, and a note for each."""
    best, notes = {}, []
    for name, run in candidates.items():
        try:
            times = []
            for _ in range(2):
                run()
            end = time.perf_counter() + seconds
            while len(times) < 3 or (len(times) < 30 and time.perf_counter() < end):
                start = time.perf_counter()
                run()
                times.append(time.perf_counter() - start)
            best[name] = float(np.median(times))
            notes.append(f"{name} {1e3 * best[name]:.3g} ms")
        except Exception as failure:
            notes.append(f"{name} failed ({type(failure).__name__}: {str(failure).splitlines()[0][:80]})")
    if not best:
        raise SkipError("; ".join(notes))
    return min(best, key=best.__getitem__), notes


class Contestant:
    """An implementation. `load` makes it ready, `run` runs once and may return its own seconds."""

    def __init__(self, threads: int, algorithm: str) -> None:
        self.threads, self.algorithm = threads, algorithm
        self.settings = ""
        self.extra: dict[str, Any] = {}

    def setup(self, case: Case) -> None:
        """What is neither loading nor packing: imports, reading the inputs."""
        self.case, self.arrays = case, arrays_of(case)

    def load(self, case: Case) -> None:
        """Load the model and pack its weights."""
        raise NotImplementedError

    def tune(self, case: Case) -> None:
        """Choose the fastest of several ways to run."""

    def run(self) -> float | None:
        """Run once."""
        raise NotImplementedError

    def output(self) -> dict[str, np.ndarray]:
        """What comes out, by name."""
        raise NotImplementedError

    def packed_memory(self) -> int:
        """Bytes of weights that were not packed while loading, but by the first run."""
        return 0

    def own_memory(self) -> int | None:
        """Bytes of running, if the implementation tells them."""
        return None

    def seconds(self, bursts: list[tuple[int, int, float]]) -> list[float]:
        """Seconds of a run for each burst: (number of its first run, runs, seconds of one by the wall)."""
        return [wall for _, _, wall in bursts]


# Ours ---------------------------------------------------------------------------------------------------------------


class Ours(Contestant):
    """lookalike, through its Python package."""

    def setup(self, case: Case) -> None:
        """Import."""
        super().setup(case)
        import lookalike

        self.la = lookalike
        lookalike.set_threads(self.threads)
        if case["kind"] == "training":
            self.targets = targets_of(case)

    def load(self, case: Case) -> None:
        """From the file, which says the architecture too."""
        algorithm, _, memory = self.algorithm.partition(", memory ")
        self.model = self.la.Model.load_model(Path(case["folder"]) / "ours.safetensors")
        self.can_choose = hasattr(self.model, "prepare")
        if not self.can_choose and self.algorithm != "automatic":
            raise SkipError("this version of the library has no choice of algorithm")
        self.settings = self.algorithm
        if case["kind"] == "training":
            if self.can_choose:
                self.model.set_execution(algorithm=algorithm, memory=memory or "normal")
            self.optimizer = self.la.SGD(case["rate"], momentum=case["momentum"], weight_decay=case["decay"])
        elif memory == "low":  # who has little keeps weights in one form only
            self.model.set_execution(algorithm=algorithm, memory="low")
            self.settings += ", packed in each run"
        elif self.can_choose:
            self.model.prepare(algorithm=algorithm)
            self.settings += ", packed once"
            if not case.get("warm"):
                self.run()  # the first run packs
        else:
            self.settings += ", packed in each run"

    def run(self) -> None:
        """A call, or a step."""
        if self.case["kind"] != "training":
            self.model(*self.arrays)
            return
        self.step()

    def packed_memory(self) -> int:
        """Of weights that are packed when a run first needs them."""
        return self.model.packed_memory if self.can_choose else 0

    def own_memory(self) -> int:
        """Activations, gradients and scratch memory of a pass."""
        return self.model.forward(*self.arrays, training=self.case["kind"] == "training").memory

    def step(self) -> float:
        """Forward, loss, backward, optimizer."""
        run = self.model.forward(*self.arrays, training=True)
        loss, gradient = getattr(self.la.losses, self.case["loss"])(run.output, self.targets)
        run.backward(gradient, input_gradients=False)
        self.optimizer.step(self.model)
        return loss

    def output(self) -> dict[str, np.ndarray]:
        """The output, or the loss and what a step changes."""
        if self.case["kind"] != "training":
            return {"output": self.model(*self.arrays)}
        called = json.loads((Path(self.case["folder"]) / "ours.json").read_text(encoding="utf-8"))
        before = {theirs: self.model.parameters[name].copy() for theirs, name in called.items()}
        loss = self.step()
        changes = {theirs: self.model.parameters[name] - before[theirs] for theirs, name in called.items()}
        return {"loss": np.asarray(loss), **changes}


# PyTorch ------------------------------------------------------------------------------------------------------------


class Torch(Contestant):
    """PyTorch as it runs without a compiler: the fastest of its ways, found by trying."""

    def setup(self, case: Case) -> None:
        """Import, and turn inputs into tensors."""
        super().setup(case)
        import _twins
        import torch

        self.torch, self.twins = torch, _twins
        torch.set_num_threads(self.threads)
        self.last, self.contiguous = torch.channels_last, torch.contiguous_format
        self.tensors = {
            layout: [torch.from_numpy(a).contiguous(memory_format=layout) for a in self.arrays]
            for layout in (self.last, self.contiguous)
        }
        if case["kind"] == "training":
            self.targets = torch.from_numpy(targets_of(case))
        if case.get("warm"):
            self.warm_up()

    def warm_up(self) -> None:
        """Make it import and set up what it needs for any network, by a network of next to nothing."""
        torch = self.torch
        small = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU())
        x = torch.zeros(2, 3, 8, 8)
        if self.case["kind"] == "training":
            optimizer = self.twins.optimizer_of(self.case, small)
            self.compiler()(small)(x).sum().backward()
            optimizer.step()
            return
        small.eval().requires_grad_(False)
        with torch.no_grad():
            self.compiler()(small)(x)
            traced = torch.jit.freeze(torch.jit.trace(small, x))
            torch.jit.optimize_for_inference(traced)(x)

    def compiler(self) -> Callable[[Any], Any]:
        """What a module goes through before it is called."""
        return lambda module: module

    def load(self, case: Case) -> None:
        """All ways to run; `tune` chooses."""
        if case["kind"] == "training":
            self.ways = {
                name: self.training_way(layout)
                for name, layout in (("channels last", self.last), ("channels first", self.contiguous))
            }
            return
        self.ways = self.layer_ways() if case["kind"] == "layer" else self.network_ways()

    def network_ways(self) -> dict[str, Callable[[], Any]]:
        """Networks: eager and TorchScript (frozen, prepacked), in both layouts."""
        torch = self.torch
        ways: dict[str, Callable[[], Any]] = {}
        for layout, called in ((self.last, "channels last"), (self.contiguous, "channels first")):
            module = self.twins.folded(self.twins.module_of(self.case)).requires_grad_(False)
            module.to(memory_format=layout)
            given = self.tensors[layout]
            ways[f"eager, folded, {called}"] = lambda module=module, given=given: module(*given)
            try:
                with torch.inference_mode():
                    traced = torch.jit.freeze(torch.jit.trace(module, given).eval())
                    script = torch.jit.optimize_for_inference(traced)
                ways[f"TorchScript for inference, {called}"] = lambda script=script, given=given: script(
                    *given
                )
            except Exception as failure:
                self.extra[f"TorchScript, {called}"] = str(failure).splitlines()[0]
        return ways

    def layer_ways(self) -> dict[str, Callable[[], Any]]:
        """Layers: eager in both layouts, and with weights packed by oneDNN, the data in either of its layouts."""
        torch, module = self.torch, self.twins.module_of(self.case).requires_grad_(False)
        small = [max(1, k) for k in module.kernel_size]

        def ways_for(x: Any) -> dict[str, Callable[[], Any]]:
            last, first = (x.contiguous(memory_format=f) for f in (self.last, self.contiguous))
            module_last = self.twins.layer_module(self.case["layer"]).requires_grad_(False)
            module_last.load_state_dict(module.state_dict())
            module_last.to(memory_format=self.last)
            ways = {
                "eager, channels last": lambda: module_last(last),
                "eager, channels first": lambda: module(first),
            }
            if not self.case["layer"]["transposed"]:
                options = (module.padding, module.stride, module.dilation, module.groups)
                packed = torch.ops.mkldnn._reorder_convolution_weight(module.weight, *options, x.size())
                convolve = torch.ops.mkldnn._convolution_pointwise
                ways["packed, channels last"] = lambda: convolve(
                    last, packed, module.bias, *options, "none", [], ""
                )
                opaque = first.to_mkldnn()
                blocked = mkldnn.to_mkldnn(module)
                ways["packed, blocked"] = lambda: blocked(opaque)
            return ways

        from torch.utils import mkldnn

        ways = ways_for(self.tensors[self.contiguous][0])
        # What calling costs: the same calls on as few pixels as the layer takes.
        reach = [d * (k - 1) + 1 for d, k in zip(module.dilation, small)]
        pixels = [max(1, r - 2 * p) for r, p in zip(reach, module.padding)]
        self.empty = ways_for(torch.zeros(1, module.in_channels, *pixels))
        return ways

    def training_way(self, layout: Any) -> Callable[[], Any]:
        """A step, on a copy of the network."""
        module = self.twins.module_of(self.case).to(memory_format=layout)
        return self.step_of(module, module, self.tensors[layout])

    def step_of(self, module: Any, called: Any, given: list[Any]) -> Callable[[], Any]:
        """Forward, loss, backward, optimizer."""
        optimizer = self.twins.optimizer_of(self.case, module)

        def step() -> float:
            optimizer.zero_grad(set_to_none=True)
            loss = self.twins.loss_of(self.case, called(*given), self.targets)
            loss.backward()
            optimizer.step()
            return float(loss.detach())

        step.module = module  # type: ignore[attr-defined]
        return step

    def tune(self, case: Case) -> None:
        """Keep the fastest way."""
        training = case["kind"] == "training"
        with self.torch.inference_mode(not training):
            self.settings, notes = fastest(self.ways, case["tuning_seconds"])
        self.extra["ways"] = notes
        self.way = self.ways[self.settings]
        self.ways = {}
        if training:  # the steps of the trial are forgotten
            self.way = self.training_way(self.last if "last" in self.settings else self.contiguous)

    def run(self) -> None:
        """Run once."""
        with self.torch.inference_mode(self.case["kind"] != "training"):
            self.way()

    def output(self) -> dict[str, np.ndarray]:
        """The output, or the loss and what a step changes."""
        if self.case["kind"] == "training":
            module = self.way.module
            before = {name: value.detach().clone() for name, value in module.named_parameters()}
            loss = self.way()
            changes = {name: (value.detach() - before[name]) for name, value in module.named_parameters()}
            return {"loss": np.asarray(loss), **{name: value.numpy() for name, value in changes.items()}}
        with self.torch.inference_mode():
            found = self.way()
            found = found.to_dense() if found.layout == self.torch._mkldnn else found
        return {"output": found.float().contiguous().numpy()}

    def seconds(self, bursts: list[tuple[int, int, float]]) -> list[float]:
        """Of layers the cost of calling is taken off."""
        if self.case["kind"] != "layer":
            return super().seconds(bursts)
        call, times = self.empty[self.settings], []
        with self.torch.inference_mode():
            for _ in range(400):
                start = time.perf_counter()
                call()
                times.append(time.perf_counter() - start)
        self.extra["call_seconds"] = least = float(np.percentile(times, 10))
        return [max(wall - least, 1e-9) for _, _, wall in bursts]


class TorchCompiled(Torch):
    """PyTorch compiled by inductor; in inference with frozen weights."""

    def compiler(self) -> Callable[[Any], Any]:
        """Inductor."""
        from torch._inductor import config

        config.freezing = self.case["kind"] != "training"
        return self.torch.compile

    def load(self, case: Case) -> None:
        """Compile. Layers have no row of their own: compiled, they are the packed call of the other row."""
        if case["kind"] == "layer":
            raise SkipError("a single layer compiled is the packed call that torch already tries")
        compiler = self.compiler()
        if case["kind"] == "training":
            self.make = lambda: self.twins.module_of(case).to(memory_format=self.last)
            module = self.make()
            self.way = self.step_of(module, compiler(module), self.tensors[self.last])
            self.way()
            self.settings = "inductor, channels last"
            return
        module = (
            self.twins.folded(self.twins.module_of(case)).requires_grad_(False).to(memory_format=self.last)
        )
        compiled, given = compiler(module), self.tensors[self.last]
        self.way = lambda: compiled(*given)
        with self.torch.no_grad():
            for _ in range(2):
                self.way()
        self.settings = "inductor, freezing, channels last"

    def tune(self, case: Case) -> None:
        """Nothing to choose; of training start anew, with what is compiled."""
        if case["kind"] == "training":
            module = self.way.module
            fresh = self.make()
            module.load_state_dict(fresh.state_dict())
            self.way.restart()

    def step_of(self, module: Any, called: Any, given: list[Any]) -> Callable[[], Any]:
        """As of the base, but the optimizer can be made anew."""
        state = {"optimizer": self.twins.optimizer_of(self.case, module)}

        def step() -> float:
            state["optimizer"].zero_grad(set_to_none=True)
            loss = self.twins.loss_of(self.case, called(*given), self.targets)
            loss.backward()
            state["optimizer"].step()
            return float(loss.detach())

        step.module = module  # type: ignore[attr-defined]
        step.restart = lambda: state.update(optimizer=self.twins.optimizer_of(self.case, module))  # type: ignore[attr-defined]
        return step

    def run(self) -> None:
        """Run once."""
        if self.case["kind"] == "training":
            self.way()
            return
        with self.torch.no_grad():
            self.way()

    def output(self) -> dict[str, np.ndarray]:
        """As of the base, without inference mode."""
        if self.case["kind"] == "training":
            return super().output()
        with self.torch.no_grad():
            return {"output": self.way().float().contiguous().numpy()}


# Others -------------------------------------------------------------------------------------------------------------


def onnx_of(case: Case) -> str:
    """The model's file."""
    if case["kind"] == "training":
        raise SkipError("inference only")
    path = Path(case["folder"]) / "model.onnx"
    if not path.exists():
        why = path.with_suffix(".why")
        raise SkipError(why.read_text(encoding="utf-8") if why.exists() else "there is no model in ONNX")
    return str(path)


class OnnxRuntime(Contestant):
    """ONNX Runtime with all graph optimizations. Layers are timed by its profiler, without reordering."""

    edges = ("ReorderInput", "ReorderOutput", "Transpose")

    def load(self, case: Case) -> None:
        """From the file."""
        path = onnx_of(case)
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        options.log_severity_level = 3
        if case["kind"] == "layer":
            options.enable_profiling = True
            options.profile_file_prefix = str(Path(case["folder"]) / "onnxruntime")
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        for name, array in zip((i.name for i in self.session.get_inputs()), self.arrays):
            self.binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))
        self.binding.bind_output(self.session.get_outputs()[0].name)
        self.settings = "all optimizations, no spinning"
        self.profile: list[float] | None = None

    def run(self) -> None:
        """Run once."""
        self.session.run_with_iobinding(self.binding)

    def output(self) -> dict[str, np.ndarray]:
        """The output; runs for it are counted as all are."""
        self.run()
        return {"output": self.binding.get_outputs()[0].numpy()}

    def seconds(self, bursts: list[tuple[int, int, float]]) -> list[float]:
        """Of layers, what the profile says of all nodes but those at the edges."""
        if self.case["kind"] != "layer":
            return super().seconds(bursts)
        path = Path(self.session.end_profiling())
        events = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        runs: list[float] = []
        kernels = [e for e in events if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]
        kernels.sort(key=lambda event: event["ts"])
        first = kernels[0]["name"]
        for event in kernels:
            if event["name"] == first:
                runs.append(0.0)
            if event["args"]["op_name"] not in self.edges:
                runs[-1] += 1e-6 * event["dur"]
        self.extra["nodes"] = sorted({event["args"]["op_name"] for event in kernels})
        return [float(np.mean(runs[start : start + count])) for start, count, _ in bursts]


class OpenVino(Contestant):
    """OpenVINO in float32 for latency. Layers are timed by its profiler, without reordering."""

    def load(self, case: Case) -> None:
        """From the file."""
        path = onnx_of(case)
        import openvino as ov

        options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": self.threads,
        }
        if case["kind"] == "layer":
            options["PERF_COUNT"] = True
        core = ov.Core()
        self.compiled = core.compile_model(core.read_model(path), "CPU", options)
        self.request = self.compiled.create_infer_request()
        for i, array in enumerate(self.arrays):
            self.request.set_input_tensor(i, ov.Tensor(array, shared_memory=True))
        self.settings = "f32, latency"
        self.walls: list[float] = []

    def run(self) -> None:
        """Run once."""
        start = time.perf_counter()
        self.request.infer()
        self.walls.append(time.perf_counter() - start)

    def seconds(self, bursts: list[tuple[int, int, float]]) -> list[float]:
        """Of layers the share that the profiler says is not spent elsewhere, which it knows of all runs together."""
        if self.case["kind"] != "layer":
            return super().seconds(bursts)
        within = sum(
            node.real_time.total_seconds()
            for node in self.request.profiling_info
            if node.node_type not in ("Reorder", "Input", "Output", "Parameter", "Result", "Transpose")
        )
        mean = float(np.mean(self.walls))
        self.extra["elsewhere_seconds"] = max(0.0, mean - within)
        return [wall * min(1.0, within / mean) for _, _, wall in bursts]

    def output(self) -> dict[str, np.ndarray]:
        """The output."""
        self.run()
        return {"output": self.request.get_output_tensor(0).data.copy()}


class Ncnn(Contestant):
    """ncnn in float32, picture by picture (it knows no batches). Layers get and keep maps in its packing."""

    def load(self, case: Case) -> None:
        """From the files that pnnx wrote."""
        if case["kind"] == "training":
            raise SkipError("inference only")
        folder = Path(case["folder"])
        if not (folder / "model.ncnn.param").exists():
            why = folder / "ncnn.why"
            raise SkipError(why.read_text(encoding="utf-8") if why.exists() else "there is no model for ncnn")
        import ncnn

        self.ncnn = ncnn
        self.net = ncnn.Net()
        option = self.net.opt
        option.num_threads = self.threads
        option.openmp_blocktime = 0
        for name in dir(option):  # numbers of 16 and 8 bits, whatever this version calls them
            if name.startswith(("use_fp16", "use_bf16", "use_int8")):
                setattr(option, name, False)
        option.use_vulkan_compute = False
        option.use_winograd_convolution = option.use_sgemm_convolution = option.use_packing_layout = True
        option.lightmode = True
        self.pools = ncnn.UnlockedPoolAllocator(), ncnn.PoolAllocator()
        option.blob_allocator, option.workspace_allocator = self.pools
        for load, name in ((self.net.load_param, "param"), (self.net.load_model, "bin")):
            if load(str(folder / f"model.ncnn.{name}")) != 0:
                raise SkipError(f"ncnn does not read model.ncnn.{name}")
        self.pictures = [
            [ncnn.Mat(array[n]).clone() for array in self.arrays] for n in range(len(self.arrays[0]))
        ]
        self.type = 0
        self.settings = "float32, all of Winograd, pools"

    def tune(self, case: Case) -> None:
        """Of layers the packing of the input; the output stays as it is."""
        if case["kind"] != "layer":
            return
        plain = self.pictures[0][0]
        self.type = 1
        ways = {}
        for pack in (16, 8, 4, 1):
            if plain.c % pack == 0:
                packed = self.ncnn.convert_packing(plain, pack) if pack > 1 else plain
                ways[str(pack)] = lambda packed=packed: self.picture([packed])
                ways[str(pack)].packed = packed
        best, self.extra["ways"] = fastest(ways, case["tuning_seconds"] / 4)
        self.pictures = [[ways[best].packed]]
        self.settings += f", packing {best}"

    def picture(self, mats: list[Any], kind: int | None = None) -> Any:
        """Run one picture."""
        extractor = self.net.create_extractor()
        for i, mat in enumerate(mats):
            extractor.input(f"in{i}", mat)
        failed, found = extractor.extract("out0", self.type if kind is None else kind)
        if failed:
            raise SkipError(f"ncnn: extract failed with {failed}")
        return found

    def run(self) -> None:
        """Run once."""
        for mats in self.pictures:
            self.picture(mats)

    def output(self) -> dict[str, np.ndarray]:
        """The outputs of all pictures."""
        return {"output": np.stack([np.array(self.picture(mats, 0)) for mats in self.pictures])}


IMPLEMENTATIONS: dict[str, type[Contestant]] = {
    "lookalike": Ours,
    "torch": Torch,
    "torch compiled": TorchCompiled,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "ncnn": Ncnn,
}


# Memory -------------------------------------------------------------------------------------------------------------


def settled() -> dict[str, int]:
    """Bytes of memory that this process has now, by kind, everything unused given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return {name: status(name) for name in ("VmRSS", "RssAnon", "RssFile")}


def status(name: str) -> int:
    """Bytes that the system tells of this process."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return 1024 * int(line.split()[1])
    raise RuntimeError(f"/proc/self/status says nothing of {name}")


# --------------------------------------------------------------------------------------------------------------------


class Worker:
    """Obeys commands."""

    def __init__(self, implementation: str, threads: int) -> None:
        self.implementation, self.threads = implementation, threads
        self.ours: Contestant | None = None

    def load(self, command: dict[str, Any]) -> dict[str, Any]:
        """Load a case; then it is ready to run."""
        self.ours, self.bursts, self.runs = None, [], 0
        gc.collect()
        contestant = IMPLEMENTATIONS[self.implementation](self.threads, command["algorithm"])
        case = command["case"]
        contestant.setup(case)
        self.before = settled()
        start = time.perf_counter()
        contestant.load(case)
        spent = time.perf_counter() - start
        contestant.tune(case)
        self.loaded = settled()
        self.ours = contestant
        return {"load_seconds": spent, "settings": contestant.settings, "extra": contestant.extra}

    def run(self) -> float | None:
        """Run once, and count it."""
        assert self.ours is not None
        self.runs += 1
        return self.ours.run()

    def output(self, command: dict[str, Any]) -> dict[str, Any]:
        """Write what comes out."""
        assert self.ours is not None
        self.runs += 1
        np.savez(command["file"], **self.ours.output())
        return {}

    def burst(self, command: dict[str, Any]) -> dict[str, Any]:
        """Run several times."""
        for _ in range(command["untimed"]):
            self.run()
        first, runs, told = self.runs, command["runs"], []
        start = time.perf_counter()
        for _ in range(runs):
            told.append(self.run())
        wall = (time.perf_counter() - start) / runs
        if told[0] is not None:
            wall = float(np.mean(told))
        if command["keep"]:
            self.bursts.append((first, runs, wall))
        return {"seconds": wall}

    def finish(self, _: dict[str, Any]) -> dict[str, Any]:
        """What was measured."""
        assert self.ours is not None
        return {"seconds": self.ours.seconds(self.bursts), "extra": self.ours.extra}

    def memory(self, command: dict[str, Any]) -> dict[str, Any]:
        """Bytes: of weights in all forms, and of running beyond them; code of libraries is not counted."""
        assert self.ours is not None
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins here
        for _ in range(command["runs"]):
            self.run()
        peak, code = status("VmHWM"), status("RssFile") - self.loaded["RssFile"]
        packed = self.ours.packed_memory()
        return {
            "weights": self.loaded["RssAnon"] - self.before["RssAnon"] + packed,
            "running": peak - self.loaded["VmRSS"] - code - packed,
            "kept": settled()["RssAnon"] - self.loaded["RssAnon"] - packed,
            "own": self.ours.own_memory(),
            "extra": self.ours.extra,
        }


def main() -> None:
    """Obey until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    implementation = sys.argv[1]
    if implementation == "prepare":
        import _twins

        _twins.prepare(json.loads(sys.argv[2]))
        return
    worker = Worker(implementation, int(sys.argv[2]))
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = getattr(worker, command["do"])(command)
        except SkipError as reason:
            answer = {"skip": str(reason)}
        except Exception as failure:
            answer = {
                "skip": f"{type(failure).__name__}: {(str(failure).strip() or '-').splitlines()[0][:200]}"
            }
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
