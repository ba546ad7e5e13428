"""Layers as functions of arrays: ``la.functional.conv(x, weight, bias, stride=2)``.

Arrays are (batch, channels, height, width); (batch, channels) stands for pixels of height and width 1, and yields
the same where the result has such pixels. float32 in, float32 out, and float64 likewise. The numbers are those of
:class:`~lookalike.Model`: what runs is a network of one layer, which is kept for the next call like it. Options
are those of :mod:`lookalike.nn`; parameters are given in the order and the dimensions of the layer's.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import nn
from ._arrays import as_array, as_numbers
from ._types import Array
from .architecture import Architecture, _of_inputs
from .errors import InputError
from .network import Model
from .nn import Extent, Padding

_MOST_KEPT = 16


class _Kept(threading.local):
    """Networks of one layer, those used last; each thread has its own."""

    def __init__(self) -> None:
        self.models: OrderedDict[Any, Model] = OrderedDict()


_kept = _Kept()


def _run(
    name: str,
    layer: Callable[..., Architecture],
    options: Mapping[str, Any],
    inputs: Sequence[Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    training: bool = False,
    seed: int = 0,
    fixed: bool = False,
) -> tuple[Array, Model]:
    """Run one layer; `fixed`: it must know heights and widths in advance."""
    arrays = [as_array(x, name) for x in inputs]
    dtype = np.dtype(np.float64 if any(x.dtype == np.float64 for x in arrays) else np.float32)
    arrays = [as_numbers(x, dtype, name) for x in arrays]
    for x in arrays:
        if x.ndim not in (2, 4):
            raise InputError(
                f"{name}: given an array of {x.ndim} axes, wanted 4 (batch, channels, height, width) or 2"
            )
    flat = all(x.ndim == 2 for x in arrays)
    arrays = [x[:, :, None, None] if x.ndim == 2 else x for x in arrays]
    shapes = tuple(x.shape[1:] if fixed else (x.shape[1], None, None) for x in arrays)
    key = (name, tuple(sorted(options.items())), shapes, dtype.name)
    model = _kept.models.pop(key, None)
    if model is None:
        model = Model(_of_inputs(shapes) | layer(**options), dtype=dtype)
        while len(_kept.models) >= _MOST_KEPT:
            _kept.models.popitem(last=False)
    _kept.models[key] = model
    wanted = {full.rpartition(".")[2]: full for full in model.parameters}
    for short, value in (parameters or {}).items():
        if value is None:
            continue
        given = as_numbers(value, dtype, f"{name}.{short}")
        view = model.parameters[wanted[short]]
        if given.shape != view.shape:
            raise InputError(f"{name}: given {short} of {given.shape}, wanted {view.shape}")
        view[...] = given
    result = model.forward(*arrays, training=True, seed=seed).output if training else model(*arrays)
    if flat and result.shape[2:] == (1, 1):
        result = result[:, :, 0, 0]
    return result, model


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple, np.ndarray)) else value


def _channels(array: Any, axis: int, axes: int, name: str, what: str) -> npt.NDArray[Any]:
    found = as_array(array, f"{name}.{what}")
    if found.ndim != axes:
        raise InputError(f"{name}: given {what} of {found.shape}, wanted {axes} axes")
    if found.shape[axis] < 1:
        raise InputError(f"{name}: given {what} of {found.shape}, wanted extents of 1 or more")
    return found


# Convolutions
# --------------------------------------------------------------------------------------------------------------


def conv(
    x: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    stride: Extent = 1,
    padding: Padding = "same",
    dilation: Extent = 1,
    groups: int = 1,
    border: Literal["zeros", "reflect", "replicate"] = "zeros",
) -> Array:
    """Convolution; weight (channels, inputs / groups, kernel height, kernel width), bias (channels)."""
    weight = _channels(weight, 0, 4, "conv", "weight")
    options = {
        "channels": weight.shape[0],
        "kernel": weight.shape[2:],
        "stride": _tuple(stride),
        "padding": _tuple(padding),
        "dilation": _tuple(dilation),
        "groups": groups,
        "bias": bias is not None,
        "border": border,
    }
    return _run("conv", nn.conv, options, [x], {"weight": weight, "bias": bias})[0]


def transposed_conv(
    x: npt.ArrayLike,
    weight: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    stride: Extent = 1,
    padding: Padding = 0,
    output_padding: Extent = 0,
    dilation: Extent = 1,
    groups: int = 1,
) -> Array:
    """Transposed convolution; weight (inputs, channels / groups, kernel height, kernel width), bias (channels).

    The stride is 1 unless given, as everywhere where the weight comes first.
    """
    weight = _channels(weight, 1, 4, "transposed_conv", "weight")
    options = {
        "channels": weight.shape[1] * groups,
        "kernel": weight.shape[2:],
        "stride": _tuple(stride),
        "padding": _tuple(padding),
        "output_padding": _tuple(output_padding),
        "dilation": _tuple(dilation),
        "groups": groups,
        "bias": bias is not None,
    }
    return _run("transposed_conv", nn.transposed_conv, options, [x], {"weight": weight, "bias": bias})[0]


def fully_connected(x: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> Array:
    """Fully connected layer; weight (channels, numbers of a picture in NCHW order), bias (channels)."""
    weight = _channels(weight, 0, 2, "fully_connected", "weight")
    options = {"channels": weight.shape[0], "bias": bias is not None}
    parameters = {"weight": weight, "bias": bias}
    return _run("fully_connected", nn.fully_connected, options, [x], parameters, fixed=True)[0]


def gemm(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    c: npt.ArrayLike | None = None,
    *,
    alpha: float = 1,
    beta: float = 1,
    transpose_a: bool = False,
    transpose_b: bool = False,
) -> Array:
    """Return alpha a b + beta c for matrices; `c` may be anything that repeats to the result's shape."""
    left = _channels(a, 0, 2, "gemm", "a")
    right = _channels(b, 0, 2, "gemm", "b")
    left = left.T if transpose_a else left
    right = right if transpose_b else right.T
    if left.shape[1] != right.shape[1]:
        raise InputError(
            f"gemm: given matrices of {left.shape} and {right.shape[::-1]}, wanted as many columns as rows"
        )
    product = fully_connected(left, alpha * right if alpha != 1 else right)
    if c is not None:
        try:
            product += beta * as_array(c, "gemm")
        except ValueError:
            raise InputError(
                f"gemm: given c of {np.shape(c)}, wanted what repeats to {product.shape}"
            ) from None
    return product


