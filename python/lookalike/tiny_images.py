"""Tiny images: 32 x 32 pixels are enough to find pictures that look alike, if there are enough of them.

A. Torralba, R. Fergus and W. Freeman, 80 million tiny images, PAMI 30(11), 2008. A tiny image is a row of 3072
numbers of mean 0 and length 1, so that the squared distance of two of them is 2 - 2 times their correlation.

>>> import lookalike as la
>>> import numpy as np
>>> pictures = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
>>> rows = la.tiny_images.normalized_pixels(pictures)
>>> squared, warps = la.tiny_images.warp_distance(rows[0], rows[1])
>>> bool(squared <= ((rows[0] - rows[1]) ** 2).sum())
True

Arrays are float32 (other floats are converted); rows lie one after another, and are copied only where they do
not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import as_array, as_numbers
from ._progress import Progress, ProgressCallback, reporting
from ._types import Path
from .errors import InputError
from .stage import DESCRIPTOR, IMAGE, OptionStage
from .values import Descriptor, DescriptorBlock

__all__ = [
    "Orientations",
    "TinyImage",
    "TreeVotes",
    "WordNet",
    "WordTree",
    "component_shortlist",
    "find_orientations",
    "near_duplicates",
    "nested_neighbors",
    "normalized_pixels",
    "rerank",
    "shift_distance",
    "tiny_image",
    "warp_distance",
    "warped",
]

_Floats = npt.NDArray[np.float32]
_Ids = npt.NDArray[np.int64]
#: Planes, height and width of a tiny image.
_SHAPE = (3, 32, 32)


def _rows(value: Any, where: str) -> _Floats:
    """Return an array as rows: (n, ...) becomes (n, numbers)."""
    array = as_numbers(value, np.float32, where)
    if array.ndim < 2:
        raise InputError(f"{where}: given an array of {array.ndim} axes, wanted one row for each picture")
    width = int(np.prod(array.shape[1:]))
    return np.ascontiguousarray(array.reshape(len(array), width))


@dataclasses.dataclass(frozen=True, repr=False)
class TinyImage(OptionStage):
    """A picture squashed to 32 x 32 pixels, less its mean and scaled to length 1.

    Picture to descriptor: 3072 values, the red plane first. A constant picture becomes zeros: its correlation
    with everything counts as 0.

    Attributes
    ----------
    importance
        How much the block counts beside others.
    """

    importance: float = 1.0

    name = "tiny_image"
    input = IMAGE
    output = DESCRIPTOR

    def __post_init__(self) -> None:
        object.__setattr__(self, "_stage", _core.TinyImage(importance=self.importance))

    @property
    def blocks(self) -> tuple[DescriptorBlock, ...]:
        """What its descriptors consist of."""
        return self._stage.blocks()  # type: ignore[no-any-return]

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Descriptor:
        """Describe one picture."""
        return self._stage(value)  # type: ignore[no-any-return]


#: The stage with its usual options.
tiny_image = TinyImage()


def normalized_pixels(pictures: npt.ArrayLike, *, progress: Progress = False) -> _Floats:
    """Return each picture as a row of mean 0 and length 1; a constant one as zeros.

    Parameters
    ----------
    pictures
        uint8 of (n, channels, height, width), of any size.

    Raises
    ------
    InputError
        For another type or number of axes.
    """
    array = as_array(pictures, "normalized_pixels")
    if array.dtype != np.uint8:
        raise InputError(f"normalized_pixels: given {array.dtype}, wanted uint8")
    with reporting(progress) as report:
        return _core.normalized_pixels(np.ascontiguousarray(array), report)


def _pairs(a: Any, b: Any, where: str) -> tuple[_Floats, _Floats, bool]:
    left, right = as_numbers(a, np.float32, where), as_numbers(b, np.float32, where)
    single = left.ndim == 1 and right.ndim == 1
    try:
        left, right = np.broadcast_arrays(np.atleast_2d(left), np.atleast_2d(right))
    except ValueError:
        raise InputError(f"{where}: given arrays of {left.shape} and {right.shape}, wanted pairs") from None
    return _rows(left, where), _rows(right, where), single


def warp_distance(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    translation: float = 3.0,
    scale: float = 1.2,
    mirror: bool = True,
    starts: int = 2,
    iterations: int = 10,
    shape: tuple[int, int, int] = _SHAPE,
    progress: Progress = False,
) -> tuple[Any, _Floats]:
    """Return the squared distance of pictures after the second was moved, scaled and mirrored to fit.

    The least that Gauss and Newton's method finds from several starts; never above the plain squared distance.

    Parameters
    ----------
    a, b
        Two rows, or (n, numbers) for n pairs; one row goes with many.
    translation, scale, mirror
        How far, in pixels, by which factor at most, and whether `b` may be mirrored left to right.
    starts, iterations
        Of the search.
    shape
        Planes, height and width of a picture.

    Returns
    -------
    squared
        A float for two rows, otherwise (n,).
    warps
        (4,) or (n, 4): pixels down and right, scale, and 1 where mirrored. :func:`warped` applies them.

    Raises
    ------
    InputError
        For rows of other lengths, numbers that are not finite, and options out of range.
    """
    left, right, single = _pairs(a, b, "warp_distance")
    with reporting(progress) as report:
        squared, warps = _core.warp_distance(
            left,
            right,
            translation=translation,
            scale=scale,
            mirror=mirror,
            starts=starts,
            iterations=iterations,
            window=0,
            shape=shape,
            progress=report,
        )
    return (float(squared[0]), warps[0]) if single else (squared, warps)


def shift_distance(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    window: int = 2,
    translation: float = 3.0,
    scale: float = 1.2,
    mirror: bool = True,
    starts: int = 2,
    iterations: int = 10,
    shape: tuple[int, int, int] = _SHAPE,
    progress: Progress = False,
) -> tuple[Any, _Floats]:
    """Return the squared distance where, after the best warp, every pixel may shift by itself.

    Each pixel of `a` is compared with the best of ``(2 * window + 1)**2`` pixels of the warped `b`. Never above
    :func:`warp_distance`, whose parameters, results and errors it has.
    """
    left, right, single = _pairs(a, b, "shift_distance")
    with reporting(progress) as report:
        squared, warps = _core.shift_distance(
            left,
            right,
            translation=translation,
            scale=scale,
            mirror=mirror,
            starts=starts,
            iterations=iterations,
            window=window,
            shape=shape,
            progress=report,
        )
    return (float(squared[0]), warps[0]) if single else (squared, warps)


def warped(
    pictures: npt.ArrayLike,
    *,
    down: float = 0.0,
    right: float = 0.0,
    scale: float = 1.0,
    mirrored: bool = False,
    shape: tuple[int, int, int] = _SHAPE,
) -> _Floats:
    """Return pictures, a row or rows, mirrored, scaled about the center and read `down` and `right`."""
    array = as_numbers(pictures, np.float32, "warped")
    rows = _rows(np.atleast_2d(array), "warped")
    result = _core.warped(rows, down=down, right=right, scale=scale, mirrored=mirrored, shape=shape)
    return result.reshape(array.shape)


def rerank(
    ids: npt.ArrayLike,
    vectors: npt.ArrayLike,
    queries: npt.ArrayLike,
    k: int = 10,
    *,
    distance: str = "warp",
    window: int = 2,
    translation: float = 3.0,
    scale: float = 1.2,
    mirror: bool = True,
    starts: int = 2,
    iterations: int = 10,
    shape: tuple[int, int, int] = _SHAPE,
    progress: Progress = False,
) -> tuple[_Ids, _Floats]:
    """Return the `k` nearest of each shortlist by another distance, ids and squared distances.

    Parameters
    ----------
    ids
        (queries, candidates): numbers of `vectors`; -1 at the end of a row where there are fewer.
    vectors, queries
        A row for each picture.
    k
        How many to keep.
    distance
        "ssd", "warp" or "shift"; the other parameters are those of :func:`shift_distance`.

    Raises
    ------
    InputError
        For ids without a vector, rows of other lengths, and options out of range.
    """
    with reporting(progress) as report:
        return _core.rerank(
            np.ascontiguousarray(as_array(ids, "rerank"), dtype=np.int64),
            _rows(vectors, "rerank"),
            _rows(queries, "rerank"),
            k=k,
            distance=distance,
            translation=translation,
            scale=scale,
            mirror=mirror,
            starts=starts,
            iterations=iterations,
            window=window,
            shape=shape,
            progress=report,
        )


def component_shortlist(
    vectors: npt.ArrayLike,
    queries: npt.ArrayLike,
    candidates: int,
    *,
    components: int = 19,
    sample: int = 10000,
    seed: int = 0,
    progress: Progress = False,
) -> tuple[_Ids, _Floats]:
    """Return the candidates nearest by the first principal components, to be measured with :func:`rerank`.

    Parameters
    ----------
    vectors, queries
        A row for each.
    candidates
        How many for each query.
    components
        Coordinates that are compared.
    sample
        The components are fitted on at most so many vectors.

    Returns
    -------
    ids, squared
        (queries, candidates), nearest first. Distances are those of the coordinates, at most the real ones.
    """
    where = "component_shortlist"
    with reporting(progress) as report:
        return _core.component_shortlist(
            _rows(vectors, where),
            _rows(queries, where),
            candidates=candidates,
            components=components,
            sample=sample,
            seed=seed,
            progress=report,
        )


def near_duplicates(
    vectors: npt.ArrayLike, queries: npt.ArrayLike, *, correlation: float = 0.95, progress: Progress = False
) -> list[_Ids]:
    """Return for each query the numbers of the vectors whose cosine with it is at least `correlation`.

    For tiny images that is the correlation. Experiments leave these out, or they would be too easy.
    """
    with reporting(progress) as report:
        return _core.near_duplicates(
            _rows(vectors, "near_duplicates"),
            _rows(queries, "near_duplicates"),
            correlation=correlation,
            progress=report,
        )


def nested_neighbors(
    vectors: npt.ArrayLike,
    queries: npt.ArrayLike,
    sizes: Sequence[int],
    k: int = 10,
    *,
    repetitions: int = 1,
    shuffle: bool = False,
    near_duplicates: float = 2.0,
    seed: int = 0,
    progress: Progress = False,
) -> tuple[_Ids, _Floats]:
    """Return the exact neighbors among the first vectors, for several numbers of vectors, by one search.

    Parameters
    ----------
    vectors, queries
        A row for each.
    sizes
        Ascending.
    k
        How many neighbors.
    repetitions, shuffle, seed
        With one repetition the collection grows as it lies, unless `shuffle`; with more in random orders.
    near_duplicates
        Vectors whose cosine with the query is at least this are not found.

    Returns
    -------
    ids, squared
        (repetitions, sizes, queries, k); -1 and infinity where there are fewer.
    """
    with reporting(progress) as report:
        return _core.nested_neighbors(
            _rows(vectors, "nested_neighbors"),
            _rows(queries, "nested_neighbors"),
            sizes=[int(size) for size in sizes],
            k=k,
            repetitions=repetitions,
            shuffle=shuffle,
            near_duplicates=near_duplicates,
            seed=seed,
            progress=report,
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Orientations:
    """Which way pictures stand upright.

    Attributes
    ----------
    quarter_turns
        (n,): how many, counterclockwise (as `numpy.rot90` turns), bring each upright.
    correlation
        (n, 4): the mean correlation with the neighbors after each number of turns.
    """

    quarter_turns: _Ids
    correlation: npt.NDArray[np.float64]


def find_orientations(
    upright: npt.ArrayLike,
    queries: npt.ArrayLike,
    *,
    neighbors: int = 50,
    leave_out: Iterable[int] = (),
    shape: tuple[int, int, int] = _SHAPE,
    progress: Progress = False,
) -> Orientations:
    """Turn pictures by quarters, and keep the turn that correlates best with its neighbors.

    Parameters
    ----------
    upright, queries
        Normalized pictures, a row for each.
    neighbors
        How many of each turn are asked.
    leave_out
        Numbers of upright pictures that are not asked.
    shape
        Planes, height and width of a picture; square.
    """
    with reporting(progress) as report:
        turns, correlation = _core.find_orientations(
            _rows(upright, "find_orientations"),
            _rows(queries, "find_orientations"),
            neighbors=neighbors,
            leave_out=[int(id_) for id_ in leave_out],
            shape=shape,
            progress=report,
        )
    return Orientations(turns, correlation)


class WordTree:
    """Nouns in a tree, each below a more general one.

    Parameters
    ----------
    pairs
        (child, parent) names. Nodes are numbered in the order in which their names come first.

    Raises
    ------
    InputError
        If a node has two parents, is below itself, or there is not one single root.

    Examples
    --------
    >>> tree = WordTree([("dog", "animal"), ("cat", "animal"), ("animal", "entity"), ("car", "entity")])
    >>> votes = tree.votes(["dog", "car", "cat"])
    >>> votes.best_path()
    ['entity', 'animal', 'dog']
    >>> votes.count("animal")
    2
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._handle = _core.WordTree([(str(child), str(parent)) for child, parent in pairs])

    @classmethod
    def _of(cls, handle: _core.WordTree) -> WordTree:
        tree = cls.__new__(cls)
        tree._handle = handle
        return tree

    def __len__(self) -> int:
        return len(self._handle)

    @property
    def root(self) -> str:
        """The most general name."""
        return self._handle.name(self._handle.root())

    def parent(self, name: str) -> str | None:
        """Return the name above, None above the root."""
        node = self._handle.parent(self._handle.node(name))
        return None if node < 0 else self._handle.name(node)

    def children(self, name: str) -> list[str]:
        """Return the names right below."""
        return [self._handle.name(node) for node in self._handle.children(self._handle.node(name))]

    def depth(self, name: str) -> int:
        """Return the number of steps to the root."""
        return self._handle.depth(self._handle.node(name))

    def path_to_root(self, name: str) -> list[str]:
        """Return the name, its parent, and so on to the root."""
        return [self._handle.name(node) for node in self._handle.path_to_root(self._handle.node(name))]

    def is_within(self, name: str, ancestor: str) -> bool:
        """Return whether `name` is `ancestor` or below it."""
        return self._handle.is_within(self._handle.node(name), self._handle.node(ancestor))

    def votes(self, names: Iterable[str]) -> TreeVotes:
        """Let each name, nearest match first, vote for itself and all above it."""
        return TreeVotes(self, self._handle.votes([self._handle.node(name) for name in names]))


