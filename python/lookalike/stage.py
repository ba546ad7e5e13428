"""The stage algebra: ``|``, :func:`branch`, :func:`skip`.

A stage is a function of one value that knows what kind of value it takes and yields. ``a | b`` runs `b` on
what `a` yields; ``branch(a, b)`` gives one value to several stages and yields the tuple of their results;
``skip(body)`` yields the value itself beside what `body` makes of it. Whether stages fit is checked when they
are put together. Any callable of one argument can take the place of a stage; of what it takes and yields
nothing is known, and nothing is checked.

Data never enters ``|``: a pipeline is called.

>>> import lookalike as la
>>> describe = la.fill_hole | la.scene_descriptor
>>> describe | la.seam
Traceback (most recent call last):
    ...
lookalike.errors.CompositionError: seam: expects placements, given descriptor by scene_descriptor
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, ClassVar, TypeVar, Union, overload

from ._progress import Progress, ProgressCallback, reporting
from .errors import CompositionError

if TYPE_CHECKING:
    from .architecture import Architecture
    from .layer import Layer

#: What flows between stages, for people; a tuple for what `branch` and `skip` yield; None where nothing is
#: known.
Kind = Union[None, str, tuple["Kind", ...]]

IMAGE: Kind = "image with 3 channels"
MASKED_IMAGE: Kind = "masked image"
DESCRIPTOR: Kind = "descriptor"
MATCHES: Kind = "matches"
PLACEMENTS: Kind = "placements"
COMPOSITES: Kind = "composites"
COMPLETIONS: Kind = "completions"

_Self = TypeVar("_Self", bound="Stage")


def _spelled(kind: Kind) -> str:
    if kind is None:
        return "anything"
    return kind if isinstance(kind, str) else "(" + ", ".join(map(_spelled, kind)) + ")"


def _fits(given: Kind, expected: Kind) -> bool:
    if given is None or expected is None:
        return True
    if isinstance(given, tuple) and isinstance(expected, tuple):
        return len(given) == len(expected) and all(map(_fits, given, expected))
    return given == expected


class Stage:
    """Something that can stand in a pipeline.

    Derive from it to give a stage of your own a name and kinds, so that misfits are found when a pipeline is
    written down; otherwise a plain function will do.

    Attributes
    ----------
    name
        What errors call the stage.
    input, output
        The kinds of value that it takes and yields; None where nothing is known.

    Examples
    --------
    >>> import lookalike as la
    >>> class Brighten(la.Stage):
    ...     name = "brighten"
    ...     input = output = la.stage.IMAGE
    ...     def run(self, value, progress=None):
    ...         return value * 0.9 + 0.1
    """

    # NumPy must not try `array | stage` element by element; it asks the stage, which refuses in one sentence.
    __array_ufunc__: ClassVar[None] = None

    name: str = "stage"
    input: Kind = None
    output: Kind = None

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Any:
        """Make the output of `value`. `progress` is None or ``progress(task, done, total)``."""
        raise NotImplementedError(f"{self.name}: a stage needs a method run(value, progress)")

    def with_options(self: _Self, **options: Any) -> _Self:
        """Return the stage with other options."""
        raise TypeError(
            f"{self.name}: given the options {', '.join(options)}, wanted none: it has no options"
        )

    @overload
    def __call__(self: _Self, /, **options: Any) -> _Self: ...
    @overload
    def __call__(self, value: Any, /, *more: Any, progress: Progress = False, **options: Any) -> Any: ...
    def __call__(self, /, *data: Any, progress: Progress = False, **options: Any) -> Any:
        """Run the stage on data, or, without data, return it with other options.

        Parameters
        ----------
        *data
            The value; several are taken as a tuple, so that ``stage(photo, mask)`` is ``stage((photo,
            mask))``.
        progress
            True for a progress bar, or a callable ``(task, done, total)``; returning False from it ends the
            call with :class:`~lookalike.Interrupted`.
        **options
            Options of the stage that differ from what it has.
        """
        chosen = self.with_options(**options) if options else self
        if not data:
            return chosen
        with reporting(progress) as report:
            return chosen.run(data[0] if len(data) == 1 else data, report)

    def __or__(self, other: Any) -> Pipeline:
        """Run this stage, then `other` on what it yields."""
        return _join(self, other)

    def __ror__(self, other: Any) -> Pipeline:
        """Run `other`, then this stage on what it yields."""
        return _join(other, self)

    def _yields(self, given: Kind) -> Kind:
        """Return the kind of output for a kind of input."""
        return self.output

    def _entry(self) -> str:
        """Return the name of the stage that a value enters first."""
        return self.name


@dataclasses.dataclass(frozen=True, repr=False)
class OptionStage(Stage):
    """A stage whose options are the fields of a dataclass."""

    #: What the options made of it in the extension module; set by `__post_init__`.
    _stage: ClassVar[Any] = None

    def with_options(self: _Self, **options: Any) -> _Self:
        """Return the stage with other options."""
        known = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        for option in options:
            if option not in known:
                raise TypeError(
                    f"{self.name}: given the option {option!r}, wanted one of {', '.join(known) or 'none'}"
                )
        return dataclasses.replace(self, **options)  # type: ignore[type-var]

    def __reduce__(self) -> Any:
        options = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return _rebuild, (type(self), options)

    def __repr__(self) -> str:
        parts = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                parts.append(repr(value))
            elif value != field.default:
                parts.append(f"{field.name}={value!r}")
        return f"{self.name}({', '.join(parts)})" if parts else self.name


def _rebuild(kind: Callable[..., Any], options: dict[str, Any]) -> Any:
    return kind(**options)


class Identity(Stage):
    """Hands its input on. In a network, too, where it is an architecture's neutral element."""

    name = "identity"

    def __or__(self, other: Any) -> Any:
        """Run `other`, which may be a stage or an architecture."""
        return NotImplemented if _is_network(other) else super().__or__(other)

    def __ror__(self, other: Any) -> Any:
        """Run `other`, which may be a stage or an architecture."""
        return NotImplemented if _is_network(other) else super().__ror__(other)

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Any:
        """Return `value`."""
        return value

    def _yields(self, given: Kind) -> Kind:
        return given

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity)

    def __hash__(self) -> int:
        return hash(Identity)

    def __repr__(self) -> str:
        return "identity"


