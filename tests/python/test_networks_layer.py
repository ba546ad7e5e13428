"""Layers written with NumPy: in networks like any other."""

from __future__ import annotations

import gc
import pickle
import weakref

import lookalike as la
import numpy as np
import pytest


class Scale(la.Layer):
    """y = factor x."""

    options = ("factor",)

    def __init__(self, factor=1.0):
        self.factor = factor

    def forward(self, x):
        return self.factor * x

    def backward(self, gradient, x):
        return self.factor * gradient


class ChannelGate(la.Layer):
    """y = w[c] x."""

    def parameters(self, x):
        return {"weight": 1 + np.arange(x[0])}

    def forward(self, x, *, weight):
        return weight[:, None, None] * x

    def backward(self, gradient, x, *, weight):
        return weight[:, None, None] * gradient, {"weight": (gradient * x).sum((0, 2, 3))}


class Squash(la.Layer):
    """y = tanh(x), whose derivative comes from the output."""

    kind = "squash"

    def forward(self, x):
        return np.tanh(x)

    def backward(self, gradient, x, *, output):
        return gradient * (1 - output**2)


class Halve(la.Layer):
    """Every second pixel of the first input minus that of the second."""

    def infer_shape(self, a, b):
        return a[0], *(None if e is None else (e + 1) // 2 for e in a[1:])

    def forward(self, a, b):
        return (a - b)[:, :, ::2, ::2]

    def backward(self, gradient, a, b):
        to_a = np.zeros_like(a)
        to_a[:, :, ::2, ::2] = gradient
        return to_a, -to_a


class Noise(la.Layer):
    """Adds what is left to chance, in training."""

    def forward(self, x, *, training, seed):
        return x + np.random.default_rng(seed).standard_normal(x.shape) if training else x


def random(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def everything():
    body = la.conv(4) | ChannelGate() | Squash() | Scale(0.5)
    return la.input(2) | body | la.branch(la.identity, la.conv(4)) | Halve() | la.fully_connected(3)


def test_a_layer_stands_anywhere():
    x = random(2, 3, 4, 4)
    doubled = 2 * x
    for net in (
        la.input(3) | Scale(2),
        la.input(3) | la.named("a", Scale(2)),
        la.input(3) | la.repeat(2, Scale(2)) | Scale(0.5),
        la.input(3) | (Scale(4) | Scale(0.5)),
        la.input(3) | la.residual(Scale(1)),
        la.input(3) | la.skip(Scale(1)) | la.add(),
        la.input(3) | la.branch(Scale(1), Scale(1)) | la.add(),
        la.input(3) | la.unet(0, 1, lambda channels: Scale(2)),
        la.input(3) | la.shared("s", Scale(2)) | la.identity,
    ):
        np.testing.assert_array_equal(la.Model(net, dtype=np.float64)(x), doubled)
    assert la.Model(la.input(3) | Scale(2))(x.astype(np.float32)).dtype == np.float32


def test_gradients_are_finite_differences():
    model = la.Model(everything(), dtype=np.float64, height=4, width=5)
    assert list(model.parameters) == [
        "conv0.weight", "conv0.bias", "channel_gate0.weight", "conv1.weight", "conv1.bias",
        "fully_connected0.weight", "fully_connected0.bias",
    ]  # fmt: skip
    np.testing.assert_array_equal(model.parameters["channel_gate0.weight"], [1, 2, 3, 4])
    x, slope = random(2, 2, 4, 5), random(2, 3, 1, 1, seed=1)
    run = model.forward(x, differentiable=True)
    to_input = run.backward(slope)
    step = 1e-6
    for array, gradient in [
        (x, to_input),
        *((model.parameters[n], model.gradients[n]) for n in model.parameters),
    ]:
        for at in np.ndindex(*array.shape):
            kept = array[at]
            array[at] = kept + step
            above = (slope * model(x)).sum()
            array[at] = kept - step
            below = (slope * model(x)).sum()
            array[at] = kept
            assert abs((above - below) / (2 * step) - gradient[at]) < 1e-7


def test_parameters_may_be_shapes_and_numbers():
    class Bias(la.Layer):
        parameters = {"bias": (3, 1, 1), "gain": 1, "offset": np.int64(2)}  # noqa: RUF012

        def forward(self, x, **given):
            assert sorted(given) == ["bias", "gain", "offset", "seed", "training"]
            return x + given["bias"] + given["gain"]

    model = la.Model(la.input(3) | Bias())
    shapes = {name: view.shape for name, view in model.parameters.items()}
    assert shapes == {"bias0.bias": (3, 1, 1), "bias0.gain": (1,), "bias0.offset": (2,)}
    assert not any(view.any() for view in model.parameters.values())


def test_chance_is_the_passes():
    model = la.Model(la.input(1) | Noise() | Noise())
    x = np.zeros((1, 1, 4, 4), np.float32)
    one = model.forward(x, training=True, seed=1).output
    assert np.array_equal(one, model.forward(x, training=True, seed=1).output)
    assert not np.array_equal(one, model.forward(x, training=True, seed=2).output)
    assert not model(x).any()
    with pytest.raises(la.InputError, match="noise1"):
        model.forward(x, differentiable=True).backward(x)


def test_layers_are_compared_shown_and_copied_by_their_options():
    assert la.input(3) | Scale(2) == la.input(3) | Scale(2) != la.input(3) | Scale(3)
    gate = ChannelGate()
    assert la.input(3) | gate == la.input(3) | gate != la.input(3) | ChannelGate()
    assert repr(la.input(3) | Scale(2) | la.relu()) == "input(3) | Scale(factor=2) | relu()"
    net = la.input(3) | Scale(2) | Squash()
    assert hash(net) == hash(la.input(3) | Scale(2) | Squash())
    again = pickle.loads(pickle.dumps(la.Model(net, dtype=np.float64)))
    np.testing.assert_array_equal(again(np.ones((1, 3, 2, 2))), np.full((1, 3, 2, 2), np.tanh(2)))


def test_files_name_layers_by_kind(tmp_path):
    model = la.Model(la.input(3) | Scale(2) | la.conv(2) | Scale(3))
    model.save(tmp_path / "model.safetensors")
    again = la.Model.load_model(tmp_path / "model.safetensors", layers={"scale": Scale})
    assert again.architecture == model.architecture
    x = random(1, 3, 4, 4)
    assert np.array_equal(again(x), model(x))
    with pytest.raises(la.FileError, match="'scale'"):
        la.Model.load_model(tmp_path / "model.safetensors")


def test_networks_keep_their_layers_alive():
    layer = Scale(2)
    watch = weakref.ref(layer)
    model = la.Model(la.input(1) | layer | la.conv(1))
    run = model.forward(np.ones((1, 1, 3, 3)), differentiable=True)
    del layer, model
    gc.collect()
    assert watch() is not None
    run.backward(np.ones((1, 1, 3, 3)))
    del run
    gc.collect()
    assert watch() is None


class Broken(Scale):
    """Raises where it is told to."""

    where = ""

    def raises(self, where):
        if self.where == where:
            raise KeyError(f"mine, in {where}")

    def infer_shape(self, x):
        self.raises("infer_shape")
        return x

    def parameters(self, x):
        self.raises("parameters")
        return {}

    def forward(self, x):
        self.raises("forward")
        return x

    def backward(self, gradient, x):
        self.raises("backward")
        return gradient


@pytest.mark.parametrize("where", ["infer_shape", "parameters", "forward", "backward"])
def test_what_a_layer_raises_reaches_the_caller_as_it_is(where):
    layer = Broken()
    x = np.ones((1, 1, 3, 3))
    with pytest.raises(KeyError, match=f"mine, in {where}"):
        layer.where = where
        la.Model(la.input(1) | layer | la.relu()).forward(x, differentiable=True).backward(x)
    layer.where = ""
    model = la.Model(la.input(1) | layer | la.relu())
    np.testing.assert_array_equal(model(x), x)


def returning(forward=None, backward=None, infer_shape=None):
    class Returning(la.Layer):
        pass

    Returning.forward = lambda self, x: x if forward is None else forward
    Returning.backward = lambda self, gradient, x: gradient if backward is None else backward
    Returning.infer_shape = lambda self, x: x if infer_shape is None else infer_shape
    return Returning()


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (
            returning(forward=np.zeros((1, 1, 3, 4))),
            r"returning: forward returned an array of \(1, 1, 3, 4\)",
        ),
        (
            returning(forward=np.zeros(3)),
            r"returning: forward returned an array of \(3,\), wanted \(1, 1, 3, 3\)",
        ),
        (returning(backward=np.zeros((1, 1, 3, 4))), "returning: backward returned a gradient of"),
        (returning(backward=(None, None)), "returning: backward returned 2 gradients, wanted 1"),
        (returning(backward=(np.zeros((1, 1, 3, 3)), {"w": 1})), "gradient for 'w', which is no parameter"),
        (returning(infer_shape=(1, 2)), "returning: infer_shape returned"),
        (returning(infer_shape=(0, 3, 3)), "returning: infer_shape returned"),
    ],
)
def test_what_does_not_fit_is_said(layer, sentence):
    x = np.ones((1, 1, 3, 3))
    with pytest.raises(la.InputError, match=sentence):
        la.Model(la.input(1) | layer).forward(x, differentiable=True).backward(x)


