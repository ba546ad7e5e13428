"""Files of many small pictures: those of Tiny Images, and CIFAR-10's binary version. No data comes with them."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Union, overload

import numpy as np
import numpy.typing as npt

from . import _core
from ._progress import Progress, reporting
from ._types import Path
from .collection import Collection


class TinyImages:
    """Pictures in the layout of ``tiny_images.bin``, read from disk as they are asked for.

    A picture is 3072 bytes: the red, green and blue planes of 32 x 32, column by column (A. Torralba,
    R. Fergus and W. Freeman: 80 million tiny images, PAMI 2008; the data set was withdrawn in 2020).

    ``images[i]`` is a picture (32, 32, 3) of uint8, ``images[i:j]`` and ``images[[i, j]]`` several of them
    (pictures, 32, 32, 3).

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FileError
        If it cannot be read, is empty, or ends within a picture.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(FilePath(path).absolute())
        self._file = _core.TinyImages(path)

    def __len__(self) -> int:
        return len(self._file)

    def __getitem__(self, at: Any) -> npt.NDArray[np.uint8]:
        if isinstance(at, slice):
            return self._file.read(range(*at.indices(len(self))))
        if np.ndim(at) == 1:
            return self._file.read([int(position) for position in at])
        position = operator.index(at)
        if not -len(self) <= position < len(self):
            raise IndexError(f"TinyImages: given {position}, wanted less than {len(self)}")
        picture: npt.NDArray[np.uint8] = self._file.read([position % len(self)])[0]
        return picture

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]:
        return (self[position] for position in range(len(self)))

    def __reduce__(self) -> Any:
        return TinyImages, (self._path,)

    def __repr__(self) -> str:
        return f"<TinyImages: {len(self)} pictures in {self._path!r}>"


class TinyMetadata(Sequence["dict[str, str]"]):
    """Records in the layout of ``tiny_metadata.bin``: 768 bytes of fields of fixed width.

    ``metadata[i]`` is a record as a dictionary: keyword, filename, width, height, colors, date, engine,
    thumb_url, source_url, page, ind_page, ind_engine, ind_overall, label, each without the blanks and zeros
    around it, as text (Latin-1, so that no byte is lost).

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FileError
        If it cannot be read, is empty, or ends within a record.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(FilePath(path).absolute())
        self._file = _core.TinyMetadata(path)

    def __len__(self) -> int:
        return len(self._file)

    @overload
    def __getitem__(self, at: int) -> dict[str, str]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[dict[str, str]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, str] | Sequence[dict[str, str]]:
        if isinstance(at, slice):
            return [self[position] for position in range(*at.indices(len(self)))]
        position = operator.index(at)
        if not -len(self) <= position < len(self):
            raise IndexError(f"TinyMetadata: given {position}, wanted less than {len(self)}")
        return {name: self.field(position % len(self), name) for name, _ in _core.tiny_image_fields}

    def field(self, position: int, name: str) -> str:
        """Return one field of a record."""
        return self._file.field(position, name).decode("latin-1")

    def keywords(self) -> Iterator[str]:
        """Yield the noun that each picture was found by."""
        return (self.field(position, "keyword") for position in range(len(self)))

    def __reduce__(self) -> Any:
        return TinyMetadata, (self._path,)

    def __repr__(self) -> str:
        return f"<TinyMetadata: {len(self)} records in {self._path!r}>"


#: A record: its bytes, or some of its fields.
Record = Union[bytes, Mapping[str, str]]


def _record(given: Record) -> bytes:
    if isinstance(given, bytes):
        return given
    names = [name for name, _ in _core.tiny_image_fields]
    unknown = set(given) - set(names)
    if unknown:
        raise ValueError(f"write_tiny_metadata: given the field {unknown.pop()!r}, wanted some of {names}")
    return _core.tiny_image_record([given.get(name, "").encode("latin-1") for name in names])


def write_tiny_images(path: Path, pictures: npt.NDArray[np.uint8]) -> None:
    """Write pictures in the layout of ``tiny_images.bin``, completely or not at all.

    Parameters
    ----------
    path
        The file.
    pictures
        (pictures, 32, 32, 3) of uint8, at least one.

    Raises
    ------
    InputError
        If they are something else.
    FileError
        If the file cannot be written.
    """
    _core.write_tiny_images(path, pictures)


def write_tiny_metadata(path: Path, records: Iterable[Record]) -> None:
    """Write records in the layout of ``tiny_metadata.bin``, completely or not at all.

    Parameters
    ----------
    path
        The file.
    records
        At least one. Each is 768 bytes, or a mapping from names of fields (see :class:`TinyMetadata`) to text.

    Raises
    ------
    InputError
        If there is none, a record has another length, or a text is longer than its field.
    FileError
        If the file cannot be written.
    """
    _core.write_tiny_metadata(path, [_record(record) for record in records])


def read_tiny_gist(path: Path) -> npt.NDArray[np.float32]:
    """Map a file in the layout of ``tinygist80million.bin``: (pictures, 384), read-only, without a copy.

    Raises
    ------
    FileError
        If it cannot be read, is empty, or ends within a descriptor.
    """
    return _core.read_tiny_gist(path)


def write_tiny_gist(path: Path, values: npt.ArrayLike) -> None:
    """Write descriptors (pictures, 384) in the layout of ``tinygist80million.bin``, completely or not at all.

    Raises
    ------
    InputError
        If there is none, or of another shape.
    FileError
        If the file cannot be written.
    """
    _core.write_tiny_gist(path, values)


def _paths(given: Path | Iterable[Path]) -> list[Path]:
    return [given] if isinstance(given, (str, os.PathLike)) else list(given)


def read_cifar10_records(
    paths: Path | Iterable[Path], *, at_most: int | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Read files of CIFAR-10's binary version, one after another.

    Parameters
    ----------
    paths
        A file, or several, of records of 3073 bytes: a label, then the red, green and blue planes.
    at_most
        Only the first so many pictures of all.

    Returns
    -------
    pictures
        (pictures, 32, 32, 3) of uint8.
    labels
        (pictures,) of int32, 0 to 9.

    Raises
    ------
    FileError
        If a file cannot be read, is empty, ends within a record, or has a label above 9.
    """
    return _core.read_cifar10_records(_paths(paths), at_most)


