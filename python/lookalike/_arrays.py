"""Arrays of numbers on their way into networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InputError

#: DLPack's kind of device for main memory.
_MAIN_MEMORY = 1


def as_array(value: Any, where: str) -> npt.NDArray[Any]:
    """Return an array on the memory of `value` where that can be shown, otherwise of its values."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):  # PyTorch's tensors that require gradients show their memory only so
        value = value.detach()
    try:
        if hasattr(value, "__dlpack__") and hasattr(value, "__dlpack_device__"):
            kind = int(value.__dlpack_device__()[0])
            if kind != _MAIN_MEMORY:
                raise InputError(
                    f"{where}: given an array in the memory of device kind {kind} (DLPack), wanted it in main "
                    "memory"
                )
            return np.from_dlpack(value)
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError, BufferError) as failure:
        if isinstance(failure, InputError):
            raise
        raise InputError(
            f"{where}: given {type(value).__name__}, wanted an array of numbers ({failure})"
        ) from None


def as_numbers(value: Any, dtype: npt.DTypeLike, where: str, *, integers: bool = False) -> npt.NDArray[Any]:
    """Return `value` as numbers of `dtype`; copied only if its type or its place in memory makes it necessary.

    Raises
    ------
    InputError
        If it is no array of floating-point numbers (or integers and truth values, where `integers` allows
        them).
    """
    array = as_array(value, where)
    if array.dtype.kind != "f" and not (integers and array.dtype.kind in "iub"):
        raise InputError(
            f"{where}: given {array.dtype}, wanted float32 or float64; pictures become numbers by "
            "array.astype(np.float32) / 255, for instance"
        )
    if array.dtype != dtype:
        return array.astype(dtype)
    # Other numbers of bytes between neighbors than whole numbers of items cannot be read where they lie.
    if not array.flags.aligned or any(stride % array.itemsize for stride in array.strides):
        return array.copy()
    return array
