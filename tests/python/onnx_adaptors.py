"""ONNX's operators by la.functional: what differs in axes, names and conventions, and nothing of the operators.

Those with windows are in onnx_windows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from onnx_calls import Arrays, F, layer, like, losses, numbers
from onnx_windows import (
    average_pool,
    causal_convolution,
    convolution,
    integer_convolution,
    max_pool,
    max_unpool,
    power_pool,
    transposed_convolution,
)

# Interpolation
# --------------------------------------------------------------------------------------------------------------


def resize(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, _, scales, sizes = [*inputs, None, None, None][:4]
    axes = [axis % x.ndim for axis in attributes.get("axes", range(x.ndim))]
    scale, extents = [1.0] * x.ndim, list(x.shape)
    if sizes is not None:
        ratios = [int(size) / x.shape[axis] for axis, size in zip(axes, sizes)]
        policy = attributes.get("keep_aspect_ratio_policy", b"stretch")
        if policy != b"stretch":
            ratio = min(ratios) if policy == b"not_larger" else max(ratios)
            ratios = [ratio] * len(axes)
        for axis, ratio, size in zip(axes, ratios, sizes):
            scale[axis] = ratio
            extents[axis] = int(size) if policy == b"stretch" else math.floor(ratio * x.shape[axis] + 0.5)
    else:
        for axis, ratio in zip(axes, scales):
            # Scales are written with few digits, and meant so.
            scale[axis] = round(float(ratio), 6)
            extents[axis] = math.floor(scale[axis] * x.shape[axis])
    assert tuple(extents[:2]) == x.shape[:2]
    height, width = extents[2:]
    rule = attributes.get("coordinate_transformation_mode", b"half_pixel")
    method = attributes.get("mode", b"nearest")
    if method == b"nearest":
        rounding = attributes.get("nearest_mode", b"round_prefer_floor")
        assert (rule, rounding) == (b"half_pixel", b"round_prefer_floor")
        # Ours rounds half a pixel up: down in the mirror.
        mirrored = F.resize(x[:, :, ::-1, ::-1], height, width, method="nearest_exact")
        return (mirrored[:, :, ::-1, ::-1],)
    assert method == b"linear"
    if rule == b"align_corners":
        return (F.resize(x, height, width, method="bilinear", align_corners=True),)
    assert rule in (b"half_pixel", b"pytorch_half_pixel")
    if rule == b"pytorch_half_pixel":  # where one pixel is left, it is the first
        right = x.shape[3] - 1 if width == 1 else 0
        bottom = x.shape[2] - 1 if height == 1 else 0
        x = F.crop(x, 0, 0, bottom, right)
    if scale[2] == scale[3]:
        return (F.upsample(x, scale[2], method="bilinear"),)
    return (F.resize(x, height, width, method="bilinear"),)


def upsample(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, scales = inputs
    height, width = (math.floor(n * float(s)) for n, s in zip(x.shape[2:], scales[2:]))
    assert attributes["mode"] == b"nearest"
    return (F.resize(x, height, width, method="nearest"),)


# Normalization
# --------------------------------------------------------------------------------------------------------------


def batch_normalization(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, weight, bias, mean, variance = inputs
    shape = x.shape
    x = x.reshape(*shape[:2], shape[2] if x.ndim > 2 else 1, -1)
    epsilon = attributes.get("epsilon", 1e-5)
    if not attributes.get("training_mode", 0):
        return (F.batch_norm(x, mean, variance, weight, bias, epsilon=epsilon).reshape(shape),)
    momentum = 1 - attributes.get("momentum", 0.9)
    y, new_mean, new_variance = F.batch_norm(
        x, mean, variance, weight, bias, epsilon=epsilon, momentum=momentum, training=True
    )
    # What is remembered of a batch is its unbiased variance; in ONNX the mean square.
    kept = (1 - momentum) * variance
    pixels = x.size // x.shape[1]
    return y.reshape(shape), new_mean, kept + (new_variance - kept) * ((pixels - 1) / pixels)


def mean_variance_normalization(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    assert list(attributes.get("axes", [0, 2, 3])) == [0, 2, 3]
    x = inputs[0]
    nothing, one = np.zeros(x.shape[1], x.dtype), np.ones(x.shape[1], x.dtype)
    return (F.batch_norm(x, nothing, one, epsilon=1e-9, training=True)[0],)


def layer_normalization(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, weight, bias = [*inputs, None][:3]
    axis = attributes.get("axis", -1) % x.ndim
    epsilon = attributes.get("epsilon", 1e-5)
    flat = x.reshape(math.prod(x.shape[:axis]), -1)
    y = F.layer_norm(flat, weight.ravel(), None if bias is None else bias.ravel(), epsilon=epsilon)
    mean = F.global_average_pool(flat[:, None, None]).reshape(-1, 1)
    variance = F.global_average_pool(((flat - mean) ** 2)[:, None, None])
    rest = (*x.shape[:axis], *[1] * (x.ndim - axis))
    return y.reshape(x.shape), mean.reshape(rest), (1 / np.sqrt(variance + epsilon)).reshape(rest)


def local_response_normalization(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    given = {"alpha": attributes.get("alpha", 1e-4), "beta": attributes.get("beta", 0.75)}
    options = {**given, "size": attributes["size"], "k": attributes.get("bias", 1.0), "average": True}
    return (F.local_response_norm(inputs[0], **options),)


def instance_normalization(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    return (F.instance_norm(*inputs, epsilon=attributes.get("epsilon", 1e-5)),)


def group_normalization(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, weight, bias = inputs
    options = {"epsilon": attributes.get("epsilon", 1e-5)}
    return (F.group_norm(x, attributes["num_groups"], weight, bias, **options),)


# Products, sums, arrangement
# --------------------------------------------------------------------------------------------------------------


def gemm(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    options = {
        "alpha": attributes.get("alpha", 1.0),
        "beta": attributes.get("beta", 1.0),
        "transpose_a": bool(attributes.get("transA", 0)),
        "transpose_b": bool(attributes.get("transB", 0)),
    }
    return (F.gemm(*inputs, **options),)


def matrix_product(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    a, b = inputs
    left = a[None] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    many = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    lefts = np.broadcast_to(left, many + left.shape[-2:]).reshape(-1, *left.shape[-2:])
    rights = np.broadcast_to(right, many + right.shape[-2:]).reshape(-1, *right.shape[-2:])
    products = np.stack([F.gemm(p, q) for p, q in zip(lefts, rights)])
    shape = many + (() if a.ndim == 1 else left.shape[-2:-1]) + (() if b.ndim == 1 else right.shape[-1:])
    return (products.reshape(shape),)


def integer_matrix_product(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    a, b, a_zero, b_zero = [*inputs, None, None][:4]
    left = numbers(a) - (0 if a_zero is None else np.reshape(a_zero, (-1, 1)))
    right = numbers(b) - (0 if b_zero is None else b_zero)
    return (F.gemm(left, right).astype(np.int32),)


def _elementwise(name: str) -> Callable[[dict[str, Any], list[Any]], Arrays]:
    def run(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
        shape = np.broadcast_shapes(*(x.shape for x in inputs))
        aligned = [numbers(x).reshape((1,) * (len(shape) - x.ndim) + x.shape) for x in inputs]
        # Axes that all have become channels, axes along which some are repeated become pixels.
        shared = [i for i, n in enumerate(shape) if all(x.shape[i] == n for x in aligned)]
        order = shared + [i for i in range(len(shape)) if i not in shared]
        channels = math.prod(shape[i] for i in shared)
        pictures = [x.transpose(order).reshape(1, channels, -1, 1) for x in aligned]
        result = getattr(F, name)(*pictures).reshape([shape[i] for i in order])
        return (like(result.transpose(np.argsort(order)), inputs[0]),)

    return run


def concatenation(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    axis = attributes["axis"] % inputs[0].ndim
    shape = inputs[0].shape
    pictures = [x.reshape(math.prod(shape[:axis]), x.shape[axis], 1, -1) for x in inputs]
    return (F.concat(*pictures).reshape(*shape[:axis], -1, *shape[axis + 1 :]),)


def flattening(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x = inputs[0]
    axis = attributes.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    rest = x.shape[axis:]
    if len(rest) > 3:
        rest = (math.prod(rest[:-2]), *rest[-2:])
    pictures = x.reshape(math.prod(x.shape[:axis]), *rest, *[1] * (3 - len(rest)))
    return (layer("flatten", pictures)[:, :, 0, 0],)


def reshaping(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, wanted = inputs
    extents = [x.shape[i] if n == 0 else int(n) for i, n in enumerate(wanted)]
    if -1 in extents:
        extents[extents.index(-1)] = x.size // -math.prod(extents)
    batch = x.shape[0] if len(extents) == 4 and extents[0] == x.shape[0] else 1
    rest = x.shape if batch == 1 else x.shape[1:]
    target = extents[1:] if len(extents) == 4 else extents
    pictures = x.reshape(batch, *rest, *[1] * (3 - len(rest)))
    return (layer("reshape", pictures, *target, *[1] * (3 - len(target))).reshape(extents),)


def transposition(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x = inputs[0]
    order = list(attributes.get("perm", range(x.ndim)[::-1]))
    assert x.ndim <= 3
    picture = x.reshape(1, *x.shape, *[1] * (3 - x.ndim))
    return (layer("permute", picture, *order, *range(x.ndim, 3)).reshape([x.shape[i] for i in order]),)


def _cut(x: np.ndarray, axis: int, first: int, last: int) -> np.ndarray:
    """Entries from `first` to `last` along an axis: a crop of pictures whose height it is."""
    rows = x.shape[axis]
    picture = np.moveaxis(x, axis, 0).reshape(1, 1, rows, -1)
    kept = F.crop(picture, first, 0, rows - last, 0).reshape(last - first, *np.delete(x.shape, axis))
    return np.moveaxis(kept, 0, axis)


def slicing(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, starts, ends, axes, steps = [*inputs, None, None][:5]
    axes = range(x.ndim) if axes is None else axes
    assert steps is None or all(step == 1 for step in steps)
    for axis, start, end in zip(axes, starts, ends):
        first, last, _ = slice(int(start), int(end)).indices(x.shape[axis])
        x = _cut(x, axis % x.ndim, first, last)
    return (x,)


def splitting(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, parts = [*inputs, None][:2]
    axis = attributes.get("axis", 0) % x.ndim
    if parts is None:
        count = attributes["num_outputs"]
        part = math.ceil(x.shape[axis] / count)
        parts = [part] * (count - 1) + [x.shape[axis] - part * (count - 1)]
    ends = np.cumsum(parts)
    return tuple(_cut(x, axis, int(end - part), int(end)) for part, end in zip(parts, ends))


def center_crop(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, wanted = inputs
    assert x.ndim == 3
    assert wanted[2] == x.shape[2]
    picture = np.moveaxis(x, 2, 0)[None]
    like = np.zeros((1, 1, int(wanted[0]), int(wanted[1])), x.dtype)
    return (np.moveaxis(F.center_crop_to(picture, like)[0], 0, 2),)


def gathering(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, indices = inputs
    axis = attributes.get("axis", 0) % x.ndim
    rows = np.moveaxis(x, axis, 0)
    found = F.embedding(indices % x.shape[axis], rows.reshape(len(rows), -1))
    found = found.reshape(*indices.shape, *rows.shape[1:])
    order = range(indices.ndim)
    return (np.moveaxis(found, order, [axis + i for i in order]),)


# Functions of numbers
# --------------------------------------------------------------------------------------------------------------


def _plain(name: str, **defaults: float) -> Callable[[dict[str, Any], list[Any]], Arrays]:
    """Return the adaptor of a function of one array whose options are the attributes, in this order."""

    def run(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
        return (
            getattr(F, name)(inputs[0], *(attributes.get(key, value) for key, value in defaults.items())),
        )

    return run


def swish(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    alpha = attributes.get("alpha", 1.0)
    return (F.silu(alpha * inputs[0]) / alpha,)


def gelu(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    assert attributes.get("approximate", b"none") == b"none"
    return (F.gelu(inputs[0]),)


def dropout(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, ratio, training = [*inputs, None, None][:3]
    probability = float(attributes.get("ratio", 0.5) if ratio is None else ratio)
    options = {"probability": probability, "training": bool(training)}
    return F.dropout(x, **options), F.dropout(np.ones_like(x), **options) != 0


# Losses
# --------------------------------------------------------------------------------------------------------------


def _cross_entropy(
    attributes: dict[str, Any], logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    options: dict[str, Any] = {} if weights is None else {"class_weights": weights}
    if "ignore_index" in attributes:
        options["ignore_index"] = attributes["ignore_index"]
    how = attributes.get("reduction", b"mean")
    if how != b"none":
        pictures = logits.reshape(*logits.shape[:2], -1, 1)
        flat = labels.reshape(len(labels), -1, 1)
        reduction = "weighted_mean" if how == b"mean" else "sum"
        return np.array(losses.cross_entropy(pictures, flat, reduction=reduction, **options)[0])
    pixels = np.moveaxis(logits, 1, -1).reshape(-1, logits.shape[1])
    each = [
        losses.cross_entropy(pixel[None], label[None], reduction="sum", **options)[0]
        for pixel, label in zip(pixels, labels.ravel())
    ]
    return np.array(each).reshape(labels.shape)


def softmax_cross_entropy(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, labels, weights = [*inputs, None][:3]
    value = _cross_entropy(attributes, x, labels, weights)
    return value.astype(x.dtype), F.log_softmax(x, axis=1)


def negative_log_likelihood(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    """Return -x[label]: the cross-entropy, if the exponentials of x add up to 1.

    They do after a shift and with one class more, which no pixel has.
    """
    x, labels, weights = [*inputs, None][:3]
    logits = x.astype(np.float64)
    shift = logits.max() + math.log(2 * logits.shape[1])
    rest = np.log1p(-np.exp(logits - shift).sum(1, keepdims=True))
    extended = np.concatenate([logits - shift, rest], 1)
    more = None if weights is None else np.append(weights, 1)
    value = _cross_entropy(attributes, extended, labels, more)
    counted = labels != attributes.get("ignore_index", x.shape[1])
    weight = counted * (1 if weights is None else np.append(weights, 0)[np.where(counted, labels, -1)])
    how = attributes.get("reduction", b"mean")
    share = weight if how == b"none" else weight.sum() if how == b"sum" else 1
    return ((value - shift * share).astype(x.dtype),)


# Look-up
# --------------------------------------------------------------------------------------------------------------


def attention(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    assert len(inputs) == 3
    assert not any(key in attributes for key in ("is_causal", "softcap", "score_mod", "prob_mod"))
    given = inputs[0].dtype
    queries, keys, values = map(numbers, inputs)
    flat = queries.ndim == 3
    if flat:  # (batch, tokens, heads * channels) to (batch, heads, tokens, channels)
        heads = (attributes["q_num_heads"], *[attributes["kv_num_heads"]] * 2)
        queries, keys, values = (
            np.moveaxis(x.reshape(*x.shape[:2], count, -1), 2, 1)
            for x, count in zip((queries, keys, values), heads)
        )
    heads = queries.shape[1]
    keys, values = (np.repeat(x, heads // x.shape[1], 1) for x in (keys, values))
    root = math.sqrt(queries.shape[-1])
    temperature = 1 / (attributes.get("scale", 1 / root) * root)
    # Tokens are pixels, and each head has its own channels.
    pictures = (np.moveaxis(x, 2, 3).reshape(len(x), -1, 1, x.shape[2]) for x in (queries, keys, values))
    found = F.attention(*pictures, heads=heads, temperature=temperature)
    y = np.moveaxis(found.reshape(len(found), heads, -1, queries.shape[2]), 3, 2)
    if flat:
        y = np.moveaxis(y, 1, 2).reshape(len(y), y.shape[2], -1)
    return (y.astype(given),)


#: How each operator of ONNX is run, and the functions (or layers, or losses) of ours one of which must have done so.
OPERATORS: dict[str, tuple[Callable[[dict[str, Any], list[Any]], Arrays], str]] = {
    "Add": (_elementwise("add"), "add"),
    "Attention": (attention, "attention"),
    "AveragePool": (average_pool, "average_pool"),
    "BatchNormalization": (batch_normalization, "batch_norm"),
    "CausalConvWithState": (causal_convolution, "conv"),
    "CenterCropPad": (center_crop, "center_crop_to"),
    "Concat": (concatenation, "concat"),
    "Conv": (convolution, "conv"),
    "ConvInteger": (integer_convolution, "conv"),
    "ConvTranspose": (transposed_convolution, "transposed_conv"),
    "Dropout": (dropout, "dropout"),
    "Elu": (_plain("elu", alpha=1.0), "elu"),
    "FlexAttention": (attention, "attention"),
    "Flatten": (flattening, "flatten"),
    "Gather": (gathering, "embedding"),
    "Gelu": (gelu, "gelu"),
    "Gemm": (gemm, "gemm"),
    "GlobalAveragePool": (_plain("global_average_pool"), "global_average_pool"),
    "GlobalMaxPool": (_plain("global_max_pool"), "global_max_pool"),
    "GroupNormalization": (group_normalization, "group_norm"),
    "InstanceNormalization": (instance_normalization, "instance_norm"),
    "LRN": (local_response_normalization, "local_response_norm"),
    "LayerNormalization": (layer_normalization, "layer_norm"),
    "LeakyRelu": (_plain("leaky_relu", alpha=0.01), "leaky_relu"),
    "LogSoftmax": (_plain("log_softmax", axis=-1), "log_softmax"),
    "LpPool": (power_pool, "average_pool"),
    "MatMul": (matrix_product, "gemm"),
    "MatMulInteger": (integer_matrix_product, "gemm"),
    "MaxPool": (max_pool, "max_pool"),
    "MaxUnpool": (max_unpool, "max_unpool"),
    "MeanVarianceNormalization": (mean_variance_normalization, "batch_norm"),
    "Mul": (_elementwise("multiply"), "multiply"),
    "NegativeLogLikelihoodLoss": (negative_log_likelihood, "cross_entropy"),
    "Relu": (_plain("relu"), "relu"),
    "Reshape": (reshaping, "reshape"),
    "Resize": (resize, "resize upsample"),
    "Sigmoid": (_plain("sigmoid"), "sigmoid"),
    "Slice": (slicing, "crop"),
    "Softmax": (_plain("softmax", axis=-1), "softmax"),
    "SoftmaxCrossEntropyLoss": (softmax_cross_entropy, "cross_entropy"),
    "Split": (splitting, "crop"),
    "Sum": (_elementwise("add"), "add"),
    "Swish": (swish, "silu"),
    "Tanh": (_plain("tanh"), "tanh"),
    "Transpose": (transposition, "permute"),
    "Upsample": (upsample, "resize"),
}
