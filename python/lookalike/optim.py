"""Optimizers, and schedules of their learning rates.

>>> import lookalike as la, numpy as np
>>> model = la.Model(la.input(1) | la.conv(1, kernel=1))
>>> optimizer = la.Adam(learning_rate=1e-3, frozen=["*.bias"])
>>> x = np.ones((4, 1, 8, 8), np.float32)
>>> run = model.forward(x, training=True)
>>> value, gradient = la.losses.mse(run.output, 0 * x)
>>> _ = run.backward(gradient)
>>> optimizer.step(model)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Union

import numpy as np

from . import _core
from ._types import Array
from .errors import InputError

if TYPE_CHECKING:
    from .network import Model

#: What the learning rate is multiplied by in a step, counted from 0.
Schedule = Union[Callable[[int], float], "ReduceOnPlateau"]


@dataclasses.dataclass(frozen=True)
class Group:
    """Parameters that learn in their own way.

    Attributes
    ----------
    pattern
        Full names, with ``*`` and ``?``: ``"*.bias"``. A parameter belongs to the first that it matches.
    learning_rate_factor
        What their learning rate is multiplied by.
    weight_decay
        Instead of the optimizer's; None: the optimizer's.
    """

    pattern: str
    learning_rate_factor: float = 1
    weight_decay: float | None = None


class Optimizer:
    """What all optimizers have in common.

    An optimizer remembers something of each parameter, so it belongs to the model of its first step.
    """

    _rule: ClassVar[str] = ""

    def __init__(
        self,
        options: Mapping[str, float],
        frozen: Sequence[str],
        groups: Sequence[Group],
        clip_norm: float,
        clip_value: float,
    ) -> None:
        if isinstance(frozen, str):
            raise InputError(f"optimizer: given frozen={frozen!r}, wanted a list of patterns")
        self._options = {name: float(value) for name, value in options.items()}
        self._frozen = list(frozen)
        self._groups = list(groups)
        self._clip = clip_norm, clip_value
        self._model: Model | None = None
        self._optimizer: Any = self._make(np.dtype(np.float32))  # finds out whether the options make sense

    def _make(self, dtype: np.dtype[Any]) -> Any:
        kind = _core.FloatOptimizer if dtype == np.float32 else _core.DoubleOptimizer
        groups = [(g.pattern, g.learning_rate_factor, g.weight_decay) for g in self._groups]
        return kind(self._rule, self._options, self._frozen, groups, *self._clip)

    def _of(self, model: Model) -> Any:
        """Return what does the work, which belongs to `model`."""
        if self._model is None:
            self._model = model
            self._optimizer = self._make(model.dtype)
        elif self._model is not model:
            raise InputError("optimizer: given another model than before, wanted an optimizer for each")
        return self._optimizer

    def step(self, model: Model, factor: float = 1) -> None:
        """Make one step along ``model.gradients``, which are zero then.

        Parameters
        ----------
        model
            The model of all steps.
        factor
            What the learning rate is multiplied by; schedules return it.

        Raises
        ------
        InputError
            If a pattern matches no parameter, or a gradient that is to be clipped is not finite; nothing has
            changed then.
        """
        self._of(model).step(model._network, factor)

    @property
    def learning_rate(self) -> float:
        """What schedules and groups are factors of; may be set."""
        return self._options["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._optimizer.set_learning_rate(rate)
        self._options["learning_rate"] = float(rate)

    @property
    def frozen(self) -> list[str]:
        """Patterns of parameters that stay as they are; may be set, what was remembered of them is kept."""
        return list(self._frozen)

    @frozen.setter
    def frozen(self, patterns: Sequence[str]) -> None:
        self._frozen = list(patterns)
        self._optimizer.set_frozen(self._frozen)

    def state(self, model: Model) -> dict[str, Array]:
        """Return copies of what is remembered, by names such as "momentum.conv0.weight"."""
        return dict(self._of(model).state(model._network))

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value:g}" for name, value in self._options.items())
        return f"{type(self).__name__}({options})"


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum; PyTorch's definition.

    Parameters
    ----------
    learning_rate
        Step along the gradient.
    momentum, dampening, nesterov
        velocity = momentum velocity + (1 - dampening) gradient.
    weight_decay
        Added to the gradient, times the value.
    frozen
        Patterns of parameters that stay as they are: ``["encoder.*"]``.
    groups
        Parameters that learn in their own way.
    clip_norm, clip_value
        Gradients longer than `clip_norm` are scaled down to it, all parameters taken together; their numbers
        are kept within `clip_value`. 0: they are not.
    """

    _rule = "sgd"

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        momentum: float = 0,
        dampening: float = 0,
        nesterov: bool = False,
        weight_decay: float = 0,
        frozen: Sequence[str] = (),
        groups: Sequence[Group] = (),
        clip_norm: float = 0,
        clip_value: float = 0,
    ) -> None:
        options = {
            "learning_rate": learning_rate,
            "momentum": momentum,
            "dampening": dampening,
            "nesterov": nesterov,
            "weight_decay": weight_decay,
        }
        super().__init__(options, frozen, groups, clip_norm, clip_value)


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015); see :class:`SGD` for the options of every optimizer."""

    _rule = "adam"

    def __init__(
        self,
        learning_rate: float = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0,
        frozen: Sequence[str] = (),
        groups: Sequence[Group] = (),
        clip_norm: float = 0,
        clip_value: float = 0,
    ) -> None:
        options = {
            "learning_rate": learning_rate,
            "beta1": beta1,
            "beta2": beta2,
            "epsilon": epsilon,
            "weight_decay": weight_decay,
        }
        super().__init__(options, frozen, groups, clip_norm, clip_value)


class AdamW(Optimizer):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter, 2019); see :class:`SGD`."""

    _rule = "adamw"

    def __init__(
        self,
        learning_rate: float = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
        frozen: Sequence[str] = (),
        groups: Sequence[Group] = (),
        clip_norm: float = 0,
        clip_value: float = 0,
    ) -> None:
        options = {
            "learning_rate": learning_rate,
            "beta1": beta1,
            "beta2": beta2,
            "epsilon": epsilon,
            "weight_decay": weight_decay,
        }
        super().__init__(options, frozen, groups, clip_norm, clip_value)


