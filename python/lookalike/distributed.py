"""Beyond one machine: shards of a collection, or of an array, built and searched as tasks of Dask.

Every function takes a Dask ``client``; without one the shards have their turn in this process. The answers are
those of one machine, ids and the order of ties included, whatever the number of shards, and whichever worker
dies meanwhile: Dask gives its tasks to another one. Files are read where a task runs, so the workers need to see
the folders under the same paths. Dask (``pip install lookalike[distributed]``) is imported only with a client.

>>> from dask.distributed import Client  # doctest: +SKIP
>>> client = Client("tcp://scheduler:8786")  # doctest: +SKIP
>>> photos = la.distributed.ShardedCollection.build(
...     "photos", "stores", shards=8, client=client, progress=True
... )  # doctest: +SKIP
>>> found = photos.search(picture, k=20)  # doctest: +SKIP
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import json
import operator
import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any, Callable

import numpy as np
import numpy.typing as npt

from . import _core
from ._progress import Progress, ProgressCallback, reporting
from ._types import Array, Path
from .collection import BuildReport, Collection
from .completion import scene_descriptor
from .errors import Error, FileError, InputError, Interrupted
from .stage import Kind
from .values import Descriptor, DescriptorBlock, Matches

_Ids = npt.NDArray[np.int64]

# ---- tasks -----------------------------------------------------------------------------------------------------


def _run(
    client: Any,
    task: str,
    names: Sequence[str],
    function: Callable[..., Any],
    calls: Sequence[tuple[Any, ...]],
    report: ProgressCallback | None = None,
) -> list[Any]:
    """Return ``[function(*call) for call in calls]``; what fails says for which of `names`."""
    total = len(calls)

    def tell(done: int) -> None:
        if report is not None and report(task, done, total) is False:
            raise Interrupted(f"{task}: stopped on request after {done} of {total}")

    def failed(at: int, failure: Exception) -> Error:
        kind = next((k for k in (InputError, FileError, Interrupted) if isinstance(failure, k)), Error)
        reason = str(failure) if isinstance(failure, Error) else f"{type(failure).__name__}: {failure}"
        return kind(f"{task}: {names[at]}: {reason}")

    results: list[Any] = []
    tell(0)
    if client is None:
        for at, call in enumerate(calls):
            try:
                results.append(function(*call))
            except Exception as failure:
                raise failed(at, failure) from failure
            tell(at + 1)
        return results

    from distributed import as_completed

    in_order_of_end: Callable[[Any], Any] = as_completed
    # Not `pure`: what a store holds, and so the result, may differ from call to call.
    futures = [client.submit(function, *call, pure=False) for call in calls]
    positions = {future.key: at for at, future in enumerate(futures)}
    try:
        for done, future in enumerate(in_order_of_end(futures), 1):
            reason = future.exception()  # of a worker that died, only when several in a row have
            if reason is not None:
                raise failed(positions[future.key], reason) from reason
            tell(done)
        return list(client.gather(futures))
    except BaseException:
        client.cancel(futures, force=True)
        raise


# ---- arrays ----------------------------------------------------------------------------------------------------


def _merge(ids: Array, distances: Array, k: int) -> tuple[_Ids, npt.NDArray[np.float32]]:
    """Return the `k` smallest by (distance, id) of each row; -1 marks what is none."""
    order = np.lexsort((np.where(ids < 0, np.iinfo(np.int64).max, ids), distances), axis=-1)[:, :k]
    ids, distances = (np.take_along_axis(each, order, axis=1) for each in (ids, distances))
    missing = k - ids.shape[1]
    if missing > 0:
        ids = np.pad(ids, ((0, 0), (0, missing)), constant_values=-1)
        distances = np.pad(distances, ((0, 0), (0, missing)), constant_values=np.inf)
    return np.ascontiguousarray(ids), np.ascontiguousarray(distances)


# ---- collections -----------------------------------------------------------------------------------------------

_INDEX = "shards.json"
_IDENTITIES = "identities.npy"
_VERSION = 1


def _build_shard(
    folder: str, store: str, encoder: Any, paths: list[str]
) -> tuple[_Ids, npt.NDArray[np.uint64], BuildReport]:
    try:
        before = Collection.open(store)
        known = [os.path.relpath(before.path(id_), folder) for id_ in before.ids.tolist()]
    except FileError:
        known = []  # there is none yet; of one that is damaged, `build` says so
    photos = Collection.build(folder, store, encoder=encoder, paths=sorted({*paths, *known}))
    return photos.ids, photos._handle.hashes(), photos.report


def _identities(store: str) -> tuple[_Ids, npt.NDArray[np.uint64]]:
    photos = _opened(store)
    return photos.ids, photos._handle.hashes()


def _descriptors(store: str, ids: list[int]) -> list[Descriptor]:
    photos = Collection.open(store)
    return [photos.descriptor(id_) for id_ in ids]


@functools.lru_cache(maxsize=64)
def _opened_at(store: str, state: tuple[int, ...]) -> Collection:
    return Collection.open(store)


def _opened(store: str) -> Collection:
    """Return the collection as its latest commit left it, opened once a commit."""
    try:
        files = sorted(FilePath(store).iterdir())
    except OSError as failure:
        raise FileError(f"cannot open '{store}': {failure.strerror}") from None
    status = [file.stat() for file in files if file.is_file()]
    return _opened_at(store, tuple(value for each in status for value in (each.st_mtime_ns, each.st_size)))


def _search_shard(
    store: str, size: int, query: Descriptor, options: dict[str, Any]
) -> tuple[_Ids, npt.NDArray[np.float32], bool]:
    photos = _opened(store)
    if len(photos) != size:
        raise InputError(
            f"it has {len(photos)} photographs where it had {size} when the collection was opened; open it again"
        )
    found = photos.search(query, **options)
    return found.ids[: found.count], found.distances[: found.count], found.certified


@dataclasses.dataclass(frozen=True, eq=False)
class _Shard:
    name: str
    store: str
    ids: _Ids  #: in the store, ascending
    global_ids: _Ids  #: the same photographs', -1 for copies of one of an earlier shard

    @property
    def copies(self) -> _Ids:
        return self.ids[self.global_ids < 0]


def _files_below(folder: FilePath, without: FilePath) -> list[str]:
    """Return relative paths of the files that `Collection.build` looks at, by their bytes."""
    found: list[str] = []
    for current, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "." and FilePath(current, name) != without]
        for name in files:
            path = os.path.join(current, name)  # noqa: PTH118 - a million of them
            try:
                if name[0] != "." and stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
                    found.append(os.path.relpath(path, folder))
            except OSError:
                found.append(os.path.relpath(path, folder))  # which `build` then lists as skipped
    return sorted(found, key=os.fsencode)


def _write(path: FilePath, content: bytes) -> None:
    """Make `content` the file, at once or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as failure:
        raise FileError(f"cannot write '{path}': {failure.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


class ShardedCollection:
    """A folder of photographs, described in shards by many workers, in which scenes are looked up.

    Made by :meth:`build` or :meth:`open`. Each shard is a :class:`~lookalike.Collection` of a contiguous range
    of the sorted paths. Ids and distances are those of one collection of the whole folder: a photograph that
    occurs in two shards is found once, under the id of the first. It behaves like a mapping from ids to
    pictures, stands in ``la.lookup``, and is pickled as the path of its stores.

    Attributes
    ----------
    folder
        The photographs.
    stores
        The folder of the shards' stores.
    client
        A ``dask.distributed.Client``, or None: the shards are then searched one after the other in this
        process. May be exchanged.
    """

    folder: FilePath
    stores: FilePath
    client: Any

    def __init__(
        self,
        stores: FilePath,
        index: dict[str, Any],
        identities: npt.NDArray[np.uint64],
        states: Sequence[tuple[_Ids, npt.NDArray[np.uint64]]],
        *,
        encoder: Any = None,
        client: Any = None,
        report: BuildReport | None = None,
    ) -> None:
        self.folder = FilePath(index["photographs"])
        self.stores = stores
        self.client = client
        self._encoder = scene_descriptor if encoder is None else encoder
        self._report = BuildReport() if report is None else report
        self._block_distances: list[float] = index["block_distances"]
        order = np.argsort(identities, kind="stable")
        seen = np.zeros(len(identities), bool)
        shards = []
        for entry, (ids, hashes) in zip(index["shards"], states):
            at = np.searchsorted(identities, hashes, sorter=order)
            known = at < len(order)
            at[known] = order[at[known]]
            known[known] = identities[at[known]] == hashes[known]
            fresh = known.copy()
            fresh[known] = ~seen[at[known]]
            seen[at[known]] = True
            store = os.fspath(stores / entry["store"])
            shards.append(_Shard(entry["store"], store, ids, np.where(fresh, at, -1)))
        self._shards = tuple(shards)
        self._ids = np.flatnonzero(seen).astype(np.int64)
        #: Of each global id the shard, and the place in it; -1 where there is none.
        self._homes = np.full((len(identities), 2), -1, np.int64)
        for number, shard in enumerate(self._shards):
            places = np.flatnonzero(shard.global_ids >= 0)
            self._homes[shard.global_ids[places]] = np.stack([np.full_like(places, number), places], 1)

    @classmethod
    def build(
        cls,
        folder: Path,
        stores: Path,
        *,
        shards: int = 0,
        encoder: Any = None,
        client: Any = None,
        progress: Progress = False,
    ) -> ShardedCollection:
        """Describe all JPEG and PNG files below a folder that the stores do not know yet, a task a shard.

        Whatever interrupts this, the stores are as their last commits left them, and the next run goes on from
        there. The task of a worker that dies is given to another, which goes on likewise.

        Parameters
        ----------
        folder
            The photographs. Files and folders whose name begins with a dot are passed over.
        stores
            Where the shards' stores are kept, made if it is not there.
        shards
            How many: contiguous ranges of the sorted paths, as many files in each; by default 16, or as many
            as there are already. More than workers, so that who is quick gets more to do.
        encoder
            Describes photographs, see :meth:`Collection.build <lookalike.Collection.build>`; workers must be
            able to import what it is made of.
        client
            A ``dask.distributed.Client``. By default one shard follows the other in this process.
        progress
            True for a progress bar, or a callable ``(task, done, total)``, in shards.

        Raises
        ------
        InputError
            If `shards` is below 1, or other than what the stores have.
        FileError
            As :meth:`Collection.build <lookalike.Collection.build>`, naming the shard.
        """
        root = FilePath(folder).resolve()
        if not root.is_dir():
            raise FileError(f"cannot build a collection of '{root}': it is no folder")
        place = FilePath(stores).absolute()
        wanted = operator.index(shards)
        if wanted < 0:
            raise InputError(f"ShardedCollection: given {wanted} shards, wanted at least 1")
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise FileError(f"cannot write '{place}': {failure.strerror}") from None
        place = place.resolve()
        files = _files_below(root, place)
        plan = cls._plan(root, place, wanted, files)
        bounds = [os.fsencode(entry["first"]) for entry in plan["shards"]]
        parts: list[list[str]] = [[] for _ in bounds]
        for path in files:
            parts[max(bisect.bisect_right(bounds, os.fsencode(path)) - 1, 0)].append(path)
        names = [entry["store"] for entry in plan["shards"]]
        calls = [
            (os.fspath(root), os.fspath(place / name), encoder, part) for name, part in zip(names, parts)
        ]
        with reporting(progress) as report:
            built = _run(client, "build shards", names, _build_shard, calls, report)
        states = [(ids, hashes) for ids, hashes, _ in built]

        known = cls._identities(place, plan)
        everything = np.concatenate([known, *(hashes for _, hashes in states)])
        _, first = np.unique(everything, return_index=True)
        identities = everything[np.sort(first)]  # those known first, the others as they come
        content = identities.tobytes()
        plan |= {
            "complete": True,
            "count": len(identities),
            "checksum": zlib.crc32(content),
            "block_distances": [],
        }
        built_collection = cls(
            place,
            plan,
            identities,
            states,
            encoder=encoder,
            client=client,
            report=cls._joint_report([each for *_, each in built]),
        )
        built_collection._block_distances = plan["block_distances"] = built_collection._measure()
        _write(place / _IDENTITIES, content)
        _write(place / _INDEX, json.dumps(plan, indent=1).encode())
        return built_collection

    @classmethod
    def _plan(cls, root: FilePath, place: FilePath, wanted: int, files: list[str]) -> dict[str, Any]:
        """Return the index that is there, or a new one, which is written before any shard is built."""
        if (place / _INDEX).exists():
            plan = cls._read_index(place)
            if FilePath(plan["photographs"]) != root:
                raise FileError(
                    f"cannot build '{root}' into '{place}': that describes the folder '{plan['photographs']}'"
                )
            if wanted not in (0, len(plan["shards"])):
                raise InputError(
                    f"ShardedCollection: given {wanted} shards, wanted {len(plan['shards'])}, as many as "
                    f"'{place}' has"
                )
            return plan
        count = wanted or 16
        firsts = [files[at * len(files) // count] if files else "" for at in range(count)]
        plan = {
            "format": "lookalike shards",
            "version": _VERSION,
            "complete": False,
            "photographs": os.fspath(root),
            "shards": [{"store": f"shard-{at:04}", "first": first} for at, first in enumerate(firsts)],
            "count": 0,
            "checksum": zlib.crc32(b""),
            "block_distances": [],
        }
        _write(place / _IDENTITIES, b"")
        _write(place / _INDEX, json.dumps(plan, indent=1).encode())
        return plan

    @staticmethod
    def _read_index(place: FilePath) -> dict[str, Any]:
        path = place / _INDEX
        try:
            index = json.loads(path.read_bytes())
        except OSError as failure:
            raise FileError(f"cannot read '{path}': {failure.strerror}") from None
        except ValueError:
            raise FileError(f"cannot read '{path}': it is cut short or damaged") from None
        if not isinstance(index, dict) or index.get("format") != "lookalike shards":
            raise FileError(f"cannot read '{path}': it is no index of shards")
        if index.get("version") != _VERSION:
            raise FileError(
                f"cannot read '{path}': it is of version {index.get('version')}, wanted {_VERSION}"
            )
        return index

    @staticmethod
    def _identities(place: FilePath, index: dict[str, Any]) -> npt.NDArray[np.uint64]:
        """Return the hash of the photograph of each id."""
        path = place / _IDENTITIES
        try:
            content = path.read_bytes()
        except OSError as failure:
            raise FileError(f"cannot read '{path}': {failure.strerror}") from None
        content = content[: 8 * index["count"]]  # more where a build did not come to its end
        if len(content) != 8 * index["count"] or zlib.crc32(content) != index["checksum"]:
            raise FileError(f"cannot read '{path}': it is cut short or damaged")
        return np.frombuffer(content, np.uint64)

    @staticmethod
    def _joint_report(reports: Sequence[BuildReport]) -> BuildReport:
        fields: dict[str, Any] = {}
        for field in dataclasses.fields(BuildReport):
            each = [getattr(report, field.name) for report in reports]
            fields[field.name] = sum(each) if isinstance(field.default, int) else sum(map(tuple, each), ())
        return BuildReport(**fields)

    @classmethod
    def open(
        cls, stores: Path, *, encoder: Any = None, client: Any = None, progress: Progress = False
    ) -> ShardedCollection:
        """Open what :meth:`build` made.

        Parameters
        ----------
        stores
            The folder of the shards' stores.
        encoder
            Describes pictures that are looked up; by default ``scene_descriptor``.
        client
            A ``dask.distributed.Client``, or None.

        Raises
        ------
        FileError
            If there is none, it is of another version, or a shard is missing or damaged, which is then named.
        """
        place = FilePath(stores).resolve()
        index = cls._read_index(place)
        if not index["complete"]:
            raise FileError(f"cannot open '{place}': its first build has not come to an end. Build it again")
        identities = cls._identities(place, index)
        names = [entry["store"] for entry in index["shards"]]
        with reporting(progress) as report:
            calls = [(os.fspath(place / name),) for name in names]
            states = _run(client, "open shards", names, _identities, calls, report)
        return cls(place, index, identities, states, encoder=encoder, client=client)

    def _measure(self) -> list[float]:
        """Return the mean squared distances that one collection of all would measure on the same sample."""
        step = max(1, len(self._homes) // 4096)
        sample = self._homes[::step]
        sample = sample[sample[:, 0] >= 0]
        if len(sample) == 0:
            return []
        calls, places = [], []
        for number, shard in enumerate(self._shards):
            chosen = np.flatnonzero(sample[:, 0] == number)
            places.append(chosen)
            calls.append((shard.store, shard.ids[sample[chosen, 1]].tolist()))
        names = [shard.name for shard in self._shards]
        found: list[Any] = [None] * len(sample)
        for chosen, descriptors in zip(places, _run(self.client, "measure", names, _descriptors, calls)):
            for at, descriptor in zip(chosen.tolist(), descriptors):
                found[at] = descriptor
        return [float(value) for value in _core.Collection.block_distances_of(found)]

    def search(
        self,
        query: Any,
        k: int = 10,
        *,
        leave_out: Iterable[int] = (),
        only: Iterable[int] | None = None,
        importance: Iterable[float] = (),
        progress: Progress = False,
    ) -> Matches:
        """Find the `k` nearest photographs, by exact search of all shards.

        Parameters
        ----------
        query
            A descriptor, or a picture, which is then described by the encoder.
        k, leave_out, only, importance
            See :meth:`Collection.search <lookalike.Collection.search>`.
        progress
            True for a progress bar, or a callable ``(task, done, total)``, in shards.

        Raises
        ------
        InputError
            As there, and if a shard was built anew since this was opened.
        FileError
            If a shard is missing or damaged, which is then named.
        """
        if not isinstance(query, Descriptor):
            query = self._encoder(query)
        count = operator.index(k)
        if count < 1:
            raise InputError(f"search: given k = {count}, wanted at least 1")
        unwanted = self._local(leave_out)
        wanted = None if only is None else self._local(only)
        calls, names, searched = [], [], []
        for number, shard in enumerate(self._shards):
            if len(shard.ids) == 0 or (wanted is not None and not wanted[number]):
                continue
            options: dict[str, Any] = {
                "k": count,
                "leave_out": [*shard.copies.tolist(), *unwanted[number]],
                "importance": list(importance),
                "block_distances": self._block_distances,
            }
            if wanted is not None:
                options["only"] = wanted[number]
            calls.append((shard.store, len(shard.ids), query, options))
            names.append(shard.name)
            searched.append(shard)
        with reporting(progress) as report:
            results = _run(self.client, "search", names, _search_shard, calls, report)
        ids = [
            shard.global_ids[np.searchsorted(shard.ids, found)]
            for shard, (found, *_) in zip(searched, results)
        ]
        distances = [found for _, found, _ in results]
        empty = (np.empty(0, np.int64), np.empty(0, np.float32))
        best, nearest = _merge(
            np.concatenate([empty[0], *ids])[np.newaxis],
            np.concatenate([empty[1], *distances])[np.newaxis],
            count,
        )
        certified = all(sure or len(found) == 0 for found, _, sure in results)
        return Matches(best[0], nearest[0], photos=self, certified=certified)

    def _local(self, ids: Iterable[int]) -> list[list[int]]:
        """Return for each shard which of the global `ids` are there, by their ids in its store."""
        given = np.array([operator.index(id_) for id_ in ids], np.int64)
        given = given[(given >= 0) & (given < len(self._homes))]
        homes = self._homes[given]
        return [
            shard.ids[homes[homes[:, 0] == number, 1]].tolist() for number, shard in enumerate(self._shards)
        ]

    def _home(self, id: int) -> tuple[Collection, int]:
        position = operator.index(id)
        if not 0 <= position < len(self._homes) or self._homes[position, 0] < 0:
            raise InputError(
                f"collection: given the id {position}, wanted that of one of its {len(self)} photographs"
            )
        number, place = self._homes[position].tolist()
        shard = self._shards[number]
        return _opened(shard.store), int(shard.ids[place])

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """Ids of all photographs, ascending. They are unique, and never used again."""
        return self._ids

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids.tolist())

    def __contains__(self, id: object) -> bool:
        return id in self._ids

    def __getitem__(self, id: int) -> Array:
        return self.read(id)

    def path(self, id: int) -> FilePath:
        """Return the file of a photograph.

        Raises
        ------
        InputError
            If there is no photograph of this id; so do the following.
        """
        photos, local = self._home(id)
        return photos.path(local)

    def read(self, id: int, *, dtype: npt.DTypeLike = np.uint8, at_least: int = 0) -> Array:
        """Read a photograph; see :meth:`Collection.read <lookalike.Collection.read>`."""
        photos, local = self._home(id)
        return photos.read(local, dtype=dtype, at_least=at_least)

    def thumbnail(self, id: int) -> npt.NDArray[np.uint8]:
        """Return a photograph squashed to (32, 32, 3); no file of a photograph is read."""
        photos, local = self._home(id)
        return photos.thumbnail(local)

    def descriptor(self, id: int) -> Descriptor:
        """Return what a photograph is looked up by."""
        photos, local = self._home(id)
        return photos.descriptor(local)

    @property
    def blocks(self) -> tuple[DescriptorBlock, ...]:
        """What descriptors consist of here."""
        return _opened(self._shards[0].store).blocks

    @property
    def block_distances(self) -> npt.NDArray[np.float64]:
        """For each block the mean squared distance of two photographs; a search divides by it."""
        return np.array(self._block_distances)

    @property
    def shards(self) -> tuple[FilePath, ...]:
        """The shards' stores, in the order of the paths that they describe."""
        return tuple(FilePath(shard.store) for shard in self._shards)

    @property
    def report(self) -> BuildReport:
        """What became of the files when this was built. Copies in different shards are not listed."""
        return self._report

    #: Into a look-up go descriptors or pictures.
    query_kind: Kind = None

    def __reduce__(self) -> Any:
        return ShardedCollection.open, (os.fspath(self.stores),)

    def __repr__(self) -> str:
        return (
            f"<ShardedCollection of {len(self)} photographs in {len(self._shards)} shards of "
            f"{os.fspath(self.folder)!r}>"
        )