# Pools and interpolation
# --------------------------------------------------------------------------------------------------------------


def max_pool(
    x: npt.ArrayLike,
    kernel: Extent,
    *,
    stride: Extent | None = None,
    padding: Padding = 0,
    dilation: Extent = 1,
    ceil_mode: bool = False,
    indices: bool = False,
) -> Any:
    """Maximum of each window; with `indices` also where it is: row * columns + column within the channel."""
    options = {
        "kernel": _tuple(kernel),
        "stride": _tuple(stride),
        "padding": _tuple(padding),
        "dilation": _tuple(dilation),
        "ceil_mode": ceil_mode,
    }
    values = _run("max_pool", nn.max_pool, options, [x])[0]
    if not indices:
        return values
    # Indices are numbers of the layer's type, which must be able to count the pixels.
    where = _run("max_pool_indices", nn.max_pool_indices, options, [as_numbers(x, np.float64, "max_pool")])[0]
    return values, where.astype(np.int64)


def average_pool(
    x: npt.ArrayLike,
    kernel: Extent,
    *,
    stride: Extent | None = None,
    padding: Padding = 0,
    dilation: Extent = 1,
    ceil_mode: bool = False,
    include_padding: bool = True,
) -> Array:
    """Mean of each window."""
    options = {
        "kernel": _tuple(kernel),
        "stride": _tuple(stride),
        "padding": _tuple(padding),
        "dilation": _tuple(dilation),
        "ceil_mode": ceil_mode,
        "include_padding": include_padding,
    }
    return _run("average_pool", nn.average_pool, options, [x])[0]