class Adadelta(Optimizer):
    """ADADELTA (Zeiler, 2012), with the paper's defaults; see :class:`SGD`."""

    _rule = "adadelta"

    def __init__(
        self,
        learning_rate: float = 1,
        *,
        rho: float = 0.95,
        epsilon: float = 1e-6,
        weight_decay: float = 0,
        frozen: Sequence[str] = (),
        groups: Sequence[Group] = (),
        clip_norm: float = 0,
        clip_value: float = 0,
    ) -> None:
        options = {
            "learning_rate": learning_rate,
            "rho": rho,
            "epsilon": epsilon,
            "weight_decay": weight_decay,
        }
        super().__init__(options, frozen, groups, clip_norm, clip_value)


# Schedules
# --------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class StepDecay:
    """Multiplied by `factor` at each of the milestones."""

    milestones: Sequence[int]
    factor: float = 0.1

    def __call__(self, step: int) -> float:
        """Return the factor of the learning rate in `step`."""
        return _core.step_decay(step, list(self.milestones), self.factor)


@dataclasses.dataclass(frozen=True)
class ExponentialDecay:
    """Multiplied by `factor` every `every` steps."""

    factor: float = 0.95
    every: int = 1

    def __call__(self, step: int) -> float:
        """Return the factor of the learning rate in `step`."""
        return _core.exponential_decay(step, self.factor, self.every)


@dataclasses.dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 down to `last` after `steps` (Loshchilov and Hutter, 2017)."""

    steps: int
    last: float = 0

    def __call__(self, step: int) -> float:
        """Return the factor of the learning rate in `step`."""
        return _core.cosine(step, self.steps, self.last)


@dataclasses.dataclass(frozen=True)
class Linear:
    """1 for `hold` steps, then in a straight line to `last` over `steps` more."""

    steps: int
    last: float = 0
    hold: int = 0

    def __call__(self, step: int) -> float:
        """Return the factor of the learning rate in `step`."""
        return _core.linear(step, self.steps, self.last, self.hold)


@dataclasses.dataclass(frozen=True)
class Polynomial:
    """(1 - step / steps)^power, scaled to end at `last`."""

    steps: int
    power: float = 1
    last: float = 0

    def __call__(self, step: int) -> float:
        """Return the factor of the learning rate in `step`."""
        return _core.polynomial(step, self.steps, self.power, self.last)


@dataclasses.dataclass(frozen=True)
class OneCycle:
    """Up from `first` to 1 for the share `rise` of all steps, then down to `last` (Smith and Topin, 2018)."""

    steps: int
    rise: float = 0.3
    first: float = 1 / 25
    last: float = 1 / 250000

    def __call__(self, step: int) -> float:
        """Return the factor of the learning rate in `step`."""
        return _core.one_cycle(step, self.steps, self.rise, self.first, self.last)


@dataclasses.dataclass(frozen=True)
class WarmUp:
    """In equal rises from `first` up to the beginning of `after` during `steps`, then as `after` says."""

    steps: int
    after: Callable[[int], float]
    first: float = 0

    def __call__(self, step: int) -> float:
        """Return the factor of the learning rate in `step`."""
        return _core.warm_up(step, self.steps, self.after, self.first)


class ReduceOnPlateau:
    """Multiplied by `factor` when a value has stopped getting better; PyTorch's ``ReduceLROnPlateau``.

    In :meth:`lookalike.Model.fit` the value is the score of validation, or without it the loss, of each epoch.

    Parameters
    ----------
    factor
        What the learning rate is multiplied by.
    patience
        How many values in a row may be no better before that.
    threshold
        How much better, relative to the best so far, counts as better.
    cooldown
        How many values after a reduction are not counted.
    minimum
        The factor never falls below it.
    larger_is_better
        Whether the value should grow.
    """

    def __init__(
        self,
        factor: float = 0.1,
        patience: int = 10,
        *,
        threshold: float = 1e-4,
        cooldown: int = 0,
        minimum: float = 0,
        larger_is_better: bool = False,
    ) -> None:
        self._watch = _core.ReduceOnPlateau(factor, patience, threshold, cooldown, minimum, larger_is_better)

    def update(self, value: float) -> float:
        """Take the next value in and return the factor of the learning rate from now on."""
        return self._watch.update(value)

    @property
    def factor(self) -> float:
        """What the learning rate is multiplied by now."""
        return self._watch.factor()

    def state(self) -> dict[str, float]:
        """Return what is remembered, to be restored later."""
        return self._watch.state()

    def restore(self, numbers: Mapping[str, float]) -> None:
        """Go on from what :meth:`state` returned."""
        self._watch.restore(dict(numbers))
