"""ResNets for CIFAR-10 in PyTorch, by the recipe of examples/train_cifar.cpp: the other side of the comparison.

    .venv/bin/python bench/_torch_cifar.py DATA [--depth 20] [--epochs 15] [--pictures 50000] [--seed 0] [--threads 2]

DATA is a folder with train.bin and test.bin, CIFAR-10's standard binary records. Prints, epoch by epoch, the training
loss, the accuracy on the test set, and the seconds.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from torch import nn

MEAN = np.array([0.4914, 0.4822, 0.4465], np.float32).reshape(1, 3, 1, 1)
DEVIATION = np.array([0.2470, 0.2435, 0.2616], np.float32).reshape(1, 3, 1, 1)


class Block(nn.Module):
    """Two convolutions of 3 x 3, with a shortcut of kind A unless `plain`."""

    def __init__(self, before: int, channels: int, stride: int, plain: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride, self.more, self.plain = stride, channels - before, plain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the block."""
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if self.plain:
            return functional.relu(y)
        shortcut = x[:, :, :: self.stride, :: self.stride]
        if self.more:
            half = self.more // 2
            shortcut = functional.pad(shortcut, (0, 0, 0, 0, half, self.more - half))
        return functional.relu(y + shortcut)


def network(depth: int, width: int, plain: bool) -> nn.Sequential:
    """6n + 2 layers (He et al. 2016, section 4.2)."""
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    before = width
    for stage in range(3):
        for i in range((depth - 2) // 6):
            channels = width << stage
            layers.append(Block(before, channels, 2 if stage and not i else 1, plain))
            before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (bytes, N x 3 x 32 x 32) and labels."""
    rows = np.fromfile(path, np.uint8).reshape(-1, 3073)
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].astype(np.int64)


def normalized(pictures: np.ndarray) -> torch.Tensor:
    """Zero mean and unit deviation for each channel."""
    return torch.from_numpy((pictures.astype(np.float32) / 255 - MEAN) / DEVIATION)


def augmented(pictures: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Each picture cropped out of its four-pixel border of zeros, every second one mirrored."""
    padded = functional.pad(pictures, (4, 4, 4, 4))
    result = torch.empty_like(pictures)
    for i in range(len(pictures)):
        y, x = random.integers(0, 9, 2)
        crop = padded[i, :, y : y + 32, x : x + 32]
        result[i] = crop.flip(-1) if random.integers(2) else crop
    return result


def main() -> None:
    """Train and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--decay", type=float, default=5e-4)
    parser.add_argument("--pictures", type=int, default=50000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)
    pictures, labels = load(options.data / "train.bin")
    pictures, labels = pictures[: options.pictures], torch.from_numpy(labels[: options.pictures])
    inputs = normalized(pictures)
    test_pictures, test_labels = load(options.data / "test.bin")
    test_inputs, test_labels = normalized(test_pictures), torch.from_numpy(test_labels)

    model = network(options.depth, options.width, options.plain).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=options.rate, momentum=0.9, weight_decay=options.decay)
    batches = len(inputs) // options.batch
    steps, warm_up = options.epochs * batches, batches
    step = 0
    for epoch in range(options.epochs):
        start, total = time.time(), 0.0
        model.train()
        order = random.permutation(len(inputs))
        for i in range(batches):
            chosen = torch.from_numpy(order[i * options.batch : (i + 1) * options.batch])
            x = augmented(inputs[chosen], random).to(memory_format=torch.channels_last)
            rate = options.rate * (
                (step + 1) / warm_up
                if step < warm_up
                else 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))
            )
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = functional.cross_entropy(model(x), labels[chosen])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item()
            step += 1
        seconds = time.time() - start
        model.eval()
        with torch.no_grad():
            right = sum(
                (model(test_inputs[i : i + 500]).argmax(1) == test_labels[i : i + 500]).sum().item()
                for i in range(0, len(test_inputs), 500)
            )
        print(
            f"epoch {epoch + 1:3d}  training loss {total / batches:.4f}  "
            f"test accuracy {100 * right / len(test_inputs):.2f} %  {seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
