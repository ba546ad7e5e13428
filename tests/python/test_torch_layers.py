"""Every layer with options drawn at random, against PyTorch: values, gradients of inputs and of parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import lookalike as la
import numpy as np
import pytest
from lookalike import nn

torch = pytest.importorskip("torch")
F = torch.nn.functional

DTYPES = [np.float64, np.float32]
#: Largest difference that is allowed, relative to the largest number.
TOLERANCE = {np.float64: 1e-10, np.float32: 1e-5}


@dataclass
class Case:
    """A network of one layer (or the few that it takes), and the same in PyTorch."""

    net: la.Architecture
    #: (parameters by name, *inputs) -> output
    reference: Callable[..., Any]
    inputs: list[np.ndarray]
    #: Whether batch statistics are taken, and the running averages change.
    training: bool = False
    #: Numbers of the inputs that have gradients.
    smooth: list[int] | None = None
    #: Parameters of positive values only.
    positive: tuple[str, ...] = field(default=("running_variance",))


class Chance:
    """Options drawn at random."""

    def __init__(self, name: str, number: int) -> None:
        self.numbers = np.random.default_rng([number, *name.encode()])

    def one_of(self, *choices):
        return choices[self.numbers.integers(len(choices))]

    def whole(self, first, last):
        return int(self.numbers.integers(first, last + 1))

    def yes(self, probability=0.5):
        return bool(self.numbers.random() < probability)

    def pair(self, first, last):
        return self.whole(first, last), self.whole(first, last)

    def real(self, low, high):
        return float(self.numbers.uniform(low, high))

    def array(self, *shape):
        return self.numbers.standard_normal(shape)

    def picture(self, channels=None, least=1, most=13):
        channels = channels or self.one_of(1, 2, 3, 5, 8, 16, 19, 33)
        return self.array(self.whole(1, 3), channels, self.whole(least, most), self.whole(least, most))


MAKERS: dict[str, tuple[Callable[[Chance], Case], int]] = {}


def layer(count):
    """Enroll a function that draws cases of a layer; `count` of them are tested."""

    def enroll(make):
        MAKERS[make.__name__] = make, count
        return make

    return enroll


def inputs_of(*arrays, extents=False):
    """Inputs of a network that takes these arrays."""
    made = [
        la.input(f"x{i}", a.shape[1], **({"height": a.shape[2], "width": a.shape[3]} if extents else {}))
        for i, a in enumerate(arrays)
    ]
    return made[0] if len(made) == 1 else la.branch(*made)


def one_input(chance, x, body, reference, **options):
    return Case(inputs_of(x, extents=chance.yes(0.3)) | body, reference, [x], **options)


def sides(padding):
    """(top, left, bottom, right) as `F.pad` wants it."""
    top, left, bottom, right = padding
    return left, right, top, bottom


# Convolutions
# --------------------------------------------------------------------------------------------------------------


def groups_and_channels(chance):
    groups = chance.one_of(1, 1, 1, 2, 3, 4, 8)
    return groups, groups * chance.whole(1, 9 if groups > 1 else 36), groups * chance.whole(1, 6)


def conv_case(chance, size, kernel, stride, dilation, batch=2):
    groups, channels, per_group = groups_and_channels(chance)
    border = chance.one_of("zeros", "zeros", "reflect", "replicate")
    reach = [d * (k - 1) for d, k in zip(dilation, kernel)]
    padding = chance.one_of("same", 0, "drawn", "drawn")
    if padding == "same":
        most = [(r // 2, r - r // 2) for r in reach]
        four = (most[0][0], most[1][0], most[0][1], most[1][1])
    elif padding == 0:
        four = (0, 0, 0, 0)
    else:
        four = padding = tuple(chance.whole(0, 3) for _ in range(4))
    least = [r + 1 for r in reach] if border == "zeros" else [max(r + 1, 4, *four) + 1 for r in reach]
    extents = [chance.whole(low, max(low, size)) for low in least]
    bias = chance.yes(0.7)
    x = chance.array(batch, per_group, *extents)
    body = nn.conv(
        channels,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
        border=border,
    )
    mode = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate"}[border]

    def reference(p, x):
        x = F.pad(x, sides(four), mode)
        return F.conv2d(x, p["conv0.weight"], p.get("conv0.bias"), stride, 0, dilation, groups)

    return one_input(chance, x, body, reference)


@layer(60)
def conv(chance):
    return conv_case(chance, 16, chance.pair(1, 5), chance.pair(1, 3), chance.pair(1, 3), chance.whole(1, 3))


@layer(20)
def conv_1x1(chance):
    stride = chance.whole(1, 2)
    return conv_case(chance, 20, (1, 1), (stride, stride), (1, 1))


@layer(30)
def conv_3x3(chance):
    stride, dilation = chance.one_of((1, 1), (1, 1), (2, 1), (1, 2))
    return conv_case(chance, 24, (3, 3), (stride, stride), (dilation, dilation))


@layer(10)
def conv_of_large_kernels(chance):
    return conv_case(chance, 30, chance.one_of((7, 7), (11, 11), (1, 9), (8, 3)), chance.pair(1, 4), (1, 1))


@layer(10)
def depthwise_conv(chance):
    channels, times = chance.whole(2, 40), chance.one_of(1, 1, 2)
    x = chance.array(2, channels, *chance.pair(3, 12))
    stride = chance.whole(1, 2)
    body = nn.conv(times * channels, 3, stride=stride, groups=channels)
    return one_input(
        chance,
        x,
        body,
        lambda p, x: F.conv2d(x, p["conv0.weight"], p["conv0.bias"], stride, 1, 1, channels),
    )


@layer(60)
def transposed_conv(chance):
    groups, channels, inputs = groups_and_channels(chance)
    kernel, stride, dilation = chance.pair(1, 5), chance.pair(1, 3), chance.pair(1, 2)
    extra = tuple(chance.whole(0, max(s, d) - 1) for s, d in zip(stride, dilation))
    x = chance.array(chance.whole(1, 2), inputs, *chance.pair(3, 9))
    whole = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(x.shape[2:], stride, dilation, kernel)]
    four = tuple(
        chance.whole(0, min(3, (w - 1) // 2)) for w in (whole[0], whole[1], whole[0], whole[1])
    )  # what is cut off leaves something
    bias = chance.yes(0.7)
    body = nn.transposed_conv(
        channels,
        kernel,
        stride=stride,
        padding=four,
        output_padding=extra,
        dilation=dilation,
        groups=groups,
        bias=bias,
    )

    def reference(p, x):
        w, b = p["transposed_conv0.weight"], p.get("transposed_conv0.bias")
        top, left, bottom, right = four
        if (top, left) == (bottom, right):
            return F.conv_transpose2d(x, w, b, stride, (top, left), extra, groups, dilation)
        y = F.conv_transpose2d(x, w, None, stride, 0, 0, groups, dilation)
        y = F.pad(y, (-left, extra[1] - right, -top, extra[0] - bottom))
        return y if b is None else y + b[:, None, None]

    return one_input(chance, x, body, reference)


@layer(10)
def symmetric_transposed_conv(chance):
    kernel, stride = chance.whole(2, 5), chance.whole(1, 3)
    padding, extra = chance.whole(0, (kernel - 1) // 2), chance.whole(0, stride - 1)
    x = chance.array(2, chance.whole(1, 20), *chance.pair(2, 9))
    body = nn.transposed_conv(
        chance.whole(1, 33), kernel, stride=stride, padding=padding, output_padding=extra
    )

    def reference(p, x):
        w, b = p["transposed_conv0.weight"], p["transposed_conv0.bias"]
        return F.conv_transpose2d(x, w, b, stride, padding, extra)

    return one_input(chance, x, body, reference)


@layer(10)
def up_conv(chance):
    factor = chance.whole(1, 4)
    return one_input(
        chance,
        chance.picture(),
        nn.up_conv(chance.whole(1, 20), factor),
        lambda p, x: F.conv_transpose2d(
            x, p["transposed_conv0.weight"], p["transposed_conv0.bias"], stride=factor
        ),
    )


@layer(15)
def fully_connected(chance):
    x = chance.picture(most=6)
    bias = chance.yes()
    return Case(
        inputs_of(x, extents=True) | nn.fully_connected(chance.whole(1, 50), bias=bias),
        lambda p, x: F.linear(x.flatten(1), p["fully_connected0.weight"], p.get("fully_connected0.bias"))[
            :, :, None, None
        ],
        [x],
    )


# Pools and interpolation
# --------------------------------------------------------------------------------------------------------------


def draw_pool(chance, dilations=True):
    """Options of a pool and a picture that it fits: kernel, stride, (vertical, horizontal) padding, ..."""
    kernel, stride = chance.pair(1, 4), chance.pair(1, 4)
    dilation = chance.pair(1, 2) if dilations and chance.yes(0.4) else (1, 1)
    padding = tuple(chance.whole(0, k // 2) for k in kernel)
    low = [d * (k - 1) + 1 for d, k in zip(dilation, kernel)]
    channels = chance.one_of(1, 3, 8, 17)
    x = chance.array(chance.whole(1, 2), channels, *(chance.whole(n, n + 12) for n in low))
    return x, {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}


@layer(50)
def max_pool(chance):
    x, o = draw_pool(chance)
    ceil_mode = chance.yes()
    body = nn.max_pool(**o, ceil_mode=ceil_mode)
    return one_input(
        chance,
        x,
        body,
        lambda p, x: F.max_pool2d(x, o["kernel"], o["stride"], o["padding"], o["dilation"], ceil_mode),
    )


@layer(10)
def max_pool_with_uneven_padding(chance):
    x, o = draw_pool(chance)
    four = tuple(chance.whole(0, k // 2) for k in o["kernel"] * 2)
    o["padding"] = four
    return one_input(
        chance,
        x,
        nn.max_pool(**o),
        lambda p, x: F.max_pool2d(
            F.pad(x, sides(four), value=-torch.inf), o["kernel"], o["stride"], 0, o["dilation"]
        ),
    )


@layer(20)
def max_pool_indices(chance):
    x, o = draw_pool(chance)
    ceil_mode = chance.yes()

    def reference(p, x):
        found = F.max_pool2d(
            x, o["kernel"], o["stride"], o["padding"], o["dilation"], ceil_mode, return_indices=True
        )
        return found[1].to(x.dtype)

    return one_input(chance, x, nn.max_pool_indices(**o, ceil_mode=ceil_mode), reference, smooth=[])


@layer(20)
def max_unpool(chance):
    x, o = draw_pool(chance, dilations=False)
    del o["dilation"]
    o["stride"] = o["kernel"] if chance.yes() else o["stride"]
    extents = x.shape[2:]
    indices = nn.max_pool_indices(**o)

    def back(x, values=None):
        found = F.max_pool2d(x, o["kernel"], o["stride"], o["padding"], return_indices=True)
        values = found[0] if values is None else values
        return F.max_unpool2d(values, found[1], o["kernel"], o["stride"], o["padding"], extents)

    if o["stride"][0] < o["kernel"][0] or o["stride"][1] < o["kernel"][1]:
        # Where windows overlap, several values go to one place: the same, as long as they come from the pool.
        body = la.branch(nn.max_pool(**o), indices) | nn.max_unpool(**o, output=extents)
        return one_input(chance, x, body, lambda p, x: back(x))
    rows, columns = (
        (n + 2 * p - k) // s + 1 for n, p, k, s in zip(extents, o["padding"], o["kernel"], o["stride"])
    )
    values = chance.array(x.shape[0], x.shape[1], rows, columns)
    source = la.branch(la.input("values", x.shape[1]), la.input("x", x.shape[1]) | indices)
    net = source | nn.max_unpool(**o, output=extents)
    return Case(net, lambda p, values, x: back(x, values), [values, x], smooth=[0])


@layer(50)
def average_pool(chance):
    x, o = draw_pool(chance, dilations=False)
    ceil_mode, include = chance.yes(), chance.yes()
    return one_input(
        chance,
        x,
        nn.average_pool(**o, ceil_mode=ceil_mode, include_padding=include),
        lambda p, x: F.avg_pool2d(x, o["kernel"], o["stride"], o["padding"], ceil_mode, include),
    )


@layer(20)
def average_pool_with_dilation_and_uneven_padding(chance):
    x, o = draw_pool(chance)
    four = tuple(chance.whole(0, k // 2) for k in o["kernel"] * 2)
    o["padding"] = four
    include = chance.yes()

    def sums(x):
        padded = F.pad(x, sides(four))
        out = [
            (n - d * (k - 1) - 1) // s + 1
            for n, d, k, s in zip(padded.shape[2:], o["dilation"], o["kernel"], o["stride"])
        ]
        columns = F.unfold(padded, o["kernel"], o["dilation"], 0, o["stride"])
        return columns.reshape(x.shape[0], x.shape[1], -1, *out).sum(2)

    def reference(p, x):
        count = o["kernel"][0] * o["kernel"][1] if include else sums(torch.ones_like(x))
        return sums(x) / count

    return one_input(chance, x, nn.average_pool(**o, include_padding=include), reference)


@layer(4)
def global_average_pool(chance):
    return one_input(
        chance, chance.picture(), nn.global_average_pool(), lambda p, x: F.adaptive_avg_pool2d(x, 1)
    )


@layer(4)
def global_max_pool(chance):
    return one_input(chance, chance.picture(), nn.global_max_pool(), lambda p, x: F.adaptive_max_pool2d(x, 1))


@layer(20)
def adaptive_average_pool(chance):
    to = chance.pair(1, 9)
    return one_input(
        chance, chance.picture(), nn.adaptive_average_pool(*to), lambda p, x: F.adaptive_avg_pool2d(x, to)
    )


@layer(20)
def adaptive_max_pool(chance):
    to = chance.pair(1, 9)
    return one_input(
        chance, chance.picture(), nn.adaptive_max_pool(*to), lambda p, x: F.adaptive_max_pool2d(x, to)
    )


def draw_method(chance):
    method = chance.one_of("nearest", "nearest_exact", "bilinear", "bilinear")
    align = method == "bilinear" and chance.yes()
    theirs = {"mode": method.replace("_", "-"), "align_corners": align if method == "bilinear" else None}
    return {"method": method, "align_corners": align}, theirs


@layer(40)
def resize(chance):
    to = chance.pair(1, 30)
    ours, theirs = draw_method(chance)
    return one_input(
        chance, chance.picture(), nn.resize(*to, **ours), lambda p, x: F.interpolate(x, to, **theirs)
    )


@layer(20)
def upsample(chance):
    factor = chance.one_of(1, 2, 3, 4, 0.5, 1.5, 2.25, 2.6)
    ours, theirs = draw_method(chance)
    return one_input(
        chance,
        chance.picture(least=2),
        nn.upsample(factor, **ours),
        lambda p, x: F.interpolate(x, scale_factor=factor, **theirs),
    )


@layer(1)
def upsample_to_twice_the_pixels(chance):
    """PyTorch takes floor(o / 2) there, whatever the factor."""
    return one_input(
        chance,
        chance.array(1, 2, 3, 2),
        nn.upsample(2.25, method="nearest"),
        lambda p, x: F.interpolate(x, scale_factor=2.25, mode="nearest"),
    )


# Normalization
# --------------------------------------------------------------------------------------------------------------


@layer(24)
def batch_norm(chance):
    x = chance.array(chance.whole(1, 4), chance.one_of(1, 3, 8, 17, 40), *chance.pair(3, 12))
    x = x * chance.real(0.5, 3) + chance.real(-2, 2)
    o = {"epsilon": chance.one_of(1e-5, 1e-3), "momentum": chance.real(0, 1), "affine": chance.yes(0.7)}
    training = chance.yes()

    def reference(p, x):
        return F.batch_norm(
            x,
            p["batch_norm0.running_mean"],
            p["batch_norm0.running_variance"],
            p.get("batch_norm0.weight"),
            p.get("batch_norm0.bias"),
            training,
            o["momentum"],
            o["epsilon"],
        )

    return one_input(chance, x, nn.batch_norm(**o), reference, training=training)


@layer(12)
def instance_norm(chance):
    x = 1 + 2 * chance.picture(least=3)
    epsilon, affine = chance.one_of(1e-5, 1e-3), chance.yes()

    def reference(p, x):
        w, b = p.get("instance_norm0.weight"), p.get("instance_norm0.bias")
        return F.instance_norm(x, weight=w, bias=b, eps=epsilon)

    return one_input(chance, x, nn.instance_norm(epsilon=epsilon, affine=affine), reference)


@layer(16)
def group_norm(chance):
    groups = chance.one_of(1, 2, 3, 8)
    x = 1 + 2 * chance.picture(groups * chance.whole(1, 9), least=3)
    epsilon, affine = chance.one_of(1e-5, 1e-3), chance.yes(0.7)

    def reference(p, x):
        return F.group_norm(x, groups, p.get("group_norm0.weight"), p.get("group_norm0.bias"), epsilon)

    return one_input(chance, x, nn.group_norm(groups, epsilon=epsilon, affine=affine), reference)


@layer(20)
def layer_norm(chance):
    scope = chance.one_of("pixel", "picture")
    x = 1 + 2 * chance.picture(chance.whole(3, 40), least=2, most=8)
    epsilon, affine = chance.one_of(1e-5, 1e-3), chance.yes(0.7)

    def reference(p, x):
        w, b = p.get("layer_norm0.weight"), p.get("layer_norm0.bias")
        if scope == "picture":
            return F.layer_norm(x, x.shape[1:], w, b, epsilon)
        return F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2], w, b, epsilon).permute(0, 3, 1, 2)

    body = nn.layer_norm(epsilon=epsilon, affine=affine, scope=scope)
    return Case(inputs_of(x, extents=scope == "picture") | body, reference, [x])


@layer(24)
def local_response_norm(chance):
    x = 3 * chance.picture()
    o = {
        "size": chance.whole(1, 9),
        "alpha": chance.real(0.01, 1),
        "beta": chance.one_of(0.5, 0.75, 1.0, chance.real(0.3, 1.5)),
        "k": chance.real(0.5, 2),
        "average": chance.yes(),
    }
    alpha = o["alpha"] * (1 if o["average"] else o["size"])
    return one_input(
        chance,
        x,
        nn.local_response_norm(**o),
        lambda p, x: F.local_response_norm(x, o["size"], alpha, o["beta"], o["k"]),
    )


@layer(6)
def softmax(chance):
    return one_input(chance, 4 * chance.picture(), nn.softmax(), lambda p, x: F.softmax(x, 1))


@layer(6)
def log_softmax(chance):
    return one_input(chance, 4 * chance.picture(), nn.log_softmax(), lambda p, x: F.log_softmax(x, 1))


# Pointwise
# --------------------------------------------------------------------------------------------------------------


def pointwise(chance, body, function):
    return one_input(chance, 3 * chance.picture(), body, lambda p, x: function(x))


@layer(4)
def relu(chance):
    return pointwise(chance, nn.relu(), F.relu)


@layer(6)
def leaky_relu(chance):
    slope = chance.real(0, 1)
    return pointwise(chance, nn.leaky_relu(slope), lambda x: F.leaky_relu(x, slope))


@layer(6)
def elu(chance):
    alpha = chance.real(0.1, 3)
    return pointwise(chance, nn.elu(alpha), lambda x: F.elu(x, alpha))


@layer(4)
def silu(chance):
    return pointwise(chance, nn.silu(), F.silu)


@layer(4)
def gelu(chance):
    return pointwise(chance, nn.gelu(), F.gelu)


@layer(4)
def sigmoid(chance):
    return pointwise(chance, nn.sigmoid(), torch.sigmoid)


@layer(4)
def tanh(chance):
    return pointwise(chance, nn.tanh(), torch.tanh)


# Several inputs
# --------------------------------------------------------------------------------------------------------------


def several(chance, body, function):
    first = chance.picture()
    others = [
        chance.array(*first.shape[:2], *((1, 1) if chance.yes(0.3) else first.shape[2:]))
        for _ in range(chance.whole(1, 3))
    ]
    arrays = [first, *others]
    order = chance.numbers.permutation(len(arrays))
    arrays = [arrays[i] for i in order]
    return Case(inputs_of(*arrays, extents=True) | body, lambda p, *x: function(x), arrays)


@layer(10)
def add(chance):
    return several(chance, nn.add(), lambda x: sum(x[1:], x[0]))


@layer(10)
def multiply(chance):
    return several(chance, nn.multiply(), lambda x: torch.stack(torch.broadcast_tensors(*x)).prod(0))


@layer(6)
def square(chance):
    """One value twice: both gradients go to the same place."""
    return one_input(
        chance,
        chance.picture(),
        la.branch(nn.identity(), nn.identity()) | nn.multiply(),
        lambda p, x: x * x,
    )


@layer(6)
def residual(chance):
    return one_input(
        chance, chance.picture(), la.residual(nn.tanh(), nn.relu()), lambda p, x: torch.tanh(x) + F.relu(x)
    )


@layer(10)
def concat(chance):
    first = chance.picture()
    arrays = [first] + [
        chance.array(first.shape[0], chance.whole(1, 17), *first.shape[2:]) for _ in range(chance.whole(1, 3))
    ]
    # Channels that are read twice, and a layer behind that joins them.
    return Case(
        inputs_of(*arrays) | nn.concat() | la.skip(nn.tanh()) | nn.sigmoid(),
        lambda p, *x: torch.sigmoid(torch.cat([*x, *map(torch.tanh, x)], 1)),
        arrays,
    )


# Arrangement
# --------------------------------------------------------------------------------------------------------------


@layer(8)
def slice_of_channels(chance):
    x = chance.picture(chance.whole(4, 30))
    first = chance.whole(0, 3)
    count = chance.whole(1, x.shape[1] - first)
    return one_input(chance, x, nn.slice(first, count), lambda p, x: x[:, first : first + count])


@layer(6)
def pad_channels(chance):
    before, after = chance.pair(0, 9)
    return one_input(
        chance,
        chance.picture(),
        nn.pad_channels(before, after),
        lambda p, x: F.pad(x, (0, 0, 0, 0, before, after)),
    )


@layer(8)
def reshape(chance):
    c, h, w = chance.whole(1, 8), chance.whole(1, 8), chance.whole(1, 8)
    x = chance.array(2, *((c, h, w)[i] for i in chance.numbers.permutation(3)))
    return Case(inputs_of(x, extents=True) | nn.reshape(c, h, w), lambda p, x: x.reshape(-1, c, h, w), [x])


@layer(8)
def permute(chance):
    order = [int(axis) for axis in chance.numbers.permutation(3)]
    x = chance.picture(most=7)
    return Case(
        inputs_of(x, extents=True) | nn.permute(*order),
        lambda p, x: x.permute(0, *(axis + 1 for axis in order)),
        [x],
    )


@layer(4)
def flatten(chance):
    x = chance.picture(most=7)
    return Case(inputs_of(x, extents=True) | nn.flatten(), lambda p, x: x.flatten(1)[:, :, None, None], [x])


@layer(8)
def crop(chance):
    x = chance.picture(least=8)
    top, left, bottom, right = (chance.whole(0, 3) for _ in range(4))
    return one_input(
        chance,
        x,
        nn.crop(top, left, bottom, right),
        lambda p, x: F.pad(x, (-left, -right, -top, -bottom)),
    )


@layer(8)
def center_crop_to(chance):
    x = chance.picture(least=4)
    like = chance.array(x.shape[0], 2, chance.whole(1, x.shape[2]), chance.whole(1, x.shape[3]))
    (top, left), (rows, columns) = ((a - b) // 2 for a, b in zip(x.shape[2:], like.shape[2:])), like.shape[2:]
    return Case(
        inputs_of(x, like) | nn.center_crop_to(),
        lambda p, x, like: x[:, :, top : top + rows, left : left + columns] + 0 * like.sum(),
        [x, like],
    )


# Learned
# --------------------------------------------------------------------------------------------------------------


@layer(8)
def embedding(chance):
    count = chance.whole(1, 20)
    x = chance.numbers.integers(0, count, (2, 1, *chance.pair(1, 6))).astype(float)

    def reference(p, x):
        return F.embedding(x[:, 0].long(), p["embedding0.weight"]).permute(0, 3, 1, 2)

    return one_input(chance, x, nn.embedding(count, chance.whole(1, 20)), reference, smooth=[])


@layer(6)
def constant(chance):
    x = chance.picture(most=6)
    shape = x.shape[1:]
    return Case(
        inputs_of(x, extents=True) | la.branch(la.identity, nn.constant(*shape)) | nn.multiply(),
        lambda p, x: x * p["constant0.weight"],
        [x],
    )


def look_up(queries, keys, values, o, temperature):
    """The formula, for (..., queries, channels), (..., keys, channels) and (..., keys, outputs)."""
    if o["score"] == "squared_distance":
        scores = -((queries[..., :, None, :] - keys[..., None, :, :]) ** 2).sum(-1)
    else:
        scores = queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5
    scores = scores / temperature
    if o["nearest"]:
        best = scores.topk(min(o["nearest"], scores.shape[-1]), -1).indices
        scores = torch.full_like(scores, -torch.inf).scatter(-1, best, scores.gather(-1, best))
    return scores.softmax(-1) @ values


def draw_look_up(chance):
    return {
        "temperature": chance.real(0.3, 4),
        "nearest": chance.one_of(0, 0, 1, 3),
        "score": chance.one_of("squared_distance", "dot_product"),
    }


def as_tokens(x):
    return x.flatten(2).transpose(1, 2)


@layer(24)
def soft_lookup(chance):
    x = chance.picture(chance.whole(1, 20), most=6)
    count, outputs = chance.whole(3, 30), chance.whole(1, 20)
    o, learn = draw_look_up(chance), chance.yes()

    def reference(p, x):
        temperature = o["temperature"] * (p["soft_lookup0.log_temperature"].exp() if learn else 1)
        y = look_up(as_tokens(x), p["soft_lookup0.keys"], p["soft_lookup0.values"], o, temperature)
        return y.transpose(1, 2).unflatten(2, x.shape[2:])

    return one_input(chance, x, nn.soft_lookup(count, outputs, learn_temperature=learn, **o), reference)


@layer(24)
def attention(chance):
    batch, heads = chance.whole(1, 2), chance.one_of(1, 1, 2, 4)
    channels, outputs = heads * chance.whole(1, 8), heads * chance.whole(1, 8)
    extents = chance.pair(1, 5)
    q = chance.array(batch, channels, *chance.pair(1, 5))
    k, v = (chance.array(batch, n, *extents) for n in (channels, outputs))
    o = draw_look_up(chance)

    def reference(p, *maps):
        parts = [as_tokens(x).unflatten(2, (heads, -1)).transpose(1, 2) for x in maps]
        if o["score"] == "dot_product" and not o["nearest"]:
            scale = parts[0].shape[-1] ** -0.5 / o["temperature"]
            y = F.scaled_dot_product_attention(*parts, scale=scale)
        else:
            y = look_up(*parts, o, o["temperature"])
        return y.permute(0, 1, 3, 2).flatten(1, 2).unflatten(2, maps[0].shape[2:])

    return Case(inputs_of(q, k, v) | nn.attention(heads=heads, **o), reference, [q, k, v])


# The comparison
# --------------------------------------------------------------------------------------------------------------


def check(found, wanted, tolerance, what):
    assert found.shape == wanted.shape, what
    largest = np.abs(wanted).max(initial=0) or 1
    difference = np.abs(found - wanted).max(initial=0) / largest
    assert difference <= tolerance, f"{what}: relative difference {difference:.2g}"


@pytest.mark.parametrize("dtype", DTYPES, ids=["double", "float"])
@pytest.mark.parametrize("name", MAKERS)
def test_layer(name, dtype):
    make, count = MAKERS[name]
    failures = []
    for number in range(count):
        chance = Chance(name, number)
        case = make(chance)
        try:
            compare(case, chance, dtype)
        except (AssertionError, la.Error, RuntimeError) as failure:
            shapes = ", ".join(str(x.shape) for x in case.inputs)
            failures.append(f"#{number} {case.net!r} of {shapes}: {failure}")
    assert not failures, "\n".join([f"{len(failures)} of {count} cases differ", *failures])


def compare(case, chance, dtype):
    tolerance = TOLERANCE[dtype]
    inputs = [x.astype(dtype) for x in case.inputs]
    model = la.Model(case.net, dtype=dtype)
    for parameter, view in model.parameters.items():
        view[...] = chance.array(*view.shape)
        if parameter.endswith(case.positive):
            view[...] = 0.5 + view**2
    # In double precision always: half of what single precision is off by would be PyTorch's.
    theirs = {
        name: torch.tensor(view.astype(np.float64), requires_grad=model.parameters.is_trainable(name))
        for name, view in model.parameters.items()
    }
    smooth = range(len(inputs)) if case.smooth is None else case.smooth
    tensors = [torch.tensor(x.astype(np.float64), requires_grad=i in smooth) for i, x in enumerate(inputs)]

    wanted = case.reference(theirs, *tensors)
    run = model.forward(*inputs, training=case.training, differentiable=True)
    assert run.output.dtype == dtype
    check(run.output, wanted.detach().numpy(), tolerance, "output")
    if not case.training:
        assert np.array_equal(run.output, model(*inputs)), "inference and a differentiable pass differ"

    if wanted.requires_grad:
        slope = chance.array(*wanted.shape).astype(dtype)
        wanted.backward(torch.tensor(slope, dtype=torch.float64))
        gradients = run.backward(slope)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        for i, (found, tensor) in enumerate(zip(gradients, tensors)):
            if i in smooth:
                check(found, tensor.grad.numpy(), tolerance, f"gradient of input {i}")
            else:
                assert not found.any(), f"gradient of input {i}, which has none"
        for name, found in model.gradients.items():
            if model.parameters.is_trainable(name):
                check(found, theirs[name].grad.numpy(), tolerance, f"gradient of {name}")
    for name, found in model.parameters.items():  # running averages moved alike, and nothing else did
        check(found, theirs[name].detach().numpy(), tolerance, f"{name} afterwards")


def test_every_layer_is_compared():
    nodes = [
        node for make, _ in MAKERS.values() for node in make(Chance("all", 0)).net._value.parts()["nodes"]
    ]
    compared = {node["kind"] for node in nodes} | {"dropout"}  # below
    layers = {name for name in nn.__all__ if name not in COMBINATORS}
    kinds = {"up_conv": "transposed_conv", "upsample": "upsample"}
    assert {kinds.get(name, name) for name in layers} <= compared


#: What of lookalike.nn puts layers together and is none.
COMBINATORS = {
    "branch",
    "expose",
    "from_",
    "identity",
    "input",
    "named",
    "repeat",
    "residual",
    "shared",
    "skip",
}


@pytest.mark.parametrize("dtype", DTYPES, ids=["double", "float"])
@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.8])
def test_dropout(probability, dtype):
    # PyTorch draws other numbers; the rest is the same.
    chance = Chance("dropout", 0)
    x = chance.array(4, 16, 40, 40).astype(dtype)
    model = la.Model(la.input(16) | nn.dropout(probability), dtype=dtype)
    run = model.forward(x, training=True, seed=7)
    kept = run.output != 0
    deviation = (probability * (1 - probability) / x.size) ** 0.5
    assert abs(kept.mean() - (1 - probability)) <= 5 * deviation
    # No pattern: neither among channels, rows and columns, nor from one number to the next.
    for axes in ((0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)):
        means = kept.mean(axes)
        spread = (probability * (1 - probability) * means.size / x.size) ** 0.5
        assert np.abs(means - (1 - probability)).max() <= 5 * spread
    pairs = (kept[..., 1:] & kept[..., :-1]).mean()
    assert abs(pairs - (1 - probability) ** 2) <= 10 * deviation

    mask = torch.tensor(kept.astype(dtype) / (1 - probability))
    tensor = torch.tensor(x, requires_grad=True)
    wanted = tensor * mask
    slope = chance.array(*x.shape).astype(dtype)
    wanted.backward(torch.tensor(slope))
    tolerance = TOLERANCE[dtype]
    check(run.output, wanted.detach().numpy(), tolerance, "output")
    check(run.backward(slope), tensor.grad.numpy(), tolerance, "gradient")
    assert np.array_equal(model(x), F.dropout(torch.tensor(x), probability, training=False).numpy())
