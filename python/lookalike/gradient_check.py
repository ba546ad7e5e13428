"""Are the gradients right? Networks and layers of one's own, against differences in double precision."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from . import _core
from .architecture import ArchitectureLike, _part


@dataclasses.dataclass(frozen=True)
class GradientReport:
    """What a gradient check found; true if all is well.

    Attributes
    ----------
    ok
        Whether there is no problem, and something was compared.
    compared, skipped
        Derivatives that were compared, and others that were too near to a kink.
    worst_error, worst_place
        The largest relative error, and where it is.
    problems
        A sentence for each thing that is wrong.
    text
        All of it, to be read.
    """

    ok: bool
    compared: int
    skipped: int
    worst_error: float
    worst_place: str
    problems: list[str] = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return self.text


def _extent(extent: int | None) -> int:
    return -1 if extent is None else extent


def check_gradients(
    net: ArchitectureLike,
    *,
    step: float = 1e-5,
    tolerance: float = 1e-6,
    samples: int = 40,
    seed: int = 1,
    batch: int | None = None,
    height: int | None = None,
    width: int | None = None,
    evaluation: bool = True,
    training: bool = True,
) -> GradientReport:
    """Compare the gradients of a network with central differences.

    Parameters
    ----------
    net
        A network with its inputs. Parameters are drawn at random around their initial values.
    step
        Of the differences.
    tolerance
        On the relative error.
    samples
        Numbers of each array that are varied; 0: all.
    seed
        Of all that is drawn.
    batch, height, width
        Of the inputs; None: a few.
    evaluation, training
        Modes in which it is checked.

    Examples
    --------
    >>> import lookalike as la
    >>> bool(la.check_gradients(la.input(2) | la.conv(3) | la.batch_norm() | la.relu()))
    True
    """
    return GradientReport(
        **_core.check_gradients(
            _part(net),
            step,
            tolerance,
            samples,
            seed,
            _extent(batch),
            _extent(height),
            _extent(width),
            evaluation,
            training,
        )
    )


def check_layer(
    layer: ArchitectureLike,
    inputs: Sequence[tuple[int, int | None, int | None]],
    *,
    step: float = 1e-5,
    tolerance: float = 1e-6,
    samples: int = 40,
    seed: int = 1,
    constant_inputs: Sequence[int] = (),
    training: bool = True,
) -> GradientReport:
    """Try a layer out in all surroundings that it may find itself in.

    On its own; as the only reader of what it reads; twice over the same inputs; reading slices of wider maps and
    writing one; with one map as all of its inputs. Gradients are compared with differences, and what it yields
    must be the same everywhere.

    Parameters
    ----------
    layer
        A :class:`~lookalike.Layer`, or any architecture that yields one map.
    inputs
        (channels, height, width) of each input; None: a few pixels.
    step, tolerance, samples, seed, training
        As of :func:`check_gradients`.
    constant_inputs
        Inputs that have no gradient, such as indices, by position.
    """
    return GradientReport(
        **_core.check_layer(
            _part(layer),
            [(c, _extent(h), _extent(w)) for c, h, w in inputs],
            step,
            tolerance,
            samples,
            seed,
            list(constant_inputs),
            training,
        )
    )
