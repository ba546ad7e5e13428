"""The nearest vectors of an array, exactly: on plain arrays, and in an index that is asked many times."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import as_array
from ._progress import Progress, reporting
from ._types import Array, SupportsDLPack
from .errors import InputError
from .threads import set_threads
from .values import Descriptor, DescriptorBlock, Matches

#: Vectors: (count, dimension), or pictures of any shape behind the first axis, of float32, float16 or uint8.
VectorsLike = Union[npt.ArrayLike, SupportsDLPack]


@dataclasses.dataclass(frozen=True)
class Neighbors:
    """The nearest entries for each of several queries. ``found[i]`` are those of one query.

    Attributes
    ----------
    ids
        (queries, k) int64, nearest first, those at equal distance by id; -1 where fewer were found.
    distances
        (queries, k) float32; smaller is nearer. Infinity where the id is -1.
    counts
        (queries,) int64: how many were found.
    certified
        Whether these are provably the nearest ones.
    """

    ids: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float32]
    counts: npt.NDArray[np.int64]
    certified: bool = True

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, query: int) -> Matches:
        return Matches(self.ids[query], self.distances[query], certified=self.certified)

    def __iter__(self) -> Iterator[Matches]:
        return (self[query] for query in range(len(self)))

    def __repr__(self) -> str:
        return f"Neighbors({len(self)} queries, k = {self.ids.shape[1]}, certified = {self.certified})"


def _vectors(value: Any, where: str) -> Array:
    """Rows without gaps, on the memory of `value` where it allows that."""
    array = as_array(value, where)
    if array.ndim < 2:
        raise InputError(
            f"{where}: given an array of {array.ndim} axes, wanted 2 (count, dimension) or more; a single "
            "vector is array[None]"
        )
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    if array.dtype not in (np.float32, np.float16, np.uint8):
        raise InputError(f"{where}: given {array.dtype}, wanted float32, float16, uint8 (or float64)")
    size = int(np.prod(array.shape[1:], dtype=np.int64))
    return np.ascontiguousarray(array).reshape(len(array), size)


def _admitted(only: Any, where: str) -> tuple[list[int] | None, npt.NDArray[np.bool_] | None]:
    """Ids or a bitmap."""
    if only is None:
        return None, None
    array = np.asarray(list(only) if not hasattr(only, "__array__") else only)
    if array.size == 0 and array.dtype != np.bool_:
        return [], None
    if array.ndim == 1 and array.dtype == np.bool_:
        return None, np.ascontiguousarray(array)
    if array.ndim == 1 and array.dtype.kind in "iu":
        return array.tolist(), None
    raise InputError(
        f"{where}.only: given an array of {array.ndim} axes of {array.dtype}, wanted a bool for each id, or ids"
    )


def _ids(ids: Iterable[int]) -> list[int]:
    return [int(id_) for id_ in ids]


def _threads(count: int | None) -> contextlib.AbstractContextManager[Any]:
    return contextlib.nullcontext() if count is None else set_threads(count)


def nearest(
    vectors: VectorsLike,
    queries: VectorsLike | None,
    k: int = 10,
    *,
    metric: str = "squared_l2",
    radius: float | None = None,
    only: npt.ArrayLike | Iterable[int] | None = None,
    leave_out: Iterable[int] = (),
    threads: int | None = None,
    seed: int = 0,
    progress: Progress = False,
) -> Neighbors:
    """Find the nearest of some vectors to each of some queries, exactly. Ids are numbers of rows.

    The arrays are read where they lie if they have no gaps. With many queries and many long vectors,
    principal components are prepared first; what is asked more than once belongs into a
    :class:`VectorIndex`, which keeps them.

    Parameters
    ----------
    vectors
        (count, dimension) of float32, float16 or uint8; pictures, (count, height, width, 3) for instance, are
        vectors of all their numbers. float64 is converted to float32.
    queries
        Vectors of the same type and dimension; None: all pairs, each vector itself left out.
    k
        How many to find.
    metric
        ``"squared_l2"``; ``"inner_product"``, negated so that smaller is nearer; or ``"correlation"``, 1 - the
        correlation of the vectors' numbers, which for pictures neither brightness nor contrast changes.
    radius
        Nothing farther than this is found.
    only
        Ids, or a bool for each id: what may be found.
    leave_out
        Ids that must not be found.
    threads
        For this call; by default what :func:`set_threads` says.
    seed
        Of the principal components' random start; the result does not depend on it.
    progress
        True for a progress bar, or a callable ``(task, done, total)``.

    Raises
    ------
    InputError
        For no vectors, other dimensions or types of queries, numbers that are not finite, or k < 1.

    Examples
    --------
    >>> import numpy as np
    >>> corners = np.array([[0, 0], [0, 1], [1, 0]], np.float32)
    >>> la.nearest(corners, corners[:1] + 0.1, k=2).ids
    array([[0, 1]])
    """
    known = _vectors(vectors, "nearest")
    sought = None if queries is None else _vectors(queries, "nearest")
    ids, bitmap = _admitted(only, "nearest")
    with reporting(progress) as report, _threads(threads):
        found = _core.nearest(
            known, sought, metric, int(k), radius, ids, bitmap, _ids(leave_out), seed, report
        )
    return Neighbors(*found)


class VectorIndex:
    """Vectors that are asked many times: prepared once, searched exactly.

    The array is kept, not copied, if it has no gaps, and must not change. Searching releases Python's lock and
    may happen on several threads at once.

    Parameters
    ----------
    vectors, metric, seed
        As for :func:`nearest`.
    ids
        Of the vectors, unique and at least 0; by default 0, 1, ...
    prepare
        Whether principal components are found where there are many long vectors. That reads all
        vectors several times, and pays where hundreds of queries follow.
    progress
        True for a progress bar, or a callable ``(task, done, total)``.

    Raises
    ------
    InputError
        For no vectors, numbers that are not finite, and ids that are not one for each vector, unique, and at
        least 0.

    Examples
    --------
    >>> import numpy as np
    >>> index = la.VectorIndex(np.eye(3, dtype=np.float32), ids=[7, 8, 9])
    >>> index.search(np.eye(3, dtype=np.float32)[1:], k=1).ids.ravel()
    array([8, 9])
    """

    def __init__(
        self,
        vectors: VectorsLike,
        *,
        metric: str = "squared_l2",
        ids: Iterable[int] = (),
        prepare: bool = True,
        seed: int = 0,
        progress: Progress = False,
    ) -> None:
        array = _vectors(vectors, "VectorIndex")
        self._metric = metric
        self._counts: dict[str, int] = {}
        with reporting(progress) as report:
            self._handle = _core.VectorIndex(array, metric, _ids(ids), prepare, seed, report)

    def __len__(self) -> int:
        return len(self._handle)

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self._handle.dimension()

    @property
    def metric(self) -> str:
        """What distances measure."""
        return self._metric

    @property
    def prepared_memory(self) -> int:
        """Bytes that were prepared besides the vectors; 0 where preparing does not pay."""
        return self._handle.prepared_memory()

    @property
    def last_counts(self) -> dict[str, int]:
        """Of the last search: rows, those that each stage left over (coarse, fine), and rows measured."""
        return dict(self._counts)

    def without(self, ids: Iterable[int]) -> VectorIndex:
        """Return the index without some ids; this one stays as it is, and they share their memory."""
        rest = object.__new__(VectorIndex)
        rest._metric, rest._counts = self._metric, {}
        rest._handle = self._handle.without(_ids(ids))
        return rest

    def search(
        self,
        queries: VectorsLike | None,
        k: int = 10,
        *,
        radius: float | None = None,
        only: npt.ArrayLike | Iterable[int] | None = None,
        leave_out: Iterable[int] = (),
        threads: int | None = None,
        progress: Progress = False,
    ) -> Neighbors:
        """Find the nearest vectors to each of some queries. Parameters and errors are :func:`nearest`'s."""
        sought = None if queries is None else _vectors(queries, "search")
        allowed, bitmap = _admitted(only, "search")
        with reporting(progress) as report, _threads(threads):
            found, self._counts = self._handle.search(
                sought, int(k), radius, allowed, bitmap, _ids(leave_out), report
            )
        return Neighbors(*found)

    def __repr__(self) -> str:
        return f"VectorIndex({len(self)} vectors of {self.dimension}, metric = {self._metric!r})"


