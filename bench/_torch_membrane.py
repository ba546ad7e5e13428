"""U-Net on electron-microscope sections in PyTorch, by the recipe of examples/train_membrane.cpp.

    .venv/bin/python bench/_torch_membrane.py DATA [--steps 600] [--width 32] [--seed 0] [--threads 2]

DATA is a folder with image/N.png and label/N.png (white inside cells); 24 to 29 are kept for testing. Prints the
loss, and at the end the pixel error on the test sections; --save FILE keeps the probabilities as .npy.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import nn
from torch.nn import functional

TEST = range(24, 30)
TRAIN = range(24)


def double_conv(before: int, channels: int) -> nn.Sequential:
    """Two convolutions of 3 x 3 with batch normalization."""
    layers: list[nn.Module] = []
    for inputs in (before, channels):
        layers += [nn.Conv2d(inputs, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*layers)


class Level(nn.Module):
    """One level of a U-Net and all below."""

    def __init__(self, levels: int, before: int, channels: int) -> None:
        super().__init__()
        self.encoder = double_conv(before, channels)
        if levels:
            self.below = Level(levels - 1, channels, 2 * channels)
            self.up = nn.ConvTranspose2d(2 * channels, channels, 2, 2)
            self.decoder = double_conv(2 * channels, channels)
        self.levels = levels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Down, and up again."""
        x = self.encoder(x)
        if not self.levels:
            return x
        return self.decoder(torch.cat([x, self.up(self.below(functional.max_pool2d(x, 2)))], 1))


def border_weights(inside: np.ndarray, w0: float = 10, sigma: float = 5) -> np.ndarray:
    """U-Net's weight map: balanced classes, and more between cells that are close."""
    cells, count = ndimage.label(inside)
    share = inside.mean()
    weights = np.where(inside, 0.5 / share, 0.5 / (1 - share))
    nearest = np.full(inside.shape, np.inf)
    second = np.full(inside.shape, np.inf)
    for cell in range(1, count + 1):
        distance = ndimage.distance_transform_edt(cells != cell)
        second = np.minimum(second, np.maximum(nearest, distance))
        nearest = np.minimum(nearest, distance)
    return (weights + w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2)) * ~inside).astype(np.float32)


def sample(
    image: np.ndarray, label: np.ndarray, weight: np.ndarray, crop: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A crop of a section, elastically deformed, turned and mirrored."""
    side = image.shape[0]
    y0, x0 = random.integers(0, side - crop + 1, 2)
    rows, columns = np.mgrid[y0 : y0 + crop, x0 : x0 + crop].astype(np.float64)
    grid = random.normal(0, 10, (2, 3, 3))
    at = np.stack([rows, columns]) * (2 / (side - 1))
    rows += ndimage.map_coordinates(grid[0], at, order=3, mode="nearest")
    columns += ndimage.map_coordinates(grid[1], at, order=3, mode="nearest")
    where = np.stack([rows, columns])
    parts = [
        ndimage.map_coordinates(image, where, order=1, mode="mirror"),
        ndimage.map_coordinates(label, where, order=0, mode="mirror"),
        ndimage.map_coordinates(weight, where, order=0, mode="mirror"),
    ]
    turn, mirror = random.integers(4), random.integers(2)
    parts = [np.rot90(part, turn) for part in parts]
    return tuple(np.ascontiguousarray(part[:, ::-1] if mirror else part) for part in parts)


def main() -> None:
    """Train and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)

    def read(kind: str, i: int) -> np.ndarray:
        return np.asarray(Image.open(options.data / kind / f"{i}.png"))

    images = {i: (read("image", i).astype(np.float32) / 255 - 0.5) / 0.25 for i in (*TRAIN, *TEST)}
    inside = {i: read("label", i) > 127 for i in (*TRAIN, *TEST)}
    weights = {i: border_weights(inside[i]) for i in TRAIN}

    model = nn.Sequential(Level(4, 1, options.width), nn.Conv2d(options.width, 2, 1))
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=options.rate)
    start, recent = time.time(), []
    for step in range(options.steps):
        for group in optimizer.param_groups:
            group["lr"] = options.rate * 0.5 * (1 + math.cos(math.pi * step / options.steps))
        batch = []
        for _ in range(options.batch):
            i = int(random.integers(len(TRAIN)))
            batch.append(sample(images[i], inside[i], weights[i], options.crop, random))
        x = torch.from_numpy(np.stack([b[0] for b in batch])[:, None]).to(memory_format=torch.channels_last)
        y = torch.from_numpy(np.stack([b[1] for b in batch]).astype(np.int64))
        w = torch.from_numpy(np.stack([b[2] for b in batch]))
        loss = (functional.cross_entropy(model(x), y, reduction="none") * w).sum() / w.sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        recent.append(loss.item())
        if (step + 1) % 50 == 0:
            print(
                f"step {step + 1:5d}  loss {np.mean(recent[-50:]):.4f}  {time.time() - start:.0f} s",
                flush=True,
            )
    model.eval()
    with torch.no_grad():
        maps = [torch.softmax(model(torch.from_numpy(images[i])[None, None]), 1)[0, 1].numpy() for i in TEST]
    errors = {
        level: np.mean([np.mean((p > level) != inside[i]) for p, i in zip(maps, TEST, strict=True)])
        for level in np.arange(1, 20) / 20
    }
    best = min(errors, key=errors.__getitem__)
    print(f"pixel error {errors[0.5]:.4f} ({errors[best]:.4f} at the threshold {best:.2f})")
    if options.save:
        np.save(options.save, np.stack(maps))


if __name__ == "__main__":
    main()
