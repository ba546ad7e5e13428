"""The published networks in PyTorch, written from the papers, with the names of widely used implementations.

Parameters are called as in torchvision (AlexNet, ResNet), akamaster's pytorch_resnet_cifar10, milesial's
Pytorch-UNet, the pix2pix authors' pytorch-CycleGAN-and-pix2pix, the authors' colorization, and otenim's
GLCIC-PyTorch; include/lookalike/models/torch_names.hpp has the same rules.

Rectifiers, pools and dropout follow the :class:`Choices` that are given, if any: two machines that round
differently may take a number close to 0 for positive or not, and their gradients then differ by far more than the
rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import lookalike as la
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

# What they call their parameters
# --------------------------------------------------------------------------------------------------------------

VARIANCE = ("running_var", "running_variance")

ALEXNET = la.NameMap(
    [
        ("features.0", "features.conv0"),
        ("features.3", "features.conv1"),
        ("features.6", "features.conv2"),
        ("features.8", "features.conv3"),
        ("features.10", "features.conv4"),
        ("classifier.1", "classifier.fully_connected0"),
        ("classifier.4", "classifier.descriptor.fully_connected0"),
        ("classifier.6", "classifier.fully_connected1"),
    ]
)

#: The paper's network in one `Sequential` with the same pieces, and normalization after the first two.
ALEXNET_PAPER = la.NameMap(
    [
        ("features.0", "features.conv0"),
        ("features.4", "features.conv1"),
        ("features.8", "features.conv2"),
        ("features.10", "features.conv3"),
        ("features.12", "features.conv4"),
        ("classifier.0", "classifier.fully_connected0"),
        ("classifier.3", "classifier.descriptor.fully_connected0"),
        ("classifier.6", "classifier.fully_connected1"),
    ]
)

RESNET = la.NameMap(
    [
        ("downsample.0", "shortcut.conv0"),
        ("downsample.1", "shortcut.batch_norm0"),
        ("conv{n+1}", "conv{n}"),
        ("bn{n+1}", "batch_norm{n}"),
        ("fc", "fully_connected0"),
        VARIANCE,
    ]
)

CIFAR_RESNET = la.NameMap(
    [
        ("shortcut.0", "shortcut.conv0"),
        ("shortcut.1", "shortcut.batch_norm0"),
        ("conv{n+1}", "conv{n}"),
        ("bn{n+1}", "batch_norm{n}"),
        ("linear", "fully_connected0"),
        VARIANCE,
    ]
)


def unet_names(levels: int, normalized: bool) -> la.NameMap:
    rules, below = [], ""
    for level in range(levels):
        down = "^inc" if level == 0 else f"^down{level}.maxpool_conv.1"
        rules.append((f"{down}.double_conv", f"^{below}encoder"))
        rules.append((f"^up{levels - level}.up", f"^{below}up.transposed_conv0"))
        rules.append((f"^up{levels - level}.conv.double_conv", f"^{below}decoder"))
        below += "below."
    rules.append((f"^down{levels}.maxpool_conv.1.double_conv", f"^{below}bottleneck"))
    within = (
        [("0", "conv0"), ("1", "batch_norm0"), ("3", "conv1"), ("4", "batch_norm1")]
        if normalized
        else [("0", "conv0"), ("2", "conv1")]
    )
    return la.NameMap([*rules, ("^outc.conv", "^conv0"), *within, VARIANCE])


def generator_names(levels: int = 8) -> la.NameMap:
    theirs = "^model.model.1" + ".model.3" * (levels - 2)
    ours = "^below" + ".below" * (levels - 2)
    return la.NameMap(
        [
            (f"{theirs}.model.1", f"{ours}.conv0"),
            (f"{theirs}.model.3", f"{ours}.transposed_conv0"),
            (f"{theirs}.model.4", f"{ours}.batch_norm0"),
            ("^model.model.0", "^conv0"),
            ("^model.model.3", "^transposed_conv0"),
            ("^model.model.1", "^below"),
            ("model.3", "below"),
            ("model.1", "conv0"),
            ("model.2", "batch_norm0"),
            ("model.5", "transposed_conv0"),
            ("model.6", "batch_norm1"),
            VARIANCE,
        ]
    )


PATCH_DISCRIMINATOR = la.NameMap(
    [
        ("^model.0", "^conv0"),
        ("^model.{3n+2}", "^conv{n+1}"),
        ("^model.{3n+3}", "^batch_norm{n}"),
        VARIANCE,
    ]
)

COLORIZATION = la.NameMap(
    [
        ("^model_out", "^decode.conv0"),
        ("^model8.0", "^block8.transposed_conv0"),
        ("^model8.2", "^block8.conv0"),
        ("^model8.4", "^block8.conv1"),
        ("^model8.6", "^conv0"),
        ("^model1.4", "^block1.batch_norm0"),
        ("^model2.4", "^block2.batch_norm0"),
        ("^model{b}.6", "^block{b}.batch_norm0"),
        ("^model{b}.{2n}", "^block{b}.conv{n}"),
        VARIANCE,
    ]
)

COMPLETION = la.NameMap(
    [
        ("deconv13", "decoder.transposed_conv0"),
        ("deconv15", "decoder.transposed_conv1"),
        ("conv14", "decoder.conv2"),
        ("conv16", "decoder.conv3"),
        ("conv17", "decoder.conv4"),
        ("conv{n+11}", "decoder.conv{n}"),
        ("bn{n+11}", "decoder.batch_norm{n}"),
        ("conv{n+7}", "context.conv{n}"),
        ("bn{n+7}", "context.batch_norm{n}"),
        ("conv{n+1}", "encoder.conv{n}"),
        ("bn{n+1}", "encoder.batch_norm{n}"),
        VARIANCE,
    ]
)

COMPLETION_DISCRIMINATOR = la.NameMap(
    [
        ("model_ld.linear6", "local_critic.fully_connected0"),
        ("model_gd.linear7", "global_critic.fully_connected0"),
        ("model_ld.conv{n+1}", "local_critic.conv{n}"),
        ("model_ld.bn{n+1}", "local_critic.batch_norm{n}"),
        ("model_gd.conv{n+1}", "global_critic.conv{n}"),
        ("model_gd.bn{n+1}", "global_critic.batch_norm{n}"),
        ("linear1", "fully_connected0"),
        VARIANCE,
    ]
)


# Networks
# --------------------------------------------------------------------------------------------------------------


class Choices:
    """What rectifiers, pools and dropouts chose in another run, in the order in which they come.

    For each a tensor: of a rectifier, where it lets through; of a pool, what it saw; of dropout, what is kept.
    Only choices within rounding of one's own are taken.
    """

    current: ClassVar[Choices | None] = None
    rounding = 1e-4

    def __init__(self, tensors: list[torch.Tensor]) -> None:
        self.left = list(tensors)

    @classmethod
    @contextmanager
    def given(cls, tensors: list[torch.Tensor]) -> Iterator[None]:
        cls.current = cls(tensors)
        try:
            yield
            assert not cls.current.left, "there were more choices than layers that choose"
        finally:
            cls.current = None

    @classmethod
    def next(cls) -> torch.Tensor | None:
        return None if cls.current is None else cls.current.left.pop(0)


def close_enough(gap: torch.Tensor, x: torch.Tensor) -> None:
    """Assert that choices differ from one's own by rounding only; `gap` is what they lose."""
    assert gap.max() <= Choices.rounding * x.abs().max(), "a choice that rounding does not explain"


