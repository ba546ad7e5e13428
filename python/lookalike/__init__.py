"""Look-ups over pictures, composed with one notation.

>>> import lookalike as la
>>> photos = la.Collection.build("holiday_pictures", progress=True)  # doctest: +SKIP
>>> results = la.complete(photo, mask, photos, count=20)  # doctest: +SKIP

Pictures are arrays of (height, width) or (height, width, 3), RGB, uint8 from 0 to 255 or float32 or float64
from 0 to 1; results have the type of what came in. Masks are bool or integers, non-zero = missing. Everything
that is raised on purpose derives from :class:`Error`.
"""

from __future__ import annotations

from pathlib import Path as _Path

from . import errors, stage
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
from .errors import CompositionError, Error, FileError, InputError, Interrupted
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
from .threads import get_threads, set_threads
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
    "InputError",
    "Interrupted",
    "MaskedImage",
    "Matches",
    "Pipeline",
    "PlacedScene",
    "Placements",
    "SeamCut",
    "Stage",
    "ThumbnailIndex",
    "as_stage",
    "branch",
    "color_grid",
    "complete",
    "contact_sheet",
    "context_match",
    "decode_image",
    "encode_image",
    "errors",
    "fill_hole",
    "get_include",
    "get_threads",
    "gist",
    "harmonic_fill",
    "identity",
    "lab_to_rgb",
    "lookup",
    "poisson_blend",
    "rank",
    "read_image",
    "read_image_size",
    "read_mask",
    "resize",
    "rgb_to_gray",
    "rgb_to_lab",
    "scene_completion",
    "scene_descriptor",
    "seam",
    "seam_cut",
    "set_threads",
    "skip",
    "stage",
    "write_image",
    "write_mask",
]
