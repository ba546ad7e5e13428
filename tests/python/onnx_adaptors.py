"""ONNX's operators by la.functional: what differs in axes, names and conventions, and nothing of the operators.

Tensors of one or three spatial axes become pictures: a line is a picture of height 1; pools over volumes are pools
over slices, then along the depth (means too: the number of pixels that count is a product of such numbers); a
convolution of volumes is the sum over the kernel's slices. Integers are computed in double, where those of the
suite are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import lookalike as la
import numpy as np

Arrays = tuple[np.ndarray, ...]


class _Recorder:
    """A module whose functions leave their names when they are called."""

    def __init__(self, module: Any, called: set[str]) -> None:
        self._module = module
        self._called = called

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self._module, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._called.add(name)
            return function(*arguments, **options)

        return call


#: Functions that have run since this was emptied.
called: set[str] = set()
F: Any = _Recorder(la.functional, called)
losses: Any = _Recorder(la.losses, called)


def _layer(name: str, x: np.ndarray, *options: int) -> np.ndarray:
    """Run a layer that has no function, because arrays have a method of their own for it."""
    called.add(name)
    channels, height, width = x.shape[1:]
    picture = la.input(channels, height=height, width=width)
    return la.Model(picture | getattr(la.nn, name)(*options), dtype=x.dtype)(x)


def _like(result: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return numbers in the type of x; integers wrap."""
    return result.astype(np.int64).astype(x.dtype) if x.dtype.kind in "iu" else result.astype(x.dtype)


def _numbers(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64 if x.dtype.kind in "iu" else np.float32) if x.dtype != np.float64 else x


# Windows
# --------------------------------------------------------------------------------------------------------------