def relu(x: torch.Tensor, slope: float = 0.0) -> torch.Tensor:
    through = Choices.next()
    if through is None:
        return F.leaky_relu(x, slope)
    through = through.reshape(x.shape)
    with torch.no_grad():
        close_enough(x.abs() * ((x > 0) != through), x)
    return torch.where(through, x, slope * x)


def max_pool(x: torch.Tensor, kernel: int, stride: int, padding: int = 0) -> torch.Tensor:
    seen = Choices.next()
    wanted, where = F.max_pool2d(x, kernel, stride, padding, return_indices=True)
    if seen is None:
        return wanted
    where = F.max_pool2d(seen, kernel, stride, padding, return_indices=True)[1]
    found = x.flatten(2).gather(2, where.flatten(2)).reshape(where.shape)
    with torch.no_grad():
        close_enough(wanted - found, x)
    return found


class Rectifier(nn.Module):
    def __init__(self, slope: float = 0.0) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return relu(x, self.slope)


class MaxPool(nn.Module):
    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x):
        return max_pool(x, self.kernel, self.stride)


class Dropout(nn.Module):
    """Dropout of one half; what is kept is always given."""

    def forward(self, x):
        return 2 * x * Choices.next().reshape(x.shape) if self.training else x


class ChannelNorm(nn.Module):
    """Local response normalization as in the paper on AlexNet: alpha is not divided by the size."""

    def __init__(self, size=5, alpha=1e-4, beta=0.75, k=2.0):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x):
        squares = F.pad(x**2, (0, 0, 0, 0, self.size // 2, self.size // 2))
        sums = squares.unfold(1, self.size, 1).sum(-1)
        return x / (self.k + self.alpha * sums) ** self.beta


class AlexNet(nn.Module):
    """torchvision's; Krizhevsky (2014)."""

    def __init__(self, classes=1000):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2),
            Rectifier(),
            MaxPool(3, 2),
            nn.Conv2d(64, 192, 5, padding=2),
            Rectifier(),
            MaxPool(3, 2),
            nn.Conv2d(192, 384, 3, padding=1),
            Rectifier(),
            nn.Conv2d(384, 256, 3, padding=1),
            Rectifier(),
            nn.Conv2d(256, 256, 3, padding=1),
            Rectifier(),
            MaxPool(3, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            Dropout(),
            nn.Linear(256 * 6 * 6, 4096),
            Rectifier(),
            Dropout(),
            nn.Linear(4096, 4096),
            Rectifier(),
            nn.Linear(4096, classes),
        )

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class AlexNetOfThePaper(nn.Module):
    """Krizhevsky, Sutskever and Hinton (2012), the two graphics cards as groups."""

    def __init__(self, classes=1000):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, 4),
            Rectifier(),
            ChannelNorm(),
            MaxPool(3, 2),
            nn.Conv2d(96, 256, 5, padding=2, groups=2),
            Rectifier(),
            ChannelNorm(),
            MaxPool(3, 2),
            nn.Conv2d(256, 384, 3, padding=1),
            Rectifier(),
            nn.Conv2d(384, 384, 3, padding=1, groups=2),
            Rectifier(),
            nn.Conv2d(384, 256, 3, padding=1, groups=2),
            Rectifier(),
            MaxPool(3, 2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(256 * 6 * 6, 4096),
            Rectifier(),
            Dropout(),
            nn.Linear(4096, 4096),
            Rectifier(),
            Dropout(),
            nn.Linear(4096, classes),
        )

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs, channels, stride, early):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = projection(inputs, channels, stride)

    def forward(self, x):
        y = relu(self.bn1(self.conv1(x)))
        return relu(self.bn2(self.conv2(y)) + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, channels, stride, early):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 1, stride if early else 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1 if early else stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * channels)
        self.downsample = projection(inputs, 4 * channels, stride)

    def forward(self, x):
        y = relu(self.bn1(self.conv1(x)))
        y = relu(self.bn2(self.conv2(y)))
        return relu(self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x)))


