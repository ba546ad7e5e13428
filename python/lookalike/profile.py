"""What :meth:`lookalike.Model.profile` and :meth:`lookalike.Model.tune` found out about the time of layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Profile:
    """The time of each layer; printed, it is a table.

    Attributes
    ----------
    seconds
        By the name of the layer, in the order in which they run. What is fused into a layer counts there.
    """

    seconds: Mapping[str, float]
    _text: str = dataclasses.field(repr=False, compare=False, default="")

    def __str__(self) -> str:
        return self._text


@dataclasses.dataclass(frozen=True)
class TunedLayer:
    """A layer for which another algorithm than the default's is faster.

    Attributes
    ----------
    algorithm
        As of :meth:`lookalike.Model.set_execution`.
    seconds, default_seconds
        What the layer takes with it, and with the algorithm that it replaces.
    """

    algorithm: str
    seconds: float
    default_seconds: float
