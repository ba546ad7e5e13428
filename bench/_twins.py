"""What the duels of networks run: the networks of the tests' twins in PyTorch, their layers, inputs and weights.

A case is a dict that travels to the workers as JSON: its kind (layer, network or training), the network, the batch,
and the folder that `prepare` filled with what everybody starts from: weights, inputs, the reference result.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "python"))

import torch_networks as twins  # noqa: E402 - needs the path

# The tests' rectifiers and pools can be told what to choose. Here they are PyTorch's own, as a user would write them:
# what fuses best, and keeps nothing that nobody asked for.


def _relu(x: torch.Tensor, slope: float = 0.0) -> torch.Tensor:
    return nn.functional.leaky_relu_(x, slope) if slope else nn.functional.relu_(x)


def _max_pool(x: torch.Tensor, kernel: int, stride: int, padding: int = 0) -> torch.Tensor:
    return nn.functional.max_pool2d(x, kernel, stride, padding)


def _rectifier(slope: float = 0.0) -> nn.Module:
    return nn.LeakyReLU(slope, inplace=True) if slope else nn.ReLU(inplace=True)


def _join(self: Any, below: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
    """One level up in a U-Net whose maps fit without being cropped."""
    return self.conv(torch.cat([beside, self.up(below)], 1))


twins.relu, twins.max_pool, twins.Up.forward = _relu, _max_pool, _join
twins.Rectifier, twins.MaxPool, twins.Dropout = _rectifier, nn.MaxPool2d, nn.Dropout


@dataclass
class Network:
    """A network in PyTorch and how ours is made."""

    theirs: Callable[[], nn.Module]
    ours: Callable[[Any], Any]  # given lookalike.models
    names: Any  # lookalike.NameMap
    inputs: list[tuple[int, int, int]]
    loss: str = ""


def _resnet(depth: int) -> Network:
    block, counts = {18: (twins.BasicBlock, (2, 2, 2, 2)), 50: (twins.Bottleneck, (3, 4, 6, 3))}[depth]
    return Network(
        lambda: twins.ResNet(block, counts),
        lambda models: getattr(models, f"resnet{depth}")(),
        twins.RESNET,
        [(3, 224, 224)],
    )


def _unet(extent: int, width: int = 64) -> Network:
    return Network(
        lambda: twins.UNet(3, 2, width, 4, 1, True),
        lambda models: models.unet_normalized(3, 2, width=width),
        twins.unet_names(4, True),
        [(3, extent, extent)],
        "cross_entropy",
    )


def _completion(extent: int, width: int = 64) -> Network:
    return Network(
        lambda: twins.CompletionNetwork(width),
        lambda models: models.completion_network(width),
        twins.COMPLETION,
        [(3, extent, extent), (1, extent, extent)],
        "mse",
    )


NETWORKS = {
    "ResNet-18": _resnet(18),
    "ResNet-50": _resnet(50),
    "AlexNet": Network(
        twins.AlexNet, lambda models: models.alexnet_single_tower(), twins.ALEXNET, [(3, 224, 224)]
    ),
    "U-Net 256": _unet(256),
    "U-Net 512": _unet(512),
    "Zhang 256": Network(
        twins.Colorization, lambda models: models.colorful_colorization(), twins.COLORIZATION, [(1, 256, 256)]
    ),
    "Iizuka 256": _completion(256),
    "ResNet-20": Network(
        lambda: twins.CifarResNet(20),
        lambda models: models.cifar_resnet(20),
        twins.CIFAR_RESNET,
        [(3, 32, 32)],
        "cross_entropy",
    ),
    "U-Net, width 32": _unet(128, 32),
    "Iizuka, half width": _completion(64, 32),
}


def randomize(module: nn.Module, seed: int) -> None:
    """Weights as they are at the start (He's), and averages, scales and offsets unlike what they are then."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.ndim == 1:
                noise = torch.randn(tensor.shape, generator=chance)
                center = 1 if name.endswith("running_var") else 0.5 if name.endswith("weight") else 0
                tensor.copy_(center + (0.1 * noise).clamp(-0.5, 0.5))
            elif tensor.ndim > 1:
                deviation = (2 / tensor[0].numel()) ** 0.5
                tensor.copy_(torch.randn(tensor.shape, generator=chance) * deviation)


def layer_module(layer: dict[str, Any]) -> nn.Module:
    """One convolution as a module."""
    options = {name: layer[name] for name in ("stride", "padding", "dilation", "groups", "bias")}
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    kind = nn.ConvTranspose2d if layer["transposed"] else nn.Conv2d
    return kind(layer["inputs"], layer["outputs"], tuple(layer["kernel"]), **options)


def module_of(case: dict[str, Any]) -> nn.Module:
    """A case in PyTorch with its weights, ready for what the case does."""
    made = layer_module(case["layer"]) if case["kind"] == "layer" else NETWORKS[case["network"]].theirs()
    randomize(made, case["seed"])
    return made.train(case["kind"] == "training")


def input_shapes(case: dict[str, Any]) -> list[tuple[int, int, int, int]]:
    """Batch, channels, height and width of all inputs."""
    if case["kind"] == "layer":
        layer = case["layer"]
        return [(case["batch"], layer["inputs"], layer["height"], layer["width"])]
    return [(case["batch"], *shape) for shape in NETWORKS[case["network"]].inputs]


def inputs_of(case: dict[str, Any]) -> list[np.ndarray]:
    """Squares of all colors, with noise."""
    chance = np.random.default_rng(case["seed"])
    result = []
    for batch, channels, height, width in input_shapes(case):
        squares = chance.uniform(-1, 1, (batch, channels, -(-height // 16), -(-width // 16)))
        large = squares.repeat(16, 2).repeat(16, 3)[:, :, :height, :width]
        result.append((large + chance.uniform(-0.2, 0.2, large.shape)).astype(np.float32))
    return result


def targets_of(case: dict[str, Any]) -> np.ndarray:
    """What a step of training wants: labels of pictures or pixels, or pictures."""
    chance = np.random.default_rng(case["seed"] + 1)
    network, batch = NETWORKS[case["network"]], case["batch"]
    _, height, width = network.inputs[0]
    if network.loss == "mse":
        return chance.uniform(0, 1, (batch, 3, height, width)).astype(np.float32)
    if case["network"].startswith("U-Net"):
        return chance.integers(0, 2, (batch, height, width))
    return chance.integers(0, 10, batch)


def convolution_layers(names: list[str]) -> list[dict[str, Any]]:
    """The convolutions of networks for one picture, those of one geometry once; `where` says who has it."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        module = NETWORKS[name].theirs().eval()

        def note(conv: Any, inputs: Any, name: str = name) -> None:
            layer = {
                "transposed": isinstance(conv, nn.ConvTranspose2d),
                "inputs": conv.in_channels,
                "outputs": conv.out_channels,
                "height": inputs[0].shape[2],
                "width": inputs[0].shape[3],
                "kernel": list(conv.kernel_size),
                "stride": list(conv.stride),
                "padding": list(conv.padding),
                "dilation": list(conv.dilation),
                "groups": conv.groups,
                "bias": True,  # with its normalization folded every convolution has one
            }
            where = found.setdefault(json.dumps(layer), {**layer, "where": []})["where"]
            if name not in where:
                where.append(name)

        for part in module.modules():
            if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d)):
                part.register_forward_pre_hook(note)
        with torch.inference_mode():
            module(*(torch.zeros(1, *shape) for shape in NETWORKS[name].inputs))
    return list(found.values())


def loss_of(case: dict[str, Any], output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The loss of a case of training."""
    if NETWORKS[case["network"]].loss == "mse":
        return nn.functional.mse_loss(output, targets)
    return nn.functional.cross_entropy(output, targets)


def optimizer_of(case: dict[str, Any], module: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of all cases of training; one kernel for all parameters, which is PyTorch's fastest."""
    return torch.optim.SGD(
        module.parameters(), case["rate"], case["momentum"], weight_decay=case["decay"], fused=True
    )


def folded(module: nn.Module) -> nn.Module:
    """The module in inference, every normalization that follows a convolution folded into it."""
    graph = torch.fx.symbolic_trace(module.eval())
    parts = dict(graph.named_modules())
    for node in list(graph.graph.nodes):
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(parts.get(node.target), nn.BatchNorm2d) or before.op != "call_module":
            continue
        conv = parts[before.target]
        if not isinstance(conv, (nn.Conv2d, nn.ConvTranspose2d)) or len(before.users) > 1:
            continue
        transposed = isinstance(conv, nn.ConvTranspose2d)
        joined = nn.utils.fusion.fuse_conv_bn_eval(conv, parts[node.target], transpose=transposed)
        graph.set_submodule(before.target, joined)
        parts[before.target] = joined
        node.replace_all_uses_with(before)
        graph.graph.erase_node(node)
    graph.delete_all_unused_submodules()
    graph.recompile()
    return graph


# Everything that a case starts from --------------------------------------------------------------------------------


def prepare(case: dict[str, Any]) -> None:
    """Fills the folder of a case: inputs, reference, weights for ours, the model in ONNX and for ncnn."""
    folder = Path(case["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    arrays = inputs_of(case)
    for i, array in enumerate(arrays):
        array.tofile(folder / f"input{i}.bin")
    module = module_of(case)
    if case["kind"] == "layer":
        module.weight.detach().numpy().tofile(folder / "weight.bin")
        module.bias.detach().numpy().tofile(folder / "bias.bin")
    else:
        _write_ours(case, module, folder / "ours.safetensors")
    if case["kind"] == "training":
        _write_training_reference(case, module, arrays, folder)
        return
    # In double precision, picture by picture; the first and the last are enough.
    module.double()
    chosen = sorted({0, case["batch"] - 1})
    with torch.inference_mode():
        reference = [
            module(*(torch.from_numpy(a[i : i + 1]).double() for a in arrays)).numpy() for i in chosen
        ]
    np.save(folder / "reference.npy", np.concatenate(reference))
    module = module.float() if case["kind"] == "layer" else folded(module_of(case))
    module.requires_grad_(False)
    if case["onnx"]:
        _write_onnx(module, arrays, folder / "model.onnx")
    if case["ncnn"]:
        _write_ncnn(module, [a[:1] for a in arrays], folder)


def _write_ours(case: dict[str, Any], module: nn.Module, path: Path) -> None:
    import lookalike as la

    network = NETWORKS[case["network"]]
    height, width = network.inputs[0][1:]
    extents = {} if len(network.inputs) > 1 else {"height": height, "width": width}
    model = la.Model(network.ours(la.models), **extents)
    model.load_state_dict(module.state_dict(), names=network.names)
    model.save(path)
    called = {name: network.names.ours(name) for name, _ in module.named_parameters()}
    path.with_suffix(".json").write_text(json.dumps(called), encoding="utf-8")


def _write_training_reference(
    case: dict[str, Any], module: nn.Module, arrays: list[np.ndarray], folder: Path
) -> None:
    """The loss of the first step in double precision, and what the step changes, parameter by parameter."""
    module.double()
    before = {name: value.detach().clone() for name, value in module.named_parameters()}
    targets = torch.from_numpy(targets_of(case))
    targets.numpy().tofile(folder / "targets.bin")
    optimizer = optimizer_of(case, module)
    output = module(*(torch.from_numpy(a).double() for a in arrays))
    loss = loss_of(case, output, targets.double() if targets.is_floating_point() else targets)
    loss.backward()
    optimizer.step()
    changes = {name: (value.detach() - before[name]).numpy() for name, value in module.named_parameters()}
    np.savez(folder / "reference.npz", **{"loss": loss.detach().numpy(), **changes})


def _write_onnx(module: nn.Module, arrays: list[np.ndarray], path: Path) -> None:
    """With normalization folded and constants computed."""
    given = tuple(torch.from_numpy(a) for a in arrays)
    names = [f"input{i}" for i in range(len(given))]
    try:
        torch.onnx.export(
            module, given, str(path), input_names=names, output_names=["output"], do_constant_folding=True,
            dynamo=False, opset_version=17,
        )  # fmt: skip
    except Exception as failure:
        path.with_suffix(".why").write_text(f"export to ONNX failed: {failure}", encoding="utf-8")


def _write_ncnn(module: nn.Module, arrays: list[np.ndarray], folder: Path) -> None:
    """By pnnx, whose optimizer folds and fuses; weights stay float32."""
    import subprocess

    given = tuple(torch.from_numpy(a) for a in arrays)
    traced = folder / "model.pt"
    with torch.inference_mode():
        torch.jit.trace(module, given).save(str(traced))
    shapes = ",".join(str(list(a.shape)).replace(" ", "") + "f32" for a in arrays)
    command = [str(Path(sys.executable).with_name("pnnx")), traced.name, f"inputshape={shapes}", "fp16=0"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not (folder / "model.ncnn.param").exists():
        said = (done.stderr or done.stdout or "no output").strip().splitlines()[-1]
        (folder / "ncnn.why").write_text(f"pnnx ended with {done.returncode}: {said}", encoding="utf-8")
