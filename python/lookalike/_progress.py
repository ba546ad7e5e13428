"""What the `progress` argument of long calls means."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable, Union

#: Called as ``callback(task, done, total)``; `total` is -1 where it is not known. Returning False asks for a
#: stop.
ProgressCallback = Callable[[str, int, int], Any]

#: False or None: silence. True: a bar on standard error. A callable hears for itself.
Progress = Union[bool, None, ProgressCallback]


class _Bars:
    """One bar of tqdm for each task."""

    def __init__(self) -> None:
        from tqdm.auto import tqdm

        self._make = tqdm
        self._task: str | None = None
        self._bar: Any = None

    def __call__(self, task: str, done: int, total: int) -> None:
        if task != self._task:
            self.close()
            self._task = task
            self._bar = self._make(total=total if total >= 0 else None, desc=task)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class _Lines:
    """The same without tqdm: a line for each task."""

    def __init__(self) -> None:
        self._task: str | None = None

    def __call__(self, task: str, done: int, total: int) -> None:
        if task != self._task:
            self._task = task
            print(f"{task}...", file=sys.stderr, flush=True)

    def close(self) -> None:
        pass


@contextmanager
def reporting(progress: Progress) -> Iterator[ProgressCallback | None]:
    """Yield the function that long calls report to, or None."""
    if progress is None or progress is False:
        yield None
        return
    if callable(progress):
        yield progress
        return
    if progress is not True:
        raise TypeError(f"progress: given {progress!r}, wanted True, False or a callable (task, done, total)")
    try:
        bars: _Bars | _Lines = _Bars()
    except ImportError:
        bars = _Lines()
    try:
        yield bars
    finally:
        bars.close()