def max_unpool(
    x: npt.ArrayLike,
    indices: npt.ArrayLike,
    kernel: Extent,
    *,
    stride: Extent | None = None,
    padding: Extent = 0,
    output: Extent | None = None,
) -> Array:
    """Put values back where a pool took them from; `indices` are those of :func:`max_pool`."""
    options = {
        "kernel": _tuple(kernel),
        "stride": _tuple(stride),
        "padding": _tuple(padding),
        "output": _tuple(output),
    }
    values = as_array(x, "max_unpool")
    where = as_numbers(indices, np.float64, "max_unpool.indices", integers=True)
    result = _run(
        "max_unpool", nn.max_unpool, options, [as_numbers(values, np.float64, "max_unpool"), where]
    )[0]
    return result if values.dtype == np.float64 else result.astype(np.float32)


def global_average_pool(x: npt.ArrayLike) -> Array:
    """Mean of each channel."""
    return _run("global_average_pool", nn.global_average_pool, {}, [x])[0]


def global_max_pool(x: npt.ArrayLike) -> Array:
    """Maximum of each channel."""
    return _run("global_max_pool", nn.global_max_pool, {}, [x])[0]


def adaptive_average_pool(x: npt.ArrayLike, height: int, width: int | None = None) -> Array:
    """Means of ``height x width`` parts of each channel."""
    options = {"height": height, "width": width}
    return _run("adaptive_average_pool", nn.adaptive_average_pool, options, [x])[0]


def adaptive_max_pool(x: npt.ArrayLike, height: int, width: int | None = None) -> Array:
    """Maxima of ``height x width`` parts of each channel."""
    options = {"height": height, "width": width}
    return _run("adaptive_max_pool", nn.adaptive_max_pool, options, [x])[0]


def resize(
    x: npt.ArrayLike,
    height: int,
    width: int,
    *,
    method: Literal["nearest", "nearest_exact", "bilinear"] = "nearest",
    align_corners: bool = False,
) -> Array:
    """Interpolate to the given extents."""
    options = {"height": height, "width": width, "method": method, "align_corners": align_corners}
    return _run("resize", nn.resize, options, [x])[0]


def upsample(
    x: npt.ArrayLike,
    factor: float,
    *,
    method: Literal["nearest", "nearest_exact", "bilinear"] = "nearest",
    align_corners: bool = False,
) -> Array:
    """Interpolate to `factor` times the extents, rounded down."""
    options = {"factor": factor, "method": method, "align_corners": align_corners}
    return _run("upsample", nn.upsample, options, [x])[0]


# Normalization
# --------------------------------------------------------------------------------------------------------------


def _affine(
    name: str, x: npt.NDArray[Any], weight: Any, bias: Any, shape: tuple[int, ...] | None = None
) -> dict[str, Any]:
    """Return both parameters, or neither."""
    if weight is None and bias is None:
        return {}
    extents = (x.shape[1],) if shape is None else shape
    return {
        "weight": np.ones(extents) if weight is None else weight,
        "bias": np.zeros(extents) if bias is None else bias,
    }


def batch_norm(
    x: npt.ArrayLike,
    running_mean: npt.ArrayLike,
    running_variance: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    bias: npt.ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.1,
    training: bool = False,
) -> Any:
    """Batch normalization; all parameters (channels).

    In training the batch is normalized by its own mean and variance, and the result is the tuple of the output
    and the new running mean and variance (unbiased, `momentum` the weight of the batch).
    """
    x = as_array(x, "batch_norm")
    affine = _affine("batch_norm", x, weight, bias)
    options = {"epsilon": epsilon, "momentum": momentum, "affine": bool(affine)}
    parameters = {"running_mean": running_mean, "running_variance": running_variance, **affine}
    result, model = _run("batch_norm", nn.batch_norm, options, [x], parameters, training=training)
    if not training:
        return result
    remembered = model.parameters
    return (
        result,
        remembered["batch_norm0.running_mean"].copy(),
        remembered["batch_norm0.running_variance"].copy(),
    )


def instance_norm(
    x: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    bias: npt.ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
) -> Array:
    """Instance normalization; weight and bias (channels)."""
    x = as_array(x, "instance_norm")
    affine = _affine("instance_norm", x, weight, bias)
    options = {"epsilon": epsilon, "affine": bool(affine)}
    return _run("instance_norm", nn.instance_norm, options, [x], affine)[0]