def projection(inputs, outputs, stride):
    if inputs == outputs and stride == 1:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """He, Zhang, Ren and Sun (2016), table 1, with shortcuts of kind B; `early` strides as in the paper."""

    def __init__(self, block, counts, classes=1000, early=False):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for i, (channels, count) in enumerate(zip((64, 128, 256, 512), counts)):
            blocks = []
            for j in range(count):
                blocks.append(block(inputs, channels, 2 if i and not j else 1, early))
                inputs = channels * block.expansion
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = max_pool(relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class CifarBlock(nn.Module):
    def __init__(self, inputs, channels, stride, kind):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.kind, self.stride, self.extra = kind, stride, channels - inputs
        self.shortcut = nn.Sequential()
        if kind == "projection" and (stride != 1 or inputs != channels):
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        if self.kind == "none":
            return relu(y)
        if self.kind == "padding":
            x = x[:, :, :: self.stride, :: self.stride]
            x = F.pad(x, (0, 0, 0, 0, self.extra // 2, self.extra - self.extra // 2))
        return relu(y + self.shortcut(x))


class CifarResNet(nn.Module):
    """The same paper, section 4.2."""

    def __init__(self, depth, kind="padding", classes=10, width=16):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for i in range(3):
            blocks = []
            for j in range((depth - 2) // 6):
                blocks.append(CifarBlock(inputs, width << i, 2 if i and not j else 1, kind))
                inputs = width << i
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        x = relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs, padding, normalized):
        super().__init__()
        layers = []
        for n in (inputs, outputs):
            layers.append(nn.Conv2d(n, outputs, 3, padding=padding, bias=not normalized))
            layers += [nn.BatchNorm2d(outputs)] if normalized else []
            layers.append(Rectifier())
        self.double_conv = nn.Sequential(*layers)

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, inputs, outputs, *options):
        super().__init__()
        self.maxpool_conv = nn.Sequential(MaxPool(2, 2), DoubleConv(inputs, outputs, *options))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, inputs, outputs, *options):
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, 2)
        self.conv = DoubleConv(inputs, outputs, *options)

    def forward(self, below, beside):
        x = self.up(below)
        top, left = (beside.shape[2] - x.shape[2]) // 2, (beside.shape[3] - x.shape[3]) // 2
        beside = beside[:, :, top : top + x.shape[2], left : left + x.shape[3]]
        return self.conv(torch.cat([beside, x], 1))


class OutConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        return self.conv(x)


class UNet(nn.Module):
    """Ronneberger, Fischer and Brox (2015); with `padding` 0 as in the paper."""

    def __init__(self, inputs=1, classes=2, width=64, levels=4, padding=1, normalized=False):
        super().__init__()
        options = padding, normalized
        self.levels = levels
        self.inc = DoubleConv(inputs, width, *options)
        for i in range(levels):
            setattr(self, f"down{i + 1}", Down(width << i, width << i + 1, *options))
        for i in range(levels):
            n = width << levels - i
            setattr(self, f"up{i + 1}", Up(n, n // 2, *options))
        self.outc = OutConv(width, classes)

    def forward(self, x):
        maps = [self.inc(x)]
        for i in range(self.levels):
            maps.append(getattr(self, f"down{i + 1}")(maps[-1]))
        x = maps.pop()
        for i in range(self.levels):
            x = getattr(self, f"up{i + 1}")(x, maps.pop())
        return self.outc(x)


class SkipBlock(nn.Module):
    """One level of the generator below: down, deeper, up, beside what came in."""

    def __init__(self, outer, inner, inputs=None, submodule=None, outermost=False, dropout=False):
        super().__init__()
        self.outermost = outermost
        down = nn.Conv2d(outer if inputs is None else inputs, inner, 4, 2, 1, bias=False)
        wide = inner if submodule is None else 2 * inner
        up = nn.ConvTranspose2d(wide, outer, 4, 2, 1, bias=outermost)
        if outermost:
            layers = [down, submodule, Rectifier(), up, nn.Tanh()]
        elif submodule is None:
            layers = [Rectifier(0.2), down, Rectifier(), up, nn.BatchNorm2d(outer)]
        else:
            layers = [Rectifier(0.2), down, nn.BatchNorm2d(inner), submodule]
            layers += [Rectifier(), up, nn.BatchNorm2d(outer)]
            layers += [Dropout()] if dropout else []
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class Generator(nn.Module):
    """Isola, Zhu, Zhou and Efros (2017): "U-Net 256"."""

    def __init__(self, inputs=3, outputs=3, levels=8, width=64):
        super().__init__()
        block = SkipBlock(8 * width, 8 * width)
        for _ in range(levels - 5):
            block = SkipBlock(8 * width, 8 * width, submodule=block, dropout=True)
        for times in (4, 2, 1):
            block = SkipBlock(times * width, 2 * times * width, submodule=block)
        self.model = SkipBlock(outputs, width, inputs, block, outermost=True)

    def forward(self, x):
        return self.model(x)


class PatchDiscriminator(nn.Module):
    """The same paper's PatchGAN."""

    def __init__(self, inputs=6, width=64, layers=3):
        super().__init__()
        modules = [nn.Conv2d(inputs, width, 4, 2, 1), Rectifier(0.2)]
        channels = width
        for i in range(1, layers + 1):
            before, channels = channels, width * min(2**i, 8)
            modules += [
                nn.Conv2d(before, channels, 4, 2 if i < layers else 1, 1, bias=False),
                nn.BatchNorm2d(channels),
                Rectifier(0.2),
            ]
        self.model = nn.Sequential(*modules, nn.Conv2d(channels, 1, 4, 1, 1))

    def forward(self, x):
        return self.model(x)


class Colorization(nn.Module):
    """Zhang, Isola and Efros (2016), up to the scores."""

    def __init__(self, colors=313):
        super().__init__()

        def block(*convs, dilation=1):
            layers = []
            for inputs, outputs, stride in convs:
                layers += [nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation), Rectifier()]
            return nn.Sequential(*layers, nn.BatchNorm2d(convs[-1][1]))

        self.model1 = block((1, 64, 1), (64, 64, 2))
        self.model2 = block((64, 128, 1), (128, 128, 2))
        self.model3 = block((128, 256, 1), (256, 256, 1), (256, 256, 2))
        self.model4 = block((256, 512, 1), (512, 512, 1), (512, 512, 1))
        self.model5 = block(*[(512, 512, 1)] * 3, dilation=2)
        self.model6 = block(*[(512, 512, 1)] * 3, dilation=2)
        self.model7 = block(*[(512, 512, 1)] * 3)
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(512, 256, 4, 2, 1),
            Rectifier(),
            nn.Conv2d(256, 256, 3, 1, 1),
            Rectifier(),
            nn.Conv2d(256, 256, 3, 1, 1),
            Rectifier(),
            nn.Conv2d(256, colors, 1),
        )

    def forward(self, x):
        for i in range(1, 9):
            x = getattr(self, f"model{i}")(x)
        return x


