from collections.abc import Iterable, Sequence
from typing import Any, Callable, TypedDict

import numpy as np
import numpy.typing as npt

from ._types import Array, Mask, MaskLike, Path, PictureLike
from .values import (
    Completion,
    Composites,
    Descriptor,
    DescriptorBlock,
    Matches,
    Placements,
)

_Progress = Callable[[str, int, int], Any] | None

def threads() -> int: ...
def requested_threads() -> int: ...
def set_threads(count: int) -> None: ...
def read_image(
    path: Path,
    *,
    dtype: npt.DTypeLike = ...,
    at_least: int = 0,
    apply_orientation: bool = True,
    accept_damaged: bool = False,
    background: Sequence[float] = ...,
    max_pixels: int = ...,
) -> Array: ...
def decode_image(
    data: bytes,
    *,
    dtype: npt.DTypeLike = ...,
    at_least: int = 0,
    apply_orientation: bool = True,
    accept_damaged: bool = False,
    background: Sequence[float] = ...,
    max_pixels: int = ...,
) -> Array: ...
def read_mask(
    path: Path, *, rule: str = "automatic", apply_orientation: bool = True, max_pixels: int = ...
) -> Mask: ...
def read_image_size(path: Path, *, apply_orientation: bool = True) -> tuple[int, int]: ...
def write_image(
    path: Path, picture: PictureLike, *, quality: int = 95, bits: int = 8, compression: int = 6
) -> None: ...
def write_mask(path: Path, mask: MaskLike) -> None: ...
def encode_image(
    picture: PictureLike,
    *,
    format: str = "png",  # noqa: A002
    quality: int = 95,
    bits: int = 8,
    compression: int = 6,
) -> bytes: ...
def rgb_to_lab(picture: PictureLike) -> Array: ...
def lab_to_rgb(picture: PictureLike, *, clamp: bool = True) -> Array: ...
def rgb_to_gray(picture: PictureLike) -> Array: ...
def resize(
    picture: PictureLike, height: int, width: int, *, method: str = "area", antialias: bool = True
) -> Array: ...
def contact_sheet(
    pictures: Sequence[PictureLike],
    captions: Sequence[str],
    *,
    columns: int = ...,
    cell_width: int = ...,
    cell_height: int = ...,
    margin: int = ...,
    text_scale: int = ...,
    title: str = ...,
) -> npt.NDArray[np.uint8]: ...
def harmonic_fill(
    picture: PictureLike,
    mask: MaskLike,
    *,
    tolerance: float = ...,
    iterations: int = ...,
    progress: _Progress = None,
) -> Array: ...

class _Report(TypedDict):
    added: int
    unchanged: int
    moved: int
    changed: list[str]
    vanished: list[str]
    duplicates: list[tuple[str, str]]
    skipped: list[tuple[str, str]]

class _Seam(TypedDict):
    from_patch: Mask
    flow: int
    cut: int
    energy: float
    unary: float
    pairwise: float

class Collection:
    @staticmethod
    def build(folder: Path, store: Path | None, encoder: Any, progress: _Progress) -> Collection: ...
    @staticmethod
    def open(folder_or_store: Path) -> Collection: ...
    def add(self, folder: Path, encoder: Any, progress: _Progress) -> Collection: ...
    def refresh(self) -> Collection: ...
    def __len__(self) -> int: ...
    def ids(self) -> npt.NDArray[np.int64]: ...
    def path(self, id: int) -> str: ...
    def thumbnail(self, id: int) -> npt.NDArray[np.uint8]: ...
    def descriptor(self, id: int) -> Descriptor: ...
    def blocks(self) -> tuple[DescriptorBlock, ...]: ...
    def block_distances(self) -> npt.NDArray[np.float64]: ...
    def search(
        self,
        descriptor: Descriptor,
        *,
        k: int,
        leave_out: Iterable[int],
        only: Iterable[int] | None,
        importance: Iterable[float],
        photos: Any,
    ) -> Matches: ...
    def search_thumbnails(
        self,
        picture: PictureLike,
        mask: MaskLike | None,
        *,
        distance: str,
        k: int,
        leave_out: Iterable[int],
        only: Iterable[int] | None,
        photos: Any,
    ) -> Matches: ...
    def near_duplicates(
        self, picture: PictureLike, mask: MaskLike | None, *, correlation: float
    ) -> npt.NDArray[np.int64]: ...
    def report(self) -> _Report: ...
    def location(self) -> str: ...
    def photographs(self) -> str: ...

