"""Layers of one's own, written with NumPy."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from . import _core
from ._types import Array
from .architecture import Architecture, _part
from .errors import InputError

#: (channels, height, width); None: not known before a picture comes in.
Shape = tuple[Any, Any, Any]

_ANY_NUMBER = -1
_RESERVED = ("output", "training", "seed")


class Layer:
    """A layer of one's own: derive from it, and it stands in networks like any other.

    Methods that a subclass has, with arrays of (batch, channels, height, width), which it may keep:

    ``forward(self, *inputs)``
        Returns the output. The arguments are the inputs of the layer; ``*inputs`` takes any number of them.
    ``backward(self, gradient, *inputs)``
        Returns the gradient with respect to the input, or a tuple for several; None where there is none. With
        parameters it returns a pair of that and a dict of the parameters' gradients by name. Without the
        method, networks with the layer can not learn.
    ``infer_shape(self, *inputs)``
        Returns (channels, height, width) of the output from those of the inputs, where None stands for what is
        not known yet. By default the first input's.
    ``parameters``
        A dict of what is learned: for each name an array to begin with, or a shape, which begins with zeros;
        or a method ``parameters(self, *inputs)`` that returns such a dict for the shapes of inputs.

    Both ``forward`` and ``backward`` are given more by name, if they have a keyword of that name: the
    parameters, ``training``, ``seed`` (an int for what is left to chance, the same in both), and ``backward``
    also ``output``.

    Attributes
    ----------
    kind
        What the names of such layers are made of; by default the class's name in small letters.
    options
        Names of attributes (numbers) that tell layers of this kind apart. They are shown, compared and saved.

    Examples
    --------
    >>> import lookalike as la, numpy as np
    >>> class ChannelGate(la.Layer):
    ...     options = ("gain",)
    ...
    ...     def __init__(self, gain=1.0):
    ...         self.gain = gain
    ...
    ...     def parameters(self, x):
    ...         return {"weight": np.ones(x[0])}
    ...
    ...     def forward(self, x, *, weight):
    ...         return self.gain * weight[:, None, None] * x
    ...
    ...     def backward(self, gradient, x, *, weight):
    ...         to_weight = (self.gain * gradient * x).sum((0, 2, 3))
    ...         return self.gain * weight[:, None, None] * gradient, {"weight": to_weight}
    >>> la.input(3) | la.conv(8) | ChannelGate(gain=2) | la.relu()
    input(3) | conv(8) | ChannelGate(gain=2) | relu()
    """

    __array_ufunc__: ClassVar[None] = None
    is_network: ClassVar[bool] = True

    kind: ClassVar[str] = ""
    options: ClassVar[Sequence[str]] = ()
    parameters: Any = {}  # noqa: RUF012 - replaced by subclasses, never changed

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if "kind" not in cls.__dict__:
            cls.kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower().lstrip("_")
        if isinstance(cls.options, str):
            raise TypeError(f"{cls.__name__}.options: given {cls.options!r}, wanted a tuple of names")

    def forward(self, *inputs: Any) -> Any:
        """Return the output."""
        raise NotImplementedError(f"{type(self).__name__}: a layer needs a method forward(x)")

    def infer_shape(self, *inputs: Shape) -> Shape:
        """Return (channels, height, width) of the output."""
        return inputs[0]

    def __or__(self, other: Any) -> Architecture:
        """Run this layer, then `other` with what it yields."""
        return Architecture._of(self._as_architecture()).__or__(other)

    def __ror__(self, other: Any) -> Architecture:
        """Run `other`, then this layer with what it yields."""
        return Architecture._of(_part(other)) | Architecture._of(self._as_architecture())

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        if not self.options:
            return self is other
        return all(getattr(self, name) == getattr(other, name) for name in self.options)

    def __hash__(self) -> int:
        if not self.options:
            return object.__hash__(self)
        return hash((type(self), tuple(getattr(self, name) for name in self.options)))

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.options)
        return f"{type(self).__name__}({options})"

    # What the extension module calls
    # ----------------------------------------------------------------------------------------------------------

    def _as_architecture(self) -> _core.Architecture:
        return _core.python_layer(self)

    def _input_count(self) -> int:
        count = 0
        for parameter in inspect.signature(self.forward).parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                return _ANY_NUMBER
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                count += 1
        return count

    def _has_backward(self) -> bool:
        return hasattr(self, "backward")

    def _reads_output(self) -> bool:
        return self._has_backward() and "output" in _keywords(self.backward, {"output": None})  # type: ignore[attr-defined]

    def _infer_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        result = tuple(self.infer_shape(*inputs))
        if len(result) != 3 or not all(
            e is None or (isinstance(e, (int, np.integer)) and e > 0) for e in result
        ):
            raise InputError(
                f"{self.kind}: infer_shape returned {result!r}, wanted (channels, height, width), None where an "
                "extent is not known"
            )
        return result

    def _parameter_rows(self, inputs: tuple[Shape, ...]) -> list[tuple[str, list[int], Array | None]]:
        declared = self.parameters(*inputs) if callable(self.parameters) else self.parameters
        rows: list[tuple[str, list[int], Array | None]] = []
        for name, value in declared.items():
            if not isinstance(name, str) or not name.isidentifier() or name in _RESERVED:
                raise InputError(
                    f"{self.kind}: given the parameter {name!r}, wanted a name that is none of "
                    f"{', '.join(_RESERVED)}"
                )
            initial = None
            if isinstance(value, np.ndarray):
                initial, dimensions = value, list(value.shape)
            else:
                dimensions = [value] if isinstance(value, (int, np.integer)) else list(value)
            if any(e is None for e in dimensions):
                raise InputError(
                    f"{self.kind}: {name} needs an extent that is not known before a picture comes in"
                )
            if len(dimensions) > 4 or any(e < 1 for e in dimensions):
                raise InputError(
                    f"{self.kind}: given {name} of {dimensions}, wanted 1 to 4 extents of 1 or more"
                )
            rows.append((name, [int(e) for e in dimensions] or [1], initial))
        return rows

    def _run_forward(
        self, inputs: tuple[Array, ...], parameters: dict[str, Array], training: bool, seed: int
    ) -> Any:
        extra = {**parameters, "training": training, "seed": seed}
        return self.forward(*inputs, **_keywords(self.forward, extra))

    def _run_backward(
        self,
        gradient: Array,
        inputs: tuple[Array, ...],
        output: Array | None,
        parameters: dict[str, Array],
        training: bool,
        seed: int,
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        method = self.backward  # type: ignore[attr-defined]
        extra = {**parameters, "training": training, "seed": seed, "output": output}
        result = method(gradient, *inputs, **_keywords(method, extra))
        learned: Mapping[str, Any] = {}
        if isinstance(result, tuple) and result and isinstance(result[-1], Mapping):
            learned = result[-1]
            result = result[0] if len(result) == 2 else result[:-1]
        gradients = result if isinstance(result, tuple) else (result,)
        if len(gradients) != len(inputs):
            raise InputError(
                f"{self.kind}: backward returned {len(gradients)} gradients, wanted {len(inputs)}, one for each "
                "input"
            )
        unknown = set(learned) - set(parameters)
        if unknown:
            raise InputError(
                f"{self.kind}: backward returned a gradient for {sorted(unknown)[0]!r}, which is no parameter"
            )
        return gradients, dict(learned)


def _keywords(method: Any, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of `extra` a method takes by name."""
    parameters = inspect.signature(method).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return dict(extra)
    names = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    return {name: value for name, value in extra.items() if name in names}