class CompletionNetwork(nn.Module):
    """Iizuka, Simo-Serra and Ishikawa (2017), table 1: convolution, normalization, rectification."""

    def __init__(self, width=64):
        super().__init__()
        w = width
        # (kernel, channels, stride, dilation) of convolutions 1 to 16; None: transposed.
        rows = [(5, w, 1, 1), (3, 2 * w, 2, 1), (3, 2 * w, 1, 1), (3, 4 * w, 2, 1)]
        rows += [(3, 4 * w, 1, dilation) for dilation in (1, 1, 2, 4, 8, 16, 1, 1)]
        rows += [(4, 2 * w, None, 1), (3, 2 * w, 1, 1), (4, w, None, 1), (3, w // 2, 1, 1)]
        inputs, self.steps = 4, []
        for i, (kernel, channels, stride, dilation) in enumerate(rows, 1):
            if stride is None:
                name, conv = f"deconv{i}", nn.ConvTranspose2d(inputs, channels, kernel, 2, 1)
            else:
                padding = dilation * (kernel - 1) // 2
                name, conv = f"conv{i}", nn.Conv2d(inputs, channels, kernel, stride, padding, dilation)
            setattr(self, name, conv)
            setattr(self, f"bn{i}", nn.BatchNorm2d(channels))
            self.steps.append((name, f"bn{i}"))
            inputs = channels
        self.conv17 = nn.Conv2d(inputs, 3, 3, 1, 1)

    def forward(self, image, mask):
        x = torch.cat([image, mask], 1)
        for conv, norm in self.steps:
            x = relu(getattr(self, norm)(getattr(self, conv)(x)))
        return torch.sigmoid(self.conv17(x))


class Critic(nn.Module):
    """One discriminator of the same paper, table 2, up to its numbers."""

    def __init__(self, halvings, extent, width, features):
        super().__init__()
        self.halvings, inputs = halvings, 3
        for i in range(halvings):
            channels = width * min(2**i, 8)
            setattr(self, f"conv{i + 1}", nn.Conv2d(inputs, channels, 5, 2, 2))
            setattr(self, f"bn{i + 1}", nn.BatchNorm2d(channels))
            inputs, extent = channels, (extent + 1) // 2
        setattr(self, f"linear{halvings + 1}", nn.Linear(inputs * extent**2, features))

    def forward(self, x):
        for i in range(1, self.halvings + 1):
            x = relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        return relu(getattr(self, f"linear{self.halvings + 1}")(x.flatten(1)))


class LocalDiscriminator(nn.Module):
    def __init__(self, extent=128, width=64, features=1024):
        super().__init__()
        self.model_ld = Critic(5, extent, width, features)

    def forward(self, local):
        return self.model_ld(local)


class GlobalDiscriminator(nn.Module):
    def __init__(self, extent=256, width=64, features=1024):
        super().__init__()
        self.model_gd = Critic(6, extent, width, features)

    def forward(self, whole):
        return self.model_gd(whole)


class ContextDiscriminator(nn.Module):
    """Both, and one score."""

    def __init__(self, extent=256, width=64, features=1024):
        super().__init__()
        self.model_ld = Critic(5, extent // 2, width, features)
        self.model_gd = Critic(6, extent, width, features)
        self.linear1 = nn.Linear(2 * features, 1)

    def forward(self, local, whole):
        return self.linear1(torch.cat([self.model_ld(local), self.model_gd(whole)], 1))