def group_norm(
    x: npt.ArrayLike,
    groups: int,
    weight: npt.ArrayLike | None = None,
    bias: npt.ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
) -> Array:
    """Group normalization; weight and bias (channels)."""
    x = as_array(x, "group_norm")
    affine = _affine("group_norm", x, weight, bias)
    options = {"groups": groups, "epsilon": epsilon, "affine": bool(affine)}
    return _run("group_norm", nn.group_norm, options, [x], affine)[0]


def layer_norm(
    x: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    bias: npt.ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
    scope: Literal["pixel", "picture"] = "pixel",
) -> Array:
    """Layer normalization; weight and bias (channels), or (channels, height, width) over pictures."""
    x = as_array(x, "layer_norm")
    extents = (x.shape[1],) if scope == "pixel" else (*x.shape[1:], 1, 1)[:3]
    affine = _affine("layer_norm", x, weight, bias, extents)
    options = {"epsilon": epsilon, "affine": bool(affine), "scope": scope}
    return _run("layer_norm", nn.layer_norm, options, [x], affine, fixed=scope == "picture")[0]


def local_response_norm(
    x: npt.ArrayLike,
    *,
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 2,
    average: bool = False,
) -> Array:
    """Local response normalization; `average` divides alpha by `size`, as PyTorch, Caffe and ONNX have it."""
    options = {"size": size, "alpha": alpha, "beta": beta, "k": k, "average": average}
    return _run("local_response_norm", nn.local_response_norm, options, [x])[0]


def _along_axis(name: str, layer: Callable[..., Architecture], x: npt.ArrayLike, axis: int) -> Array:
    array = as_array(x, name)
    if not -array.ndim <= axis < array.ndim:
        raise InputError(f"{name}: given axis {axis}, wanted one of an array of {array.ndim} axes")
    moved = np.moveaxis(array, axis, -1)
    if moved.size == 0:
        return np.array(array)
    result = _run(name, layer, {}, [moved.reshape(-1, moved.shape[-1])])[0]
    return np.moveaxis(result.reshape(moved.shape), -1, axis)


def softmax(x: npt.ArrayLike, axis: int = 1) -> Array:
    """Softmax along an axis of any array."""
    return _along_axis("softmax", nn.softmax, x, axis)


def log_softmax(x: npt.ArrayLike, axis: int = 1) -> Array:
    """Logarithm of the softmax along an axis of any array."""
    return _along_axis("log_softmax", nn.log_softmax, x, axis)


# Pointwise, on arrays of any shape
# --------------------------------------------------------------------------------------------------------------


def _pointwise(
    name: str, layer: Callable[..., Architecture], options: Mapping[str, Any], x: npt.ArrayLike, **run: Any
) -> Array:
    array = as_array(x, name)
    if array.size == 0:
        return np.array(array)
    return _run(name, layer, options, [array.reshape(1, 1, 1, -1)], **run)[0].reshape(array.shape)


def relu(x: npt.ArrayLike) -> Array:
    """max(0, x)."""
    return _pointwise("relu", nn.relu, {}, x)


def leaky_relu(x: npt.ArrayLike, slope: float = 0.01) -> Array:
    """Return x, and `slope` times x below 0."""
    return _pointwise("leaky_relu", nn.leaky_relu, {"slope": slope}, x)


def elu(x: npt.ArrayLike, alpha: float = 1) -> Array:
    """Return x, and alpha (exp(x) - 1) below 0."""
    return _pointwise("elu", nn.elu, {"alpha": alpha}, x)


def silu(x: npt.ArrayLike) -> Array:
    """Return x sigmoid(x)."""
    return _pointwise("silu", nn.silu, {}, x)


def gelu(x: npt.ArrayLike) -> Array:
    """Return x Phi(x), exactly."""
    return _pointwise("gelu", nn.gelu, {}, x)


def sigmoid(x: npt.ArrayLike) -> Array:
    """1 / (1 + exp(-x))."""
    return _pointwise("sigmoid", nn.sigmoid, {}, x)