class DescriptorIndex:
    """Descriptors in memory, looked up exactly whatever part of a query is known.

    What a :class:`Collection` does with those on disk, for an array that comes from elsewhere: the distance is
    that of :meth:`Collection.search`. The array is kept, not copied, and must not change.

    Parameters
    ----------
    values
        (count, values of all blocks) float32.
    blocks
        What the values are, for example ``la.scene_descriptor.blocks``.
    ids
        Of the descriptors, unique and at least 0; by default 0, 1, ...
    prepare
        Whether principal components are found for 8192 descriptors and more. Takes some 370 bytes for each.
    seed
        Of the principal components' random start; results do not depend on it.
    progress
        True for a progress bar, or a callable ``(task, done, total)``.

    Raises
    ------
    InputError
        Where values and blocks do not go together, for values that are not finite, and for ids as
        :class:`VectorIndex`.
    """

    def __init__(
        self,
        values: VectorsLike,
        blocks: Sequence[DescriptorBlock],
        *,
        ids: Iterable[int] = (),
        prepare: bool = True,
        seed: int = 0,
        progress: Progress = False,
    ) -> None:
        array = _vectors(values, "DescriptorIndex")
        self._blocks = tuple(blocks)
        self._counts: dict[str, int] = {}
        fields = [(b.name, b.cells, b.values_per_cell, b.importance) for b in self._blocks]
        with reporting(progress) as report:
            self._handle = _core.DescriptorIndex(array, fields, _ids(ids), prepare, seed, report)

    def __len__(self) -> int:
        return len(self._handle)

    @property
    def blocks(self) -> tuple[DescriptorBlock, ...]:
        """What the descriptors consist of."""
        return self._blocks

    @property
    def block_distances(self) -> npt.NDArray[np.float64]:
        """The mean squared distance of two descriptors in each block, which divides the block's distances."""
        return np.array(self._handle.block_distances())

    @property
    def prepared_memory(self) -> int:
        """Bytes that were prepared besides the values."""
        return self._handle.prepared_memory()

    @property
    def last_counts(self) -> dict[str, int]:
        """Of the last search: rows, those that each stage left over (coarse, fine), and rows measured."""
        return dict(self._counts)

    def search(
        self,
        queries: Descriptor | Sequence[Descriptor],
        k: int = 10,
        *,
        importance: Iterable[float] = (),
        radius: float | None = None,
        only: npt.ArrayLike | Iterable[int] | None = None,
        leave_out: Iterable[int] = (),
        threads: int | None = None,
        progress: Progress = False,
    ) -> Neighbors:
        """Find the nearest descriptors to each of some, by the cells that are known of it.

        `importance` are factors for the blocks; by default what :attr:`blocks` say. The other parameters and
        the errors are those of :func:`nearest`.
        """
        each = [queries] if isinstance(queries, Descriptor) else list(queries)
        known = [(b.name, b.cells, b.values_per_cell) for b in self._blocks]
        for query in each:
            if [(b.name, b.cells, b.values_per_cell) for b in query.blocks] != known:
                raise InputError(f"search: given a descriptor of {query.blocks}, wanted {self._blocks}")
        values = np.array([query.values for query in each], np.float32).reshape(
            len(each), sum(b.cells * b.values_per_cell for b in self._blocks)
        )
        weights = np.array([query.weights for query in each], np.float32).reshape(
            len(each), sum(b.cells for b in self._blocks)
        )
        allowed, bitmap = _admitted(only, "search")
        with reporting(progress) as report, _threads(threads):
            found, self._counts = self._handle.search(
                values,
                weights,
                [float(factor) for factor in importance],
                int(k),
                radius,
                allowed,
                bitmap,
                _ids(leave_out),
                report,
            )
        return Neighbors(*found)

    def __repr__(self) -> str:
        return f"DescriptorIndex({len(self)} descriptors)"