class FunctionStage(Stage):
    """A callable that has become a stage.

    It is called with the value; if it has a parameter named `progress`, it hears from the pipeline's caller.
    What it raises reaches the caller unchanged.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)
        try:
            self._hears = "progress" in inspect.signature(function).parameters
        except (TypeError, ValueError):  # some built-in functions have no signature
            self._hears = False

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Any:
        """Call the function."""
        return self.function(value, progress=progress) if self._hears else self.function(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FunctionStage) and self.function == other.function

    def __hash__(self) -> int:
        return hash((FunctionStage, self.function))

    def __repr__(self) -> str:
        return self.name


class Pipeline(Stage):
    """Stages one after another. Made by ``|``, called like a function, a stage itself."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        self.name = self.stages[-1].name  # whoever yields the output
        self.input = next((s.input for s in self.stages if not isinstance(s, Identity)), None)
        self.output = self._yields(self.input)

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Any:
        """Run all stages in order; `progress` reaches each."""
        for stage in self.stages:
            value = stage.run(value, progress)
        return value

    def _yields(self, given: Kind) -> Kind:
        for stage in self.stages:
            given = stage._yields(given)
        return given

    def _entry(self) -> str:
        return self.stages[0]._entry()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pipeline) and self.stages == other.stages

    def __hash__(self) -> int:
        return hash((Pipeline, self.stages))

    def __repr__(self) -> str:
        return " | ".join(map(repr, self.stages))


