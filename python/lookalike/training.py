"""The training loop behind :meth:`lookalike.Model.fit`."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from . import _core
from ._arrays import as_array
from ._progress import Progress
from ._types import Path
from .errors import InputError, Interrupted
from .optim import Optimizer, ReduceOnPlateau, Schedule

if TYPE_CHECKING:
    from .network import Model

#: ``loss(outputs, targets)`` returns the value and its derivative with respect to the output (a list for several).
Loss = Callable[[Any, Any], tuple[float, Any]]
#: ``augment(x, y, chance)`` returns the pair changed; `chance` is a ``numpy.random.Generator`` of this batch.
Augment = Callable[[Any, Any, np.random.Generator], tuple[Any, Any]]
#: Batches (x, y): an iterable that can be gone over again, or a function of the epoch that returns an iterable.
Batches = Union[Iterable[tuple[Any, Any]], Callable[[int], Iterable[tuple[Any, Any]]]]

_TEXT_KEY = "lookalike.fit"


class History(Sequence[dict[str, float]]):
    """What is known of the epochs of a training: a dict for each.

    ``history["loss"]`` is the list over all epochs. The names are "loss" (mean over the epoch's samples),
    "score" (of validation, where there is one), "learning_rate_factor" and "seconds" (of training).
    """

    def __init__(self, epochs: Iterable[Mapping[str, float]] = ()) -> None:
        self.epochs: list[dict[str, float]] = [dict(epoch) for epoch in epochs]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if not any(key in epoch for epoch in self.epochs):
                raise KeyError(key)
            return [epoch.get(key, math.nan) for epoch in self.epochs]
        return self.epochs[key]

    def __len__(self) -> int:
        return len(self.epochs)

    def __repr__(self) -> str:
        lines = [
            f"  {i + 1}: " + ", ".join(f"{name} {value:.4g}" for name, value in epoch.items())
            for i, epoch in enumerate(self.epochs)
        ]
        return "\n".join([f"History of {len(self)} epochs", *lines])


def sample_count(x: Any) -> int:
    """Return how many pictures are in a batch: an array, a list of several inputs, or a dict of them."""
    if isinstance(x, Mapping):
        x = next(iter(x.values()))
    elif isinstance(x, (list, tuple)):
        x = x[0]
    return len(x)


def _take(x: Any, indices: Any) -> Any:
    if isinstance(x, Mapping):
        return {name: as_array(value, f"fit: {name}")[indices] for name, value in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(as_array(value, "fit")[indices] for value in x)
    return as_array(x, "fit")[indices]


def _run(model: Model, x: Any, **options: Any) -> Any:
    return model.forward(*x, **options) if isinstance(x, (list, tuple)) else model.forward(x, **options)


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


class _Epochs:
    """The batches of each epoch."""

    def __init__(self, x: Any, y: Any, batch_size: int, shuffle: bool, seed: int) -> None:
        self._batches: Batches | None = x if y is None else None
        self._x, self._y = x, y
        self._size, self._shuffle, self._seed = batch_size, shuffle, seed
        self.count = -1
        if self._batches is not None:
            if hasattr(x, "__len__"):
                self.count = len(x)
            return
        samples = sample_count(x)
        if samples < 1 or sample_count(y) != samples:
            raise InputError(f"fit: given {samples} pictures and {sample_count(y)} targets, wanted as many")
        if batch_size < 1:
            raise InputError(f"fit: given batches of {batch_size} pictures, wanted 1 or more")
        self._samples = samples
        self.count = -(-samples // batch_size)

    def of(self, epoch: int) -> Iterator[tuple[Any, Any]]:
        if self._batches is not None:
            yield from self._batches(epoch) if callable(self._batches) else self._batches
            return
        order = np.arange(self._samples)
        if self._shuffle:
            order = np.random.default_rng([self._seed, epoch]).permutation(self._samples)
        for start in range(0, self._samples, self._size):
            indices = order[start : start + self._size]
            yield _take(self._x, indices), _take(self._y, indices)


class _Watcher:
    """Shows progress: a bar for each epoch, or the caller's function ``(task, done, total)``."""

    def __init__(self, progress: Progress) -> None:
        if not (progress is None or isinstance(progress, bool) or callable(progress)):
            raise TypeError(
                f"progress: given {progress!r}, wanted True, False or a callable (task, done, total)"
            )
        self._hears = progress if callable(progress) else None
        self._shows = progress is True
        self._bar: Any = None

    @contextmanager
    def epoch(self, number: int, total: int) -> Iterator[Callable[[int, float], None]]:
        task = f"epoch {number + 1}"
        if self._shows:
            try:
                from tqdm.auto import tqdm

                self._bar = tqdm(total=total if total >= 0 else None, desc=task, unit="batch")
            except ImportError:
                print(f"{task}...", file=sys.stderr, flush=True)

        def report(done: int, loss: float) -> None:
            if self._bar is not None:
                self._bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
                self._bar.update(done - self._bar.n)
            if self._hears is not None and self._hears(task, done, total) is False:
                raise Interrupted(f"fit: stopped in {task} after {done} batches")

        try:
            yield report
        finally:
            if self._bar is not None:
                self._bar.close()
                self._bar = None


def train_step(model: Model, loss: Loss, x: Any, y: Any, seed: int) -> tuple[float, int]:
    """Add the gradients of one batch to the model's; returns the loss, and how many samples there were.

    Raises
    ------
    InputError
        If the loss is not finite. Running averages are then as before.
    """
    remembered = [view for name, view in model.parameters.items() if not model.parameters.is_trainable(name)]
    before = [view.copy() for view in remembered]
    try:
        run = _run(model, x, training=True, seed=seed)
        outputs = run.outputs
        value, gradient = loss(outputs[0] if len(outputs) == 1 else outputs, y)
        value = float(value)
        if not math.isfinite(value):
            raise InputError(
                f"fit: the loss is {value}, wanted a finite number; a smaller learning rate may help"
            )
        run.backward(gradient, input_gradients=False)
    except BaseException:
        for view, kept in zip(remembered, before):
            view[...] = kept
        raise
    return value, len(outputs[0])


def predict(model: Model, x: Any, batch_size: int) -> Any:
    """Return the outputs for many pictures; see :meth:`lookalike.Model.predict`."""
    if batch_size < 1:
        raise InputError(f"predict: given batches of {batch_size} pictures, wanted 1 or more")
    parts = []
    for start in range(0, max(sample_count(x), 1), batch_size):
        parts.append(_run(model, _take(x, slice(start, start + batch_size))).outputs)
    outputs = tuple(np.concatenate(of_all) for of_all in zip(*parts))
    return outputs[0] if len(outputs) == 1 else outputs


def evaluate(model: Model, x: Any, y: Any, loss: Loss, batch_size: int) -> float:
    """Return the mean loss over samples, in inference."""
    total, samples = 0.0, 0
    for one, wanted in _Epochs(x, y, batch_size, shuffle=False, seed=0).of(0):
        outputs = _run(model, one).outputs
        value, _ = loss(outputs[0] if len(outputs) == 1 else outputs, wanted)
        total += float(value) * len(outputs[0])
        samples += len(outputs[0])
    return total / samples if samples else math.nan


def fit(
    model: Model,
    x: Any,
    y: Any = None,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int = 1,
    batch_size: int = 32,
    shuffle: bool = True,
    schedule: Schedule | None = None,
    validation: tuple[Any, Any] | Callable[[Model], float] | None = None,
    patience: int | None = None,
    larger_is_better: bool = False,
    augment: Augment | None = None,
    seed: int = 0,
    progress: Progress = True,
    checkpoint: Path | None = None,
) -> History:
    """Train a model; see :meth:`lookalike.Model.fit`."""
    batches = _Epochs(x, y, batch_size, shuffle, seed)
    stopping = None if patience is None else _core.EarlyStopping(patience, larger_is_better)
    plateau = schedule if isinstance(schedule, ReduceOnPlateau) else None
    watcher = _Watcher(progress)
    history = History()
    steps = 0
    if checkpoint is not None and os.path.exists(checkpoint):  # noqa: PTH110 - bytes are paths, too
        text = optimizer._of(model).load(model._network, os.fspath(checkpoint))
        try:
            saved = json.loads(text[_TEXT_KEY])
            history, steps = History(saved["epochs"]), int(saved["steps"])
            if stopping is not None and saved["stopping"] is not None:
                stopping.restore(saved["stopping"])
            if plateau is not None and saved["plateau"] is not None:
                plateau.restore(saved["plateau"])
        except (KeyError, ValueError, TypeError) as failure:
            raise InputError(f"fit: '{checkpoint}' is no checkpoint of fit ({failure!r})") from None
        if stopping is not None and stopping.should_stop():
            return history
    model.gradients.zero()
    for epoch in range(len(history), epochs):
        total, samples, done, factor = 0.0, 0, 0, 1.0
        start = time.perf_counter()
        with watcher.epoch(epoch, batches.count) as report:
            for one, wanted in batches.of(epoch):
                if augment is not None:
                    one, wanted = augment(one, wanted, np.random.default_rng([seed, epoch, done, 1]))
                try:
                    value, count = train_step(model, loss, one, wanted, _seed(seed, steps))
                    factor = plateau.factor if plateau is not None else _factor(schedule, steps)
                    optimizer.step(model, factor)
                except BaseException:
                    model.gradients.zero()
                    raise
                total += value * count
                samples += count
                steps += 1
                done += 1
                report(done, total / samples)
        if samples == 0:
            raise InputError(f"fit: given no batches in epoch {epoch}, wanted one or more")
        record = {"loss": total / samples, "learning_rate_factor": factor}
        record["seconds"] = time.perf_counter() - start
        if validation is not None:
            if callable(validation):
                record["score"] = float(validation(model))
            else:
                record["score"] = evaluate(model, validation[0], validation[1], loss, batch_size)
        history.epochs.append(record)
        watched = record.get("score", record["loss"])
        if plateau is not None:
            plateau.update(watched)
        if stopping is not None:
            stopping.update(watched, epoch)
        if checkpoint is not None:
            state = {
                "epochs": history.epochs,
                "steps": steps,
                "stopping": None if stopping is None else stopping.state(),
                "plateau": None if plateau is None else plateau.state(),
            }
            optimizer._of(model).save(model._network, os.fspath(checkpoint), {_TEXT_KEY: json.dumps(state)})
        if stopping is not None and stopping.should_stop():
            break
    return history


def _factor(schedule: Schedule | None, step: int) -> float:
    return 1.0 if schedule is None else float(schedule(step))  # type: ignore[operator]