def write_cifar10_records(path: Path, pictures: npt.NDArray[np.uint8], labels: Iterable[int]) -> None:
    """Write a file of CIFAR-10's binary version, completely or not at all.

    Parameters
    ----------
    path
        The file.
    pictures
        (pictures, 32, 32, 3) of uint8, at least one.
    labels
        0 to 9, one for each.

    Raises
    ------
    InputError
        If they are something else.
    FileError
        If the file cannot be written.
    """
    _core.write_cifar10_records(path, pictures, [int(label) for label in labels])


def import_tiny_images(
    pictures: Path,
    store: Path,
    *,
    gist: Path | None = None,
    at_most: int | None = None,
    progress: Progress = False,
) -> Collection:
    """Make a collection of a file in the layout of ``tiny_images.bin``.

    Each picture is the thumbnail of the item whose id is its number in the file. Commits now and then; a store
    that is there already is gone on with where it ends.

    Parameters
    ----------
    pictures
        The file.
    store
        The folder of the collection.
    gist
        A file of gist descriptors, for the column ``"gist"``.
    at_most
        Only the first so many pictures.
    progress
        True for a progress bar, or a callable ``(task, done, total)``.

    Raises
    ------
    FileError
        If a file cannot be read, the descriptors are not as many as the pictures, or the store cannot be
        written.
    """
    with reporting(progress) as report:
        return Collection(_core.import_tiny_images(pictures, store, gist, at_most, report))


def import_cifar10(paths: Path | Iterable[Path], store: Path, *, at_most: int | None = None) -> Collection:
    """Make a collection of files of CIFAR-10's binary version: thumbnails and labels, ids from 0 on.

    Parameters and errors are those of :func:`read_cifar10_records` and :meth:`Collection.create`.
    """
    pictures, labels = read_cifar10_records(paths, at_most=at_most)
    return Collection.create(store).add(pictures, labels=labels)
