"""How good the colors are that were given to a gray picture.

Results and truths are pictures of one size: in L*a*b* (:func:`~lookalike.rgb_to_lab`) where a parameter is
called `lab` or the measure compares a* and b*, otherwise in sRGB.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from . import _core
from ._types import PictureLike
from .errors import InputError


def chroma_error(result: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Return the root mean squared error of a* and b*, over both, of pictures in L*a*b*.

    Raises
    ------
    InputError
        If the pictures are empty, of different sizes, or not in L*a*b* as floats; so do the following.
    """
    return _core.chroma_error(result, truth)


def color_accuracy_area(
    result: npt.ArrayLike,
    truth: npt.ArrayLike,
    bin_weights: npt.ArrayLike | None = None,
    *,
    limit: float = 150.0,
) -> float:
    """Return the area under the curve of right pixels against the error that is allowed, as a fraction.

    Right is a pixel whose {a*, b*} has at most a Euclidean error of t, for t from 0 to `limit`. Richard Zhang,
    Phillip Isola and Alexei A. Efros, Colorful image colorization, ECCV 2016, section 3.1.

    Parameters
    ----------
    result, truth
        In L*a*b*.
    bin_weights
        313 weights, by which the bin of a pixel's true color counts: the class-balanced variant.
    limit
        The largest error.
    """
    weights = [] if bin_weights is None else np.asarray(bin_weights, np.float64).tolist()
    return _core.color_accuracy_area(result, truth, weights, limit)


def saturation_ratio(result: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Return the mean chroma of a result divided by that of the truth, in L*a*b*; NaN where that is gray."""
    return _core.saturation_ratio(result, truth)


def peak_signal_to_noise(result: PictureLike, truth: PictureLike) -> float:
    """Return the peak signal-to-noise ratio of two pictures in sRGB, in decibels; infinite for equal ones."""
    return _core.peak_signal_to_noise(result, truth)


def colorfulness(picture: PictureLike) -> float:
    """Return how colorful a picture in sRGB looks: 0 gray, 33 moderately, 109 extremely.

    David Hasler and Sabine Suesstrunk, Measuring colourfulness in natural images, SPIE 2003.
    """
    return _core.colorfulness(picture)


def dominant_hue(lab: npt.ArrayLike, *, bins: int = 12, gray: float = 5.0) -> int | None:
    """Return the bin of hue to which most of the chroma belongs, or None for a gray picture in L*a*b*.

    Bins are equal, from red (a* > 0) by yellow, green and blue. Pixels with a chroma below `gray` do not
    count.
    """
    found = _core.dominant_hue(lab, bins, gray)
    return None if found < 0 else found


def hue_hit_rate(
    results: Iterable[npt.ArrayLike], truths: Iterable[npt.ArrayLike], *, bins: int = 12, gray: float = 5.0
) -> float:
    """Return for which fraction of pairs of pictures in L*a*b* the dominant hue agrees.

    Pairs with a gray truth do not count; NaN where none counts.
    """
    ours = [dominant_hue(lab, bins=bins, gray=gray) for lab in results]
    wanted = [dominant_hue(lab, bins=bins, gray=gray) for lab in truths]
    if len(ours) != len(wanted):
        raise InputError(f"hue_hit_rate: given {len(ours)} results and {len(wanted)} truths, wanted as many")
    hits = [mine == hue for mine, hue in zip(ours, wanted) if hue is not None]
    return sum(hits) / len(hits) if hits else math.nan
