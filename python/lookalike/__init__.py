"""Look-ups and networks over pictures, composed with one notation.

>>> import lookalike as la
>>> photos = la.Collection.build("holiday_pictures", progress=True)  # doctest: +SKIP
>>> results = la.complete(photo, mask, photos, count=20)  # doctest: +SKIP

Pictures are arrays of (height, width) or (height, width, 3), RGB, uint8 from 0 to 255 or float32 or float64
from 0 to 1; results have the type of what came in. Masks are bool or integers, non-zero = missing. Everything
that is raised on purpose derives from :class:`Error`.

Networks are values, too (:mod:`lookalike.nn`); a :class:`Model` is one with parameters:

>>> net = la.input(3) | la.unet(4, 64, la.models.double_conv) | la.conv(2, kernel=1)
>>> model = la.Model(net)
"""

from __future__ import annotations

from pathlib import Path as _Path

from . import _processor

__path__[:0] = _processor.folders()  # before anything imports _core

from . import errors, functional, losses, models, nn, optim, stage, torch
from .architecture import Architecture, ReceptiveField, receptive_field
from .collection import BuildReport, Collection, ThumbnailIndex
from .completion import (
    color_grid,
    complete,
    context_match,
    fill_hole,
    gist,
    harmonic_fill,
    lookup,
    poisson_blend,
    rank,
    scene_completion,
    scene_descriptor,
    seam,
    seam_cut,
)
from .descriptors import encode, picture_encoder, thumbnails_only
from .errors import CompositionError, Error, FileError, InputError, Interrupted
from .gradient_check import GradientReport, check_gradients, check_layer
from .layer import Layer
from .models import unet
from .network import Model, Pass, Summary
from .nn import (
    adaptive_average_pool,
    adaptive_max_pool,
    add,
    attention,
    average_pool,
    batch_norm,
    center_crop_to,
    concat,
    constant,
    conv,
    crop,
    dropout,
    elu,
    embedding,
    expose,
    flatten,
    from_,
    fully_connected,
    gelu,
    global_average_pool,
    global_max_pool,
    group_norm,
    input,  # noqa: A004 - a network begins so
    instance_norm,
    layer_norm,
    leaky_relu,
    local_response_norm,
    log_softmax,
    max_pool,
    max_pool_indices,
    max_unpool,
    multiply,
    named,
    pad_channels,
    permute,
    relu,
    repeat,
    reshape,
    residual,
    shared,
    sigmoid,
    silu,
    slice,  # noqa: A004
    soft_lookup,
    softmax,
    tanh,
    transposed_conv,
    up_conv,
    upsample,
)
from .optim import SGD, Adadelta, Adam, AdamW
from .parameters import Gradients, NameMap, Parameters
from .pictures import (
    contact_sheet,
    decode_image,
    encode_image,
    lab_to_rgb,
    read_image,
    read_image_size,
    read_mask,
    resize,
    rgb_to_gray,
    rgb_to_lab,
    write_image,
    write_mask,
)
from .stage import Pipeline, Stage, as_stage, branch, identity, skip
from .threads import get_instruction_set, get_threads, set_threads
from .training import History
from .values import (
    Completion,
    CompletionQuery,
    Composite,
    Composites,
    CostTerms,
    Descriptor,
    DescriptorBlock,
    MaskedImage,
    Matches,
    PlacedScene,
    Placements,
    SeamCut,
)

__version__ = "0.1.0"


def get_include() -> str:
    """Return the folder of the C++ headers, for ``-I``."""
    return str(_Path(__file__).resolve().parent / "include")


__all__ = [
    "SGD",
    "Adadelta",
    "Adam",
    "AdamW",
    "Architecture",
    "BuildReport",
    "Collection",
    "Completion",
    "CompletionQuery",
    "Composite",
    "Composites",
    "CompositionError",
    "CostTerms",
    "Descriptor",
    "DescriptorBlock",
    "Error",
    "FileError",
    "GradientReport",
    "Gradients",
    "History",
    "InputError",
    "Interrupted",
    "Layer",
    "MaskedImage",
    "Matches",
    "Model",
    "NameMap",
    "Parameters",
    "Pass",
    "Pipeline",
    "PlacedScene",
    "Placements",
    "ReceptiveField",
    "SeamCut",
    "Stage",
    "Summary",
    "ThumbnailIndex",
    "adaptive_average_pool",
    "adaptive_max_pool",
    "add",
    "as_stage",
    "attention",
    "average_pool",
    "batch_norm",
    "branch",
    "center_crop_to",
    "check_gradients",
    "check_layer",
    "color_grid",
    "complete",
    "concat",
    "constant",
    "contact_sheet",
    "context_match",
    "conv",
    "crop",
    "decode_image",
    "dropout",
    "elu",
    "embedding",
    "encode",
    "encode_image",
    "errors",
    "expose",
    "fill_hole",
    "flatten",
    "from_",
    "fully_connected",
    "functional",
    "gelu",
    "get_include",
    "get_instruction_set",
    "get_threads",
    "gist",
    "global_average_pool",
    "global_max_pool",
    "group_norm",
    "harmonic_fill",
    "identity",
    "input",
    "instance_norm",
    "lab_to_rgb",
    "layer_norm",
    "leaky_relu",
    "local_response_norm",
    "log_softmax",
    "lookup",
    "losses",
    "max_pool",
    "max_pool_indices",
    "max_unpool",
    "models",
    "multiply",
    "named",
    "nn",
    "optim",
    "pad_channels",
    "permute",
    "picture_encoder",
    "poisson_blend",
    "rank",
    "read_image",
    "read_image_size",
    "read_mask",
    "receptive_field",
    "relu",
    "repeat",
    "reshape",
    "residual",
    "resize",
    "rgb_to_gray",
    "rgb_to_lab",
    "scene_completion",
    "scene_descriptor",
    "seam",
    "seam_cut",
    "set_threads",
    "shared",
    "sigmoid",
    "silu",
    "skip",
    "slice",
    "soft_lookup",
    "softmax",
    "stage",
    "tanh",
    "thumbnails_only",
    "torch",
    "transposed_conv",
    "unet",
    "up_conv",
    "upsample",
    "write_image",
    "write_mask",
]
