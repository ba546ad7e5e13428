"""Experiments on collections, above all: how many pictures are enough."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Callable

import numpy as np
import numpy.typing as npt

from . import _core
from ._progress import Progress, reporting
from ._types import Path
from .errors import InputError
from .tiny_images import _rows

__all__ = ["Interval", "NeededPictures", "ScalingCurve", "scaling_curve"]

#: Called as ``score(queries, ids, squared)`` with numbers of queries (n,), and their neighbors and squared
#: distances (n, k); returns n scores.
Score = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]], npt.ArrayLike]

_MEASURES = {
    "distance": "distance of the nearest",
    "correlation": "correlation of the nearest",
    "hit": "hit among k",
    "score": "score",
}


@dataclasses.dataclass(frozen=True)
class Interval:
    """An estimate, and what the bootstrap says about it; NaN where it cannot be made."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.lower:.4g}, {self.upper:.4g}]"


@dataclasses.dataclass(frozen=True)
class NeededPictures:
    """How many pictures bring a measure to a target.

    Attributes
    ----------
    pictures
        Infinite where no number of pictures is enough.
    measured
        Whether the target lies between measured sizes.
    extrapolation
        How many times the largest measured size it is, where it is beyond.
    notice
        The same in words.
    """

    pictures: Interval
    measured: bool
    extrapolation: float
    notice: str


class ScalingCurve:
    """How neighbors get better as a collection grows. Made by :func:`scaling_curve`."""

    def __init__(self, handle: _core.ScalingCurve) -> None:
        self._handle = handle

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Numbers of vectors."""
        return np.array(self._handle.sizes(), np.int64)

    def values(self, measure: str) -> npt.NDArray[np.float64]:
        """Return (sizes, 3): value, lower and upper bound.

        Parameters
        ----------
        measure
            "distance": root mean square of the nearest's; "correlation": mean cosine with the nearest; "hit":
            share of queries with one of k neighbors of their label; "score": mean score of the task.
        """
        return np.array(self._handle.values(measure), np.float64).reshape(-1, 3)

    @property
    def slope(self) -> Interval:
        """Of log distance over log size, by least squares."""
        return Interval(*self._handle.slope())

    @property
    def dimension(self) -> Interval:
        """Intrinsic dimension, -1 / slope."""
        return Interval(*self._handle.dimension())

    @property
    def likelihood_dimension(self) -> Interval:
        """The same from how the distances of k neighbors spread (Levina and Bickel 2004)."""
        return Interval(*self._handle.likelihood_dimension())

    @property
    def deviation(self) -> float:
        """Root mean square of what the line leaves of log distance: how straight it is."""
        return self._handle.deviation()

    def pictures_needed(self, measure: str, target: float) -> NeededPictures:
        """Return how many pictures bring a measure to `target`.

        Between measured sizes it is read off; beyond, the fitted line is prolonged, and the notice says how
        far.

        Raises
        ------
        InputError
            For a target that cannot be, and a measure without values.
        """
        pictures, measured, extrapolation, notice = self._handle.pictures_needed(measure, target)
        return NeededPictures(Interval(*pictures), measured, extrapolation, notice)

    def __str__(self) -> str:
        shown = [name for name in _MEASURES if not np.isnan(self.values(name)[:, 0]).any()]
        lines = ["    pictures  " + "  ".join(f"{name:>24}" for name in shown)]
        columns = [self.values(name) for name in shown]
        for row, size in enumerate(self.sizes):
            cells = "  ".join(f"{Interval(*column[row])!s:>24}" for column in columns)
            lines.append(f"{size:12d}  {cells}")
        lines.append(
            f"slope {self.slope}, dimension {self.dimension}, by likelihood {self.likelihood_dimension}"
        )
        return "\n".join(lines)

    def plot(self, *paths: Path, measures: Sequence[str] | None = None, title: str = "") -> Any:
        """Draw the measures over the size, with intervals and the fitted line; needs matplotlib.

        Parameters
        ----------
        *paths
            Files to write, whose endings choose the form: ``.png``, ``.svg``, ``.pdf``.
        measures
            Which; by default all that have values.
        title
            Above all.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        chosen = list(measures or (m for m in _MEASURES if not np.isnan(self.values(m)[:, 0]).any()))
        for measure in chosen:
            if measure not in _MEASURES:
                raise InputError(f"plot: given the measure {measure!r}, wanted one of {', '.join(_MEASURES)}")
        figure = Figure(figsize=(4.2 * len(chosen), 3.6), layout="constrained")
        FigureCanvasAgg(figure)
        sizes = self.sizes
        for axes, measure in zip(np.atleast_1d(figure.subplots(1, len(chosen))), chosen):
            value, lower, upper = self.values(measure).T
            axes.fill_between(sizes, lower, upper, alpha=0.25, linewidth=0)
            axes.plot(sizes, value, "o-", markersize=3)
            axes.set_xscale("log")
            axes.set_xlabel("pictures")
            axes.set_ylabel(_MEASURES[measure])
            if measure == "distance":
                axes.set_yscale("log")
                slope = self.slope.value
                if not math.isnan(slope):
                    middle = np.exp(np.mean(np.log(value)) + slope * (np.log(sizes) - np.log(sizes).mean()))
                    axes.plot(sizes, middle, "--", label=f"slope {slope:.3f}, D = {self.dimension.value:.1f}")
                    axes.legend(frameon=False)
        if title:
            figure.suptitle(title)
        for path in paths:
            figure.savefig(path)
        return figure


