"""Colorization by look-up: the colors of what looks alike in gray.

A gray picture is looked up, by its lightness, among color pictures; what is found gives it colors, and its
lightness stays as it is. Antonio Torralba, Rob Fergus and William T. Freeman did so with 80 million tiny
images (PAMI 2008). The algorithm is a composition of stages::

    skip(gray_thumbnail | lookup(GrayIndex(photos), k=20)) | average_color

and `average_color` can be replaced by `vote_color`, `global_transfer` or `welsh`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._progress import Progress, ProgressCallback, reporting
from ._types import Array, PictureLike
from .collection import Collection
from .completion import lookup
from .errors import InputError
from .stage import DESCRIPTOR, IMAGE, MATCHES, Kind, OptionStage, Pipeline, Stage, skip
from .values import Descriptor, DescriptorBlock, Matches

COLORIZATION: Kind = "colorization"

#: (row, column, height, width) of a part of a picture, in pixels.
Box = tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True, eq=False)
class Colorization:
    """A gray picture with colors, and where they come from.

    Attributes
    ----------
    picture
        (height, width, 3) with the type of the query. Its lightness differs from the query's by at most 0.05
        (of 100) as floats, and by 0.3 rounded to uint8.
    lab
        float32, the same in L*a*b*. L* is the query's, bit for bit: what :func:`~lookalike.rgb_to_lab` makes
        of it. a* and b* lie in the gamut of sRGB.
    neighbors
        What was found.
    used
        Ids of the neighbors whose colors were taken, nearest first.
    saturation_ratio
        Mean chroma of `lab` divided by that of the neighbors whose colors were taken: well below 1 where
        colors were averaged away. NaN where those neighbors are gray.
    """

    picture: Array
    lab: npt.NDArray[np.float32]
    neighbors: Matches
    used: tuple[int, ...]
    saturation_ratio: float

    def __repr__(self) -> str:
        height, width = self.picture.shape[:2]
        return (
            f"Colorization({height}x{width} from {len(self.used)} neighbors, "
            f"saturation_ratio={self.saturation_ratio:.2f})"
        )


@dataclasses.dataclass(frozen=True, repr=False)
class _GrayEncoder(OptionStage):
    """Describes a picture by its lightness."""

    input = IMAGE
    output = DESCRIPTOR

    @property
    def blocks(self) -> tuple[DescriptorBlock, ...]:
        """What its descriptors consist of."""
        return self._stage.blocks()  # type: ignore[no-any-return]

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Descriptor:
        """Describe one picture."""
        return self._stage(value)  # type: ignore[no-any-return]


@dataclasses.dataclass(frozen=True, repr=False)
class GrayThumbnail(_GrayEncoder):
    """Lightness at 32x32 pixels, less its mean and of length 1.

    Picture to descriptor. Half the squared distance of two is 1 - their normalized correlation. A picture
    that is the same everywhere becomes zeros.
    """

    name = "gray_thumbnail"

    def __post_init__(self) -> None:
        object.__setattr__(self, "_stage", _core.PictureEncoder.gray_thumbnail())


@dataclasses.dataclass(frozen=True, repr=False)
class OnGray(_GrayEncoder):
    """Another encoder, kept from seeing color. Made by :func:`on_gray`.

    Attributes
    ----------
    encoder
        Such as ``gist``; see :meth:`Collection.build` for encoders of your own.
    """

    encoder: Any

    name = "on_gray"

    def __post_init__(self) -> None:
        object.__setattr__(self, "_stage", _core.PictureEncoder.on_gray(self.encoder))


class GrayIndex:
    """Color pictures, looked up by what they look like in gray.

    Parameters
    ----------
    photos
        A :class:`~lookalike.Collection`, or an array of (count, height, width, 3) of uint8, whose ids are 0,
        1, ...
    encoder
        Sees lightness only: ``gray_thumbnail``, ``on_gray(gist)``, or one of your own. Where 32x32 pixels
        suffice it, no file of a collection is read.
    progress
        True for a progress bar, or a callable ``(task, done, total)``.

    Raises
    ------
    InputError
        If there is no picture (that can be read), or an array of another shape or type.

    Examples
    --------
    >>> import lookalike as la
    >>> import numpy as np
    >>> tiny = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3), np.uint8)
    >>> known = la.GrayIndex(tiny)
    >>> known.search(la.gray_thumbnail(tiny[7]), k=1).ids
    array([7])
    """

    def __init__(
        self, photos: Collection | npt.ArrayLike, encoder: Any = None, *, progress: Progress = False
    ) -> None:
        chosen = gray_thumbnail if encoder is None else encoder
        with reporting(progress) as report:
            self._handle = _core.GrayIndex.build(photos, chosen, report)
        self._encoder = chosen
        self._given = photos
        self._photos = photos if isinstance(photos, Collection) else self

    @property
    def encoder(self) -> Any:
        """What pictures are described by."""
        return self._encoder

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """Ids of the pictures that can be found."""
        return self._handle.ids()

    def __len__(self) -> int:
        return len(self._handle)

    def read(self, id: int) -> npt.NDArray[np.uint8]:
        """Read a picture: (height, width, 3)."""
        return self._handle.read(int(id))

    def search(
        self,
        descriptor: Descriptor,
        k: int = 10,
        *,
        leave_out: Iterable[int] = (),
        only: Iterable[int] | None = None,
    ) -> Matches:
        """Find the `k` nearest by squared Euclidean distance of descriptors, exactly.

        Parameters and errors are those of :meth:`Collection.search`.
        """
        return self._handle.search(
            descriptor,
            k=k,
            leave_out=[int(id_) for id_ in leave_out],
            only=None if only is None else [int(id_) for id_ in only],
            photos=self._photos,
        )

    def near_duplicates(self, picture: PictureLike, *, correlation: float = 0.95) -> npt.NDArray[np.int64]:
        """Find copies of a gray picture: those whose gray 32x32 thumbnails correlate at least so much.

        Returns
        -------
        numpy.ndarray
            Their ids, ascending, for `leave_out`.

        Raises
        ------
        InputError
            If `correlation` lies outside -1 to 1.
        """
        return self._handle.near_duplicates(picture, correlation=correlation)

    def __reduce__(self) -> Any:
        return GrayIndex, (self._given, self._encoder)

    def __repr__(self) -> str:
        return f"<GrayIndex of {len(self)} pictures by {self._encoder!r}>"

    #: Into a look-up of an index go descriptors.
    query_kind: Kind = DESCRIPTOR


class _Decoder(OptionStage):
    input = (IMAGE, MATCHES)
    output = COLORIZATION

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Colorization:
        """Colorize one query by its matches."""
        if not isinstance(value, tuple) or len(value) != 2:
            raise InputError(
                f"{self.name}: given {type(value).__name__}, wanted a pair of picture and matches"
            )
        return self._stage(*value)  # type: ignore[no-any-return]


@dataclasses.dataclass(frozen=True, repr=False)
class AverageColor(_Decoder):
    """The average color of the neighbors, pixel by pixel, blown up to the query.

    Pair of picture and matches to colorization.

    Attributes
    ----------
    average
        ``"mean"``, ``"median"`` (of a* and b* apart) or ``"soft"``: weights
        ``exp(-(d - d_nearest) / (temperature * mean(d)))`` by the distances d of the matches.
    temperature
        Of ``"soft"``.
    side
        Pixels a side to which neighbors are squashed. At 32 a collection reads no files.
    """

    average: str = "mean"
    temperature: float = 0.2
    side: int = 32

    name = "average_color"

    def __post_init__(self) -> None:
        stage = _core.AverageColor(average=self.average, temperature=self.temperature, side=self.side)
        object.__setattr__(self, "_stage", stage)


@dataclasses.dataclass(frozen=True, repr=False)
class VoteColor(_Decoder):
    """Votes of the neighbors for one of 313 colors, decoded by the annealed mean (Zhang et al. 2016).

    Pair of picture and matches to colorization.

    Attributes
    ----------
    temperature
        0: the color with the most votes; 1: the mean of the votes.
    mode_radius
        Colors farther than this from the one with the most votes do not count, so that of two equally likely
        ones it is one and not the gray between them. Infinity: all count, as published.
    bins, sigma
        A color is spread over so many bins by a Gaussian.
    window
        Votes of the pixels around count, too: side of the square, odd.
    soft_temperature
        Above 0 nearer neighbors count more, as in ``average_color(average="soft")``.
    side
        Pixels a side to which neighbors are squashed.
    """

    temperature: float = 0.38
    mode_radius: float = 25.0
    bins: int = 10
    sigma: float = 5.0
    window: int = 3
    soft_temperature: float = 0.0
    side: int = 32

    name = "vote_color"

    def __post_init__(self) -> None:
        stage = _core.VoteColor(
            temperature=self.temperature,
            mode_radius=self.mode_radius,
            bins=self.bins,
            sigma=self.sigma,
            window=self.window,
            soft_temperature=self.soft_temperature,
            side=self.side,
        )
        object.__setattr__(self, "_stage", stage)


@dataclasses.dataclass(frozen=True, repr=False)
class GlobalTransfer(_Decoder):
    """The average color of the neighbors with their mean and standard deviation (Reinhard et al. 2001).

    Pair of picture and matches to colorization. Options are those of :class:`AverageColor`.
    """

    average: str = "mean"
    temperature: float = 0.2
    side: int = 32

    name = "global_transfer"

    def __post_init__(self) -> None:
        stage = _core.GlobalTransfer(average=self.average, temperature=self.temperature, side=self.side)
        object.__setattr__(self, "_stage", stage)


@dataclasses.dataclass(frozen=True, repr=False)
class Welsh(_Decoder):
    """Pixel by pixel the chroma of that sample of the nearest photographs which resembles it most.

    Pair of picture and matches to colorization. Tomihisa Welsh, Michael Ashikhmin and Klaus Mueller,
    Transferring color to greyscale images, SIGGRAPH 2002, in L*a*b*.

    Attributes
    ----------
    samples
        Of all examples together, about.
    window
        Side of the window whose standard deviation counts beside lightness, odd.
    luminance_weight
        Of lightness against that deviation, 0 to 1.
    remap
        Whether lightness of examples is first brought to the query's mean and deviation.
    examples
        How many of the nearest neighbors are examples.
    longest_side
        Of examples, in pixels; larger ones are shrunk.
    swatches
        Pairs of parts of query and (shrunk) example that belong together: ``((row, column, height, width),
        (row, column, height, width))``. Only with one example.
    seed
        Of the places of the samples.
    """

    samples: int = 200
    window: int = 5
    luminance_weight: float = 0.5
    remap: bool = True
    examples: int = 1
    longest_side: int = 512
    swatches: tuple[tuple[Box, Box], ...] = ()
    seed: int = 0

    name = "welsh"

    def __post_init__(self) -> None:
        object.__setattr__(self, "swatches", tuple((tuple(p), tuple(e)) for p, e in self.swatches))
        stage = _core.Welsh(
            samples=self.samples,
            window=self.window,
            luminance_weight=self.luminance_weight,
            remap=self.remap,
            examples=self.examples,
            longest_side=self.longest_side,
            swatches=self.swatches,
            seed=self.seed,
        )
        object.__setattr__(self, "_stage", stage)


gray_thumbnail = GrayThumbnail()
average_color = AverageColor()
vote_color = VoteColor()
global_transfer = GlobalTransfer()
welsh = Welsh()

_MODES = {"average": average_color, "vote": vote_color, "global_transfer": global_transfer, "welsh": welsh}


def on_gray(encoder: Any) -> OnGray:
    """Return the encoder that shows `encoder` the gray picture of the same lightness."""
    return OnGray(encoder)


def _decoder(mode: Union[str, Stage]) -> Any:
    if isinstance(mode, str):
        if mode not in _MODES:
            raise InputError(
                f"colorize: given the mode {mode!r}, wanted one of {', '.join(map(repr, _MODES))}"
            )
        return _MODES[mode]
    return mode


def _index(photos: Any, encoder: Any, progress: ProgressCallback | None) -> GrayIndex:
    if isinstance(photos, GrayIndex):
        if encoder is not None:
            raise InputError("colorize: given an index and an encoder, wanted one: an index has its own")
        return photos
    return GrayIndex(photos, encoder, progress=progress if progress is not None else False)


def colorization_by_lookup(
    photos: Any, *, k: int = 20, mode: Union[str, Stage] = "average", encoder: Any = None
) -> Pipeline:
    """Return the pipeline of :func:`colorize`, from a picture to a :class:`Colorization`."""
    known = _index(photos, encoder, None)
    pipeline: Pipeline = skip(known.encoder | lookup(known, k)) | _decoder(mode)
    return pipeline


def _colorize(
    picture: PictureLike,
    photos: Any,
    k: int,
    mode: Union[str, Stage],
    encoder: Any,
    leave_out: Iterable[int],
    near_duplicates: float | None,
    alternatives: int,
    progress: Progress,
) -> list[Colorization]:
    decoder = _decoder(mode)
    if not isinstance(decoder, _Decoder):
        raise InputError(
            f"colorize: given the mode {decoder!r}, wanted one of {', '.join(map(repr, _MODES))}, or a stage of "
            "such a kind; others can stand in a pipeline"
        )
    with reporting(progress) as report:
        known = _index(photos, encoder, report)
        return known._handle.colorize(
            picture,
            decoder._stage,
            k=k,
            leave_out=[int(id_) for id_ in leave_out],
            near_duplicates=2.0 if near_duplicates is None else near_duplicates,
            alternatives=alternatives,
            photos=known._photos,
        )


def colorize(
    picture: PictureLike,
    photos: Any,
    *,
    k: int = 20,
    mode: Union[str, Stage] = "average",
    encoder: Any = None,
    leave_out: Iterable[int] = (),
    near_duplicates: float | None = None,
    progress: Progress = False,
) -> Colorization:
    """Give a gray picture the colors of pictures that look like it in gray.

    Parameters
    ----------
    picture
        In gray, or in color: only its lightness is looked at.
    photos
        A :class:`GrayIndex`. For a single picture also what one is made of: a collection, or an array of
        (count, height, width, 3) of uint8.
    k
        How many neighbors are looked up.
    mode
        ``"average"``, ``"vote"``, `x` or ``"welsh"``, or one of the stages with options, such as
        ``la.vote_color(temperature=0.1)``.
    encoder
        By what pictures are looked up; by default ``gray_thumbnail``. An index has its own.
    leave_out
        Ids that must not be used.
    near_duplicates
        Pictures whose gray thumbnails correlate with the query's by at least this are not used; 0.95 leaves
        out copies. By default all may be used.
    progress
        True for a progress bar, or a callable ``(task, done, total)``; heard while an index is made.

    Returns
    -------
    Colorization
        The picture, in color and with the type of `picture`, and what was found.

    Raises
    ------
    InputError
        If `picture` is empty or has values out of range, `k` is below 1, there is no picture to take colors
        from, or `mode` is none.

    Examples
    --------
    >>> import lookalike as la
    >>> import numpy as np
    >>> tiny = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3), np.uint8)
    >>> la.colorize(la.rgb_to_gray(tiny[7]), tiny, k=1).used
    (7,)
    """
    return _colorize(picture, photos, k, mode, encoder, leave_out, near_duplicates, 0, progress)[0]


def colorize_alternatives(
    picture: PictureLike,
    photos: Any,
    count: int = 5,
    *,
    mode: Union[str, Stage] = "average",
    encoder: Any = None,
    leave_out: Iterable[int] = (),
    near_duplicates: float | None = None,
    progress: Progress = False,
) -> list[Colorization]:
    """Give a gray picture the colors of each of its `count` nearest neighbors alone, to choose from.

    Parameters and errors are those of :func:`colorize`.

    Returns
    -------
    list of Colorization
        By the nearest neighbor first; fewer where fewer pictures are known.
    """
    if count < 1:
        raise InputError(f"colorize_alternatives: given a count of {count}, wanted at least 1")
    return _colorize(picture, photos, count, mode, encoder, leave_out, near_duplicates, count, progress)


def transfer_color(picture: PictureLike, example: PictureLike, *, clip: bool = True) -> Array:
    """Give a picture the mean and standard deviation of another's colors.

    Erik Reinhard, Michael Ashikhmin, Bruce Gooch and Peter Shirley, Color transfer between images, IEEE CG&A
    2001: in l-alpha-beta, all three channels.

    Parameters
    ----------
    picture, example
        Of any sizes.
    clip
        Whether floats are limited to 0 to 1; without, the statistics are exactly those of `example`.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) with the type of `picture`.

    Raises
    ------
    InputError
        If one is empty or has values out of range.
    """
    return _core.transfer_color(picture, example, clip)


def welsh_transfer(
    picture: PictureLike,
    example: PictureLike,
    *,
    swatches: Sequence[tuple[Box, Box]] = (),
    samples: int = 200,
    window: int = 5,
    luminance_weight: float = 0.5,
    remap: bool = True,
    seed: int = 0,
) -> Array:
    """Give a picture the chroma of an example of your choice, pixel by pixel; see :class:`Welsh`.

    Lightness stays that of `picture`.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) with the type of `picture`.

    Raises
    ------
    InputError
        If one is empty or has values out of range, a swatch is not wholly inside, or an option is out of
        range.
    """
    return _core.welsh_transfer(
        picture,
        example,
        [(tuple(p), tuple(e)) for p, e in swatches],
        samples=samples,
        window=window,
        luminance_weight=luminance_weight,
        remap=remap,
        seed=seed,
    )


def limit_chroma(lab: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Reduce the chroma of colors that sRGB cannot show, at the same hue, until it can.

    Parameters
    ----------
    lab
        (height, width, 3) of floats, L*a*b*.

    Returns
    -------
    numpy.ndarray
        float32. L*, and the colors that sRGB can show, are as they were, bit for bit.
        :func:`~lookalike.lab_to_rgb` clips instead, which changes lightness and hue.
    """
    return _core.limit_chroma(lab)
