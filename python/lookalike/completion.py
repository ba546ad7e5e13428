"""Scene completion: a hole in a photograph is filled with a part of another photograph of a similar scene.

James Hays and Alexei A. Efros, Scene completion using millions of photographs, SIGGRAPH 2007. The algorithm
is a composition of stages::

    skip(fill_hole | scene_descriptor | lookup(photos, k=200)) | context_match | seam | rank(20) |
    poisson_blend

A stage is called with data, ``la.gist(picture)``, or without, to get it with other options,
``la.gist(side=256)``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Union

from . import _core
from ._progress import Progress, ProgressCallback, reporting
from ._types import Array, MaskLike, PictureLike
from .errors import InputError
from .stage import (
    COMPLETIONS,
    COMPOSITES,
    DESCRIPTOR,
    IMAGE,
    MASKED_IMAGE,
    MATCHES,
    PLACEMENTS,
    Kind,
    OptionStage,
    Pipeline,
    Stage,
    skip,
)
from .values import (
    Completion,
    Composites,
    Descriptor,
    DescriptorBlock,
    MaskedImage,
    Placements,
    SeamCut,
    picture_and_hole,
)


def _pair(value: Any, name: str) -> tuple[Any, Any]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise InputError(f"{name}: given {type(value).__name__}, wanted a pair of picture and mask")
    return value


def harmonic_fill(
    picture: PictureLike,
    mask: MaskLike,
    *,
    tolerance: float = 3e-5,
    iterations: int = 100,
    progress: Progress = False,
) -> Array:
    """Fill a hole with the smoothest surface: every missing pixel becomes the mean of its four neighbors.

    Parameters
    ----------
    picture
        In gray or color. What it holds in the hole may be anything.
    mask
        (height, width); non-zero = missing. The hole may touch the border.
    tolerance
        Error that is allowed, as a fraction of the largest change; 1e-6 to 1.
    iterations
        Usually 4 to 10 are needed.
    progress
        True for a progress bar, or a callable ``(task, done, total)``.

    Returns
    -------
    numpy.ndarray
        The picture filled, with its shape and type; known pixels are as they were.

    Raises
    ------
    InputError
        If `mask` has another size, is empty or covers everything, or a known pixel is out of range.
    """
    with reporting(progress) as report:
        return _core.harmonic_fill(picture, mask, tolerance=tolerance, iterations=iterations, progress=report)


def seam_cut(
    picture: PictureLike,
    patch: PictureLike,
    mask: MaskLike,
    covered: MaskLike | None = None,
    **options: float,
) -> SeamCut:
    """Find the cheapest seam between a photograph with a hole and another laid over it.

    Parameters
    ----------
    picture, patch
        Of one size.
    mask
        The hole of `picture`; all of it is taken from `patch`.
    covered
        Where `patch` has pixels, non-zero; by default everywhere.
    **options
        Of the stage ``seam``: `unary_weight`, `unary_scale`, `band`, `color_scale`, `smoothness_epsilon` and
        `quantization`; see :class:`Seam`.

    Returns
    -------
    SeamCut
        With the certificate that no seam is cheaper.

    Raises
    ------
    InputError
        If sizes differ, the mask is empty or covers everything, a missing pixel is not covered, or an option
        is out of range.
    """
    chosen = seam.with_options(**options)
    return SeamCut(**chosen._stage.cut(picture, patch, mask, covered))


class FillHole(Stage):
    """Fills the hole smoothly, so that its edge does not count as one in the descriptor.

    The work is done by :func:`harmonic_fill`. Masked image to masked image; the mask stays, as the
    descriptor's weights.
    """

    name = "fill_hole"
    input = output = MASKED_IMAGE

    def run(self, value: Any, progress: ProgressCallback | None = None) -> MaskedImage:
        """Fill one picture."""
        picture, hole = _pair(value, self.name)
        return MaskedImage(_core.harmonic_fill(picture, hole, progress=progress), hole)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FillHole)

    def __hash__(self) -> int:
        return hash(FillHole)

    def __repr__(self) -> str:
        return self.name


@dataclasses.dataclass(frozen=True, repr=False)
class _Encoder(OptionStage):
    """Describes a picture.

    Where it had a hole, which must have been filled, cells count by their known fraction.
    """

    output = DESCRIPTOR

    @property
    def blocks(self) -> tuple[DescriptorBlock, ...]:
        """What its descriptors consist of."""
        return self._stage.blocks()  # type: ignore[no-any-return]

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Descriptor:
        """Describe one picture."""
        picture, hole = picture_and_hole(value)
        return self._stage(picture, hole)  # type: ignore[no-any-return]


@dataclasses.dataclass(frozen=True, repr=False)
class Gist(_Encoder):
    """Energy of oriented edges at several scales, averaged over the cells of a grid.

    Aude Oliva and Antonio Torralba, Modeling the shape of the scene, IJCV 2001. Picture to descriptor:
    ``grid**2`` cells of as many values as there are filters, three times that with `color`. The 512 numbers of
    other programs are ``la.gist(orientations=8, scales=4)``, their 960
    ``la.gist(orientations_per_scale=(8, 8, 4), color=True)``.

    Attributes
    ----------
    side
        Pixels of the square to which pictures are squashed; even and a multiple of `grid`.
    orientations, scales, grid
        Of the filters, and cells a side.
    orientations_per_scale
        Orientations of each scale, fine to coarse, instead of `orientations` and `scales`.
    color
        Describes red, green and blue instead of their mean.
    exact
        Every frequency and every pixel: four times slower, and different by 0.2 % of a descriptor's length.
    importance
        How much the block counts beside others.
    """

    side: int = 128
    orientations: int = 6
    scales: int = 5
    orientations_per_scale: tuple[int, ...] = ()
    grid: int = 4
    color: bool = False
    exact: bool = False
    importance: float = 2.0

    name = "gist"
    input = IMAGE

    def __post_init__(self) -> None:
        stage = _core.Gist(
            side=self.side,
            orientations=self.orientations,
            scales=self.scales,
            orientations_per_scale=list(self.orientations_per_scale),
            grid=self.grid,
            color=self.color,
            exact=self.exact,
            importance=self.importance,
        )
        object.__setattr__(self, "_stage", stage)


@dataclasses.dataclass(frozen=True, repr=False)
class ColorGrid(_Encoder):
    """The colors of a picture reduced to a few pixels, in CIE L*a*b*.

    Picture to descriptor: ``grid**2`` cells of 3 values.

    Attributes
    ----------
    grid
        Cells a side.
    importance
        How much the block counts beside others.
    """

    grid: int = 4
    importance: float = 1.0

    name = "color_grid"
    input = IMAGE

    def __post_init__(self) -> None:
        object.__setattr__(self, "_stage", _core.ColorGrid(grid=self.grid, importance=self.importance))


@dataclasses.dataclass(frozen=True, repr=False)
class SceneDescriptor(_Encoder):
    """Gist and a color grid: what scenes are found by (Hays and Efros 2007, section 3).

    Picture with its hole filled to descriptor.

    Attributes
    ----------
    gist, color
        The two, with their options.
    """

    gist: Gist = Gist()
    color: ColorGrid = ColorGrid()

    name = "scene_descriptor"
    input = MASKED_IMAGE

    def __post_init__(self) -> None:
        stage = _core.SceneDescriptor(gist=self.gist._stage, color=self.color._stage)
        object.__setattr__(self, "_stage", stage)


@dataclasses.dataclass(frozen=True, repr=False)
class Lookup(OptionStage):
    """Finds the nearest entries of an index. Made by :func:`lookup`.

    Attributes
    ----------
    index
        A collection, or any object with ``search(query, k=..., leave_out=...)`` that returns
        :class:`Matches`.
    k
        How many.
    leave_out
        Ids that must not be found.
    """

    index: Any
    k: int = 10
    leave_out: tuple[int, ...] = ()

    name = "lookup"
    output = MATCHES

    def __post_init__(self) -> None:
        if not callable(getattr(self.index, "search", None)):
            raise InputError(
                f"lookup: expects an index (a method search(query, k=..., leave_out=...)), given "
                f"{type(self.index).__name__}"
            )
        if self.k < 1:
            raise InputError(f"lookup: given k = {self.k}, wanted at least 1")

    @property
    def input(self) -> Kind:  # type: ignore[override]
        """What the index is searched with."""
        return getattr(self.index, "query_kind", None)

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Any:
        """Search once."""
        return self.index.search(value, k=self.k, leave_out=self.leave_out)


@dataclasses.dataclass(frozen=True, repr=False)
class ContextMatch(OptionStage):
    """Gives every retrieved scene its place: local context matching (Hays and Efros 2007, section 4).

    Pair of masked image and matches to placements. Candidates that fit nowhere, or cannot be read, are
    dropped.

    Attributes
    ----------
    band
        Radius of the context band around the hole, in pixels at matching resolution.
    scales
        Scales of a candidate that are tried, in (0, 4].
    largest_enlargement
        A candidate too small at any of `scales` may be enlarged until it just fits, up to this factor.
    longest_side
        Of query and candidates at matching resolution, in pixels.
    coverage
        The least part of the band that a candidate must cover, in (0, 1].
    offset_scale
        The error is multiplied by 1 + offset / offset_scale. Infinity: no penalty. 0: by the offset, as
        published.
    algorithm
        ``"coarse_to_fine"``, ``"fourier"`` or ``"direct"``; the latter two try every translation.
    coarsest_side, survivors
        For ``"coarse_to_fine"``: longest side of the coarsest level, and translations that survive each
        level.
    """

    band: float = 80.0
    scales: tuple[float, ...] = (0.81, 0.90, 1.0)
    largest_enlargement: float = 2.0
    longest_side: int = 1024
    coverage: float = 0.9
    offset_scale: float = 100.0
    algorithm: str = "coarse_to_fine"
    coarsest_side: int = 128
    survivors: int = 8

    name = "context_match"
    input = (MASKED_IMAGE, MATCHES)
    output = PLACEMENTS

    def __post_init__(self) -> None:
        object.__setattr__(self, "scales", tuple(float(scale) for scale in self.scales))
        stage = _core.ContextMatch(
            band=self.band,
            scales=self.scales,
            largest_enlargement=self.largest_enlargement,
            longest_side=self.longest_side,
            coverage=self.coverage,
            offset_scale=self.offset_scale,
            algorithm=self.algorithm,
            coarsest_side=self.coarsest_side,
            survivors=self.survivors,
        )
        object.__setattr__(self, "_stage", stage)

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Placements:
        """Place all candidates of one query."""
        query, matches = _pair(value, self.name)
        picture, hole = _pair(query, self.name)
        return self._stage(picture, hole, matches, progress)  # type: ignore[no-any-return]


@dataclasses.dataclass(frozen=True, repr=False)
class Seam(OptionStage):
    """Cuts every placed scene along the cheapest seam (Hays and Efros 2007, section 5).

    Placements to composites.

    Attributes
    ----------
    unary_weight
        The published k: a known pixel at distance d from the hole costs (k d)**3 to replace.
    unary_scale
        Multiplies that; above 1 more of the photograph is kept.
    band
        Pixels farther than this from the hole stay as they are.
    color_scale
        Multiplies colors before they are compared: 1 for RGB from 0 to 1.
    smoothness_epsilon
        Added for every pair of neighbors that is cut, so that short seams win in flat areas.
    quantization
        Energy becomes integer capacity by multiplication with this and rounding.
    """

    unary_weight: float = 0.002
    unary_scale: float = 1.0
    band: float = 80.0
    color_scale: float = 1.0
    smoothness_epsilon: float = 1e-4
    quantization: float = float(1 << 24)

    name = "seam"
    input = PLACEMENTS
    output = COMPOSITES

    def __post_init__(self) -> None:
        stage = _core.Seam(
            unary_weight=self.unary_weight,
            unary_scale=self.unary_scale,
            band=self.band,
            color_scale=self.color_scale,
            smoothness_epsilon=self.smoothness_epsilon,
            quantization=self.quantization,
        )
        object.__setattr__(self, "_stage", stage)

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Composites:
        """Cut all scenes."""
        return self._stage(value, progress)  # type: ignore[no-any-return]


@dataclasses.dataclass(frozen=True, repr=False)
class Rank(OptionStage):
    """Keeps the best composites, best first (Hays and Efros 2007, section 6). Made by :func:`rank`.

    Composites to composites.

    Attributes
    ----------
    count
        How many are kept.
    scene, context, texture, seam
        How much each term counts, after it has been divided by its median over the candidates.
    """

    count: int
    scene: float = 1.0
    context: float = 1.0
    texture: float = 1.0
    seam: float = 1.0

    name = "rank"
    input = output = COMPOSITES

    def __post_init__(self) -> None:
        stage = _core.Rank(
            count=self.count, scene=self.scene, context=self.context, texture=self.texture, seam=self.seam
        )
        object.__setattr__(self, "_stage", stage)

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Composites:
        """Rank the scenes."""
        best = self._stage(value)
        scenes = tuple(dataclasses.replace(value.scenes[at], score=score) for at, score in best)
        return dataclasses.replace(value, scenes=scenes)  # type: ignore[no-any-return]


@dataclasses.dataclass(frozen=True, repr=False)
class PoissonBlend(OptionStage):
    """Joins pictures along a seam without a visible edge (Perez, Gangnet and Blake 2003).

    Composites to a list of completions, at the query's full resolution. Called with three arrays,
    ``la.poisson_blend(picture, patch, from_patch)``, it blends one pair of pictures; see :meth:`blend`.

    Attributes
    ----------
    domain
        ``"whole"``: all pixels may change, and the mismatch is shared by both sides of the seam.
        ``"patch_only"``: the photograph keeps every pixel that is not taken from the patch.
    crossing
        The gradient wanted across the seam: the ``"mean"`` of both pictures' or ``"zero"``.
    anchor
        What holds the colors of a whole picture: the ``"mean"`` of the untouched part, its ``"border"``, or
        every untouched pixel weakly (``"screened"``).
    screening_length
        In pixels; how far from the seam a correction reaches with ``"screened"``.
    tolerance, iterations
        Of the solver; see :func:`harmonic_fill`.
    """

    domain: str = "whole"
    crossing: str = "mean"
    anchor: str = "screened"
    screening_length: float = 40.0
    tolerance: float = 3e-5
    iterations: int = 100

    name = "poisson_blend"
    input = COMPOSITES
    output = COMPLETIONS

    def __post_init__(self) -> None:
        stage = _core.PoissonBlend(
            domain=self.domain,
            crossing=self.crossing,
            anchor=self.anchor,
            screening_length=self.screening_length,
            tolerance=self.tolerance,
            iterations=self.iterations,
        )
        object.__setattr__(self, "_stage", stage)

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Any:
        """Blend all scenes, or one pair of pictures."""
        if isinstance(value, tuple) and len(value) == 3:
            return self._stage.blend(*value, None, None, progress)
        return self._stage(value, progress)

    def blend(
        self,
        picture: PictureLike,
        patch: PictureLike,
        from_patch: MaskLike,
        *,
        hole: MaskLike | None = None,
        covered: MaskLike | None = None,
        progress: Progress = False,
    ) -> Array:
        """Blend two pictures.

        Parameters
        ----------
        picture, patch
            Of one size.
        from_patch
            Where `patch` is taken, non-zero; elsewhere `picture`.
        hole
            Where `picture` has no color, non-zero; by default nowhere.
        covered
            Where `patch` has a color, non-zero; by default everywhere.
        progress
            True for a progress bar, or a callable ``(task, done, total)``.

        Returns
        -------
        numpy.ndarray
            With the shape and type of `picture`.

        Raises
        ------
        InputError
            If sizes differ, or a pixel is to be taken from where there is no color.
        """
        with reporting(progress) as report:
            return self._stage.blend(  # type: ignore[no-any-return]
                picture, patch, from_patch, hole, covered, report
            )


fill_hole = FillHole()
gist = Gist()
color_grid = ColorGrid()
scene_descriptor = SceneDescriptor()
context_match = ContextMatch()
seam = Seam()
poisson_blend = PoissonBlend()


def lookup(index: Any, k: int = 10, *, leave_out: Iterable[int] = ()) -> Lookup:
    """Return the stage that finds the `k` nearest entries of an index.

    Parameters
    ----------
    index
        A :class:`~lookalike.Collection`, a :class:`~lookalike.ThumbnailIndex`, or any object with
        ``search(query, k=..., leave_out=...)`` that returns :class:`~lookalike.Matches`.
    k
        At least 1.
    leave_out
        Ids that must not be found, such as copies of the query.
    """
    return Lookup(index, k, tuple(int(id_) for id_ in leave_out))


def rank(
    count: int, *, scene: float = 1.0, context: float = 1.0, texture: float = 1.0, seam: float = 1.0
) -> Rank:
    """Return the stage that keeps the `count` best composites; see :class:`Rank`."""
    return Rank(count, scene, context, texture, seam)


def scene_completion(
    photos: Any,
    *,
    count: int = 20,
    candidates: int = 200,
    leave_out: Iterable[int] = (),
    descriptor: Any = scene_descriptor,
    context: Any = context_match,
    seam: Any = seam,
    blend: Union[str, Any] = poisson_blend,
) -> Pipeline:
    """Return the pipeline of :func:`complete`, from a masked image to a list of completions."""
    if isinstance(blend, str):
        blend = poisson_blend(domain=blend)
    pipeline: Pipeline = (
        skip(fill_hole | descriptor | lookup(photos, candidates, leave_out=leave_out))
        | context
        | seam
        | rank(count)
        | blend
    )
    return pipeline


def complete(
    photo: PictureLike,
    mask: MaskLike,
    photos: Any,
    *,
    count: int = 20,
    candidates: int = 200,
    leave_out: Iterable[int] = (),
    descriptor: Any = scene_descriptor,
    context: Any = context_match,
    seam: Any = seam,
    blend: Union[str, Any] = poisson_blend,
    progress: Progress = False,
) -> list[Completion]:
    """Fill the hole of a photograph from a collection of photographs.

    Parameters
    ----------
    photo
        In gray or color. What it holds in the hole may be anything.
    mask
        (height, width); non-zero = missing.
    photos
        The collection, or another index; see :func:`lookup`.
    count
        Completions that are returned, at most.
    candidates
        Photographs that are retrieved, placed and cut.
    leave_out
        Ids that must not be used, such as copies of `photo` (see
        :meth:`~lookalike.Collection.near_duplicates`).
    descriptor, context, seam, blend
        The stages to use. `blend` may also be ``"whole"`` or ``"patch_only"``: whether pixels outside the
        seam may change.
    progress
        True for a progress bar, or a callable ``(task, done, total)``; returning False from it ends the call
        with :class:`~lookalike.Interrupted`.

    Returns
    -------
    list of Completion
        Best first. Images have the shape and type of `photo`.

    Raises
    ------
    InputError
        If `mask` has another size, is empty or covers everything, a known pixel is out of range, the
        collection is empty, or no photograph can be placed.
    """
    pipeline = scene_completion(
        photos,
        count=count,
        candidates=candidates,
        leave_out=leave_out,
        descriptor=descriptor,
        context=context,
        seam=seam,
        blend=blend,
    )
    return pipeline((photo, mask), progress=progress)  # type: ignore[no-any-return]
