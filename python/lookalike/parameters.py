"""Parameters by name: views of a model's memory, and what they are called elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, Union

import numpy.typing as npt

from . import _core
from ._types import Array

#: How parameters are called elsewhere: a :class:`NameMap`, its rules, or a function from our names to theirs.
Names = Union["NameMap", Sequence[tuple[str, str]], Callable[[str], str]]


class NameMap:
    """Translates the names of parameters between another library (theirs) and this one (ours), by rules.

    A rule is a pair of patterns (theirs, ours), each for one or several whole pieces of a dotted name, wherever
    they occur. ``{n}`` stands for a number, and ``{n+1}`` for one that differs so; ``*`` for any characters but
    dots; ``^`` in front and ``$`` behind tie a pattern to the beginning and the end. At each piece the first
    rule that matches is taken; a piece that no rule takes stays.

    Examples
    --------
    >>> import lookalike as la
    >>> names = la.NameMap([("bn{n+1}", "batch_norm{n}"), ("running_var", "running_variance")])
    >>> names.ours("layer1.0.bn1.running_var")
    'layer1.0.batch_norm0.running_variance'
    >>> names.theirs("layer1.0.batch_norm0.running_variance")
    'layer1.0.bn1.running_var'
    """

    def __init__(self, rules: Sequence[tuple[str, str]] = ()) -> None:
        self.rules = [(str(theirs), str(ours)) for theirs, ours in rules]
        self._map = _core.NameMap(self.rules)

    def theirs(self, name: str) -> str:
        """Return what they call our `name`."""
        return self._map.theirs(name)

    def ours(self, name: str) -> str:
        """Return what we call their `name`."""
        return self._map.ours(name)

    def __add__(self, other: NameMap) -> NameMap:
        """Return the rules of this map, then those of the other."""
        return NameMap(self.rules + other.rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NameMap) and self.rules == other.rules

    def __hash__(self) -> int:
        return hash(tuple(self.rules))

    def __repr__(self) -> str:
        return f"NameMap({self.rules!r})"

    def __reduce__(self) -> Any:
        return NameMap, (self.rules,)


def core_names(names: Names | None) -> _core.NameMap:
    """Return what the extension module knows as a map of names; None: all names stay."""
    if names is None:
        return _core.NameMap([])
    if isinstance(names, NameMap):
        return names._map
    if callable(names):
        return _core.NameMap.by_function(names)
    return NameMap(names)._map


class Parameters(Mapping[str, Array]):
    """The parameters of a model by name: writable views of its memory.

    The dimensions are PyTorch's. Assigning to a name, ``model.parameters["conv0.bias"] = 0``, writes into the
    view.
    """

    def __init__(self, block: Array, table: Sequence[tuple[str, tuple[int, ...], int, int, bool]]) -> None:
        self._block = block
        self._views = {
            name: block[offset : offset + size].reshape(dimensions)
            for name, dimensions, offset, size, _ in table
        }
        self._trainable = {name for name, _, _, _, trainable in table if trainable}

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __setitem__(self, name: str, value: npt.ArrayLike) -> None:
        self._views[name][...] = value

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def is_trainable(self, name: str) -> bool:
        """Return whether the parameter is learned; running averages are not."""
        if name not in self._views:
            raise KeyError(name)
        return name in self._trainable

    def __repr__(self) -> str:
        lines = [f"  {name}: {' x '.join(map(str, view.shape))}" for name, view in self._views.items()]
        return "\n".join([f"{type(self).__name__} of {len(self)} arrays, {self._block.dtype}", *lines])


class Gradients(Parameters):
    """The gradients of a model's parameters by name: writable views. :meth:`Pass.backward` adds to them."""

    def zero(self) -> None:
        """Set all gradients to zero."""
        self._block[...] = 0
