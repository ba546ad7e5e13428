"""The published networks against PyTorch: the same weights both ways, outputs, gradients, running averages."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lookalike as la
import numpy as np
import pytest
from lookalike import models

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

import torch_networks as theirs  # noqa: E402 - needs PyTorch

#: Largest difference that is allowed, relative to the largest number of an array.
TOLERANCE = 1e-4


@dataclass
class Network:
    ours: Callable[[], la.Architecture]
    theirs: Callable[[], Any]
    names: la.NameMap
    #: (channels, height, width) of the inputs.
    inputs: list[tuple[int, int, int]]
    batch: int = 2


def resnet(depth, place, extent=64, batch=4):
    block, counts = {
        18: (theirs.BasicBlock, (2, 2, 2, 2)),
        34: (theirs.BasicBlock, (3, 4, 6, 3)),
        50: (theirs.Bottleneck, (3, 4, 6, 3)),
    }[depth]
    ours = getattr(models, f"resnet{depth}")
    return Network(
        lambda: ours(classes=100, stride=place),
        lambda: theirs.ResNet(block, counts, 100, early=place == "first"),
        theirs.RESNET,
        [(3, extent, extent)],
        batch,
    )


def cifar_resnet(depth, kind, batch=4):
    return Network(
        lambda: models.cifar_resnet(depth, shortcut=kind),
        lambda: theirs.CifarResNet(depth, kind),
        theirs.CIFAR_RESNET,
        [(3, 32, 32)],
        batch,
    )


def unet(name, extents, width=64, levels=4, batch=1, inputs=1):
    padding, normalized = name != "original", name == "normalized"
    return Network(
        lambda: getattr(models, f"unet_{name}")(inputs, 2, width=width, levels=levels),
        lambda: theirs.UNet(inputs, 2, width, levels, int(padding), normalized),
        theirs.unet_names(levels, normalized),
        [(inputs, *extents)],
        batch,
    )


NETWORKS = {
    "AlexNet, single tower": Network(
        lambda: models.alexnet_single_tower(100),
        lambda: theirs.AlexNet(100),
        theirs.ALEXNET,
        [(3, 96, 80)],
    ),
    "AlexNet of the paper": Network(
        lambda: models.alexnet(100),
        lambda: theirs.AlexNetOfThePaper(100),
        theirs.ALEXNET_PAPER,
        [(3, 227, 227)],
        1,
    ),
    "ResNet-18": resnet(18, "middle", 96),
    "ResNet-34": resnet(34, "middle"),
    "ResNet-50": resnet(50, "middle"),
    "ResNet-50 of the paper": resnet(50, "first"),
    "CIFAR ResNet-20": cifar_resnet(20, "padding"),
    "CIFAR ResNet-20, projections": cifar_resnet(20, "projection"),
    "CIFAR ResNet-56": cifar_resnet(56, "padding"),
    "CIFAR plain-20": cifar_resnet(20, "none"),
    "U-Net of the paper": unet("original", (188, 204), width=8),
    "U-Net of the paper, full width": unet("original", (188, 188)),
    "U-Net, padded": unet("padded", (48, 64), width=16, batch=2, inputs=3),
    "U-Net, normalized": unet("normalized", (64, 48), width=16, batch=2, inputs=3),
    "pix2pix generator": Network(
        lambda: models.pix2pix_generator(width=16),
        lambda: theirs.Generator(width=16),
        theirs.generator_names(),
        [(3, 256, 256)],
        2,
    ),
    "PatchGAN": Network(
        models.patch_discriminator,
        theirs.PatchDiscriminator,
        theirs.PATCH_DISCRIMINATOR,
        [(6, 96, 80)],
    ),
    "colorization": Network(
        models.colorful_colorization,
        theirs.Colorization,
        theirs.COLORIZATION,
        [(1, 64, 64)],
    ),
    "completion": Network(
        models.completion_network,
        theirs.CompletionNetwork,
        theirs.COMPLETION,
        [(3, 48, 64), (1, 48, 64)],
    ),
    "local discriminator": Network(
        models.local_discriminator,
        theirs.LocalDiscriminator,
        theirs.COMPLETION_DISCRIMINATOR,
        [(3, 128, 128)],
    ),
    "global discriminator": Network(
        lambda: models.global_discriminator(128, width=32),
        lambda: theirs.GlobalDiscriminator(128, 32),
        theirs.COMPLETION_DISCRIMINATOR,
        [(3, 128, 128)],
    ),
    "both discriminators": Network(
        lambda: models.completion_discriminator(128, width=16, features=128),
        lambda: theirs.ContextDiscriminator(128, 16, 128),
        theirs.COMPLETION_DISCRIMINATOR,
        [(3, 64, 64), (3, 128, 128)],
        4,
    ),
}


def randomize(module, seed):
    """Weights as they are at the start, and averages, scales and offsets unlike what they are then."""
    chance = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if tensor.ndim == 1:
            noise = torch.randn(tensor.shape, generator=chance)
            center = 1 if name.endswith("running_var") else 0.5 if name.endswith("weight") else 0
            tensor.copy_(center + (0.1 * noise).clamp(-0.5, 0.5))
        elif tensor.ndim > 1:  # He's initialization, without which deep networks fade
            fan_in = tensor[0].numel()
            tensor.copy_(torch.randn(tensor.shape, generator=chance) * (2 / fan_in) ** 0.5)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(chance, batch, channels, height, width):
    """Squares of all colors with noise: deep layers of noise alone differ by less and less from place to place."""
    squares = chance.uniform(-1, 1, (batch, channels, -(-height // 16), -(-width // 16)))
    large = squares.repeat(16, 2).repeat(16, 3)[:, :, :height, :width]
    return (large + chance.uniform(-0.2, 0.2, large.shape)).astype(np.float32)


def difference(found, wanted, least=0.0):
    """Return the largest difference, relative to the largest number, or to `least` if that is more."""
    assert found.size == wanted.size
    return np.abs(found.reshape(wanted.shape) - wanted).max() / (max(np.abs(wanted).max(), least) or 1)


def choosing(net, extents):
    """Return (kind, name) of the layers that choose; of pools the name of what they see, which comes before."""
    result, before = [], ""
    for row in la.Model(net, **extents).summary().rows:
        kind, name = row["kind"], row["name"]
        if kind in ("relu", "leaky_relu", "dropout"):
            result.append((kind, name))
        elif kind == "max_pool" and row["options"].split(",")[0] != "kernel 1":  # one pixel is no choice
            result.append((kind, before))
        before = name
    return result


def choices(run, layers, training):
    found = []
    for kind, name in layers:
        if kind == "max_pool":
            found.append(torch.tensor(run[name], dtype=torch.float64))
        elif kind != "dropout":
            found.append(torch.tensor(run[name] > 0))
        elif training:
            found.append(torch.tensor(run[name] != 0))
    return found


def loaded(net, state, network, path, extents):
    """Our network with their weights, from a file that they wrote."""
    safetensors.save_file(state, path)
    model = la.Model(net, **extents)
    report = model.load(path, names=network.names)
    assert report["unexpected"] == report["missing"] == []
    path.unlink()
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_values_and_gradients(name, tmp_path):
    network = NETWORKS[name]
    module = network.theirs()
    randomize(module, 1)
    height, width = network.inputs[0][1:]
    extents = {} if len(network.inputs) > 1 else {"height": height, "width": width}
    net = network.ours()
    layers = choosing(net, extents)
    exposed = net | la.expose(*{layer for _, layer in layers})
    model = loaded(exposed, module.state_dict(), network, tmp_path / "weights.safetensors", extents)
    module.double()  # so that only our rounding counts

    chance = np.random.default_rng(2)
    arrays = [picture(chance, network.batch, *shape) for shape in network.inputs]
    found = {}
    for training in (False, True):
        kind = "training" if training else "evaluation"
        compared = compare(model, module, network, arrays, training, layers)
        found |= {f"{kind}: {what}": size for what, size in compared.items()}
    for what, tensor in module.state_dict().items():
        if what.endswith(("running_mean", "running_var")):
            found[f"running averages: {what}"] = difference(
                model.parameters[network.names.ours(what)], tensor.numpy()
            )
    worst = sorted(found.items(), key=lambda item: -item[1])
    print(f"{name}: {len(found)} arrays", *(f"{size:.2g}: {what}" for what, size in worst[:5]), sep="\n  ")
    assert worst[0][1] <= TOLERANCE, "\n".join(f"{what}: {size:.2g}" for what, size in worst[:20])


def compare(model, module, network, arrays, training, layers):
    """Return relative differences of the output and of all gradients."""
    module.train(training)
    module.zero_grad()
    model.gradients.zero()
    run = model.forward(*arrays, training=training, seed=5, differentiable=True)
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in arrays]
    with theirs.Choices.given(choices(run, layers, training)):
        wanted = module(*tensors)
    result = {"output": difference(run.output, wanted.detach().numpy())}
    slope = np.random.default_rng(3).standard_normal(wanted.shape).astype(np.float32)
    wanted.backward(torch.tensor(slope, dtype=torch.float64))
    gradients = run.backward(slope.reshape(run.output.shape))
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    for i, (ours, tensor) in enumerate(zip(gradients, tensors)):
        result[f"gradient of input {i}"] = difference(ours, tensor.grad.numpy())
    wanted = {what: parameter.grad.numpy() for what, parameter in module.named_parameters()}
    for what, gradient in wanted.items():
        # A bias before a normalization has no gradient but rounding: the weight beside it says how small that is.
        beside = np.abs(wanted[what.replace(".bias", ".weight")]).max()
        ours = model.gradients[network.names.ours(what)]
        result[f"gradient of {what}"] = difference(ours, gradient, beside if what.endswith("bias") else 0)
    if max(result.values()) <= TOLERANCE:
        return result
    # Normalization over few numbers makes more of rounding than that. PyTorch in single precision is the measure
    # then: what it is off by at worst, ours may be off by twice, and five times the tolerance at most.
    single = copy.deepcopy(module).float()
    single.zero_grad()
    chosen = [c.float() if c.is_floating_point() else c for c in choices(run, layers, training)]
    with theirs.Choices.given(chosen):
        single(*map(torch.tensor, arrays)).backward(torch.tensor(slope))
    gradients = {what: parameter.grad.numpy() for what, parameter in single.named_parameters()}
    weights = [what for what in wanted if what.endswith("weight")]
    off = max(difference(gradients[what], wanted[what]) for what in weights)
    print(f"PyTorch in single precision is off by {off:.2g}")
    allowance = min(max(2 * off / TOLERANCE, 1), 5)
    return {what: size / allowance for what, size in result.items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_files_go_both_ways(name, tmp_path):
    network = NETWORKS[name]
    height, width = network.inputs[0][1:]
    extents = {} if len(network.inputs) > 1 else {"height": height, "width": width}
    module = network.theirs()
    path = tmp_path / "weights.safetensors"

    # Ours, written by us, into their network without a name missing or too many.
    model = la.Model(network.ours(), seed=3, **extents)
    model.save(path, names=network.names, num_batches_tracked=True)
    state = safetensors.load_file(path)
    path.unlink()
    module.load_state_dict(state, strict=True)
    for what, tensor in module.state_dict().items():
        if not what.endswith("num_batches_tracked"):
            assert np.array_equal(tensor.numpy(), model.parameters[network.names.ours(what)]), what

    # Theirs, written by them, into ours; both then yield the same, in inference without anything exposed.
    randomize(module, 4)
    model = loaded(network.ours(), module.state_dict(), network, path, extents)
    chance = np.random.default_rng(5)
    arrays = [picture(chance, network.batch, *shape) for shape in network.inputs]
    module.eval()
    with torch.no_grad():
        wanted = module(*map(torch.tensor, arrays)).numpy()
    assert difference(model(*arrays), wanted) <= TOLERANCE
