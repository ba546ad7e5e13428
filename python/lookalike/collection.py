"""Collections of photographs: a folder, described once and kept on disk, in which scenes are looked up."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._progress import Progress, reporting
from ._types import Array, MaskLike, Path, PictureLike
from .pictures import read_image
from .stage import DESCRIPTOR, MASKED_IMAGE, Kind
from .values import Descriptor, DescriptorBlock, Matches, picture_and_hole


@dataclasses.dataclass(frozen=True)
class BuildReport:
    """What became of the files of a folder. Paths are relative to it.

    Attributes
    ----------
    added
        Photographs described for the first time, changed ones included.
    unchanged
        Files already known.
    moved
        Photographs found under another path than before; they keep their id.
    changed, vanished
        Files that hold another content than before, or are gone. Their old content is not found any more.
    duplicates
        (path, path of the file of equal content that is shown instead).
    skipped
        (path, reason) of what is no picture, or cannot be read.
    """

    added: int = 0
    unchanged: int = 0
    moved: int = 0
    changed: Sequence[str] = ()
    vanished: Sequence[str] = ()
    duplicates: Sequence[tuple[str, str]] = ()
    skipped: Sequence[tuple[str, str]] = ()


def _ids(ids: Iterable[int]) -> list[int]:
    return [int(id_) for id_ in ids]


class Collection:
    """A folder of photographs in which scenes are looked up.

    Made by :meth:`build` or :meth:`open`. It is a handle of the store on disk as one commit left it: cheap,
    never changing, usable from many threads, and pickled as the path of the store. It behaves like a mapping
    from ids to pictures: ``len(photos)``, ``for id in photos``, ``id in photos``, ``photos[id]``.

    Examples
    --------
    >>> photos = la.Collection.build("holiday_pictures", progress=True)  # doctest: +SKIP
    >>> found = photos.search(la.scene_descriptor(picture), k=5)  # doctest: +SKIP
    >>> nearest = photos.read(found.ids[0])  # doctest: +SKIP
    """

    def __init__(self, handle: _core.Collection) -> None:
        self._handle = handle
        self._report = BuildReport(**handle.report())

    @classmethod
    def build(
        cls, folder: Path, store: Path | None = None, *, encoder: Any = None, progress: Progress = False
    ) -> Collection:
        """Describe all JPEG and PNG files below a folder that its store does not know yet.

        What cannot be read is skipped and listed in :attr:`report`. Whatever interrupts this, Ctrl-C
        included, the store is as the last commit left it, and the next run goes on from there.

        Parameters
        ----------
        folder
            The photographs. Files and folders whose name begins with a dot are passed over.
        store
            Where the descriptions are kept. By default ``.lookalike`` inside `folder` or, where that may not
            be written, a folder in the user's cache.
        encoder
            Describes photographs; by default ``scene_descriptor``. Another such stage, a branch of several,
            ``thumbnails_only`` where tiny images are all that is wanted, or a callable that makes a
            :class:`Descriptor` of a (height, width, 3) float32 picture and has attributes `blocks` and
            perhaps `sufficient_side` (pixels of the shorter side beyond which a larger picture does not help;
            256).
        progress
            True for a progress bar, or a callable ``(task, done, total)``.

        Raises
        ------
        FileError
            If `folder` is no folder, the store describes another folder or was made with another encoder or
            version, is damaged or in use, or cannot be written.
        """
        with reporting(progress) as report:
            return cls(_core.Collection.build(folder, store, encoder, report))

    @classmethod
    def open(cls, folder_or_store: Path) -> Collection:
        """Open the store of a folder of photographs, or a store by its own folder.

        Raises
        ------
        FileError
            If there is none, or it is of another version, cut short or damaged.
        """
        return cls(_core.Collection.open(folder_or_store))

    def add(self, folder: Path, *, encoder: Any = None, progress: Progress = False) -> Collection:
        """Describe a part of the photographs' folder, and return the collection that has them too.

        Parameters and errors are those of :meth:`build`. This handle stays as it is.
        """
        with reporting(progress) as report:
            return Collection(self._handle.add(folder, encoder, report))

    def refresh(self) -> Collection:
        """Return the collection as the latest commit left it."""
        return Collection(self._handle.refresh())

    def __len__(self) -> int:
        return len(self._handle)

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """Ids of all photographs, ascending. They are unique, and never used again."""
        return self._handle.ids()

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids.tolist())

    def __contains__(self, id: object) -> bool:
        return id in self.ids.tolist()

    def __getitem__(self, id: int) -> Array:
        return self.read(id)

    def path(self, id: int) -> FilePath:
        """Return the file of a photograph.

        Raises
        ------
        InputError
            If there is no photograph of this id; so do the following.
        """
        return FilePath(self._handle.path(int(id)))

    def read(self, id: int, *, dtype: npt.DTypeLike = np.uint8, at_least: int = 0) -> Array:
        """Read a photograph: (height, width, 3). See :func:`~lookalike.read_image`.

        Raises
        ------
        FileError
            If the file cannot be read any more.
        """
        return read_image(self.path(id), dtype=dtype, at_least=at_least)

    def thumbnail(self, id: int) -> npt.NDArray[np.uint8]:
        """Return a photograph squashed to (32, 32, 3); no file is read."""
        return self._handle.thumbnail(int(id))

    def descriptor(self, id: int) -> Descriptor:
        """Return what a photograph is looked up by."""
        return self._handle.descriptor(int(id))

    @property
    def blocks(self) -> tuple[DescriptorBlock, ...]:
        """What descriptors consist of here."""
        return self._handle.blocks()

    @property
    def block_distances(self) -> npt.NDArray[np.float64]:
        """For each block the mean squared distance of two photographs; a search divides by it."""
        return self._handle.block_distances()

    def search(
        self,
        descriptor: Descriptor,
        k: int = 10,
        *,
        leave_out: Iterable[int] = (),
        only: Iterable[int] | None = None,
        importance: Iterable[float] = (),
    ) -> Matches:
        """Find the `k` nearest photographs, by exact search.

        The distance is the sum over blocks of importance / mean distance * sum over cells of weight * squared
        difference, with the weights of `descriptor`.

        Parameters
        ----------
        descriptor
            Of the same blocks as the collection's.
        k
            At least 1.
        leave_out
            Ids that must not be found, such as copies of the query.
        only
            The only ids that may be found.
        importance
            One factor for each block; by default what the query's blocks say.

        Raises
        ------
        InputError
            If `k` is below 1, or `descriptor` has other blocks, weights outside 0 to 1 or values that are not
            finite.
        """
        return self._handle.search(
            descriptor,
            k=k,
            leave_out=_ids(leave_out),
            only=None if only is None else _ids(only),
            importance=[float(factor) for factor in importance],
            photos=self,
        )

    def near_duplicates(
        self, picture: PictureLike, mask: MaskLike | None = None, *, correlation: float = 0.95
    ) -> npt.NDArray[np.int64]:
        """Find other copies of a picture, recompressed, resized or slightly retouched, but not cropped.

        Parameters
        ----------
        picture, mask
            The picture; with a mask, only what is known of it counts.
        correlation
            Photographs whose 32x32 thumbnails have at least this normalized correlation are near duplicates.

        Returns
        -------
        numpy.ndarray
            Their ids, ascending, for `leave_out`.

        Raises
        ------
        InputError
            If nothing of the picture is known, or `correlation` lies outside -1 to 1.
        """
        return self._handle.near_duplicates(picture, mask, correlation=correlation)

    @property
    def report(self) -> BuildReport:
        """What became of the files when this was built; empty for a collection that was opened."""
        return self._report

    @property
    def store(self) -> FilePath:
        """The folder of the store."""
        return FilePath(self._handle.location())

    @property
    def folder(self) -> FilePath:
        """The folder of the photographs."""
        return FilePath(self._handle.photographs())

    #: Into a look-up of a collection go descriptors.
    query_kind: Kind = DESCRIPTOR

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Collection)
            and self.store == other.store
            and np.array_equal(self.ids, other.ids)
        )

    def __hash__(self) -> int:
        return hash(self.store)

    def __reduce__(self) -> Any:
        return Collection.open, (os.fspath(self.store),)

    def __repr__(self) -> str:
        return f"<Collection of {len(self)} photographs in {os.fspath(self.folder)!r}>"


@dataclasses.dataclass(frozen=True)
class ThumbnailIndex:
    """Looking up by tiny images, the baseline that descriptors have to beat.

    Attributes
    ----------
    photos
        The collection.
    distance
        ``"correlation"`` (1 - normalized correlation) or ``"squared_difference"`` (its mean, of values 0 to
        255).
    """

    photos: Collection
    distance: str = "correlation"

    def search(
        self,
        query: Any,
        k: int = 10,
        *,
        leave_out: Iterable[int] = (),
        only: Iterable[int] | None = None,
    ) -> Matches:
        """Find the `k` photographs whose thumbnails are nearest to a picture, or to the known part of one.

        Parameters
        ----------
        query
            A picture, or a pair of picture and mask.
        k, leave_out, only
            See :meth:`Collection.search`.
        """
        picture, hole = picture_and_hole(query)
        return self.photos._handle.search_thumbnails(
            picture,
            hole,
            distance=self.distance,
            k=k,
            leave_out=_ids(leave_out),
            only=None if only is None else _ids(only),
            photos=self.photos,
        )

    #: Into a look-up of thumbnails go pictures with a hole.
    query_kind = MASKED_IMAGE
