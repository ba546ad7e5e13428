"""Published networks, each an :class:`~lookalike.Architecture`.

Parameter counts are the papers'; they are asserted in the headers (``include/lookalike/models``).

>>> import lookalike as la
>>> la.Model(la.models.resnet18()).parameter_count
11689512
"""

from __future__ import annotations

from typing import Any, Callable, Literal

from . import _core
from .architecture import Architecture, _part

_of = Architecture._of


def alexnet(classes: int = 1000) -> Architecture:
    """AlexNet (Krizhevsky, Sutskever and Hinton, 2012) with the paper's two groups, for 3 x 227 x 227."""
    return _of(_core.alexnet(classes))


def alexnet_single_tower(classes: int = 1000) -> Architecture:
    """AlexNet in one tower without local response normalization (torchvision's), for 3 x 224 x 224."""
    return _of(_core.alexnet_single_tower(classes))


def resnet18(
    classes: int = 1000,
    *,
    stride: Literal["first", "middle"] = "middle",
    shortcut: Literal["padding", "projection", "none"] = "projection",
) -> Architecture:
    """Residual network of 18 layers (He, Zhang, Ren and Sun, 2016).

    Parameters
    ----------
    classes
        Scores (logits) that come out.
    stride
        Where a bottleneck block halves the resolution: in its first 1 x 1 convolution (the paper) or in its
        3 x 3 (later implementations).
    shortcut
        How a block's input gets the shape of its output: "padding" with zeros (A), "projection" by a 1 x 1
        convolution (B), or "none": a plain network.
    """
    return _of(_core.resnet18(classes, stride, shortcut))


def resnet34(
    classes: int = 1000,
    *,
    stride: Literal["first", "middle"] = "middle",
    shortcut: Literal["padding", "projection", "none"] = "projection",
) -> Architecture:
    """Residual network of 34 layers; see :func:`resnet18`."""
    return _of(_core.resnet34(classes, stride, shortcut))


def resnet50(
    classes: int = 1000,
    *,
    stride: Literal["first", "middle"] = "middle",
    shortcut: Literal["padding", "projection", "none"] = "projection",
) -> Architecture:
    """Residual network of 50 layers; see :func:`resnet18`."""
    return _of(_core.resnet50(classes, stride, shortcut))


def resnet101(
    classes: int = 1000,
    *,
    stride: Literal["first", "middle"] = "middle",
    shortcut: Literal["padding", "projection", "none"] = "projection",
) -> Architecture:
    """Residual network of 101 layers; see :func:`resnet18`."""
    return _of(_core.resnet101(classes, stride, shortcut))


def resnet152(
    classes: int = 1000,
    *,
    stride: Literal["first", "middle"] = "middle",
    shortcut: Literal["padding", "projection", "none"] = "projection",
) -> Architecture:
    """Residual network of 152 layers; see :func:`resnet18`."""
    return _of(_core.resnet152(classes, stride, shortcut))


def cifar_resnet(
    depth: int,
    classes: int = 10,
    *,
    stride: Literal["first", "middle"] = "middle",
    shortcut: Literal["padding", "projection", "none"] = "padding",
    width: int = 16,
) -> Architecture:
    """Residual network for CIFAR, of `depth` = 6 n + 2 layers and `width` channels in the first stage."""
    return _of(_core.cifar_resnet(depth, classes, stride, shortcut, width))


def unet(levels: int, channels: int, block: Callable[[int], Any]) -> Architecture:
    """Body of a U-Net (Ronneberger, Fischer and Brox, 2015) with `levels` poolings.

    Parameters
    ----------
    levels
        Poolings; heights and widths must be multiples of 2^levels.
    channels
        Of the highest level; they double with each.
    block
        ``block(channels)`` returns the convolutions of one level.
    """
    return _of(_core.unet(levels, channels, lambda count: _part(block(count))))


def valid_unet(levels: int, channels: int, block: Callable[[int], Any]) -> Architecture:
    """Body of a U-Net whose blocks lose their borders: what a skip connection brings is cropped."""
    return _of(_core.valid_unet(levels, channels, lambda count: _part(block(count))))


