"""Collections: photographs of a folder, or items from elsewhere, kept on disk to be looked up."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, overload

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


@dataclasses.dataclass(frozen=True)
class ColumnInfo:
    """What a column of a collection holds.

    Attributes
    ----------
    name
        Its name.
    dtype
        float32, float16 or uint8.
    dimension
        Numbers in a row.
    encoder
        What made it, with its parameters; empty where nobody said. Rows of another encoder are refused.
    blocks
        What rows consist of, where an encoder of pictures made them here.
    """

    name: str
    dtype: np.dtype[Any]
    dimension: int
    encoder: str = ""
    blocks: tuple[DescriptorBlock, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """The rows of a column as one commit left them, without a copy: they are read from disk when touched.

    All rows are there in the order in which they were added, also those that were removed or replaced since;
    `live` tells which. ``numpy.asarray(column)`` is `values`.

    Attributes
    ----------
    info
        What it holds.
    values
        (rows, dimension), read-only.
    ids
        (rows,) int64, read-only: the id of each row.
    live
        (rows,) bool: whether a row can still be found.
    """

    info: ColumnInfo
    values: Array
    ids: npt.NDArray[np.int64]
    live: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy:
            return np.array(self.values, dtype)
        return np.asarray(self.values, dtype)

    def __repr__(self) -> str:
        return f"<Column {self.info.name!r}: {len(self)} rows of {self.info.dimension} {self.info.dtype}>"


@dataclasses.dataclass(frozen=True, eq=False)
class Item:
    """All that a collection keeps of one item.

    Attributes
    ----------
    id
        Its number.
    label
        -1 where it has none.
    path
        Its file; None where there is none.
    thumbnail
        (32, 32, 3) uint8, or None.
    columns
        Its row of each column.
    """

    id: int
    label: int
    path: FilePath | None
    thumbnail: npt.NDArray[np.uint8] | None
    columns: Mapping[str, Array]


@dataclasses.dataclass(frozen=True)
class Damage:
    """A file of a store that does not hold what was written.

    Attributes
    ----------
    file
        Its name in the folder of the store.
    what
        Which bytes and entries.
    """

    file: str
    what: str


def _ids(ids: Iterable[int]) -> list[int]:
    return [int(id_) for id_ in ids]


def _is_encoder(value: Any) -> bool:
    return hasattr(value, "_stage") or (callable(value) and hasattr(value, "blocks"))


def _columns(given: Mapping[str, Any] | None) -> tuple[dict[str, tuple[Any, str]], dict[str, Any]]:
    """Split columns into those with values and those with an encoder."""
    values: dict[str, tuple[Any, str]] = {}
    encoders: dict[str, Any] = {}
    for name, value in (given or {}).items():
        if _is_encoder(value):
            encoders[name] = value
        elif isinstance(value, tuple):
            values[name] = (value[0], str(value[1]))
        else:
            values[name] = (value, "")
    return values, encoders


class Collection:
    """What is looked up in, kept on disk: photographs of a folder, or vectors and pictures from elsewhere.

    Made by :meth:`build`, :meth:`create` or :meth:`open`. It is a handle of the store as one commit left it:
    cheap, never changing, usable from many threads, and pickled as the path of the store. What changes the
    store returns a handle of what then is there; :meth:`refresh` sees what others changed. One process at a
    time may write, while any number reads. Columns are mapped into memory, and may be larger than that.

    It behaves like a mapping from ids to pictures: ``len(photos)``, ``for id in photos``, ``id in photos``,
    ``photos[id]``.

    Examples
    --------
    >>> photos = la.Collection.build("holiday_pictures", progress=True)  # doctest: +SKIP
    >>> found = photos.search(la.scene_descriptor(picture), k=5)  # doctest: +SKIP
    >>> nearest = photos.read(found.ids[0])  # doctest: +SKIP

    >>> store = la.Collection.create("codes")  # doctest: +SKIP
    >>> store = store.add(ids=ids, labels=labels, columns={"code": codes})  # doctest: +SKIP
    """

    def __init__(self, handle: _core.Collection) -> None:
        self._handle = handle
        self._report = BuildReport(**handle.report())
        self._indexes: dict[tuple[str, str], _core.ColumnIndex] = {}

    @classmethod
    def build(
        cls,
        folder: Path,
        store: Path | None = None,
        *,
        encoder: Any = None,
        paths: Iterable[Path] | None = None,
        columns: Mapping[str, Any] | None = None,
        progress: Progress = False,
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
        paths
            Only these files, by their paths relative to `folder`: a shard of it, for example. All others are
            left as they are, in the folder and in the store. By default all.
        columns
            Further columns by name, and the encoders that describe photographs for them. A store that has
            some wants the encoders of all.
        progress
            True for a progress bar, or a callable ``(task, done, total)``.

        Raises
        ------
        InputError
            If one of `paths` leads out of `folder`.
        FileError
            If `folder` is no folder, the store describes another folder or was made with another encoder or
            version, is damaged or in use, or cannot be written.
        """
        with reporting(progress) as report:
            listed = None if paths is None else list(paths)
            return cls(_core.Collection.build(folder, store, encoder, listed, dict(columns or {}), report))

    @classmethod
    def create(cls, store: Path) -> Collection:
        """Make an empty collection in a new or an empty folder, for items that are of no folder.

        Raises
        ------
        FileError
            If there is something else, or a collection already, or the folder cannot be made.
        """
        return cls(_core.Collection.create(store))

    @classmethod
    def open(cls, folder_or_store: Path) -> Collection:
        """Open the store of a folder of photographs, or a store by its own folder.

        That the store is complete is checked here; :meth:`verify` checks every byte.

        Raises
        ------
        FileError
            If there is none, or it is of another version, cut short or damaged.
        """
        return cls(_core.Collection.open(folder_or_store))

    def add(
        self,
        pictures: Any = None,
        *,
        ids: Iterable[int] | None = None,
        labels: Any = None,
        columns: Mapping[str, Any] | None = None,
        encoder: Any = None,
        progress: Progress = False,
    ) -> Collection:
        """Add items, or a part of the photographs' folder, and return the collection that has them too.

        Items are added in one commit: all of them or, on an error, none. What the first ones come with
        (pictures, columns) is what the collection keeps, and all others must have it too. This handle stays
        as it is.

        Parameters
        ----------
        pictures
            A sequence of pictures, or an array (items, height, width, 3); a thumbnail of each is kept. For a
            collection of a folder: that folder, or one below it, which is then described as by :meth:`build`.
        ids
            Unique, at least 0. By default the numbers after the largest id so far.
        labels
            An integer for each item, -1 for none. By default none has one.
        columns
            For each column an array (items, numbers) of float32, float16 or uint8 (float64 becomes float32);
            such an array and the name of what made it, as a tuple; or an encoder that describes `pictures`.
        encoder
            Of a folder's photographs; see :meth:`build`.
        progress
            True for a progress bar, or a callable ``(task, done, total)``.

        Raises
        ------
        InputError
            If an id is there already or occurs twice; a column is missing, unknown, or of another type,
            dimension or encoder than the collection's; a number is not finite.
        FileError
            If the store cannot be written (what was committed stays), or another process is adding to it.

        Examples
        --------
        >>> store = store.add(ids=[7, 9], columns={"code": (codes, "my network")})  # doctest: +SKIP
        """
        if isinstance(pictures, (str, os.PathLike)):
            with reporting(progress) as report:
                return Collection(self._handle.add(pictures, encoder, dict(columns or {}), report))
        return self._add_items(False, pictures, () if ids is None else ids, labels, columns, progress)

    def replace(
        self,
        ids: Iterable[int],
        pictures: Any = None,
        *,
        labels: Any = None,
        columns: Mapping[str, Any] | None = None,
        progress: Progress = False,
    ) -> Collection:
        """Exchange the items of these ids for others, in one commit.

        Parameters and errors are those of :meth:`add`.

        Raises
        ------
        InputError
            If there is no item of an id.
        """
        return self._add_items(True, pictures, ids, labels, columns, progress)

    def _add_items(
        self,
        replaces: bool,
        pictures: Any,
        ids: Iterable[int],
        labels: Any,
        columns: Mapping[str, Any] | None,
        progress: Progress,
    ) -> Collection:
        values, encoders = _columns(columns)
        with reporting(progress) as report:
            return Collection(
                self._handle.add_items(replaces, _ids(ids), labels, values, encoders, pictures, report)
            )

    def remove(self, ids: Iterable[int]) -> Collection:
        """Remove items, and return the collection without them.

        They are not found any more, and where they came from files, building again does not bring them back.
        Their space is free after :meth:`compact`.

        Raises
        ------
        InputError
            If there is no item of an id, or an id occurs twice.
        """
        return Collection(self._handle.remove(_ids(ids)))

    def add_column(
        self, name: str, values: Any, *, encoder: str = "", progress: Progress = False
    ) -> Collection:
        """Add a column for all items, and return the collection that has it.

        Parameters
        ----------
        name
            Letters, digits, ``_`` and ``-``. ``"labels"`` sets the labels of all items, again and again.
        values
            A row for each item, in the order of :attr:`ids`: an array (items, numbers) of float32, float16 or
            uint8. Or an encoder (see :meth:`build`), which then describes all photographs, or the thumbnails
            where there are no files.
        encoder
            What made an array, with its parameters. Rows that are added later must say the same.
        progress
            True for a progress bar, or a callable ``(task, done, total)``.

        Raises
        ------
        InputError
            If there is such a column, the name cannot be one, or the rows do not fit.
        FileError
            If a photograph cannot be read any more (building again retires it), or the store not be written.
        """
        if _is_encoder(values):
            with reporting(progress) as report:
                return Collection(self._handle.add_described(name, values, report))
        return Collection(self._handle.add_values(name, values, encoder))

    def drop_column(self, name: str) -> Collection:
        """Drop a column, and return the collection without it.

        Raises
        ------
        InputError
            If there is no such column.
        """
        return Collection(self._handle.drop_column(name))

    def compact(self, *, progress: Progress = False) -> Collection:
        """Write what can be found anew, without what was removed, and give the space back.

        Ids stay. Handles opened before show what they showed, and keep their disk space until they are gone.
        For a while it needs the space of both.
        """
        with reporting(progress) as report:
            return Collection(self._handle.compact(report))

    def verify(self, *, progress: Progress = False) -> tuple[Damage, ...]:
        """Read everything and compare it with its check sums.

        Returns
        -------
        tuple
            What is damaged; empty when all is well.
        """
        with reporting(progress) as report:
            return tuple(Damage(file, what) for file, what in self._handle.verify(report))

    def refresh(self) -> Collection:
        """Return the collection as the latest commit left it."""
        return Collection(self._handle.refresh())

    def __len__(self) -> int:
        return len(self._handle)

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """Ids of all items, in the order in which they were added.

        They are unique and do not change. Those that the collection gives ascend, and are never used again.
        """
        return self._handle.ids()

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids.tolist())

    def __contains__(self, id: object) -> bool:
        return isinstance(id, (int, np.integer)) and self._handle.contains(int(id))

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

        Of an item without a file, the thumbnail is all there is.

        Raises
        ------
        FileError
            If the file cannot be read any more.
        """
        if self.folder is None:
            small = self.thumbnail(id)
            return small if np.dtype(dtype) == np.uint8 else (small / np.float32(255)).astype(dtype)
        return read_image(self.path(id), dtype=dtype, at_least=at_least)

    def thumbnail(self, id: int) -> npt.NDArray[np.uint8]:
        """Return a photograph squashed to (32, 32, 3); no file is read."""
        return self._handle.thumbnail(int(id))

    def label(self, id: int) -> int:
        """Return the label of an item, -1 where it has none."""
        return self._handle.label(int(id))

    @property
    def labels(self) -> npt.NDArray[np.int32] | None:
        """Labels of all items, in the order of :attr:`ids`; None where no item ever had one."""
        return self._handle.labels()

    def get(self, id: int) -> Item:
        """Return all that is kept of an item."""
        id = int(id)
        row = self._handle.row(id)
        columns = {name: self.column(name).values[row] for name in self.columns}
        return Item(
            id=id,
            label=self.label(id),
            path=None if self.folder is None else self.path(id),
            thumbnail=self.thumbnail(id) if self._handle.has_thumbnails() else None,
            columns=columns,
        )

    @property
    def columns(self) -> dict[str, ColumnInfo]:
        """The columns by which items can be looked up; that of a folder's photographs is ``"descriptors"``."""
        return {
            name: ColumnInfo(name, np.dtype(dtype), dimension, encoder, blocks)
            for name, dtype, dimension, encoder, blocks in self._handle.columns()
        }

    def column(self, name: str) -> Column:
        """Return the rows of a column, without a copy.

        Raises
        ------
        InputError
            If there is no such column.
        """
        values, ids, live = self._handle.column(name)
        return Column(self.columns[name], values, ids, live)

    def descriptor(self, id: int, column: str = "descriptors") -> Descriptor:
        """Return what a photograph is looked up by."""
        return self._handle.descriptor(int(id), column)

    @property
    def blocks(self) -> tuple[DescriptorBlock, ...]:
        """What the descriptors of a folder's photographs consist of; empty where there are none."""
        info = self.columns.get("descriptors")
        return () if info is None else info.blocks

    @property
    def block_distances(self) -> npt.NDArray[np.float64]:
        """For each block the mean squared distance of two photographs; a search divides by it."""
        return self._handle.block_distances("descriptors")

    @overload
    def search(
        self,
        query: Descriptor | Sequence[float],
        k: int = ...,
        *,
        leave_out: Iterable[int] = ...,
        only: Iterable[int] | None = ...,
        importance: Iterable[float] = ...,
        block_distances: Iterable[float] = ...,
        column: str = ...,
        metric: str = ...,
        radius: float | None = ...,
        progress: Progress = ...,
    ) -> Matches: ...
    @overload
    def search(
        self,
        query: Array,
        k: int = ...,
        *,
        leave_out: Iterable[int] = ...,
        only: Iterable[int] | None = ...,
        column: str = ...,
        metric: str = ...,
        radius: float | None = ...,
        progress: Progress = ...,
    ) -> Any: ...
    def search(
        self,
        query: Any,
        k: int = 10,
        *,
        leave_out: Iterable[int] = (),
        only: Iterable[int] | None = None,
        importance: Iterable[float] = (),
        block_distances: Iterable[float] = (),
        column: str = "descriptors",
        metric: str = "squared_l2",
        radius: float | None = None,
        progress: Progress = False,
    ) -> Any:
        """Find the `k` nearest photographs or items, by exact search.

        Descriptors are looked up in a column that an encoder of pictures made. The distance is the sum over
        blocks of importance / mean distance * sum over cells of weight * squared difference, with the weights
        of the descriptor. Vectors are looked up in a column of values, by any metric.

        Parameters
        ----------
        query
            A :class:`Descriptor` of the same blocks as the column's. Or a vector (numbers,), or several of
            them (queries, numbers), of the column's dimension and type; float64 becomes float32.
        k
            At least 1.
        leave_out
            Ids that must not be found, such as copies of the query.
        only
            The only ids that may be found.
        importance
            One factor for each block; by default what the query's blocks say. For descriptors.
        block_distances
            For each block what its distances are divided by; by default :attr:`block_distances`. For a shard
            of a larger collection.
        column
            The column to look in.
        metric
            For vectors: ``"squared_l2"``, ``"inner_product"`` (negated, so that smaller is nearer) or
            ``"correlation"`` (1 - normalized correlation).
        radius
            For vectors: nothing farther away is found.
        progress
            For vectors: True for a progress bar, or a callable ``(task, done, total)``.

        Returns
        -------
        Matches
            Of one query. Of several, a list of them.

        Raises
        ------
        InputError
            If `k` is below 1, there is no such column, or it is of other blocks, another dimension or another
            type than `query`; if weights are outside 0 to 1, or numbers not finite.
        """
        admitted = None if only is None else _ids(only)
        if hasattr(query, "blocks"):
            return self._handle.search(
                query,
                k=k,
                leave_out=_ids(leave_out),
                only=admitted,
                importance=[float(factor) for factor in importance],
                block_distances=[float(distance) for distance in block_distances],
                column=column,
                photos=self,
            )
        vectors = np.asarray(query)
        if vectors.dtype == np.float64:
            vectors = vectors.astype(np.float32)
        index = self._indexes.get((column, metric))
        if index is None:
            index = self._indexes.setdefault(
                (column, metric), _core.ColumnIndex(self._handle, column, metric)
            )
        with reporting(progress) as report:
            found = index.search(
                np.ascontiguousarray(vectors[None] if vectors.ndim == 1 else vectors),
                k=k,
                leave_out=_ids(leave_out),
                only=admitted,
                radius=radius,
                photos=self,
                progress=report,
            )
        return found[0] if vectors.ndim == 1 else found

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
    def folder(self) -> FilePath | None:
        """The folder of the photographs; None for a collection of items that are of no folder."""
        folder = self._handle.photographs()
        return FilePath(folder) if folder else None

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
        if self.folder is None:
            return f"<Collection of {len(self)} items in {os.fspath(self.store)!r}>"
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
