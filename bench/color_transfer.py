"""Color transfer: Reinhard's and Welsh's algorithms beside the same written with NumPy, SciPy, OpenCV and FAISS.

All run on one thread in one process, by turns, on a photograph of about half a megapixel whose colors come from
another; a figure is the median over the turns, and a ratio the rival's time over ours (above 1, ours is faster).
Where results can agree, that they do is checked first. Rivals do not limit chroma to the gamut, ours does.
"""

# needs: rivals

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before anything that reads them is imported
    os.environ[name] = "1"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import time  # noqa: E402
from collections.abc import Callable  # noqa: E402

import cv2  # noqa: E402
import faiss  # noqa: E402
import lookalike as la  # noqa: E402
import numpy as np  # noqa: E402
import scipy.spatial  # noqa: E402
from _photographs import choose, keep, median, parser, photographs, say, table  # noqa: E402

Transfer = Callable[[np.ndarray, np.ndarray], np.ndarray]

LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]], np.float32)
OPPONENT = (np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ [[1, 1, 1], [1, 1, -2], [1, -1, 0]]).astype(np.float32)
TO_RGB, TO_LMS = np.linalg.inv(LMS), np.linalg.inv(OPPONENT)
LEAST = np.float32(1 / 1024)
SAMPLES = 200
HEIGHT, WIDTH = 600, 840


def reinhard_numpy(picture: np.ndarray, example: np.ndarray) -> np.ndarray:
    """Reinhard et al. 2001 with NumPy."""
    own, target = (np.log10(np.maximum(p @ LMS.T, LEAST)) @ OPPONENT.T for p in (picture, example))
    gain = target.std((0, 1)) / own.std((0, 1))
    moved = (own - own.mean((0, 1))) * gain + target.mean((0, 1))
    return np.clip(10 ** (moved @ TO_LMS.T) @ TO_RGB.T, 0, 1)


def reinhard_opencv(picture: np.ndarray, example: np.ndarray) -> np.ndarray:
    """The same with OpenCV; natural logarithms, which it has, differ by a factor that cancels."""
    own, target = (
        cv2.transform(cv2.log(cv2.max(cv2.transform(p, LMS), float(LEAST))), OPPONENT)
        for p in (picture, example)
    )
    (mean, deviation), (wanted_mean, wanted) = cv2.meanStdDev(own), cv2.meanStdDev(target)
    gain = wanted / deviation
    linear = np.hstack([TO_LMS @ np.diag(gain.ravel()), TO_LMS @ (wanted_mean - gain * mean)]).astype(
        np.float32
    )
    moved = cv2.transform(cv2.exp(cv2.transform(own, linear)), TO_RGB)
    return np.clip(moved, 0, 1)


def features(light: np.ndarray) -> np.ndarray:
    """Lightness and its deviation over 5x5, half each, as rows."""
    light = light - np.float32(50)
    mean = cv2.blur(light, (5, 5), borderType=cv2.BORDER_REFLECT)
    square = cv2.sqrBoxFilter(light, cv2.CV_32F, (5, 5), borderType=cv2.BORDER_REFLECT)
    deviation = cv2.sqrt(cv2.max(square - mean * mean, 0.0))
    return np.stack([light.ravel(), deviation.ravel()], 1) * np.float32(0.5)


def welsh_by(search: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Transfer:
    """Welsh et al. 2002 with OpenCV's colors and filters and a search for the nearest sample."""

    def transfer(picture: np.ndarray, example: np.ndarray) -> np.ndarray:
        lab, colors = cv2.cvtColor(picture, cv2.COLOR_RGB2Lab), cv2.cvtColor(example, cv2.COLOR_RGB2Lab)
        light, other = lab[..., 0], colors[..., 0]
        other = (other - other.mean()) * (light.std() / other.std()) + light.mean()
        chosen = np.random.default_rng(0).choice(other.size, SAMPLES, replace=False)
        samples = features(np.ascontiguousarray(other))[chosen]
        nearest = search(samples, features(np.ascontiguousarray(light)))
        lab[..., 1:] = colors.reshape(-1, 3)[chosen, 1:][nearest].reshape(*light.shape, 2)
        return cv2.cvtColor(lab, cv2.COLOR_Lab2RGB)

    return transfer


def by_faiss(samples: np.ndarray, sought: np.ndarray) -> np.ndarray:
    """All distances."""
    index = faiss.IndexFlatL2(2)
    index.add(samples)
    return index.search(sought, 1)[1][:, 0]


def by_tree(samples: np.ndarray, sought: np.ndarray) -> np.ndarray:
    """A k-d tree."""
    return scipy.spatial.cKDTree(samples).query(sought)[1]


def main() -> None:
    """Checks, measures and prints."""
    arguments = parser(__doc__)
    arguments.add_argument("--turns", type=int, default=15)
    options = arguments.parse_args()
    cv2.setNumThreads(1)
    faiss.omp_set_num_threads(1)
    la.set_threads(1)
    chosen = choose(photographs(options.photos), 2, 300, np.random.default_rng(options.seed), 1024)
    picture, example = (la.resize(p, HEIGHT, WIDTH).clip(0, 1) for _, p in chosen)
    cases: dict[str, dict[str, Transfer]] = {
        "Reinhard": {"lookalike": la.transfer_color, "NumPy": reinhard_numpy, "OpenCV": reinhard_opencv},
        "Welsh, 200 samples": {
            "lookalike": la.welsh_transfer,
            "OpenCV + FAISS": welsh_by(by_faiss),
            "OpenCV + SciPy": welsh_by(by_tree),
        },
    }
    reference = la.transfer_color(picture, example)
    for rival in (reinhard_numpy, reinhard_opencv):
        difference = float(np.abs(rival(picture, example) - reference).max())
        if difference > 2e-3:
            raise SystemExit(
                f"color_transfer: {rival.__name__} differs by {difference:.3g}, wanted at most 0.002"
            )
    rows = [["algorithm", "implementation", "ms", "ratio"]]
    figures: dict[str, dict[str, float]] = {}
    for case, implementations in cases.items():
        say(case)
        seconds: dict[str, list[float]] = {name: [] for name in implementations}
        for turn in range(options.turns + 1):
            order = list(implementations.items())
            for name, transfer in order if turn % 2 else order[::-1]:
                start = time.perf_counter()
                transfer(picture, example)
                if turn:
                    seconds[name].append(time.perf_counter() - start)
        figures[case] = {name: median(values) for name, values in seconds.items()}
        ours = figures[case]["lookalike"]
        for name, value in figures[case].items():
            rows.append(
                [case, name, f"{1000 * value:.1f}", "" if name == "lookalike" else f"{value / ours:.1f}"]
            )
    keep(options.json, figures)
    print(table(rows))
    best = [min(v / f["lookalike"] for n, v in f.items() if n != "lookalike") for f in figures.values()]
    print(f"color_transfer: {best[0]:.1f} x (Reinhard), {best[1]:.1f} x (Welsh) over the best rival")


if __name__ == "__main__":
    main()