def double_conv(channels: int) -> Architecture:
    """Two convolutions of 3 x 3 with batch normalization: the block of most U-Nets today."""
    return _of(_core.double_conv(channels))


def padded_block(channels: int) -> Architecture:
    """Two convolutions of 3 x 3 with borders of zeros and no normalization."""
    return _of(_core.padded_block(channels))


def valid_block(channels: int) -> Architecture:
    """Two convolutions of 3 x 3 without borders: the block of the paper on U-Net."""
    return _of(_core.valid_block(channels))


def unet_original(inputs: int = 1, classes: int = 2, *, width: int = 64, levels: int = 4) -> Architecture:
    """U-Net as in the paper: 1 x 572 x 572 in, 2 x 388 x 388 out.

    Parameters
    ----------
    inputs
        Channels of the picture.
    classes
        Scores (logits) for each pixel.
    width
        Channels of the highest level.
    levels
        Poolings.
    """
    return _of(_core.unet_original(inputs, classes, width, levels))


def unet_padded(inputs: int = 1, classes: int = 2, *, width: int = 64, levels: int = 4) -> Architecture:
    """U-Net with borders of zeros: as many pixels out as in; see :func:`unet_original`."""
    return _of(_core.unet_padded(inputs, classes, width, levels))


def unet_normalized(inputs: int = 1, classes: int = 2, *, width: int = 64, levels: int = 4) -> Architecture:
    """U-Net with borders of zeros and batch normalization; see :func:`unet_original`."""
    return _of(_core.unet_normalized(inputs, classes, width, levels))


def pix2pix_generator(inputs: int = 3, outputs: int = 3, *, width: int = 64, levels: int = 8) -> Architecture:
    """U-Net generator of pix2pix (Isola, Zhu, Zhou and Efros, 2017), for 256 x 256 in [-1, 1]."""
    return _of(_core.pix2pix_generator(inputs, outputs, width, levels))


def patch_discriminator(inputs: int = 6, *, width: int = 64, layers: int = 3) -> Architecture:
    """PatchGAN of pix2pix: one score (logit) for each patch of 70 x 70 pixels of [condition, picture]."""
    return _of(_core.patch_discriminator(inputs, width, layers))


def colorful_colorization(colors: int = 313) -> Architecture:
    """Colorful Image Colorization (Zhang, Isola and Efros, 2016): (L - 50) / 100 in, color scores out."""
    return _of(_core.colorful_colorization(colors))


def completion_network(width: int = 64) -> Architecture:
    """Completion network (Iizuka, Simo-Serra and Ishikawa, 2017), of "image" and "mask"."""
    return _of(_core.completion_network(width))


def local_discriminator(extent: int = 128, *, width: int = 64, features: int = 1024) -> Architecture:
    """Discriminator of the surroundings of a hole (Iizuka et al.): "local", 3 x extent x extent."""
    return _of(_core.local_discriminator(extent, width, features))


def global_discriminator(extent: int = 256, *, width: int = 64, features: int = 1024) -> Architecture:
    """Discriminator of a whole picture (Iizuka et al.): "global", 3 x extent x extent."""
    return _of(_core.global_discriminator(extent, width, features))


def completion_discriminator(
    global_extent: int = 256, *, width: int = 64, features: int = 1024
) -> Architecture:
    """Both discriminators of Iizuka et al. and one score (logit) of how real the picture is."""
    return _of(_core.completion_discriminator(global_extent, width, features))


def linear_autoencoder(
    channels: int, height: int, width: int, code: int, *, bias: bool = True
) -> Architecture:
    """Autoencoder without a nonlinearity; its part "code" spans the principal subspace."""
    return _of(_core.linear_autoencoder(channels, height, width, code, bias))


def convolutional_autoencoder(
    channels: int, height: int, width: int, *, features: int = 32, halvings: int = 3, code: int = 128
) -> Architecture:
    """Convolutional autoencoder, pictures in [0, 1].

    Parameters
    ----------
    channels, height, width
        Of the picture; extents must be multiples of 2^halvings.
    features
        Channels after the first halving; they double with each.
    halvings
        Of height and width.
    code
        Numbers in the middle, the part "code".
    """
    return _of(_core.convolutional_autoencoder(channels, height, width, features, halvings, code))