def tanh(x: npt.ArrayLike) -> Array:
    """Hyperbolic tangent."""
    return _pointwise("tanh", nn.tanh, {}, x)


def dropout(x: npt.ArrayLike, probability: float = 0.5, *, seed: int = 0, training: bool = True) -> Array:
    """Zero with this probability, larger by 1 / (1 - probability) otherwise; unchanged without `training`."""
    return _pointwise("dropout", nn.dropout, {"probability": probability}, x, training=training, seed=seed)


# Several inputs, arrangement
# --------------------------------------------------------------------------------------------------------------


def add(*inputs: npt.ArrayLike) -> Array:
    """Sum; arrays of 1 x 1 pixels are repeated over the others."""
    return _run("add", nn.add, {}, inputs)[0]


def multiply(*inputs: npt.ArrayLike) -> Array:
    """Product; arrays of 1 x 1 pixels are repeated over the others."""
    return _run("multiply", nn.multiply, {}, inputs)[0]


def concat(*inputs: npt.ArrayLike) -> Array:
    """Concatenation by channel."""
    return _run("concat", nn.concat, {}, inputs)[0]


def pad_channels(x: npt.ArrayLike, before: int, after: int) -> Array:
    """Put channels of zeros before and behind."""
    return _run("pad_channels", nn.pad_channels, {"before": before, "after": after}, [x])[0]


def crop(x: npt.ArrayLike, top: int, left: int, bottom: int, right: int) -> Array:
    """Leave out that many rows and columns at the sides."""
    return _run("crop", nn.crop, {"top": top, "left": left, "bottom": bottom, "right": right}, [x])[0]


def center_crop_to(x: npt.ArrayLike, like: npt.ArrayLike) -> Array:
    """Crop `x` to the height and width of `like`."""
    return _run("center_crop_to", nn.center_crop_to, {}, [x, like])[0]


# Look-up
# --------------------------------------------------------------------------------------------------------------


def embedding(indices: npt.ArrayLike, weight: npt.ArrayLike) -> Array:
    """Rows of `weight` (count, dimension); `indices` have any shape, the result one axis more."""
    table = _channels(weight, 0, 2, "embedding", "weight")
    dtype = np.float64 if table.dtype == np.float64 or table.shape[0] > 2**24 else np.float32
    rows = as_numbers(indices, dtype, "embedding", integers=True)
    options = {"count": table.shape[0], "dimension": table.shape[1]}
    if rows.size == 0:
        return np.zeros((*rows.shape, table.shape[1]), table.dtype)
    result = _run("embedding", nn.embedding, options, [rows.reshape(1, 1, 1, -1)], {"weight": table})[0]
    result = np.ascontiguousarray(np.moveaxis(result, 1, -1)).reshape(*rows.shape, table.shape[1])
    return result.astype(table.dtype, copy=False)


def soft_lookup(
    x: npt.ArrayLike,
    keys: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    temperature: float = 1,
    nearest: int = 0,
    score: Literal["squared_distance", "dot_product"] = "squared_distance",
) -> Array:
    """Look-up of each pixel of `x` among keys (count, channels), whose values are (count, outputs).

    See :func:`lookalike.nn.soft_lookup`.
    """
    keys = _channels(keys, 0, 2, "soft_lookup", "keys")
    values = _channels(values, 1, 2, "soft_lookup", "values")
    options = {
        "count": keys.shape[0],
        "outputs": values.shape[1],
        "temperature": temperature,
        "nearest": nearest,
        "score": score,
    }
    return _run("soft_lookup", nn.soft_lookup, options, [x], {"keys": keys, "values": values})[0]


def attention(
    queries: npt.ArrayLike,
    keys: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    temperature: float = 1,
    nearest: int = 0,
    score: Literal["squared_distance", "dot_product"] = "dot_product",
    heads: int = 1,
) -> Array:
    """Look-up of each pixel of `queries` among the pixels of `keys`, picture by picture."""
    options = {"temperature": temperature, "nearest": nearest, "score": score, "heads": heads}
    return _run("attention", nn.attention, options, [queries, keys, values])[0]
