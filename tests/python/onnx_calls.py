"""What adaptors of ONNX's operators share: our functions, which leave their names when they are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lookalike as la
import numpy as np

Arrays = tuple[np.ndarray, ...]


class _Recorder:
    """A module whose functions leave their names when they are called."""

    def __init__(self, module: Any, called: set[str]) -> None:
        self._module = module
        self._called = called

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self._module, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._called.add(name)
            return function(*arguments, **options)

        return call


#: Functions that have run since this was emptied.
called: set[str] = set()
F: Any = _Recorder(la.functional, called)
losses: Any = _Recorder(la.losses, called)


def layer(name: str, x: np.ndarray, *options: int) -> np.ndarray:
    """Run a layer that has no function, because arrays have a method of their own for it."""
    called.add(name)
    channels, height, width = x.shape[1:]
    picture = la.input(channels, height=height, width=width)
    return la.Model(picture | getattr(la.nn, name)(*options), dtype=x.dtype)(x)


def like(result: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return numbers in the type of x; integers wrap."""
    return result.astype(np.int64).astype(x.dtype) if x.dtype.kind in "iu" else result.astype(x.dtype)


def numbers(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64 if x.dtype.kind in "iu" else np.float32) if x.dtype != np.float64 else x
