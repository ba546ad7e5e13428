"""What flows between stages.

Plain dataclasses of numbers and arrays: a stage of your own can take one, pick, reorder or change what it
holds with :func:`dataclasses.replace`, and hand it on to the next built-in stage.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _core
from ._types import Array, Mask, PictureLike

CompletionQuery = _core.CompletionQuery


class MaskedImage(NamedTuple):
    """A photograph with a hole; the plain tuple ``(picture, hole)`` will do wherever one is wanted."""

    #: (height, width) or (height, width, 3).
    picture: Any
    #: (height, width) of bool or integers; non-zero = missing.
    hole: Any


@dataclasses.dataclass(frozen=True)
class DescriptorBlock:
    """One part of a descriptor: a grid of cells with the same number of values in each.

    Attributes
    ----------
    name
        What computed it, with its parameters. Descriptors can be compared when their blocks' names and
        extents agree.
    cells, values_per_cell
        Its extent.
    importance
        How much it counts beside the others.
    """

    name: str
    cells: int
    values_per_cell: int
    importance: float = 1.0


def _floats(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(values, dtype=np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Descriptor:
    """What a picture is looked up by.

    Attributes
    ----------
    blocks
        Its parts.
    values
        float32, block after block, cell after cell.
    weights
        float32, for each cell of each block the known fraction of the picture there, 0 to 1. By default 1.
    """

    blocks: tuple[DescriptorBlock, ...]
    values: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32] = dataclasses.field(default_factory=lambda: np.empty(0, np.float32))

    def __post_init__(self) -> None:
        blocks: Iterable[DescriptorBlock] = self.blocks
        object.__setattr__(self, "blocks", tuple(blocks))
        object.__setattr__(self, "values", _floats(self.values))
        weights = _floats(self.weights)
        if weights.size == 0:
            weights = np.ones(sum(block.cells for block in self.blocks), np.float32)
        object.__setattr__(self, "weights", weights)

    def __repr__(self) -> str:
        blocks = " + ".join(f"{block.name} of {block.cells}x{block.values_per_cell}" for block in self.blocks)
        return f"Descriptor({blocks})"


@dataclasses.dataclass(frozen=True, eq=False)
class Matches:
    """What a look-up finds, nearest first; those at equal distance by id.

    Attributes
    ----------
    ids
        int64, as many as were asked for; where fewer were found, -1 at the end.
    distances
        float32; smaller is nearer. Infinity where the id is -1.
    photos
        Where the photographs with these ids can be read: a collection, or any object with ``photos.read(id)``
        or ``photos[id]`` that gives a picture, and perhaps ``photos.path(id)``. A picture for which that
        raises OSError is passed over.
    certified
        Whether these are provably the nearest ones.
    """

    ids: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float32]
    photos: Any = None
    certified: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", np.ascontiguousarray(self.ids, dtype=np.int64))
        object.__setattr__(self, "distances", _floats(self.distances))

    @property
    def count(self) -> int:
        """How many were found."""
        return int(np.count_nonzero(self.ids >= 0))

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[int, float]]:
        """Yield (id, distance) of what was found."""
        return iter(zip(self.ids[: self.count].tolist(), self.distances[: self.count].tolist()))

    def __repr__(self) -> str:
        nearest = ", ".join(f"{id_}: {distance:.3g}" for id_, distance in list(self)[:3])
        more = ", ..." if self.count > 3 else ""
        return f"Matches({self.count} found: {nearest}{more})" if nearest else "Matches(none found)"


@dataclasses.dataclass(frozen=True)
class CostTerms:
    """The terms of the ranking, each smaller for a better completion.

    Attributes
    ----------
    scene
        Distance of the scene descriptors.
    context
        Color difference in the context band, with the offset penalty.
    texture
        Mean squared difference of texture in the context band.
    seam
        Energy of the cut.
    """

    scene: float = 0.0
    context: float = 0.0
    texture: float = 0.0
    seam: float = 0.0


@dataclasses.dataclass(frozen=True, eq=False)
class PlacedScene:
    """A candidate scene, and where it goes.

    Attributes
    ----------
    source
        Id of the photograph.
    name
        Its name, usually a path.
    scale
        Applied to the photograph at matching resolution.
    offset
        (y, x) of its top left pixel in the query's frame, in pixels at matching resolution.
    center_distance
        Between the centers of query and scene, in pixels at matching resolution.
    terms
        What it costs, as far as it is known.
    """

    source: int
    name: str
    scale: float
    offset: tuple[int, int]
    center_distance: float
    terms: CostTerms


@dataclasses.dataclass(frozen=True, eq=False)
class Composite(PlacedScene):
    """A placed scene and the part of the picture it takes.

    Attributes
    ----------
    from_patch
        Bool, at matching resolution; True: taken from the scene.
    flow, cut
        Values of the maximum flow and the minimum cut. They are equal, which proves that no seam is cheaper.
    seam_unary, seam_pairwise
        What replacing known pixels costs, and what the seam costs; their sum is ``terms.seam``.
    score
        Sum of the terms, each over its median; set by ``rank``.
    """

    from_patch: Mask
    flow: int
    cut: int
    seam_unary: float
    seam_pairwise: float
    score: float


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Completion(Composite):
    """A finished picture. Notebooks show it.

    Attributes
    ----------
    image
        The filled photograph, with the shape and type of the one given.
    cut_mask
        (height, width) of bool; True: taken from the scene.
    """

    image: Array
    cut_mask: Mask

    @property
    def caption(self) -> str:
        """Score and source, for a contact sheet."""
        return f"{self.score:.2f}  {os.path.basename(self.name)}"  # noqa: PTH119 - a name need not be a path

    def _repr_png_(self) -> bytes:
        return _core.encode_image(self.image)

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.image.shape))
        return (
            f"Completion(score={self.score:.3f}, source={self.source}, name={self.name!r}, "
            f"scale={self.scale:g}, offset={self.offset}, image={shape} {self.image.dtype})"
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Placements:
    """Candidates that fit somewhere, in the order of retrieval.

    Attributes
    ----------
    query
        The photograph with the hole.
    photos
        Where photographs are read; see :class:`Matches`.
    scenes
        The candidates.
    """

    query: CompletionQuery
    photos: Any
    scenes: Sequence[PlacedScene]

    def __len__(self) -> int:
        return len(self.scenes)

    def __iter__(self) -> Iterator[PlacedScene]:
        return iter(self.scenes)


@dataclasses.dataclass(frozen=True, eq=False)
class Composites:
    """Candidates with their seams; after ``rank`` the best of them, best first. See :class:`Placements`."""

    query: CompletionQuery
    photos: Any
    scenes: Sequence[Composite]

    def __len__(self) -> int:
        return len(self.scenes)

    def __iter__(self) -> Iterator[Composite]:
        return iter(self.scenes)


@dataclasses.dataclass(frozen=True, eq=False)
class SeamCut:
    """The cheapest seam between two pictures, with its certificate.

    Attributes
    ----------
    from_patch
        (height, width) of bool; True: taken from the patch.
    flow, cut
        Maximum flow and minimum cut, in quanta. They are equal, which proves that no seam is cheaper.
    energy, unary, pairwise
        What the seam costs before quantization; `energy` is the sum of the other two.
    """

    from_patch: Mask
    flow: int
    cut: int
    energy: float
    unary: float
    pairwise: float


def picture_and_hole(value: Any) -> tuple[PictureLike, Any]:
    """Return the parts of a picture with a hole; the hole is None for a picture alone."""
    if isinstance(value, tuple) and len(value) == 2:
        return value[0], value[1]
    return value, None
