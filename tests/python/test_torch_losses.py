"""Losses with options drawn at random, against PyTorch: values and derivatives."""

from __future__ import annotations

import lookalike as la
import numpy as np
import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional

DTYPES = [np.float64, np.float32]
#: Relative to the value, and to the largest derivative.
TOLERANCE = {np.float64: 1e-10, np.float32: 1e-5}
CASES = 24


def draw(name, number):
    return np.random.default_rng([number, *name.encode()])


def compare(found, outputs, reference, dtype):
    """`reference` computes the loss of a tensor; in double precision, so that only ours can be off."""
    tensor = torch.tensor(outputs.astype(np.float64), requires_grad=True)
    wanted = reference(tensor)
    wanted.backward()
    value, gradient = found
    tolerance = TOLERANCE[dtype]
    assert isinstance(value, float) and gradient.dtype == dtype and gradient.shape == outputs.shape
    assert abs(value - wanted.item()) <= tolerance * abs(wanted.item())
    largest = tensor.grad.abs().max().item()
    assert np.abs(gradient - tensor.grad.numpy()).max() <= tolerance * largest


def draw_shape(chance):
    channels = int(chance.integers(1, 9))
    if chance.random() < 0.3:
        return int(chance.integers(1, 9)), channels
    return (int(chance.integers(1, 4)), channels, *map(int, chance.integers(1, 12, 2)))


def draw_weights(chance, shape, dtype):
    """Return none, or weights with 1 in place of some extents."""
    if chance.random() < 0.4:
        return None
    kept = [extent if chance.random() < 0.6 else 1 for extent in shape]
    return chance.uniform(0, 3, kept).astype(dtype)


def reduced(terms, weights, reduction):
    """What the terms come to by the documentation of lookalike.losses, in PyTorch."""
    w = torch.ones_like(terms) if weights is None else torch.tensor(weights).double().expand(terms.shape)
    total = (w * terms).sum()
    return {
        "mean": lambda: total / terms.numel(),
        "weighted_mean": lambda: total / w.sum(),
        "sum": lambda: total,
    }[reduction]()


@pytest.mark.parametrize("dtype", DTYPES, ids=["double", "float"])
@pytest.mark.parametrize("number", range(CASES))
@pytest.mark.parametrize("name", ["mse", "l1", "smooth_l1"])
def test_regression(name, number, dtype):
    chance = draw(name, number)
    shape = draw_shape(chance)
    x, t = (chance.standard_normal(shape).astype(dtype) for _ in range(2))
    weights = draw_weights(chance, shape, dtype)
    reduction = str(chance.choice(["mean", "weighted_mean", "sum"]))
    options = {"beta": float(chance.uniform(0.2, 2))} if name == "smooth_l1" else {}
    function = {"mse": F.mse_loss, "l1": F.l1_loss, "smooth_l1": F.smooth_l1_loss}[name]
    compare(
        getattr(la.losses, name)(x, t, weights, reduction=reduction, **options),
        x,
        lambda y: reduced(
            function(y, torch.tensor(t).double(), reduction="none", **options), weights, reduction
        ),
        dtype,
    )
    # PyTorch's own mean and sum, where there are no weights.
    own = "sum" if reduction == "sum" else "mean"
    compare(
        getattr(la.losses, name)(x, t, reduction=own, **options),
        x,
        lambda y: function(y, torch.tensor(t).double(), reduction=own, **options),
        dtype,
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=["double", "float"])
@pytest.mark.parametrize("number", range(CASES))
def test_binary_cross_entropy(number, dtype):
    chance = draw("binary", number)
    shape = draw_shape(chance)
    x = (chance.uniform(0.5, 30) * chance.standard_normal(shape)).astype(dtype)
    t = chance.random(shape).astype(dtype) if chance.random() < 0.5 else chance.random(shape) < 0.3
    weights = draw_weights(chance, shape, dtype)
    kind = chance.integers(3)
    positive = [None, float(chance.uniform(0.1, 5)), chance.uniform(0.1, 5, shape[1]).tolist()][kind]
    theirs = None if positive is None else torch.tensor(positive, dtype=torch.float64)
    if kind == 2:
        theirs = theirs.reshape(-1, *(1,) * (len(shape) - 2))
    reduction = str(chance.choice(["mean", "sum"]))
    compare(
        la.losses.binary_cross_entropy_with_logits(
            x, t, weights, positive_weight=positive, reduction=reduction
        ),
        x,
        lambda y: F.binary_cross_entropy_with_logits(
            y,
            torch.tensor(t).double(),
            None if weights is None else torch.tensor(weights).double(),
            reduction=reduction,
            pos_weight=theirs,
        ),
        dtype,
    )


