"""Networks with parameters: :class:`Model`, and one run of it: :class:`Pass`.

Arrays are (batch, channels, height, width), float32 or float64; (batch, channels) stands for pixels of height
and width 1. They are read where they lie, with any strides, from NumPy and whatever speaks DLPack or the buffer
protocol, and never changed. What comes out is new.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _core, training
from ._arrays import as_array, as_numbers
from ._progress import Progress
from ._types import Array, Path
from .architecture import Architecture, ArchitectureLike, as_architecture
from .errors import FileError, InputError
from .optim import Optimizer, Schedule
from .parameters import Gradients, Names, Parameters, core_names
from .profile import Profile, TunedLayer
from .training import Augment, History, Loss

_METADATA_KEY = "lookalike.architecture"


class Summary:
    """The table of a network's layers; printed, it is ready to be read. Made by :meth:`Model.summary`.

    Attributes
    ----------
    rows
        A dict for each layer: name, kind, options, output, parameters, buffers, multiply_adds (for one picture),
        activation_bytes.
    parameters, buffers
        How many numbers are learned, and remembered.
    parameter_bytes, activation_bytes, inference_bytes, training_bytes
        Memory of the parameters, and of the values of one picture: all of them, what they share in inference,
        and in training with their gradients.
    multiply_adds
        For one picture.
    """

    rows: list[dict[str, Any]]
    parameters: int
    buffers: int
    parameter_bytes: int
    multiply_adds: int
    activation_bytes: int
    inference_bytes: int
    training_bytes: int

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._text: str = found["text"]
        for name, value in found.items():
            if name not in ("text", "extents_known"):
                setattr(self, name, value)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._text


class Pass:
    """One run of a model over a batch; it holds the activations, the model holds the parameters.

    Made by :meth:`Model.forward`. Several passes of a model may live at once.
    """

    def __init__(self, model: Model, run: Any) -> None:
        self._model = model
        self._run = run

    def __getitem__(self, name: str) -> Array:
        """Return a copy of what the part called `name` yields: an output, or a part that is exposed."""
        return self._run.value(name)  # type: ignore[no-any-return]

    @property
    def outputs(self) -> tuple[Array, ...]:
        """Copies of all outputs, in order."""
        return tuple(self._run.output(i) for i in range(self._run.output_count()))

    @property
    def output(self) -> Array:
        """A copy of the first output."""
        return self._run.output(0)  # type: ignore[no-any-return]

    @property
    def memory(self) -> int:
        """Bytes of activations, gradients and scratch memory."""
        return int(self._run.memory())

    def backward(
        self,
        gradients: Any,
        *,
        parameter_gradients: bool = True,
        input_gradients: bool = True,
    ) -> Any:
        """Propagate gradients back.

        Parameters
        ----------
        gradients
            Derivatives of the loss with respect to the output; for several outputs a list, with None where
            there is none; or a dict by name, for outputs ("out", "out1", ...) and any other parts.
        parameter_gradients
            Whether those of the parameters are added to ``model.gradients``.
        input_gradients
            Whether those of the inputs are wanted.

        Returns
        -------
        array, tuple or None
            Gradients of the input; a tuple for several inputs.

        Raises
        ------
        InputError
            If the pass is not differentiable, has gone back already, or a gradient does not fit.
        """
        found = self._backward(gradients, parameter_gradients, input_gradients, None)
        if not input_gradients:
            return None
        return found[0] if len(found) == 1 else tuple(found)

    def _backward(
        self, gradients: Any, parameter_gradients: bool, input_gradients: bool, block: Array | None
    ) -> list[Array]:
        """Add the parameters' gradients to `block`, or to the model's."""
        dtype = self._model.dtype
        if isinstance(gradients, Mapping):
            given = [(str(name), as_numbers(g, dtype, "backward")) for name, g in gradients.items()]
        elif isinstance(gradients, (list, tuple)):
            if len(gradients) > self._run.output_count():
                raise InputError(
                    f"backward: given {len(gradients)} gradients, wanted {self._run.output_count()}, one for "
                    "each output"
                )
            names = ["out" if i == 0 else f"out{i}" for i in range(len(gradients))]
            given = [
                (name, as_numbers(g, dtype, "backward")) for name, g in zip(names, gradients) if g is not None
            ]
        else:
            given = [("", as_numbers(gradients, dtype, "backward"))]
        return self._run.backward(given, parameter_gradients, input_gradients, block)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        shapes = ", ".join(str(output.shape) for output in self.outputs)
        return f"Pass(outputs: {shapes})"


class Model:
    """A network with parameters.

    Parameters
    ----------
    architecture
        The network.
    dtype
        float32, or float64 (slower: for checks).
    height, width
        Extents of the inputs that do not say theirs; None: any, which layers that need to know them refuse.
    seed
        Of the initial parameters.

    Raises
    ------
    InputError
        If the architecture does not fit together; the message names the layer.

    Examples
    --------
    >>> import lookalike as la, numpy as np
    >>> model = la.Model(la.input(3) | la.conv(8) | la.relu() | la.global_average_pool())
    >>> model(np.zeros((2, 3, 16, 16), np.float32)).shape
    (2, 8, 1, 1)
    """

    def __init__(
        self,
        architecture: ArchitectureLike,
        *,
        dtype: npt.DTypeLike = np.float32,
        height: int | None = None,
        width: int | None = None,
        seed: int = 0,
    ) -> None:
        self._architecture = as_architecture(architecture)
        self._dtype = np.dtype(dtype)
        if self._dtype not in (np.float32, np.float64):
            raise InputError(f"Model: given the type {self._dtype}, wanted float32 or float64")
        self._extents = height, width
        make = _core.FloatNetwork if self._dtype == np.float32 else _core.DoubleNetwork
        self._network: Any = make(
            self._architecture._value,
            -1 if height is None else height,
            -1 if width is None else width,
            seed,
        )
        table = self._network.table()
        self._parameters = Parameters(self._network.values(), table)
        self._gradients: Gradients | None = None
        self._input_names = tuple(self._network.input_names())

    # Running
    # ----------------------------------------------------------------------------------------------------------

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Run the network on a batch (inference).

        Parameters
        ----------
        *inputs
            Arrays (batch, channels, height, width), in the order of ``input_names``; or one dict by name.
        **named
            Inputs by name.

        Returns
        -------
        array or tuple of arrays
            The output; a tuple if there are several.
        """
        outputs = self._network.predict(self._given(inputs, named))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def forward(
        self,
        *inputs: Any,
        training: bool = False,
        seed: int = 0,
        differentiable: bool = False,
        **named: Any,
    ) -> Pass:
        """Run the network and keep the run.

        Parameters
        ----------
        *inputs, **named
            As of a call.
        training
            Whether dropout drops, and batch normalization normalizes by the batch and remembers it.
        seed
            Of what is left to chance.
        differentiable
            Whether :meth:`Pass.backward` may follow without training; in training always so.
        """
        return Pass(self, self._network.forward(self._given(inputs, named), training, seed, differentiable))

    def predict(self, x: Any, *, batch_size: int = 32) -> Any:
        """Run the network on many pictures, batch by batch (inference).

        Parameters
        ----------
        x
            An array, a list of arrays for several inputs, or a dict of them.
        batch_size
            Pictures that are run at a time.

        Returns
        -------
        array or tuple of arrays
            As of a call.
        """
        return training.predict(self, x, batch_size)

    def fit(
        self,
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
        """Train the network.

        Parameters
        ----------
        x, y
            Pictures and targets: arrays (or whatever arrays of integers can index), for several inputs lists or
            dicts of them. Without `y`, `x` is an iterable of batches (x, y) that can be gone over again, or a
            function of the epoch that returns one.
        loss
            ``loss(outputs, y)`` returns the value and its derivative with respect to the output, or a list of
            them for several outputs: those of :mod:`lookalike.losses`, or one of your own.
        optimizer
            :class:`~lookalike.SGD` or another of :mod:`lookalike.optim`.
        epochs
            Trains until this many are done, those before a resumption included.
        batch_size, shuffle
            How arrays are divided into batches.
        schedule
            What the learning rate is multiplied by in each step, counted from 0: a function, or
            :class:`~lookalike.optim.ReduceOnPlateau`.
        validation
            (x, y), whose mean loss is the score of an epoch, or a function of the model that returns the score.
        patience
            Stops when the score (or the loss, without validation) has not got better for so many epochs.
        larger_is_better
            Whether the score should grow.
        augment
            ``augment(x, y, chance)`` returns a batch changed; `chance` is a ``numpy.random.Generator``.
        seed
            Of all chance but that of initialization.
        progress
            True for a progress bar, or a callable ``(task, done, total)``; returning False from it ends the
            training with :class:`~lookalike.Interrupted`, between two steps.
        checkpoint
            File that holds the state after each epoch. If it is there, training goes on from it, and comes to
            the same bits as if it had never been interrupted.

        Returns
        -------
        History
            A dict for each epoch.

        Raises
        ------
        InputError
            If the loss is not finite. Whatever is raised, the model is as after the last step.
        """
        return training.fit(
            self,
            x,
            y,
            loss=loss,
            optimizer=optimizer,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=shuffle,
            schedule=schedule,
            validation=validation,
            patience=patience,
            larger_is_better=larger_is_better,
            augment=augment,
            seed=seed,
            progress=progress,
            checkpoint=checkpoint,
        )

    def _given(self, inputs: Sequence[Any], named: Mapping[str, Any]) -> list[tuple[str, Array]]:
        if len(inputs) == 1 and isinstance(inputs[0], Mapping):
            named = {**inputs[0], **named}
            inputs = ()
        given = [("", as_numbers(x, self._dtype, "forward")) for x in inputs]
        return given + [(name, as_numbers(x, self._dtype, f"forward: {name}")) for name, x in named.items()]

    # How it runs
    # ----------------------------------------------------------------------------------------------------------

    def prepare(
        self,
        *,
        algorithm: Literal["automatic", "direct", "winograd_2x2", "winograd_4x4", "winograd_6x6"]
        | None = None,
        memory: Literal["normal", "low"] | None = None,
    ) -> Model:
        """Pack the weights once instead of in every call (inference). Results do not change.

        Weights are packed, and transformed where an algorithm wants that, when a call first needs them. That holds
        until training, :meth:`initialize` or loading changes the parameters; after numbers have been written into
        the arrays of :attr:`parameters` or :meth:`state_dict`, prepare again.

        Parameters
        ----------
        algorithm, memory
            As of :meth:`set_execution`; None: as it is.

        Returns
        -------
        Model
            The model itself.

        Examples
        --------
        >>> import lookalike as la, numpy as np
        >>> model = la.Model(la.input(3) | la.conv(16) | la.conv(16)).prepare()
        >>> model(np.zeros((1, 3, 32, 32), np.float32)).shape
        (1, 16, 32, 32)
        """
        now_algorithm, now_memory = self.execution
        self._network.set_execution(algorithm or now_algorithm, memory or now_memory)
        self._network.prepare()
        return self

    def set_execution(
        self,
        *,
        algorithm: Literal[
            "automatic", "direct", "winograd_2x2", "winograd_4x4", "winograd_6x6"
        ] = "automatic",
        memory: Literal["normal", "low"] = "normal",
    ) -> None:
        """Say how layers compute from now on, in training and in inference.

        Parameters
        ----------
        algorithm
            Of convolutions: ``"direct"``, or Winograd's F(2x2), F(4x4) or F(6x6), with fewer multiplications and more
            memory the larger they are. For 3 x 3 with stride 1; kernels of 5 x 5, and of 3 x 3 and 4 x 4 with stride 2,
            have one such algorithm each. The largest error relative to the largest output is 5e-6, of F(6x6), which
            ``"automatic"`` never takes, 5e-5.
        memory
            ``"low"``: no algorithm whose transformed weights take more than twice the memory of the weights. Least
            memory goes with it into a model that is not prepared: weights are there once, and one layer's are
            packed at a time.
        """
        self._network.set_execution(algorithm, memory)

    @property
    def execution(self) -> tuple[str, str]:
        """The algorithm and the use of memory that :meth:`set_execution` was given."""
        return self._network.execution()  # type: ignore[no-any-return]

    def set_algorithm(
        self,
        layer: str,
        algorithm: Literal["automatic", "direct", "winograd_2x2", "winograd_4x4", "winograd_6x6"],
    ) -> None:
        """Say how one convolution computes in inference from now on, whatever :meth:`set_execution` says.

        Undoes :meth:`prepare`.

        Parameters
        ----------
        layer
            The name of the layer.
        algorithm
            ``"automatic"``: as all the others do.

        Raises
        ------
        InputError
            If no layer has that name.
        """
        self._network.set_algorithm(layer, algorithm)

    @property
    def algorithms(self) -> dict[str, str]:
        """The algorithms of layers that have one of their own, by :meth:`set_algorithm` or :meth:`tune`."""
        return dict(self._network.algorithms())

    def tune(
        self,
        *inputs: Any,
        repetitions: int = 5,
        winograd_6x6: bool = False,
        least_gain: float = 0.05,
        **named_inputs: Any,
    ) -> dict[str, TunedLayer]:
        """Try the algorithms of each convolution out on inputs like these, keep the fastest, and prepare.

        What is fastest depends on the machine, the threads and the extents. Two runs may choose differently, and
        then agree to the algorithms' errors, not to the bit; to repeat a choice, give what is returned to
        :meth:`set_algorithm`.

        Parameters
        ----------
        inputs, named_inputs
            As of a call.
        repetitions
            Passes for each algorithm; the fastest counts.
        winograd_6x6
            Whether F(6x6), with an error of up to 5e-5 of a layer's largest output, may be chosen.
        least_gain
            The part of a layer's time that another algorithm than the default must save to be chosen.

        Returns
        -------
        dict
            The layers where the default is not the fastest, by name.
        """
        found = self._network.tune(self._given(inputs, named_inputs), repetitions, winograd_6x6, least_gain)
        return {name: TunedLayer(*layer) for name, *layer in found}

    def profile(self, *inputs: Any, repetitions: int = 10, **named_inputs: Any) -> Profile:
        """Measure the time of each layer in inference: the median of some passes, after two to warm up.

        Parameters
        ----------
        inputs, named_inputs
            As of a call.
        repetitions
            Passes that count.

        Examples
        --------
        >>> print(model.profile(x))  # doctest: +SKIP
        """
        seconds, text = self._network.profile(self._given(inputs, named_inputs), repetitions)
        return Profile(dict(seconds), text)

    @property
    def is_prepared(self) -> bool:
        """Whether packed weights are kept from call to call."""
        return bool(self._network.is_prepared())

    @property
    def packed_memory(self) -> int:
        """Bytes of packed weights at present."""
        return int(self._network.packed_memory())

    # What it is
    # ----------------------------------------------------------------------------------------------------------

    @property
    def architecture(self) -> Architecture:
        """What it was made of."""
        return self._architecture

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of parameters and arrays."""
        return self._dtype

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs, in order."""
        return self._input_names

    @property
    def input_shapes(self) -> tuple[tuple[int | None, int | None, int | None], ...]:
        """(channels, height, width) of each input; None: any."""
        return tuple(self._network.input_shape(i) for i in range(len(self._input_names)))

    @property
    def output_shapes(self) -> tuple[tuple[int | None, int | None, int | None], ...]:
        """(channels, height, width) of each output; None where it depends on the input."""
        return tuple(self._network.output_shape(i) for i in range(self._network.output_count()))

    @property
    def parameter_count(self) -> int:
        """How many numbers are learned."""
        return int(self._network.parameter_count())

    def summary(self, *, height: int | None = None, width: int | None = None) -> Summary:
        """Return the table of layers, with what they cost.

        Parameters
        ----------
        height, width
            Of the inputs that do not say theirs; without, multiplications and memory are not counted.
        """
        own = self._extents
        extents = [given if given is not None else mine for given, mine in zip((height, width), own)]
        return Summary(self._network.summary(*(-1 if extent is None else extent for extent in extents)))

    def __repr__(self) -> str:
        return f"Model({self.parameter_count} parameters, {self._dtype}: {self._architecture!r})"

    # Parameters
    # ----------------------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> Parameters:
        """All parameters by name, running averages included: writable views of the model's memory."""
        return self._parameters

    @property
    def gradients(self) -> Gradients:
        """Gradients of the parameters by name. ``gradients.zero()`` or an optimizer's step clears them."""
        if self._gradients is None:  # inference does without the memory
            self._gradients = Gradients(self._network.gradients(), self._network.table())
        return self._gradients

    def initialize(self, seed: int = 0) -> None:
        """Draw all parameters anew, by the rules that layers name."""
        self._network.initialize(seed)

    def state_dict(
        self, *, names: Names | None = None, num_batches_tracked: bool = False
    ) -> dict[str, Array]:
        """Return all parameters by name, as writable views.

        Parameters
        ----------
        names
            What they are called elsewhere.
        num_batches_tracked
            Whether a counter goes beside every ``running_var``, as PyTorch's batch normalization has it.
        """
        called = core_names(names)
        result: dict[str, Array] = {}
        counters: dict[str, Array] = {}
        for name, view in self._parameters.items():
            theirs = called.theirs(name)
            if theirs in result:
                raise InputError(
                    f"state_dict: {name!r} and another parameter would both be called {theirs!r}"
                )
            result[theirs] = view
            stem, _, last = theirs.rpartition(".")
            if num_batches_tracked and last == "running_var":
                counters[f"{stem}.num_batches_tracked".lstrip(".")] = np.zeros((), np.int64)
        return {**result, **counters}

    def load_state_dict(
        self, state: Mapping[str, Any], *, strict: bool = True, names: Names | None = None
    ) -> dict[str, list[str]]:
        """Copy parameters from arrays (or PyTorch's tensors) by name.

        All or nothing: the parameters change only if nothing is wrong.

        Parameters
        ----------
        state
            Arrays by name.
        strict
            Whether missing and unexpected names are errors.
        names
            What the parameters are called there.

        Returns
        -------
        dict
            The names "loaded" and "missing" (ours), and "unexpected" (theirs).

        Raises
        ------
        FileError
            If anything does not fit: one message lists everything.
        """
        arrays = []
        for name, value in state.items():
            array = as_array(value, f"load_state_dict: {name}")
            if array.dtype.kind not in "fiub" or (array.dtype.kind == "f" and array.dtype.itemsize > 8):
                raise InputError(f"load_state_dict: given {array.dtype} for {name!r}, wanted numbers")
            arrays.append((str(name), np.ascontiguousarray(array).reshape(array.shape)))
        return dict(self._network.load_arrays(arrays, core_names(names), strict))

    def load(self, path: Path, *, strict: bool = True, names: Names | None = None) -> dict[str, list[str]]:
        """Read parameters from a safetensors file; see :meth:`load_state_dict`."""
        return dict(self._network.load(os.fspath(path), core_names(names), strict))

    def save(
        self,
        path: Path,
        *,
        names: Names | None = None,
        num_batches_tracked: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write the parameters to a safetensors file, with the architecture beside them.

        :meth:`load_model` makes the model again from it; other programs read it as any such file.

        Parameters
        ----------
        path
            Of the file, which is written completely or not at all.
        names, num_batches_tracked
            See :meth:`state_dict`.
        metadata
            Text of your own.
        """
        text = {str(key): str(value) for key, value in (metadata or {}).items()}
        text[_METADATA_KEY] = self._architecture.to_json()
        text["lookalike.dtype"] = self._dtype.name
        for key, extent in zip(("height", "width"), self._extents):
            if extent is not None:
                text[f"lookalike.{key}"] = str(extent)
        self._network.save(os.fspath(path), text, core_names(names), num_batches_tracked)

    @classmethod
    def load_model(
        cls,
        path: Path,
        *,
        dtype: npt.DTypeLike | None = None,
        layers: Mapping[str, Any] | None = None,
        names: Names | None = None,
    ) -> Model:
        """Return the model that :meth:`save` wrote, architecture and parameters.

        Parameters
        ----------
        path
            Of the file.
        dtype
            Type of the model; None: as it was saved.
        layers
            What layers written in Python are; see :meth:`Architecture.from_json`.
        names
            The names that it was saved with.
        """
        where = os.fspath(path)
        text = _core.safetensors_metadata(where)
        if _METADATA_KEY not in text:
            raise FileError(
                f"'{where}': holds no architecture, wanted a file that Model.save wrote; weights alone are read "
                "by model.load"
            )
        try:
            height, width = (
                int(text[key]) if key in text else None for key in ("lookalike.height", "lookalike.width")
            )
            model = cls(
                Architecture.from_json(text[_METADATA_KEY], layers),
                dtype=text.get("lookalike.dtype", "float32") if dtype is None else dtype,
                height=height,
                width=width,
            )
        except (ValueError, TypeError) as failure:
            raise FileError(f"'{where}': {failure}") from failure
        model.load(path, names=names)
        return model

    def to_fully_convolutional(self, *, height: int | None = None, width: int | None = None) -> Model:
        """Return a network that slides over pictures of any size, with the same parameters.

        Fully connected layers become convolutions. At the native size the result is the same; on a larger
        picture there is one for each place to which the native window can be moved by the network's stride.

        Parameters
        ----------
        height, width
            Native size, for inputs that do not say theirs.

        Raises
        ------
        InputError
            If a layer between would see something else than before.
        """
        own = self._extents
        extents = [given if given is not None else mine for given, mine in zip((height, width), own)]
        value, names = _core.to_fully_convolutional(
            self._architecture._value, *(-1 if extent is None else extent for extent in extents)
        )
        other = Model(Architecture._of(value), dtype=self._dtype)
        for before, after in names:
            other.parameters[after].reshape(-1)[...] = self._parameters[before].reshape(-1)
        return other

    def copy(self, *, dtype: npt.DTypeLike | None = None) -> Model:
        """Return a model of its own with the same parameters."""
        height, width = self._extents
        other = Model(
            self._architecture,
            dtype=self._dtype if dtype is None else dtype,
            height=height,
            width=width,
        )
        other._parameters._block[...] = self._parameters._block
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Model:
        return self.copy()

    def __reduce__(self) -> Any:
        return _rebuild, (self._architecture, self._dtype.name, self._extents, self._parameters._block.copy())


def _rebuild(
    architecture: Architecture, dtype: str, extents: tuple[int | None, int | None], values: Array
) -> Model:
    model = Model(architecture, dtype=dtype, height=extents[0], width=extents[1])
    model._parameters._block[...] = values
    return model