class CompletionQuery:
    def __init__(self, picture: PictureLike, mask: MaskLike, longest_side: int = 1024) -> None: ...
    @property
    def picture(self) -> Array: ...
    @property
    def hole(self) -> Mask: ...
    @property
    def matching_picture(self) -> Array: ...
    @property
    def matching_hole(self) -> Mask: ...
    @property
    def reduction(self) -> float: ...
    @property
    def longest_side(self) -> int: ...

class Gist:
    def __init__(
        self, *, side: int, orientations: int, scales: int, grid: int, exact: bool, importance: float
    ) -> None: ...
    def __call__(self, picture: PictureLike, mask: MaskLike | None = None) -> Descriptor: ...
    def blocks(self) -> tuple[DescriptorBlock, ...]: ...
    def sufficient_side(self) -> int: ...
    @staticmethod
    def defaults() -> dict[str, Any]: ...

class ColorGrid:
    def __init__(self, *, grid: int, importance: float) -> None: ...
    def __call__(self, picture: PictureLike, mask: MaskLike | None = None) -> Descriptor: ...
    def blocks(self) -> tuple[DescriptorBlock, ...]: ...
    def sufficient_side(self) -> int: ...
    @staticmethod
    def defaults() -> dict[str, Any]: ...

class SceneDescriptor:
    def __init__(self, *, gist: Gist, color: ColorGrid) -> None: ...
    def __call__(self, picture: PictureLike, mask: MaskLike | None = None) -> Descriptor: ...
    def blocks(self) -> tuple[DescriptorBlock, ...]: ...
    def sufficient_side(self) -> int: ...

class ContextMatch:
    def __init__(
        self,
        *,
        band: float,
        scales: Iterable[float],
        largest_enlargement: float,
        longest_side: int,
        coverage: float,
        offset_scale: float,
        algorithm: str,
        coarsest_side: int,
        survivors: int,
    ) -> None: ...
    def __call__(
        self, picture: PictureLike, mask: MaskLike, matches: Matches, progress: _Progress
    ) -> Placements: ...
    @staticmethod
    def defaults() -> dict[str, Any]: ...

class Seam:
    def __init__(
        self,
        *,
        unary_weight: float,
        unary_scale: float,
        band: float,
        color_scale: float,
        smoothness_epsilon: float,
        quantization: float,
    ) -> None: ...
    def __call__(self, placements: Placements, progress: _Progress) -> Composites: ...
    def cut(
        self, picture: PictureLike, patch: PictureLike, mask: MaskLike, covered: MaskLike | None
    ) -> _Seam: ...
    @staticmethod
    def defaults() -> dict[str, Any]: ...

class Rank:
    def __init__(self, *, count: int, scene: float, context: float, texture: float, seam: float) -> None: ...
    def __call__(self, composites: Composites) -> list[tuple[int, float]]: ...
    @staticmethod
    def defaults() -> dict[str, Any]: ...

class PoissonBlend:
    def __init__(
        self,
        *,
        domain: str,
        crossing: str,
        anchor: str,
        screening_length: float,
        tolerance: float,
        iterations: int,
    ) -> None: ...
    def __call__(self, composites: Composites, progress: _Progress) -> list[Completion]: ...
    def blend(
        self,
        picture: PictureLike,
        patch: PictureLike,
        from_patch: MaskLike,
        hole: MaskLike | None,
        covered: MaskLike | None,
        progress: _Progress,
    ) -> Array: ...
    @staticmethod
    def defaults() -> dict[str, Any]: ...