def draw_logits(chance, dtype):
    shape = draw_shape(chance)
    shape = (shape[0], shape[1] + 1, *shape[2:])
    return (chance.uniform(0.5, 10) * chance.standard_normal(shape)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=["double", "float"])
@pytest.mark.parametrize("number", range(CASES))
def test_cross_entropy_of_labels(number, dtype):
    chance = draw("labels", number)
    x = draw_logits(chance, dtype)
    labels = chance.integers(0, x.shape[1], (x.shape[0], *x.shape[2:]))
    ignored = int(chance.choice([-100, 0, 255]))
    if ignored != 0 and labels.size > 1:
        labels = np.where(chance.random(labels.shape) < 0.2, ignored, labels)
    labels.flat[0] = 1  # not all are ignored
    balance = chance.uniform(0.1, 3, x.shape[1]) if chance.random() < 0.5 else None
    smoothing = float(chance.choice([0, 0, 0.1, 0.7]))
    reduction = str(chance.choice(["weighted_mean", "sum"]))
    compare(
        la.losses.cross_entropy(
            x,
            labels,
            class_weights=balance,
            label_smoothing=smoothing,
            ignore_index=ignored,
            reduction=reduction,
        ),
        x,
        lambda y: F.cross_entropy(
            y,
            torch.tensor(labels),
            None if balance is None else torch.tensor(balance),
            ignore_index=ignored,
            reduction="mean" if reduction == "weighted_mean" else "sum",
            label_smoothing=smoothing,
        ),
        dtype,
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=["double", "float"])
@pytest.mark.parametrize("number", range(CASES))
def test_cross_entropy_of_distributions(number, dtype):
    chance = draw("distributions", number)
    x = draw_logits(chance, dtype)
    t = chance.random(x.shape)
    t = (t / t.sum(1, keepdims=True)).astype(dtype)
    balance = chance.uniform(0.1, 3, x.shape[1]) if chance.random() < 0.5 else None
    smoothing = float(chance.choice([0, 0, 0.1, 0.7]))
    reduction = str(chance.choice(["mean", "sum"]))
    compare(
        la.losses.cross_entropy(x, t, class_weights=balance, label_smoothing=smoothing, reduction=reduction),
        x,
        lambda y: F.cross_entropy(
            y,
            torch.tensor(t).double(),
            None if balance is None else torch.tensor(balance),
            reduction=reduction,
            label_smoothing=smoothing,
        ),
        dtype,
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=["double", "float"])
@pytest.mark.parametrize("number", range(CASES))
def test_cross_entropy_with_weights_of_pixels(number, dtype):
    chance = draw("pixels", number)
    x = chance.standard_normal((2, int(chance.integers(2, 6)), *map(int, chance.integers(1, 9, 2)))).astype(
        dtype
    )
    labels = chance.integers(0, x.shape[1], (2, *x.shape[2:]))
    weights = chance.uniform(0, 5, labels.shape).astype(dtype)
    reduction = str(chance.choice(["mean", "weighted_mean", "sum"]))
    compare(
        la.losses.cross_entropy(x, labels, weights, reduction=reduction),
        x,
        lambda y: reduced(F.cross_entropy(y, torch.tensor(labels), reduction="none"), weights, reduction),
        dtype,
    )