class TreeVotes:
    """What matches say together about a tree. Made by :meth:`WordTree.votes`."""

    def __init__(self, tree: WordTree, handle: _core.TreeVotes) -> None:
        self._tree = tree
        self._handle = handle
        self._counts = handle.counts()

    @property
    def total(self) -> int:
        """How many voted."""
        return self._handle.total()

    def count(self, name: str) -> int:
        """Return the votes at a node."""
        return int(self._counts[self._tree._handle.node(name)])

    def share(self, name: str) -> float:
        """Return the votes at a node, of all votes."""
        return self.count(name) / self.total if self.total else 0.0

    def best(self, names: Iterable[str]) -> str | None:
        """Return the name with the most votes; of several, that of the nearest match. None without votes."""
        nodes = self._tree._handle
        chosen = self._handle.best([nodes.node(name) for name in names])
        return None if chosen < 0 else nodes.name(chosen)

    def best_path(self) -> list[str]:
        """Return the way from the root down, always to the best child."""
        return [self._tree._handle.name(node) for node in self._handle.best_path()]


class WordNet:
    """The nouns of WordNet 3.0 as a tree: every synset below its first hypernym.

    Parameters
    ----------
    folder
        With data.noun and index.noun; Debian's package wordnet-base puts them there.

    Raises
    ------
    FileError
        If a file is missing, damaged or of another format.
    """

    def __init__(self, folder: Path = "/usr/share/wordnet") -> None:
        self._handle = _core.WordNet(folder)
        self.tree = WordTree._of(self._handle.tree())

    def synset(self, word: str, sense: int = 1) -> str:
        """Return the name in the tree of a sense of a noun: "dog.n.01".

        Raises
        ------
        InputError
            If the word has no such sense.
        """
        return self.tree._handle.name(self._handle.node(word, sense))

    def synsets(self, word: str) -> list[str]:
        """Return the names of all senses of a noun, the most frequent first."""
        return [self.tree._handle.name(node) for node in self._handle.senses(word)]
