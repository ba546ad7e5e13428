"""Networks as values: :class:`Architecture`, ``|``, and what else puts networks together.

An architecture is a recipe without parameters. Between layers flows a flat list of arrays: ``branch(a, b)``
yields two where one came in, and a layer of one input that is given several receives them concatenated by
channel. The functions here and in :mod:`lookalike.nn` are ordinary ones, so loops and recursion make networks:

>>> import lookalike as la
>>> def unet(levels, channels, block):
...     if levels == 0:
...         return la.named("bottleneck", block(channels))
...     below = la.named("below", unet(levels - 1, 2 * channels, block))
...     body = la.max_pool(2) | below | la.named("up", la.up_conv(channels))
...     return la.named("encoder", block(channels)) | la.skip(body) | la.named("decoder", block(channels))
>>> net = la.input(3) | unet(4, 64, la.models.double_conv) | la.conv(2, kernel=1)
>>> net == la.input(3) | la.unet(4, 64, la.models.double_conv) | la.conv(2, kernel=1)
True

A part of a network is called by its path: ``named("encoder", conv(8) | relu())`` holds ``encoder.conv0`` and
``encoder.relu0``, and ``encoder`` is what it yields.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Union, overload

from . import _core, stage
from ._describe import describe
from .errors import CompositionError

if TYPE_CHECKING:
    from .layer import Layer

#: What can stand between ``|`` in a network.
ArchitectureLike = Union["Architecture", "Layer"]


class Architecture:
    """The recipe of a network: layers, their options, edges and names; no parameters.

    ``Architecture()`` hands on what comes in. Two architectures are equal when they are the same network,
    however they were put together. They can be copied, pickled, and written as JSON.

    >>> import lookalike as la
    >>> la.input(3) | la.conv(8) | la.relu()
    input(3) | conv(8) | relu()
    """

    # NumPy must not try `array | architecture` element by element.
    __array_ufunc__: ClassVar[None] = None
    __slots__ = ("_value",)

    #: What tells networks from stages.
    is_network: ClassVar[bool] = True
    _value: _core.Architecture

    def __init__(self) -> None:
        self._value = _core.Architecture()

    @classmethod
    def _of(cls, value: _core.Architecture) -> Architecture:
        result = cls.__new__(cls)
        result._value = value
        return result

    def __or__(self, other: Any) -> Architecture:
        """Run this network, then `other` with what it yields."""
        return self._of(self._value | _part(other))

    def __ror__(self, other: Any) -> Architecture:
        """Run `other`, then this network with what it yields."""
        return self._of(_part(other) | self._value)

    def __len__(self) -> int:
        """Return the number of layers."""
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return self._value.same(other._value) and self._own_layers() == other._own_layers()

    def __hash__(self) -> int:
        nodes = self._value.parts()["nodes"]
        return hash(tuple((n["kind"], *n["options"].values(), *n["inputs"]) for n in nodes))

    def __repr__(self) -> str:
        return describe(self._value.parts())

    def __reduce__(self) -> Any:
        return _rebuild, (self._value.parts(),)

    def _own_layers(self) -> list[Any]:
        return [n["layer"] for n in self._value.parts()["nodes"] if n["layer"] is not None]

    def to_json(self) -> str:
        """Return the network as text.

        Layers written in Python are written by kind and options; :meth:`from_json` has to be told what they
        are.

        Raises
        ------
        InputError
            If an option is no finite number.
        """
        return self._value.to_json()

    @classmethod
    def from_json(cls, text: str, layers: Mapping[str, Any] | None = None) -> Architecture:
        """Return the network that :meth:`to_json` wrote.

        Parameters
        ----------
        text
            What was written. Nothing in it is run or believed.
        layers
            For each kind of layer written in Python its class, which is called with the options by name.

        Raises
        ------
        InputError
            If the text is no architecture, or a kind of layer is not known.
        """
        return cls._of(_core.Architecture.from_json(text, dict(layers or {})))


def _rebuild(parts: Any) -> Architecture:
    return Architecture._of(_core.Architecture.from_parts(parts))


def _part(value: Any) -> _core.Architecture:
    """Return what stands beside ``|`` in a network."""
    if isinstance(value, Architecture):
        return value._value
    if isinstance(value, stage.Identity):
        return _core.Architecture()
    if stage._is_network(value):
        return value._as_architecture()  # type: ignore[no-any-return]
    if isinstance(value, stage.Stage):
        raise CompositionError(
            f"|: expects an architecture, given the stage {value.name}; | joins networks with networks and "
            "stages with stages, a network enters a pipeline as la.Model(net)"
        )
    if callable(value):
        name = getattr(value, "__name__", type(value).__name__)
        raise CompositionError(f"|: expects an architecture, given the function {name}; write {name}(...)")
    hint = "; data does not enter |, call the model with it" if hasattr(value, "__array__") else ""
    raise CompositionError(f"|: expects an architecture, given {type(value).__name__}{hint}")


def as_architecture(value: ArchitectureLike) -> Architecture:
    """Return an architecture as it is, and a :class:`~lookalike.Layer` as an architecture.

    Raises
    ------
    CompositionError
        If it is neither.
    """
    return value if isinstance(value, Architecture) else Architecture._of(_part(value))


@overload
def input(  # noqa: A001
    channels: int, /, *, name: str = "", height: int | None = None, width: int | None = None
) -> Architecture: ...
@overload
def input(  # noqa: A001
    called: str, channels: int, /, *, height: int | None = None, width: int | None = None
) -> Architecture: ...
def input(  # noqa: A001
    *args: Any, name: str = "", height: int | None = None, width: int | None = None
) -> Architecture:
    """Where a network begins: ``input(3)``, or one of several inputs by name, ``input("mask", 1)``.

    Parameters
    ----------
    channels
        Channels of the pictures that come in.
    name
        Where there are several inputs, what this one is called.
    height, width
        Extents that the network insists on; None: any.

    Examples
    --------
    >>> import lookalike as la
    >>> net = la.branch(la.input("image", 3), la.input("mask", 1)) | la.conv(64)
    """
    if len(args) == 2:
        name, channels = args
    elif len(args) == 1:
        (channels,) = args
    else:
        raise TypeError(f"input: given {len(args)} values, wanted channels, or name and channels")
    return Architecture._of(
        _core.input(channels, name, -1 if height is None else height, -1 if width is None else width)
    )


def _of_inputs(shapes: Sequence[tuple[int, int | None, int | None]]) -> Architecture:
    """Return inputs of these extents, called "x0", "x1" and so on where there are several."""
    if len(shapes) == 1:
        ((channels, height, width),) = shapes
        return input(channels, height=height, width=width)
    return branch(*(input(c, name=f"x{i}", height=h, width=w) for i, (c, h, w) in enumerate(shapes)))


def identity() -> Architecture:
    """Hand on what comes in."""
    return Architecture()


def branch(first: Any, /, *others: Any) -> Architecture:
    """Give what comes in to all of several networks; yields what they yield, one after another."""
    return Architecture._of(_core.branch([_part(body) for body in (first, *others)]))


def skip(body: Any, /) -> Architecture:
    """Yield what comes in, and what `body` makes of it: ``branch(identity(), body)``."""
    return branch(Architecture(), body)


def residual(body: Any, shortcut: Any = None) -> Architecture:
    """Yield the sum of what `body` and `shortcut` make of what comes in.

    Parameters
    ----------
    body
        A network.
    shortcut
        Another; None: what comes in as it is.
    """
    return Architecture._of(
        _core.residual(_part(body), _core.Architecture() if shortcut is None else _part(shortcut))
    )


def named(name: str, body: Any) -> Architecture:
    """Return `body` with a name before the names in it."""
    return Architecture._of(_core.named(name, _part(body)))


def shared(name: str, body: Any) -> Architecture:
    """Return `body` with a name; wherever the same full name comes again, the parameters are the same."""
    return Architecture._of(_core.shared(name, _part(body)))


def from_(name: str) -> Architecture:
    """Yield what the part of that name yields, instead of what comes in.

    The nearest one before is meant, looked for in the scopes around, inner ones first:
    ``branch(identity(), from_("encoder.conv1")) | conv(8)``.
    """
    return Architecture._of(_core.from_(name))


def expose(*names: str) -> Architecture:
    """Hand on what comes in, and keep the parts of these names, so that a pass can show them.

    Without, inference keeps what it needs only. The names are looked for in the scopes around, inner ones
    first.
    """
    return Architecture._of(_core.expose(list(names)))


def repeat(count: int, body: Any) -> Architecture:
    """Return `count` times `body`, one after another, named "0", "1" and so on, each with its parameters."""
    return Architecture._of(_core.repeat(count, _part(body)))


@dataclasses.dataclass(frozen=True)
class ReceptiveField:
    """How much of a picture one output of a network sees.

    Attributes
    ----------
    size, least_size
        (height, width) from the first to the last pixel seen, at the positions that see the most and the least.
    stride, outputs_per_step
        Positions `outputs_per_step` apart see fields `stride` pixels apart.
    padding
        How far the field of the first position reaches over the border, above and on the left.
    everything
        Whether the whole picture is seen; the sizes then mean nothing.
    nothing
        Whether the output does not depend on that input.
    """

    size: tuple[int, int]
    least_size: tuple[int, int]
    stride: tuple[int, int]
    outputs_per_step: tuple[int, int]
    padding: tuple[int, int]
    everything: bool
    nothing: bool


def receptive_field(
    net: ArchitectureLike,
    *,
    of: str = "",
    input: int = 0,  # noqa: A002
) -> ReceptiveField:
    """Return how much of an input one position of a value sees.

    Parameters
    ----------
    net
        A network with its inputs.
    of
        Name of a part; empty: the first output.
    input
        Which input, by position.

    Examples
    --------
    >>> import lookalike as la
    >>> la.receptive_field(la.models.patch_discriminator()).size
    (70, 70)
    """
    return ReceptiveField(**_core.receptive_field(_part(net), of, input))