def test_kinds_of_the_library_are_taken():
    class Conv(la.Layer):
        def forward(self, x):
            return x

    with pytest.raises(la.InputError, match="given the kind 'conv', which the library has"):
        la.input(3) | Conv()
    with pytest.raises(la.CompositionError, match=r"given the function Scale; write Scale\(...\)"):
        la.input(3) | Scale
    with pytest.raises(la.CompositionError):
        la.gist | Scale(2)
    with pytest.raises(la.CompositionError):
        Scale(2) | la.gist


def test_no_gradient_may_be_none():
    class Stop(la.Layer):
        def forward(self, x):
            return x

        def backward(self, gradient, x):
            return None

    model = la.Model(la.input(1) | Stop(), dtype=np.float64)
    x = random(1, 1, 3, 3)
    assert not model.forward(x, differentiable=True).backward(np.ones_like(x)).any()


def test_a_layer_of_any_number_of_inputs():
    class Mean(la.Layer):
        def forward(self, *inputs):
            return sum(inputs) / len(inputs)

        def backward(self, gradient, *inputs):
            return tuple(gradient / len(inputs) for _ in inputs)

    x = random(1, 2, 3, 3)
    model = la.Model(la.input(2) | la.branch(la.identity, Scale(2), Scale(3)) | Mean(), dtype=np.float64)
    np.testing.assert_allclose(model(x), 2 * x, rtol=1e-15)
    to_input = model.forward(x, differentiable=True).backward(np.ones_like(x))
    np.testing.assert_allclose(to_input, np.full_like(x, 2), rtol=1e-15)


def test_layers_are_tried_out_in_all_surroundings():
    for layer, inputs in [
        (Scale(2), [(3, None, None)]),
        (ChannelGate(), [(3, 4, 5)]),
        (Squash(), [(3, None, None)]),
        (Halve(), [(2, None, None), (2, None, None)]),
    ]:
        report = la.check_layer(layer, inputs)
        assert report, report.text
        assert report.compared > 50 and report.worst_error < 1e-6
    report = la.check_gradients(la.input(2) | la.conv(3) | ChannelGate() | Squash())
    assert report.ok and "derivatives compared" in str(report)


def test_wrong_gradients_are_found():
    class Wrong(Squash):
        def backward(self, gradient, x):
            return gradient * (1 - x**2)

    report = la.check_layer(Wrong(), [(2, None, None)])
    assert not report and report.problems and report.worst_error > 1e-3
