"""Pictures for the tests: textures made from noise, and real photographs where LOOKALIKE_DATA names a folder."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lookalike as la
import numpy as np
import pytest
from scipy import ndimage


def texture(seed: int, height: int = 160, width: int = 200) -> np.ndarray:
    """Return a picture of clouds, strokes and a gradient, uint8: no two seeds look alike."""
    chance = np.random.default_rng(seed)
    clouds = ndimage.gaussian_filter(chance.standard_normal((height, width, 3)), (9, 9, 0), mode="reflect")
    grain = ndimage.gaussian_filter(chance.standard_normal((height, width, 1)), (1 + seed % 3, 2, 0))
    y, x = np.mgrid[0:height, 0:width]
    slope = (np.cos(seed) * y / height + np.sin(seed) * x / width)[..., None]
    picture = clouds / clouds.std() + 0.4 * grain / grain.std() + chance.uniform(-1, 1, 3) + slope
    return np.clip(128 + 32 * picture, 0, 255).astype(np.uint8)


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes: to a program the same as a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve textures as PNG files, so that nothing is lost in them."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(12):
        la.write_image(folder / f"{seed:02}.png", texture(seed))
    return folder


@pytest.fixture(scope="session")
def photos(photo_folder: Path) -> la.Collection:
    return la.Collection.build(photo_folder)


@pytest.fixture
def hole() -> np.ndarray:
    """A hole in the middle of a texture."""
    mask = np.zeros((160, 200), bool)
    mask[60:100, 70:130] = True
    return mask


@pytest.fixture(scope="session")
def real_photos() -> Path:
    """A folder of real photographs."""
    data = os.environ.get("LOOKALIKE_DATA")
    if not data or not (Path(data) / "photos").is_dir():
        pytest.skip("LOOKALIKE_DATA names no folder with real pictures (photos/...)")
    return Path(data) / "photos"
