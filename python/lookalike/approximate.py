"""Looking up vectors approximately: a graph of links between near ones."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, Callable, Union, overload

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import as_numbers
from ._progress import Progress, reporting
from ._types import Path
from .errors import InputError
from .stage import Kind
from .values import Descriptor, Matches

#: Which ids a search may find: some ids, a bool for each id from 0 on, or a function of an id.
Only = Union[Iterable[int], npt.NDArray[np.bool_], Callable[[int], bool]]


def _vectors(value: Any, where: str) -> npt.NDArray[np.float32]:
    array = as_numbers(value, np.float32, where)
    if array.ndim < 2:
        raise InputError(f"{where}: given an array of {array.ndim} axes, wanted one row for each vector")
    return np.ascontiguousarray(array.reshape(len(array), -1) if array.size else array.reshape(len(array), 0))


def _ids(ids: Iterable[int] | None) -> list[int]:
    return [] if ids is None else [operator.index(id_) for id_ in ids]


class ApproximateIndex:
    """Vectors in memory, and entries near to one that are mostly, not provably, the nearest.

    A graph of links between near vectors, through which a search walks (Malkov, Yashunin, "Efficient and
    robust approximate nearest neighbor search using hierarchical navigable small world graphs", IEEE PAMI
    2020; hnswlib's implementation). What the walk finds is measured again in double precision. Usable from
    many threads; :meth:`add` and :meth:`erase` wait for the searches before them.

    Parameters
    ----------
    vectors
        (count, ...) floats, a vector for each row. Copied.
    ids
        One for each vector, 0 or more; by default 0, 1, ...
    links
        Links of an entry on each layer of the graph, twice as many on the lowest (the paper's M); 2 to 10000.
        More find more and take more memory, 8 bytes each, and as much time.
    ef_construction
        Nearest entries known so far among which an entry's links are chosen.
    seed
        The same vectors and seed give the same graph,
    deterministic
        if this is True. Otherwise all threads add, and it depends on chance which of equally good graphs
        comes out.
    progress
        True for a progress bar, or a callable ``(task, done, total)``.

    Raises
    ------
    InputError
        If there is no number, one is not finite, an id is given twice or below 0, or an option is out of
        range.

    Examples
    --------
    >>> import lookalike as la
    >>> import numpy as np
    >>> vectors = np.random.default_rng(0).normal(size=(1000, 16)).astype(np.float32)
    >>> known = la.ApproximateIndex(vectors)
    >>> known.search(vectors[7], k=3).ids[0]
    7
    """

    def __init__(
        self,
        vectors: npt.ArrayLike,
        ids: Iterable[int] | None = None,
        *,
        links: int = 16,
        ef_construction: int = 200,
        seed: int = 0,
        deterministic: bool = True,
        progress: Progress = False,
    ) -> None:
        rows = _vectors(vectors, "ApproximateIndex")
        with reporting(progress) as report:
            self._handle = _core.ApproximateIndex(
                rows,
                _ids(ids),
                links=links,
                ef_construction=ef_construction,
                seed=seed,
                deterministic=deterministic,
                progress=report,
            )

    def add(
        self, vectors: npt.ArrayLike, ids: Iterable[int] | None = None, *, progress: Progress = False
    ) -> None:
        """Add vectors, with ids that were never given before; by default those after the largest one.

        Raises
        ------
        InputError
            As the class does; nothing is added then.
        """
        rows = _vectors(vectors, "ApproximateIndex.add")
        with reporting(progress) as report:
            self._handle.add(rows, _ids(ids), report)

    def erase(self, ids: Iterable[int]) -> None:
        """Make vectors unfindable. They keep their memory: build anew when most are gone.

        Raises
        ------
        InputError
            If one is not there; nothing is erased then.
        """
        self._handle.erase(_ids(ids))

    def __len__(self) -> int:
        return len(self._handle)

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return self._handle.dimension()

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """Ids of the vectors that can be found, ascending."""
        return self._handle.ids()

    @overload
    def search(
        self,
        query: Descriptor,
        k: int = 10,
        *,
        candidates: int = 100,
        leave_out: Iterable[int] = (),
        only: Only | None = None,
        progress: Progress = False,
    ) -> Matches: ...
    @overload
    def search(
        self,
        query: npt.ArrayLike,
        k: int = 10,
        *,
        candidates: int = 100,
        leave_out: Iterable[int] = (),
        only: Only | None = None,
        progress: Progress = False,
    ) -> Any: ...
    def search(
        self,
        query: Any,
        k: int = 10,
        *,
        candidates: int = 100,
        leave_out: Iterable[int] = (),
        only: Only | None = None,
        progress: Progress = False,
    ) -> Any:
        """Find the `k` nearest vectors, as far as the walk comes by them.

        There are fewer than `k` only where so few are allowed: when the walk does not find enough, or would
        touch more vectors than are allowed, all of these are measured.

        Parameters
        ----------
        query
            A vector, or a descriptor whose cells all count fully; or (n, dimension) for many at once.
        k
            At least 1.
        candidates
            How many near entries the walk keeps (the paper's ef), all of which are then measured; `k` if that
            is more. The one dial between time and recall.
        leave_out
            Ids that must not be found.
        only
            The only ids that may be found: ids, or a bool for each id from 0 on, or a function of an id.

        Returns
        -------
        Matches
            Distances are squared Euclidean ones; `certified` is False. For many queries, a list of them.

        Raises
        ------
        InputError
            For numbers that are not finite or not as many as in a vector, or an option below 1.
        """
        if isinstance(query, Descriptor):
            if not np.all(query.weights == 1):
                raise InputError(
                    "search: given cell weights other than 1, wanted none: vectors are compared as a whole"
                )
            query = query.values
        array = as_numbers(query, np.float32, "search")
        rows = _vectors(array[np.newaxis] if array.ndim == 1 else array, "search")
        with reporting(progress) as report:
            found = self._handle.search(
                rows,
                k=k,
                candidates=candidates,
                leave_out=_ids(leave_out),
                only=None if only is None else self._allowed(only),
                progress=report,
            )
        return found[0] if array.ndim == 1 else found

    def _allowed(self, only: Only) -> list[int]:
        if callable(only):
            return [id_ for id_ in self.ids.tolist() if only(id_)]
        if isinstance(only, np.ndarray) and only.dtype == np.bool_:
            return np.flatnonzero(only).tolist()
        return _ids(only)

    def measure_recall(
        self, queries: npt.ArrayLike, k: int = 10, *, candidates: int = 100, progress: Progress = False
    ) -> float:
        """Return the mean part of the exact `k` nearest that searches for `queries` find.

        The queries should be like those to come, and none of the vectors themselves. All vectors are measured
        for each.
        """
        rows = _vectors(queries, "measure_recall")
        with reporting(progress) as report:
            return self._handle.measure_recall(rows, k=k, candidates=candidates, progress=report)

    def save(self, path: Path) -> None:
        """Write the index to one file, which appears complete or not at all.

        Raises
        ------
        FileError
            If it cannot be written.
        """
        self._handle.save(path)

    @classmethod
    def load(cls, path: Path, *, deterministic: bool = True) -> ApproximateIndex:
        """Read an index that was saved: it finds what the saved one found.

        Parameters
        ----------
        path
            The file.
        deterministic
            How vectors will be added to it.

        Raises
        ------
        FileError
            If the file cannot be read, is no such file, of a later version, cut short or damaged.
        """
        index = cls.__new__(cls)
        index._handle = _core.ApproximateIndex.load(path, deterministic)
        return index

    #: Into a look-up go vectors or descriptors.
    query_kind: Kind = None

    def __repr__(self) -> str:
        return f"<ApproximateIndex of {len(self)} vectors of {self.dimension} numbers>"


def recall(found: Matches, exact: Matches) -> float:
    """Return the part, 0 to 1, of the entries of `exact` that `found` has among as many.

    Entries as near as the last of `exact` count, whichever of those at equal distance were found.

    Raises
    ------
    InputError
        If `exact` is not certified as the exact answer.
    """
    return _core.recall(found, exact)
