"""Types that annotations share."""

from __future__ import annotations

import os
from typing import Any, Protocol, Union

import numpy as np
import numpy.typing as npt

#: A picture or another array of numbers, as it is returned.
Array = npt.NDArray[Any]
#: A mask as it is returned: (height, width), True = missing.
Mask = npt.NDArray[np.bool_]
#: A file or folder.
Path = Union[str, os.PathLike[str]]


class SupportsDLPack(Protocol):
    """An array of another library, PyTorch's for example."""

    def __dlpack__(self) -> Any:
        """Return the capsule."""

    def __dlpack_device__(self) -> tuple[Any, Any]:
        """Return kind and number of the device."""


#: Whatever is taken as a picture: (height, width), (height, width, 1) or (height, width, 3) of uint8 (0 to
#: 255) or float32 or float64 (0 to 1).
PictureLike = Union[npt.ArrayLike, SupportsDLPack]
#: Whatever is taken as a mask: (height, width) of bool or integers; non-zero = missing.
MaskLike = Union[npt.ArrayLike, SupportsDLPack]