def scaling_curve(
    vectors: npt.ArrayLike,
    queries: npt.ArrayLike,
    *,
    labels: npt.ArrayLike | None = None,
    query_labels: npt.ArrayLike | None = None,
    sizes: Sequence[int] | None = None,
    k: int = 10,
    repetitions: int = 5,
    score: Score | None = None,
    near_duplicates: float = 2.0,
    bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
    progress: Progress = False,
) -> ScalingCurve:
    """Look queries up in ever larger parts of a collection.

    Where pictures fill a space of D dimensions, the distance of the nearest of N is proportional to
    ``N ** (-1 / D)``. Exact, and by one search for all sizes.

    Parameters
    ----------
    vectors, queries
        A row for each: tiny images, descriptors, features.
    labels, query_labels
        Integers, for hits and for the vote of the neighbors; both or none.
    sizes
        Ascending; by default at most eight, each half the one after, from all vectors down to 16 or `k`.
    k
        Neighbors of each query.
    repetitions
        Random orders in which the collection grows.
    score
        A task, instead of the vote: see :data:`Score`.
    near_duplicates
        Vectors whose cosine with the query is at least this are not found. ``0.999999`` leaves out the queries
        themselves where they are among the vectors.
    bootstrap, confidence
        Samples, and how much of them an interval holds. Queries and orders are drawn again.
    seed
        Fixes orders and samples.
    progress
        True for a progress bar, or a callable ``(task, done, total)``.

    Raises
    ------
    InputError
        For other dimensions, numbers that are not finite, labels or scores that do not fit, and options out of
        range.

    Examples
    --------
    >>> import lookalike as la
    >>> import numpy as np
    >>> angles = np.random.default_rng(0).uniform(0, 2 * np.pi, (4200, 2))
    >>> torus = np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    >>> curve = la.experiments.scaling_curve(torus[200:], torus[:200], bootstrap=100)
    >>> round(curve.dimension.value)
    2
    """

    def integers(values: npt.ArrayLike | None) -> list[int] | None:
        if values is None:
            return None
        array = np.asarray(values)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise InputError(
                f"scaling_curve: given labels of {array.dtype} with {array.ndim} axes, wanted integers, one for "
                "each row"
            )
        return [int(label) for label in array]

    with reporting(progress) as report:
        return ScalingCurve(
            _core.ScalingCurve(
                _rows(vectors, "scaling_curve"),
                _rows(queries, "scaling_curve"),
                labels=integers(labels),
                query_labels=integers(query_labels),
                sizes=[] if sizes is None else [int(size) for size in sizes],
                k=k,
                repetitions=repetitions,
                near_duplicates=near_duplicates,
                bootstrap=bootstrap,
                confidence=confidence,
                seed=seed,
                score=score,
                progress=report,
            )
        )