class Windows:
    """Attributes that convolutions and pools share; one entry for each spatial axis."""

    def __init__(self, attributes: dict[str, Any], extents: Sequence[int], kernel: Sequence[int]) -> None:
        axes = len(extents)
        self.kernel = list(kernel)
        self.strides = list(attributes.get("strides", [1] * axes))
        self.dilations = list(attributes.get("dilations", [1] * axes))
        self.reach = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations)]
        pads = list(attributes.get("pads", [0] * 2 * axes))
        self.before, self.after = pads[:axes], pads[axes:]
        self.auto = attributes.get("auto_pad", b"NOTSET")
        if self.auto in (b"SAME_UPPER", b"SAME_LOWER"):
            self.share(
                [
                    max((math.ceil(n / s) - 1) * s + r - n, 0)
                    for n, s, r in zip(extents, self.strides, self.reach)
                ]
            )

    def share(self, totals: Sequence[int]) -> None:
        """Divide the padding of each axis among its two sides."""
        lower = self.auto == b"SAME_LOWER"
        self.before = [(total + lower) // 2 for total in totals]
        self.after = [total - before for total, before in zip(totals, self.before)]

    def plane(self, axes: Sequence[int | None]) -> dict[str, Any]:
        """Options of two of the axes; None for one of extent 1."""

        def of(values: Sequence[int], missing: int) -> tuple[int, ...]:
            return tuple(missing if axis is None else values[axis] for axis in axes)

        return {
            "stride": of(self.strides, 1),
            "padding": of(self.before, 0) + of(self.after, 0),
            "dilation": of(self.dilations, 1),
        }

    def size(self, axes: Sequence[int | None]) -> tuple[int, ...]:
        return tuple(1 if axis is None else self.kernel[axis] for axis in axes)


def _slices(x: np.ndarray) -> np.ndarray:
    """(batch, channels, depth, height, width) to (batch * depth, channels, height, width)."""
    return np.moveaxis(x, 2, 1).reshape(-1, x.shape[1], *x.shape[3:])


def _volume(slices: np.ndarray, batch: int) -> np.ndarray:
    return np.moveaxis(slices.reshape(batch, -1, *slices.shape[1:]), 1, 2)


def convolution(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, weight, bias = [*inputs, None][:3]
    group = attributes.get("group", 1)
    windows = Windows(attributes, x.shape[2:], weight.shape[2:])
    if x.ndim == 3:
        options = windows.plane([None, 0])
        return (F.conv(x[:, :, None], weight[:, :, None], bias, groups=group, **options)[:, :, 0],)
    if x.ndim == 4:
        return (F.conv(x, weight, bias, groups=group, **windows.plane([0, 1])),)
    padded = np.pad(x, ((0, 0), (0, 0), (windows.before[0], windows.after[0]), (0, 0), (0, 0)))
    depth = (padded.shape[2] - windows.reach[0]) // windows.strides[0] + 1
    taps = []
    for tap in range(windows.kernel[0]):
        first = tap * windows.dilations[0]
        seen = _slices(padded[:, :, first :: windows.strides[0]][:, :, :depth])
        tap_bias = bias if tap == 0 else None
        taps.append(F.conv(seen, weight[:, :, tap], tap_bias, groups=group, **windows.plane([1, 2])))
    return (_volume(F.add(*taps), len(x)),)


def integer_convolution(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, weight, x_zero, weight_zero = [*inputs, None, None][:4]
    x, weight = _numbers(x), _numbers(weight)
    if x_zero is not None:
        x = x - x_zero
    if weight_zero is not None:
        weight = weight - np.reshape(weight_zero, (-1, 1, 1, 1))
    return (convolution(attributes, [x, weight])[0].astype(np.int32),)


def transposed_convolution(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, weight, bias = [*inputs, None][:3]
    axes = x.ndim - 2
    windows = Windows({**attributes, "auto_pad": b"NOTSET"}, x.shape[2:], weight.shape[2:])
    windows.auto = attributes.get("auto_pad", b"NOTSET")
    more = list(attributes.get("output_padding", [0] * axes))
    wanted = attributes.get("output_shape")
    if wanted is None and windows.auto != b"NOTSET":
        wanted = [n * s for n, s in zip(x.shape[2:], windows.strides)]
    if wanted is not None:
        whole = [s * (n - 1) + r for s, n, r in zip(windows.strides, x.shape[2:], windows.reach)]
        more = [max(want - n, 0) for want, n in zip(wanted, whole)]
        windows.share([max(n - want, 0) for want, n in zip(wanted, whole)])
    group = attributes.get("group", 1)
    if axes == 1:
        options = {**windows.plane([None, 0]), "output_padding": (0, more[0]), "groups": group}
        return (F.transposed_conv(x[:, :, None], weight[:, :, None], bias, **options)[:, :, 0],)
    if axes == 2:
        options = {**windows.plane([0, 1]), "output_padding": tuple(more), "groups": group}
        return (F.transposed_conv(x, weight, bias, **options),)
    assert bias is None
    stride, dilation = windows.strides[0], windows.dilations[0]
    options = {**windows.plane([1, 2]), "output_padding": tuple(more[1:]), "groups": group}
    whole = stride * (x.shape[2] - 1) + windows.reach[0] + more[0]
    result = None
    for tap in range(windows.kernel[0]):
        part = _volume(F.transposed_conv(_slices(x), weight[:, :, tap], **options), len(x))
        if result is None:
            result = np.zeros((*part.shape[:2], whole, *part.shape[3:]), part.dtype)
        result[:, :, tap * dilation :: stride][:, :, : x.shape[2]] += part
    return (result[:, :, windows.before[0] : whole - windows.after[0]],)


def causal_convolution(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, weight, bias, past = [*inputs, None, None][:4]
    given = x.dtype
    x, weight = _numbers(x), _numbers(weight)
    missing = weight.shape[2] - 1
    seen = x if past is None else np.concatenate([_numbers(past), x], 2)
    options = {"groups": x.shape[1], "padding": (0, 0 if past is not None else missing, 0, 0)}
    y = F.conv(seen[:, :, None], weight[:, :, None], bias, **options)[:, :, 0]
    if attributes.get("activation", b"none") in (b"silu", b"swish"):
        y = F.silu(y)
    state = np.pad(seen, ((0, 0), (0, 0), (missing, 0)))[:, :, seen.shape[2] :]
    return y.astype(given), state.astype(given)


def _pool(pool: Callable[..., np.ndarray], x: np.ndarray, windows: Windows) -> np.ndarray:
    """Apply `pool(picture, kernel, options)` to lines, pictures or volumes."""
    if x.ndim == 3:
        return pool(x[:, :, None], windows.size([None, 0]), **windows.plane([None, 0]))[:, :, 0]
    if x.ndim == 4:
        return pool(x, windows.size([0, 1]), **windows.plane([0, 1]))
    slices = pool(_slices(x), windows.size([1, 2]), **windows.plane([1, 2]))
    y = _volume(slices, len(x))
    lines = pool(y.reshape(*y.shape[:3], -1), windows.size([0, None]), **windows.plane([0, None]))
    return lines.reshape(*lines.shape[:3], *y.shape[3:])


def _padded(x: np.ndarray, windows: Windows, value: float) -> np.ndarray:
    """Pad beforehand where there is more padding than half a kernel, which our pools do not take."""
    pads = [*windows.before, *windows.after]
    if all(2 * pad <= r for pad, r in zip(pads, windows.reach * 2)):
        return x
    y = np.pad(x, [(0, 0), (0, 0), *zip(windows.before, windows.after)], constant_values=value)
    windows.before = windows.after = [0] * len(windows.kernel)
    return y


def max_pool(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x = inputs[0]
    windows = Windows(attributes, x.shape[2:], attributes["kernel_shape"])
    ceil = bool(attributes.get("ceil_mode", 0))
    numbers = _numbers(x)
    if x.ndim != 4:
        return (_pool(lambda *a, **o: F.max_pool(*a, ceil_mode=ceil, **o), numbers, windows),)
    if any(2 * pad > r for pad, r in zip(windows.before + windows.after, windows.reach * 2)):
        numbers = _padded(numbers, windows, -np.inf)
        return (_like(F.max_pool(numbers, windows.size([0, 1]), **windows.plane([0, 1])), x),)
    values, where = F.max_pool(
        numbers, windows.size([0, 1]), ceil_mode=ceil, indices=True, **windows.plane([0, 1])
    )
    rows, columns = x.shape[2:]
    if attributes.get("storage_order", 0):
        where = where % columns * rows + where // columns
    channel = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], 1, 1)
    return _like(values, x), where + channel * rows * columns


def average_pool(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x = inputs[0]
    windows = Windows(attributes, x.shape[2:], attributes["kernel_shape"])
    options = {
        "ceil_mode": bool(attributes.get("ceil_mode", 0)),
        "include_padding": bool(attributes.get("count_include_pad", 0)),
    }

    def pool(*given: Any, **plane: Any) -> np.ndarray:
        return F.average_pool(*given, **options, **plane)

    numbers = _padded(x, windows, 0)
    if numbers is x or options["include_padding"]:
        return (_pool(pool, numbers, windows),)
    inside = np.pad(np.ones_like(x), [((n - m) // 2, (n - m) // 2) for n, m in zip(numbers.shape, x.shape)])
    return (_pool(pool, numbers, windows) / _pool(pool, inside, windows),)


def power_pool(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, p = inputs[0], attributes.get("p", 2)
    powers = np.abs(x).astype(np.float64) ** p
    mean = average_pool({**attributes, "count_include_pad": 1}, [powers])[0]
    return (((mean * math.prod(attributes["kernel_shape"])) ** (1 / p)).astype(x.dtype),)


def max_unpool(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, where, shape = [*inputs, None][:3]
    windows = Windows(attributes, x.shape[2:], attributes["kernel_shape"])
    assert not any(windows.before + windows.after)
    rows, columns = ((n - 1) * s + k for n, s, k in zip(x.shape[2:], windows.strides, windows.kernel))
    channel = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], 1, 1)
    where = where - channel * rows * columns
    output = (rows, columns) if shape is None else tuple(int(n) for n in shape[2:])
    # Indices are those of the smallest picture that the pool may have seen, whatever is asked for.
    where = where // columns * output[1] + where % columns
    stride = tuple(windows.strides)
    return (F.max_unpool(x, where, windows.size([0, 1]), stride=stride, output=output),)


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
    left = _numbers(a) - (0 if a_zero is None else np.reshape(a_zero, (-1, 1)))
    right = _numbers(b) - (0 if b_zero is None else b_zero)
    return (F.gemm(left, right).astype(np.int32),)


def _elementwise(name: str) -> Callable[[dict[str, Any], list[Any]], Arrays]:
    def run(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
        shape = np.broadcast_shapes(*(x.shape for x in inputs))
        aligned = [_numbers(x).reshape((1,) * (len(shape) - x.ndim) + x.shape) for x in inputs]
        # Axes that all have become channels, axes along which some are repeated become pixels.
        shared = [i for i, n in enumerate(shape) if all(x.shape[i] == n for x in aligned)]
        order = shared + [i for i in range(len(shape)) if i not in shared]
        channels = math.prod(shape[i] for i in shared)
        pictures = [x.transpose(order).reshape(1, channels, -1, 1) for x in aligned]
        result = getattr(F, name)(*pictures).reshape([shape[i] for i in order])
        return (_like(result.transpose(np.argsort(order)), inputs[0]),)

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
    return (_layer("flatten", pictures)[:, :, 0, 0],)


def reshaping(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, wanted = inputs
    extents = [x.shape[i] if n == 0 else int(n) for i, n in enumerate(wanted)]
    if -1 in extents:
        extents[extents.index(-1)] = x.size // -math.prod(extents)
    batch = x.shape[0] if len(extents) == 4 and extents[0] == x.shape[0] else 1
    rest = x.shape if batch == 1 else x.shape[1:]
    target = extents[1:] if len(extents) == 4 else extents
    pictures = x.reshape(batch, *rest, *[1] * (3 - len(rest)))
    return (_layer("reshape", pictures, *target, *[1] * (3 - len(target))).reshape(extents),)


def transposition(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x = inputs[0]
    order = list(attributes.get("perm", range(x.ndim)[::-1]))
    assert x.ndim <= 3
    picture = x.reshape(1, *x.shape, *[1] * (3 - x.ndim))
    return (_layer("permute", picture, *order, *range(x.ndim, 3)).reshape([x.shape[i] for i in order]),)


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
    queries, keys, values = map(_numbers, inputs)
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
