"""Layers, and what puts them together (:mod:`lookalike.architecture`).

Each function returns an :class:`~lookalike.Architecture`, to be joined by ``|``. Extents that have a height and
a width are given as one number, or as a pair where they differ; padding also as (top, left, bottom, right), or as
"same": as much as leaves a map at stride 1 as large as it was. Whether layers fit is found out when a
:class:`~lookalike.Model` is made of them, and said in one sentence:

>>> import lookalike as la
>>> la.Model(la.input(3) | la.conv(8) | la.conv(8, inputs=16))
Traceback (most recent call last):
    ...
lookalike.errors.InputError: conv1: expects 16 channels, given 8
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Union

from . import _core
from .architecture import (
    Architecture,
    branch,
    expose,
    from_,
    identity,
    input,  # noqa: A004 - a network begins so
    named,
    repeat,
    residual,
    shared,
    skip,
)
from .errors import InputError

#: One number for height and width, or both.
Extent = Union[int, Sequence[int]]
#: "same", one number for all sides, (above and below, left and right), or (top, left, bottom, right).
Padding = Union[Literal["same"], int, Sequence[int]]

_of = Architecture._of


def _pair(value: Extent, what: str) -> tuple[int, int]:
    try:
        both = (value, value) if not isinstance(value, Sequence) else tuple(value)
        height, width = map(_whole, both)
    except (TypeError, ValueError):
        raise InputError(f"{what}: given {value!r}, wanted a whole number or (height, width)") from None
    return height, width


def _whole(value: Any) -> int:
    if isinstance(value, float):
        raise TypeError
    return int(value)


def _sides(value: Padding, what: str) -> list[int] | None:
    if isinstance(value, str):
        if value == "same":
            return None
    else:
        try:
            sides = list(map(_whole, value)) if isinstance(value, Sequence) else [_whole(value)] * 4
        except (TypeError, ValueError):
            sides = []
        if len(sides) == 2:
            sides *= 2
        if len(sides) == 4:
            return sides
    raise InputError(
        f"{what}: given {value!r}, wanted 'same', a whole number, (vertical, horizontal) or (top, left, "
        "bottom, right)"
    )


# Convolutions
# --------------------------------------------------------------------------------------------------------------


def conv(
    channels: int,
    kernel: Extent = 3,
    *,
    stride: Extent = 1,
    padding: Padding = "same",
    dilation: Extent = 1,
    groups: int = 1,
    bias: bool = True,
    border: Literal["zeros", "reflect", "replicate"] = "zeros",
    inputs: int = 0,
) -> Architecture:
    """Convolution.

    Parameters of the layer: weight (channels, inputs / groups, kernel height, kernel width), bias (channels).

    Parameters
    ----------
    channels
        Output channels.
    kernel, stride, dilation
        Extents.
    padding
        "same" is dilation (kernel - 1) / 2 on each side, the larger half after.
    groups
        Output channels of each group see input channels of the same group only.
    bias
        Whether a bias is added.
    border
        What the padding is made of.
    inputs
        If not 0, how many channels must come in.
    """
    return _of(
        _core.conv(
            channels,
            _pair(kernel, "conv.kernel"),
            _pair(stride, "conv.stride"),
            _sides(padding, "conv.padding"),
            _pair(dilation, "conv.dilation"),
            groups,
            bias,
            border,
            inputs,
        )
    )


def transposed_conv(
    channels: int,
    kernel: Extent = 2,
    *,
    stride: Extent = 2,
    padding: Padding = 0,
    output_padding: Extent = 0,
    dilation: Extent = 1,
    groups: int = 1,
    bias: bool = True,
) -> Architecture:
    """Transposed convolution: the adjoint of a convolution with these options.

    Parameters of the layer: weight (inputs, channels / groups, kernel height, kernel width), bias (channels).

    Parameters
    ----------
    channels
        Output channels.
    kernel, stride, dilation
        Extents.
    padding
        How much is cut off the output on each side.
    output_padding
        How much is added to it below and on the right.
    groups
        Output channels of each group see input channels of the same group only.
    bias
        Whether a bias is added.
    """
    return _of(
        _core.transposed_conv(
            channels,
            _pair(kernel, "transposed_conv.kernel"),
            _pair(stride, "transposed_conv.stride"),
            _sides(padding, "transposed_conv.padding"),
            _pair(output_padding, "transposed_conv.output_padding"),
            _pair(dilation, "transposed_conv.dilation"),
            groups,
            bias,
        )
    )


def up_conv(channels: int, factor: int = 2) -> Architecture:
    """Up-convolution of U-Net: ``transposed_conv(channels, kernel=factor, stride=factor)``."""
    return transposed_conv(channels, factor, stride=factor)


def fully_connected(channels: int, *, bias: bool = True) -> Architecture:
    """Fully connected layer with `channels` outputs, of height and width 1.

    It sees all numbers of a picture, in NCHW order; their extents must be known. Parameters of the layer:
    weight (channels, numbers of the picture), bias (channels).
    """
    return _of(_core.fully_connected(channels, bias))


# Pools and interpolation
# --------------------------------------------------------------------------------------------------------------


def max_pool(
    kernel: Extent,
    *,
    stride: Extent | None = None,
    padding: Padding = 0,
    dilation: Extent = 1,
    ceil_mode: bool = False,
) -> Architecture:
    """Maximum of each window.

    Parameters
    ----------
    kernel, stride, dilation
        Extents; the stride is the kernel's extent where it is not given.
    padding
        At most half of the kernel's reach; never the maximum.
    ceil_mode
        Whether a last window may hang over the border, if it starts inside.
    """
    return _of(_core.max_pool(*_pool("max_pool", kernel, stride, padding, dilation), ceil_mode))


def max_pool_indices(
    kernel: Extent,
    *,
    stride: Extent | None = None,
    padding: Padding = 0,
    dilation: Extent = 1,
    ceil_mode: bool = False,
) -> Architecture:
    """Where the maxima of ``max_pool`` with these options are: row * columns + column within the channel.

    Without gradient; see :func:`max_unpool`.
    """
    return _of(
        _core.max_pool_indices(*_pool("max_pool_indices", kernel, stride, padding, dilation), ceil_mode)
    )


def average_pool(
    kernel: Extent,
    *,
    stride: Extent | None = None,
    padding: Padding = 0,
    dilation: Extent = 1,
    ceil_mode: bool = False,
    include_padding: bool = True,
) -> Architecture:
    """Mean of each window; see :func:`max_pool` for the options.

    Parameters
    ----------
    kernel, stride, padding, dilation, ceil_mode
        As of :func:`max_pool`.
    include_padding
        Whether the zeros of the padding count in the mean.
    """
    return _of(
        _core.average_pool(
            *_pool("average_pool", kernel, stride, padding, dilation), ceil_mode, include_padding
        )
    )


def _pool(
    name: str, kernel: Extent, stride: Extent | None, padding: Padding, dilation: Extent
) -> tuple[tuple[int, int], tuple[int, int], list[int] | None, tuple[int, int]]:
    size = _pair(kernel, f"{name}.kernel")
    return (
        size,
        size if stride is None else _pair(stride, f"{name}.stride"),
        _sides(padding, f"{name}.padding"),
        _pair(dilation, f"{name}.dilation"),
    )


def max_unpool(
    kernel: Extent, *, stride: Extent | None = None, padding: Extent = 0, output: Extent | None = None
) -> Architecture:
    """Put values back where a pool took them from; zero elsewhere. Inputs: values, indices.

    Parameters
    ----------
    kernel, stride, padding
        Of the pool.
    output
        Extents of what the pool saw; by default the fewest that it may have seen.
    """
    size = _pair(kernel, "max_unpool.kernel")
    return _of(
        _core.max_unpool(
            size,
            size if stride is None else _pair(stride, "max_unpool.stride"),
            _pair(padding, "max_unpool.padding"),
            (0, 0) if output is None else _pair(output, "max_unpool.output"),
        )
    )


def global_average_pool() -> Architecture:
    """Mean of each channel."""
    return _of(_core.global_average_pool())


def global_max_pool() -> Architecture:
    """Maximum of each channel."""
    return _of(_core.global_max_pool())


def adaptive_average_pool(height: int, width: int | None = None) -> Architecture:
    """Means of ``height x width`` parts of each channel, as equal as can be; square if one is given."""
    return _of(_core.adaptive_average_pool(height, height if width is None else width))


def adaptive_max_pool(height: int, width: int | None = None) -> Architecture:
    """Maxima of ``height x width`` parts of each channel, as equal as can be; square if one is given."""
    return _of(_core.adaptive_max_pool(height, height if width is None else width))


def resize(
    height: int,
    width: int,
    *,
    method: Literal["nearest", "nearest_exact", "bilinear"] = "nearest",
    align_corners: bool = False,
) -> Architecture:
    """Interpolate to the given extents, by PyTorch's rules, without smoothing.

    Parameters
    ----------
    height, width
        Extents of the output.
    method
        How to interpolate.
    align_corners
        Whether corner pixels keep their place (bilinear only); otherwise corners of corner pixels do.
    """
    return _of(_core.resize_layer(height, width, method, align_corners))


def upsample(
    factor: float,
    *,
    method: Literal["nearest", "nearest_exact", "bilinear"] = "nearest",
    align_corners: bool = False,
) -> Architecture:
    """Interpolate to `factor` times the extents, rounded down; see :func:`resize`."""
    return _of(_core.upsample(factor, method, align_corners))


# Normalization
# --------------------------------------------------------------------------------------------------------------


def batch_norm(*, epsilon: float = 1e-5, momentum: float = 0.1, affine: bool = True) -> Architecture:
    """Batch normalization (Ioffe and Szegedy, 2015).

    Parameters of the layer, one number a channel: weight and bias if `affine`, and the running_mean and
    running_variance, which are remembered and not learned.

    Parameters
    ----------
    epsilon
        Added to the variance.
    momentum
        Weight of the new batch in the running averages.
    affine
        Whether a weight and a bias follow.
    """
    return _of(_core.batch_norm(epsilon, momentum, affine))


def instance_norm(*, epsilon: float = 1e-5, affine: bool = False) -> Architecture:
    """Instance normalization: each channel of each picture by its own mean and variance."""
    return _of(_core.instance_norm(epsilon, affine))


def group_norm(groups: int, *, epsilon: float = 1e-5, affine: bool = True) -> Architecture:
    """Group normalization: the channels of each picture in `groups` groups."""
    return _of(_core.group_norm(groups, epsilon, affine))


def layer_norm(
    *, epsilon: float = 1e-5, affine: bool = True, scope: Literal["pixel", "picture"] = "pixel"
) -> Architecture:
    """Layer normalization.

    Parameters
    ----------
    epsilon
        Added to the variance.
    affine
        Whether a weight and a bias follow: (channels), or (channels, rows, columns) over pictures.
    scope
        Over the channels of one pixel (or token), or all numbers of one picture.
    """
    return _of(_core.layer_norm(epsilon, affine, scope))


def local_response_norm(
    *, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2, average: bool = False
) -> Architecture:
    """Local response normalization: x / (k + alpha * sum of squares)^beta over `size` channels around.

    Parameters
    ----------
    size, alpha, beta, k
        The defaults are those of the paper on AlexNet.
    average
        Whether alpha is divided by `size`, as PyTorch, Caffe and ONNX have it.
    """
    return _of(_core.local_response_norm(size, alpha, beta, k, average))


def softmax() -> Architecture:
    """Softmax over the channels of each pixel."""
    return _of(_core.softmax())


def log_softmax() -> Architecture:
    """Logarithm of the softmax over the channels of each pixel."""
    return _of(_core.log_softmax())


# Pointwise
# --------------------------------------------------------------------------------------------------------------


def relu() -> Architecture:
    """max(0, x)."""
    return _of(_core.relu())


def leaky_relu(slope: float = 0.01) -> Architecture:
    """x, and `slope` times x below 0."""
    return _of(_core.leaky_relu(slope))


def elu(alpha: float = 1) -> Architecture:
    """x, and alpha (exp(x) - 1) below 0."""
    return _of(_core.elu(alpha))


def silu() -> Architecture:
    """Swish: x sigmoid(x)."""
    return _of(_core.silu())


def gelu() -> Architecture:
    """Exact GELU: x Phi(x) with the distribution function of the normal distribution."""
    return _of(_core.gelu())


def sigmoid() -> Architecture:
    """1 / (1 + exp(-x))."""
    return _of(_core.sigmoid())


def tanh() -> Architecture:
    """Hyperbolic tangent."""
    return _of(_core.tanh())


def dropout(probability: float = 0.5) -> Architecture:
    """In training, zero with this probability and larger by 1 / (1 - probability) otherwise."""
    return _of(_core.dropout(probability))


# Several inputs
# --------------------------------------------------------------------------------------------------------------


def add() -> Architecture:
    """Sum of what comes in: ``branch(a, b) | add()``. One of 1 x 1 pixels is repeated over the others."""
    return _of(_core.add())


def multiply() -> Architecture:
    """Product of what comes in: ``skip(gate | sigmoid()) | multiply()``."""
    return _of(_core.multiply())


def concat() -> Architecture:
    """Concatenation by channel. Layers of one input do so by themselves; this says it aloud."""
    return _of(_core.concat())


# Arrangement
# --------------------------------------------------------------------------------------------------------------


def slice(first: int, count: int) -> Architecture:  # noqa: A001
    """`count` channels from `first` on."""
    return _of(_core.slice(first, count))


def pad_channels(before: int, after: int) -> Architecture:
    """Put channels of zeros before and behind what comes in."""
    return _of(_core.pad_channels(before, after))


def reshape(channels: int, height: int, width: int) -> Architecture:
    """Return the same numbers, in NCHW order, as a map of these extents."""
    return _of(_core.reshape(channels, height, width))


def permute(channels: int, rows: int, columns: int) -> Architecture:
    """Exchange axes: 0 stands for channels, 1 for rows, 2 for columns of the input."""
    return _of(_core.permute(channels, rows, columns))


def flatten() -> Architecture:
    """Return the same numbers, in NCHW order, as one pixel."""
    return _of(_core.flatten())


def crop(top: int, left: int, bottom: int, right: int) -> Architecture:
    """Leave out that many rows and columns at the sides."""
    return _of(_core.crop(top, left, bottom, right))


def center_crop_to() -> Architecture:
    """Crop the first of two inputs to the height and width of the second."""
    return _of(_core.center_crop_to())


# Learned
# --------------------------------------------------------------------------------------------------------------


def embedding(count: int, dimension: int) -> Architecture:
    """A learned vector for each of `count` things; what comes in are their numbers, one channel.

    Parameters of the layer: weight (count, dimension).
    """
    return _of(_core.embedding(count, dimension))


def constant(
    channels: int,
    height: int = 1,
    width: int = 1,
    *,
    initial: Literal["zeros", "ones", "normal"] = "normal",
) -> Architecture:
    """A learned map, the same for every picture. Reads nothing: ``branch(identity(), constant(8)) | add()``.

    Parameters of the layer: weight (channels, height, width).
    """
    return _of(_core.constant(channels, height, width, initial))


def soft_lookup(
    count: int,
    outputs: int,
    *,
    temperature: float = 1,
    learn_temperature: bool = False,
    nearest: int = 0,
    score: Literal["squared_distance", "dot_product"] = "squared_distance",
) -> Architecture:
    """Look-up among learned keys: y = sum p[i] value[i] with p = softmax(score(x, key[i]) / temperature).

    Temperature 0 is the nearest neighbor, infinity the mean; in between it is kernel regression, and with the
    score "dot_product" attention. Parameters of the layer: keys (count, channels), values (count, outputs),
    log_temperature (1) if it is learned.

    Parameters
    ----------
    count
        Keys.
    outputs
        Channels of the values.
    temperature
        0 to infinity.
    learn_temperature
        Whether it is learned, from there on.
    nearest
        How many keys take part for each query; 0: all.
    score
        -|x - key|^2, or x.key / sqrt(channels).
    """
    return _of(_core.soft_lookup(count, outputs, temperature, learn_temperature, nearest, score))


def attention(
    *,
    temperature: float = 1,
    nearest: int = 0,
    score: Literal["squared_distance", "dot_product"] = "dot_product",
    heads: int = 1,
) -> Architecture:
    """Look-up among keys and values that come in. Inputs: queries, keys, values; tokens are pixels.

    Parameters
    ----------
    temperature, nearest, score
        As of :func:`soft_lookup`.
    heads
        Parts that the channels are divided into, each with a look-up of its own.
    """
    return _of(_core.attention(temperature, nearest, score, heads))


__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "add",
    "attention",
    "average_pool",
    "batch_norm",
    "branch",
    "center_crop_to",
    "concat",
    "constant",
    "conv",
    "crop",
    "dropout",
    "elu",
    "embedding",
    "expose",
    "flatten",
    "from_",
    "fully_connected",
    "gelu",
    "global_average_pool",
    "global_max_pool",
    "group_norm",
    "identity",
    "input",
    "instance_norm",
    "layer_norm",
    "leaky_relu",
    "local_response_norm",
    "log_softmax",
    "max_pool",
    "max_pool_indices",
    "max_unpool",
    "multiply",
    "named",
    "pad_channels",
    "permute",
    "relu",
    "repeat",
    "reshape",
    "residual",
    "resize",
    "shared",
    "sigmoid",
    "silu",
    "skip",
    "slice",
    "soft_lookup",
    "softmax",
    "tanh",
    "transposed_conv",
    "up_conv",
    "upsample",
]
