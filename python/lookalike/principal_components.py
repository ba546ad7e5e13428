"""Principal components: the directions in which vectors differ most."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._progress import Progress, ProgressCallback, reporting
from ._types import Path
from .collection import Collection
from .nearest import VectorsLike, _ids, _threads, _vectors
from .stage import DESCRIPTOR, Kind, Stage
from .values import Descriptor, Matches


class PrincipalComponents(Stage):
    """A mean and orthonormal directions, by falling variance.

    As a stage it makes short descriptors of long ones: ``la.gist | components | la.lookup(photos)``. Made by
    :meth:`fit` or :meth:`load`.
    """

    name = "principal_components"
    input = output = DESCRIPTOR

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @classmethod
    def fit(
        cls,
        vectors: VectorsLike,
        components: int = 64,
        *,
        sample: int = 4096,
        iterations: int = 2,
        threads: int | None = None,
        seed: int = 0,
    ) -> PrincipalComponents:
        """Fit to vectors, by subspace iteration from a random start (Halko, Martinsson and Tropp 2011).

        Parameters
        ----------
        vectors
            As for :func:`nearest`.
        components
            How many; never more than the dimension.
        sample
            So many of the vectors are looked at, evenly spaced.
        iterations
            More of them sharpen the later components.
        threads
            For this call; by default what :func:`set_threads` says.
        seed
            Of the random start.

        Raises
        ------
        InputError
            For no vectors, numbers that are not finite, and fewer than one component.

        Examples
        --------
        >>> import numpy as np
        >>> line = np.outer(np.arange(100), [3, 4]).astype(np.float32)
        >>> components = la.PrincipalComponents.fit(line, 1)
        >>> np.abs(components.directions).round(3)
        array([[0.6, 0.8]], dtype=float32)
        """
        known = _vectors(vectors, "PrincipalComponents.fit")
        with _threads(threads):
            return cls(
                _core.PrincipalComponents.fit(known, int(components), int(sample), int(iterations), seed)
            )

    @classmethod
    def load(cls, path: Path) -> PrincipalComponents:
        """Read what :meth:`save` wrote; `FileError` for what is something else, cut short or damaged."""
        return cls(_core.PrincipalComponents.load(os.fspath(path)))

    def save(self, path: Path) -> None:
        """Write a file, which gets its name when it is whole."""
        self._handle.save(os.fspath(path))

    @property
    def mean(self) -> npt.NDArray[np.float32]:
        """(dimension,)."""
        return self._handle.mean()  # type: ignore[no-any-return]

    @property
    def directions(self) -> npt.NDArray[np.float32]:
        """(components, dimension), orthonormal rows."""
        return self._handle.directions()  # type: ignore[no-any-return]

    @property
    def variances(self) -> npt.NDArray[np.float64]:
        """(components,): of the sample, along each direction."""
        return self._handle.variances()  # type: ignore[no-any-return]

    @property
    def total_variance(self) -> float:
        """Of the sample, in all directions."""
        return self._handle.total_variance()  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return self._handle.components()  # type: ignore[no-any-return]

    def project(self, vectors: VectorsLike, *, threads: int | None = None) -> npt.NDArray[np.float32]:
        """Return the coordinates of vectors, (count, components), the mean taken off.

        `InputError` for vectors of another dimension or type.
        """
        known = _vectors(vectors, "PrincipalComponents.project")
        with _threads(threads):
            return self._handle.project(known)  # type: ignore[no-any-return]

    def run(self, value: Any, progress: ProgressCallback | None = None) -> Descriptor:
        """Project a descriptor of a whole picture.

        `InputError` for another number of values, and for a picture with a hole: components mix all cells.
        """
        return self._handle.describe(value)  # type: ignore[no-any-return]

    def __reduce__(self) -> Any:
        raise TypeError(
            "principal_components: cannot be pickled; save(path) writes a file, load(path) reads it"
        )

    def __repr__(self) -> str:
        return f"<PrincipalComponents: {len(self)} of {self._handle.dimension()}>"


class PreparedCollection:
    """A collection that is asked often, with holes or without: what is found is what it finds itself, sooner.

    Principal components of its descriptors, in 8 bits, tell how near a photograph can be, so that few
    descriptors are read. Preparing takes as long as some dozens of searches, and some 370 bytes a photograph.
    It is the collection as it was then.

    Parameters
    ----------
    photos
        The collection; not empty, and with descriptors of pictures.
    seed
        Of the principal components' random start; results do not depend on it.
    progress
        True for a progress bar, or a callable ``(task, done, total)``.

    Raises
    ------
    InputError
        For a collection that is empty, or has no descriptors of pictures.

    Examples
    --------
    ::

        ready = la.PreparedCollection(photos)
        find = la.fill_hole | la.scene_descriptor | la.lookup(ready, 200)
    """

    #: Into a look-up go descriptors.
    query_kind: Kind = DESCRIPTOR

    def __init__(self, photos: Collection, *, seed: int = 0, progress: Progress = False) -> None:
        self.photos = photos
        with reporting(progress) as report:
            self._handle = _core.PreparedCollection(photos._handle, seed, report)

    def __len__(self) -> int:
        return len(self.photos)

    def search(
        self,
        query: Descriptor | Iterable[Descriptor],
        k: int = 10,
        *,
        leave_out: Iterable[int] = (),
        only: Iterable[int] | None = None,
        importance: Iterable[float] = (),
        threads: int | None = None,
        progress: Progress = False,
    ) -> Any:
        """Find the `k` nearest photographs to one descriptor (`Matches`), or to each of several (a list).

        Parameters and errors are those of :meth:`Collection.search`; several queries are faster together.
        """
        each = [query] if isinstance(query, Descriptor) else list(query)
        with reporting(progress) as report, _threads(threads):
            found: list[Matches] = self._handle.search(
                each,
                int(k),
                _ids(leave_out),
                None if only is None else _ids(only),
                [float(factor) for factor in importance],
                self.photos,
                report,
            )
        return found[0] if isinstance(query, Descriptor) else found

    def __repr__(self) -> str:
        return f"<PreparedCollection of {self.photos!r}>"
