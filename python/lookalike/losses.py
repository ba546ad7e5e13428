"""What training minimizes: functions of outputs that return a number and its derivative.

Each returns the pair (value, gradient), the gradient with respect to each number of the outputs. So may any
function of one's own, to be given to :meth:`lookalike.Model.fit` or called between passes; losses add up as such
pairs do.

Outputs are (batch, channels, height, width), or (batch, channels). The sum of the terms, each times its weight, is
divided by the number of terms (``reduction="mean"``), by the sum of weights ("weighted_mean"), or by nothing
("sum").

>>> import lookalike as la, numpy as np
>>> value, gradient = la.losses.mse(np.ones((1, 2)), np.zeros((1, 2)))
>>> value, gradient
(1.0, array([[1., 1.]]))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import as_array, as_numbers
from ._types import Array
from .errors import InputError


def _prepared(
    name: str, outputs: Any, targets: Any, weights: Any, *, integers: bool = False
) -> tuple[Array, Array, Array | None]:
    """Return three arrays of one type: that of the outputs."""
    given = as_array(outputs, name)
    dtype = np.dtype(np.float64 if given.dtype == np.float64 else np.float32)
    x = as_numbers(given, dtype, f"{name}: outputs")
    t = as_numbers(targets, dtype, f"{name}: targets", integers=integers)
    w = None if weights is None else as_numbers(weights, dtype, f"{name}: weights", integers=True)
    return x, t, w


def _result(found: tuple[float, Array], outputs: Any) -> tuple[float, Array]:
    value, gradient = found
    return value, gradient.reshape(np.shape(outputs))


def mse(
    outputs: npt.ArrayLike,
    targets: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    reduction: Literal["mean", "weighted_mean", "sum"] = "mean",
) -> tuple[float, Array]:
    """Mean squared error.

    Parameters
    ----------
    outputs, targets
        Of the same extents.
    weights
        Of the terms; repeated along extents of 1.
    reduction
        What the sum is divided by.

    Returns
    -------
    tuple
        The value, and its derivative with respect to the outputs.
    """
    x, t, w = _prepared("mse", outputs, targets, weights, integers=True)
    return _result(_core.mean_squared_error(x, t, w, reduction), x)


def l1(
    outputs: npt.ArrayLike,
    targets: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    reduction: Literal["mean", "weighted_mean", "sum"] = "mean",
) -> tuple[float, Array]:
    """Mean absolute error; see :func:`mse`. The derivative where there is no difference is taken as 0."""
    x, t, w = _prepared("l1", outputs, targets, weights, integers=True)
    return _result(_core.mean_absolute_error(x, t, w, reduction), x)


def smooth_l1(
    outputs: npt.ArrayLike,
    targets: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    beta: float = 1,
    reduction: Literal["mean", "weighted_mean", "sum"] = "mean",
) -> tuple[float, Array]:
    """d^2 / (2 beta) for differences below beta, |d| - beta / 2 beyond; see :func:`mse`."""
    x, t, w = _prepared("smooth_l1", outputs, targets, weights, integers=True)
    return _result(_core.smooth_l1(x, t, w, reduction, beta), x)


def binary_cross_entropy_with_logits(
    outputs: npt.ArrayLike,
    targets: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    positive_weight: float | Sequence[float] | None = None,
    reduction: Literal["mean", "weighted_mean", "sum"] = "mean",
) -> tuple[float, Array]:
    """Cross-entropy between yes (1) and no (0), of logits.

    Parameters
    ----------
    outputs
        Logits.
    targets
        Of the same extents, from 0 to 1; truth values, too.
    weights
        Of the terms; repeated along extents of 1.
    positive_weight
        Of yes: one for all, or one for each channel.
    reduction
        What the sum is divided by.

    Returns
    -------
    tuple
        The value, and its derivative with respect to the outputs.
    """
    name = "binary_cross_entropy_with_logits"
    x, t, w = _prepared(name, outputs, targets, weights, integers=True)
    positive = [] if positive_weight is None else np.atleast_1d(positive_weight).astype(float).tolist()
    return _result(_core.binary_cross_entropy(x, t, w, reduction, positive), x)


def cross_entropy(
    outputs: npt.ArrayLike,
    targets: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    class_weights: npt.ArrayLike | None = None,
    label_smoothing: float = 0,
    ignore_index: int = -100,
    reduction: Literal["mean", "weighted_mean", "sum"] = "weighted_mean",
) -> tuple[float, Array]:
    """Cross-entropy between classes, of logits.

    Parameters
    ----------
    outputs
        Logits, a channel for each class.
    targets
        Labels: integers for each picture (batch,) or each pixel, (batch, height, width) or (batch, 1, height,
        width). Or distributions: floats of the extents of the outputs.
    weights
        Of pixels: like the labels, or with 1 in place of an extent.
    class_weights
        One for each class.
    label_smoothing
        Share of the target that all classes divide among them.
    ignore_index
        Pixels of this label do not count.
    reduction
        What the sum is divided by: "weighted_mean", PyTorch's mean, by the weights of the pixels and of their
        labels; "mean" by the number of pixels that count.

    Returns
    -------
    tuple
        The value, and its derivative with respect to the outputs.
    """
    x, _, _ = _prepared("cross_entropy", outputs, np.zeros((1, 1)), None)
    t = as_array(targets, "cross_entropy: targets")
    pixels = (x.shape[0], 1, *(x.shape[2:] if x.ndim == 4 else (1, 1)))
    w = None
    if weights is not None:
        w = as_numbers(weights, x.dtype, "cross_entropy: weights", integers=True)
        w = w.reshape((-1, 1, 1, 1)) if w.ndim == 1 else w[:, None] if w.ndim == 3 else w
    balance = [] if class_weights is None else as_array(class_weights, "cross_entropy").astype(float).tolist()
    if t.dtype.kind in "iu":
        if t.size != np.prod(pixels) or t.ndim not in (1, 2, 3, 4):
            raise InputError(
                f"cross_entropy: given labels of {t.shape} for outputs of {x.shape}, wanted {pixels}, without "
                "the 1 if you like"
            )
        labels = t.astype(np.int64, copy=False).reshape(pixels)
        return _result(
            _core.cross_entropy_of_labels(x, labels, w, reduction, balance, label_smoothing, ignore_index), x
        )
    t = as_numbers(t, x.dtype, "cross_entropy: targets")
    return _result(
        _core.cross_entropy_of_distribution(x, t, w, reduction, balance, label_smoothing, ignore_index), x
    )
