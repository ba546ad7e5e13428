"""Encoders beside gist and colors: networks, several encoders as one, and none at all.

Whatever describes pictures can describe a collection, ``la.Collection.build(folder, encoder=...)``, and stand
before a look-up in it::

    look = la.picture_encoder(la.branch(la.gist, la.encode(net, "code")))
    photos = la.Collection.build("holiday_pictures", encoder=look)
    find = look | la.lookup(photos, 5)

A collection remembers what its encoder is called, with all parameters (of a network, a hash of its weights),
and refuses to be added to, or searched, with another one.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from . import _core
from .completion import _Encoder
from .errors import InputError
from .network import Model
from .stage import IMAGE


@dataclasses.dataclass(frozen=True, repr=False)
class PictureEncoder(_Encoder):
    """An encoder of pictures as a stage. Made by :func:`picture_encoder`.

    Attributes
    ----------
    encoder
        A stage that describes pictures, a branch of such, or a callable as :meth:`Collection.build` takes it.
    """

    encoder: Any

    name = "picture_encoder"
    input = IMAGE

    def __post_init__(self) -> None:
        object.__setattr__(self, "_stage", _core.PictureEncoder(self.encoder))


@dataclasses.dataclass(frozen=True, repr=False)
class Encode(_Encoder):
    """Part of a network as a descriptor. Made by :func:`encode`.

    Attributes
    ----------
    net, part, height, width, mean, deviation, unit_length, importance
        As :func:`encode` takes them.
    """

    net: Model
    part: str = "out"
    height: int = 0
    width: int = 0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)
    unit_length: bool = False
    importance: float = 1.0

    name = "encode"
    input = IMAGE

    def __post_init__(self) -> None:
        if not isinstance(getattr(self.net, "_network", None), _core.FloatNetwork):
            raise InputError(f"encode: given {type(self.net).__name__}, wanted a Model of float32")
        stage = _core.PictureEncoder.of_network(
            self.net._network,
            part=self.part,
            height=self.height,
            width=self.width,
            mean=list(self.mean),
            deviation=list(self.deviation),
            unit_length=self.unit_length,
            importance=self.importance,
        )
        object.__setattr__(self, "_stage", stage)


@dataclasses.dataclass(frozen=True, repr=False)
class ThumbnailsOnly(_Encoder):
    """The encoder of a collection that keeps tiny images and nothing else.

    A :class:`~lookalike.ThumbnailIndex` looks them up. Its descriptors are empty.
    """

    name = "thumbnails_only"
    input = IMAGE

    def __post_init__(self) -> None:
        object.__setattr__(self, "_stage", _core.PictureEncoder.thumbnails_only())


thumbnails_only = ThumbnailsOnly()


def picture_encoder(encoder: Any) -> PictureEncoder:
    """Return an encoder of pictures as one stage that yields one descriptor.

    Parameters
    ----------
    encoder
        A stage that describes pictures, or a branch of several, whose blocks are then joined in their order;
        or a callable as :meth:`Collection.build` takes it.

    Raises
    ------
    InputError
        If it is none of these.

    Examples
    --------
    >>> look = la.picture_encoder(la.branch(la.gist, la.color_grid))
    >>> [block.name for block in look.blocks]
    ['gist(side=128,orientations=6,scales=5,grid=4)', 'color_grid(grid=4)']
    """
    return PictureEncoder(encoder)


def encode(
    net: Model,
    part: str = "out",
    *,
    height: int = 0,
    width: int = 0,
    mean: tuple[float, ...] = (0.0, 0.0, 0.0),
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0),
    unit_length: bool = False,
    importance: float = 1.0,
) -> Encode:
    """Return the stage from a picture to a part of a network, a bottleneck for instance, as a descriptor.

    The network is copied: later training does not change what the stage yields. Pictures of any size are
    squashed to the network's.

    Parameters
    ----------
    net
        A network of float32 with one input of 3 channels.
    part
        One of its outputs, or a named part of its architecture.
    height, width
        Of the pictures that the network sees. 0: what the network says, which must then be fixed.
    mean, deviation
        Of each channel, as in training: of values in [0, 1] the network sees ``(value - mean) / deviation``.
    unit_length
        Whether descriptors are scaled to length 1.
    importance
        How much the block counts beside others.

    Raises
    ------
    InputError
        If the network takes something else, or has no such part.
    """
    return Encode(net, part, height, width, tuple(mean), tuple(deviation), unit_length, importance)
