"""ONNX's convolutions and pools by la.functional.

Tensors of one or three spatial axes become pictures: a line is a picture of height 1; pools over volumes are pools
over slices, then along the depth (means too: the number of pixels that count is a product of such numbers); a
convolution of volumes is the sum over the kernel's slices. Integers are computed in double, where those of the
suite are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np
from onnx_calls import Arrays, F, like, numbers


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
        """Divide the padding of each axis among its two sides; one too many is before, but for SAME_UPPER."""
        lower = self.auto != b"SAME_UPPER"
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
    x, weight = numbers(x), numbers(weight)
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
    if wanted is None and windows.auto in (b"SAME_UPPER", b"SAME_LOWER"):
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
    x, weight = numbers(x), numbers(weight)
    missing = weight.shape[2] - 1
    seen = x if past is None else np.concatenate([numbers(past), x], 2)
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
    pixels = _padded(numbers(x), windows, -np.inf)
    if pixels.shape != x.shape or x.ndim != 4:  # without indices, of which there would be others
        assert pixels.shape == x.shape or not ceil
        return (like(_pool(lambda *a, **o: F.max_pool(*a, ceil_mode=ceil, **o), pixels, windows), x),)
    kernel = windows.size([0, 1])
    values, where = F.max_pool(pixels, kernel, ceil_mode=ceil, indices=True, **windows.plane([0, 1]))
    rows, columns = x.shape[2:]
    if attributes.get("storage_order", 0):
        where = where % columns * rows + where // columns
    channel = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], 1, 1)
    return like(values, x), where + channel * rows * columns


def average_pool(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x = inputs[0]
    windows = Windows(attributes, x.shape[2:], attributes["kernel_shape"])
    options = {
        "ceil_mode": bool(attributes.get("ceil_mode", 0)),
        "include_padding": bool(attributes.get("count_include_pad", 0)),
    }

    def pool(*given: Any, **plane: Any) -> np.ndarray:
        return F.average_pool(*given, **options, **plane)

    inside = _padded(np.ones_like(x), copy(windows), 0)
    pixels = _padded(x, windows, 0)
    if pixels is x:
        return (_pool(pool, x, windows),)
    assert not options["ceil_mode"]
    means = _pool(pool, pixels, windows)
    return (means if options["include_padding"] else means / _pool(pool, inside, windows),)


def power_pool(attributes: dict[str, Any], inputs: list[Any]) -> Arrays:
    x, p = inputs[0], attributes.get("p", 2)
    assert not attributes.get("ceil_mode", 0)
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