class Branch(Stage):
    """Several stages on one input; their outputs side by side. Made by :func:`branch` and :func:`skip`."""

    name = "branch"

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        typed = [stage for stage in self.stages if stage.input is not None]
        for other in typed[1:]:
            if not _fits(other.input, typed[0].input):
                raise CompositionError(
                    f"branch: expects stages of one input, given {typed[0]._entry()} of "
                    f"{_spelled(typed[0].input)} and {other._entry()} of {_spelled(other.input)}"
                )
        self.input = typed[0].input if typed else None
        self.output = self._yields(self.input)

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Any:
        """Run the stages one after another on the same value."""
        return tuple(stage.run(value, progress) for stage in self.stages)

    def _yields(self, given: Kind) -> Kind:
        return tuple(stage._yields(given) for stage in self.stages)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Branch) and self.stages == other.stages

    def __hash__(self) -> int:
        return hash((Branch, self.stages))

    def __repr__(self) -> str:
        if len(self.stages) == 2 and isinstance(self.stages[0], Identity):
            return f"skip({self.stages[1]!r})"
        return f"branch({', '.join(map(repr, self.stages))})"


def as_stage(stage: Any) -> Stage:
    """Return a stage as it is, and a callable as a stage.

    Raises
    ------
    CompositionError
        If it is neither.
    """
    if isinstance(stage, Stage):
        return stage
    if isinstance(stage, type) and issubclass(stage, Stage):
        raise CompositionError(
            f"|: expects a stage, given the class {stage.__name__}; write {stage.__name__}(...)"
        )
    if _is_network(stage):
        raise CompositionError(
            f"|: expects a stage, given {type(stage).__name__}; | joins stages with stages and networks with "
            "networks, a network enters a pipeline as la.Model(net)"
        )
    if callable(stage):
        return FunctionStage(stage)
    hint = "; data does not enter |, call the pipeline with it" if hasattr(stage, "__array__") else ""
    raise CompositionError(
        f"|: expects a stage or a function of one argument, given {type(stage).__name__}{hint}"
    )


def _join(left: Any, right: Any) -> Pipeline:
    before, after = as_stage(left), as_stage(right)
    if not _fits(before.output, after.input):
        raise CompositionError(
            f"{after._entry()}: expects {_spelled(after.input)}, "
            f"given {_spelled(before.output)} by {before.name}"
        )
    stages: list[Stage] = []
    for part in (before, after):
        stages += part.stages if isinstance(part, Pipeline) else (part,)
    return Pipeline(stages)


#: Hands its input on.
identity = Identity()


def _is_network(part: Any) -> bool:
    """Return whether `part` is an architecture or a layer of one's own (not its class)."""
    return getattr(type(part), "is_network", False) is True


@overload
def branch(first: Architecture | Layer, /, *others: Architecture | Layer | Identity) -> Architecture: ...
@overload
def branch(first: Identity, second: Architecture | Layer, /, *others: Any) -> Architecture: ...
@overload
def branch(first: Any, /, *others: Any) -> Branch: ...
def branch(first: Any, /, *others: Any) -> Branch | Architecture:
    """Give one value to several stages; the result is the tuple of their outputs.

    Given architectures, it is one itself: each runs on what comes in, and what they yield flows on side by
    side (:mod:`lookalike.architecture`).

    Raises
    ------
    CompositionError
        If they take different kinds of value, or some are stages and some are architectures.
    """
    parts = (first, *others)
    if any(map(_is_network, parts)):
        from . import architecture

        return architecture.branch(*parts)
    return Branch([as_stage(stage) for stage in parts])


@overload
def skip(body: Architecture | Layer, /) -> Architecture: ...
@overload
def skip(body: Any, /) -> Branch: ...
def skip(body: Any, /) -> Branch | Architecture:
    """Yield the pair ``(x, body(x))``.

    In a look-up it is the query beside its matches; in a U-Net, the features of an encoder beside what comes
    back from below. The same as ``branch(identity, body)``; `body` is a stage or an architecture.
    """
    both: Branch | Architecture = branch(identity, body)
    return both
