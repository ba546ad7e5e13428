"""Losses, optimizers, schedules and the training loop."""

from __future__ import annotations

import math

import lookalike as la
import numpy as np
import pytest
from scipy import special


def random(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def check_derivative(loss, x):
    """Compare a loss's gradient with differences of its value."""
    _, gradient = loss(x)
    step = 1e-6
    x = x.copy()
    for at in np.ndindex(*x.shape):
        kept = x[at]
        x[at] = kept + step
        above = loss(x)[0]
        x[at] = kept - step
        below = loss(x)[0]
        x[at] = kept
        assert abs((above - below) / (2 * step) - gradient[at]) < 1e-7


# Losses


def test_losses_of_differences():
    x, t = random(2, 3, 4, 5), random(2, 3, 4, 5, seed=1)
    w = random(2, 1, 4, 5, seed=2) ** 2
    d = x - t
    smooth = np.where(abs(d) < 0.5, d**2, abs(d) - 0.25)
    for loss, term in [(la.losses.mse, d**2), (la.losses.l1, abs(d))]:
        assert loss(x, t)[0] == pytest.approx(term.mean(), rel=1e-12)
        assert loss(x, t, reduction="sum")[0] == pytest.approx(term.sum(), rel=1e-12)
        assert loss(x, t, w)[0] == pytest.approx((w * term).mean(), rel=1e-12)
        weighted = (w * term).sum() / (w * np.ones_like(x)).sum()
        assert loss(x, t, w, reduction="weighted_mean")[0] == pytest.approx(weighted, rel=1e-12)
        check_derivative(lambda x, loss=loss: loss(x, t, w), x)
    assert la.losses.smooth_l1(x, t, beta=0.5)[0] == pytest.approx(smooth.mean(), rel=1e-12)
    check_derivative(lambda x: la.losses.smooth_l1(x, t, beta=0.5), x)


def test_cross_entropy_of_labels():
    x = random(4, 5, 3, 2)
    labels = np.random.default_rng(1).integers(0, 5, (4, 3, 2))
    logs = special.log_softmax(x, 1)
    picked = -np.take_along_axis(logs, labels[:, None], 1)[:, 0]
    assert la.losses.cross_entropy(x, labels)[0] == pytest.approx(picked.mean(), rel=1e-12)
    assert la.losses.cross_entropy(x, labels[:, None].astype(np.uint8))[0] == pytest.approx(picked.mean())
    w, balance = random(4, 3, 2, seed=2) ** 2, np.array([1, 2, 3, 4, 5.0])
    both = w * balance[labels]
    value, _ = la.losses.cross_entropy(x, labels, w, class_weights=balance)
    assert value == pytest.approx((both * picked).sum() / both.sum(), rel=1e-12)
    ignored = labels.copy()
    ignored[0] = 255
    value, gradient = la.losses.cross_entropy(x, ignored, ignore_index=255)
    assert value == pytest.approx(picked[1:].mean(), rel=1e-12) and not gradient[0].any()
    smoothed = 0.9 * picked - 0.1 * logs.mean(1)
    value, _ = la.losses.cross_entropy(x, labels, label_smoothing=0.1)
    assert value == pytest.approx(smoothed.mean(), rel=1e-12)
    check_derivative(lambda x: la.losses.cross_entropy(x, labels, w, class_weights=balance), x)


def test_cross_entropy_of_pictures_and_distributions():
    x = random(6, 5)
    labels = np.arange(6) % 5
    value, gradient = la.losses.cross_entropy(x, labels)
    assert gradient.shape == x.shape
    soft = np.eye(5)[labels]
    again, same = la.losses.cross_entropy(x[:, :, None, None], soft[:, :, None, None])
    assert value == pytest.approx(again, rel=1e-12)
    np.testing.assert_allclose(same[:, :, 0, 0], gradient, rtol=1e-12)
    check_derivative(lambda x: la.losses.cross_entropy(x, special.softmax(random(6, 5, seed=3), 1)), x)


def test_cross_entropy_of_yes_and_no():
    x, t = 3 * random(3, 2, 4, 4), np.random.default_rng(1).random((3, 2, 4, 4))
    term = -(t * special.log_expit(x) + (1 - t) * special.log_expit(-x))
    loss = la.losses.binary_cross_entropy_with_logits
    assert loss(x, t)[0] == pytest.approx(term.mean(), rel=1e-12)
    balanced = -(
        np.array([2.0, 3])[:, None, None] * t * special.log_expit(x) + (1 - t) * special.log_expit(-x)
    )
    assert loss(x, t, positive_weight=[2, 3])[0] == pytest.approx(balanced.mean(), rel=1e-12)
    assert loss(x, t > 0.5)[0] == loss(x, (t > 0.5).astype(float))[0]
    check_derivative(lambda x: loss(x, t), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_losses_have_the_outputs_type(dtype):
    x = random(2, 3, 4, 4, dtype=dtype)
    for loss, t in [
        (la.losses.mse, x.astype(np.float64)),
        (la.losses.l1, np.zeros_like(x, int)),
        (la.losses.cross_entropy, np.zeros((2, 4, 4), int)),
        (la.losses.binary_cross_entropy_with_logits, x > 0),
    ]:
        value, gradient = loss(x, t)
        assert isinstance(value, float) and gradient.dtype == dtype and gradient.shape == x.shape


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x: la.losses.mse(x, x[:1]), "mean_squared_error"),
        (
            lambda x: la.losses.mse(x, x, reduction="median"),
            "reduction: given 'median', wanted one of 'mean'",
        ),
        (lambda x: la.losses.cross_entropy(x, np.zeros(3, int)), r"cross_entropy: given labels of \(3,\)"),
        (lambda x: la.losses.cross_entropy(x, np.full((2, 4, 4), 3)), "cross_entropy: given the label 3"),
        (lambda x: la.losses.binary_cross_entropy_with_logits(x, 2 + x * 0), "between 0 and 1"),
    ],
)
def test_impossible_targets_are_refused(call, sentence):
    with pytest.raises(la.InputError, match=sentence):
        call(random(2, 3, 4, 4))


# Optimizers


def one_number(dtype=np.float64):
    model = la.Model(la.input(1) | la.conv(1, kernel=1), dtype=dtype)
    for name in model.parameters:
        model.parameters[name] = 1
    return model


def test_steps_are_those_of_the_rules():
    for make, wanted in [
        (lambda: la.SGD(0.1), 1 - 0.1 * 2),
        (lambda: la.SGD(0.1, weight_decay=0.5), 1 - 0.1 * 2.5),
        (lambda: la.Adam(0.1), 1 - 0.1),
        (lambda: la.AdamW(0.1, weight_decay=0.5), (1 - 0.05) - 0.1),
        (lambda: la.Adadelta(1, rho=0.9), 1 - math.sqrt(1e-6) / math.sqrt(0.4 + 1e-6) * 2),
    ]:
        model, optimizer = one_number(), make()
        model.gradients["conv0.weight"] = 2
        optimizer.step(model)
        assert model.parameters["conv0.weight"].item() == pytest.approx(wanted, rel=1e-6)
        assert not any(g.any() for g in model.gradients.values())


def test_momentum_is_remembered():
    model, optimizer = one_number(), la.SGD(0.1, momentum=0.5)
    for wanted in (1 - 0.1, 1 - 0.1 - 0.15):
        model.gradients["conv0.weight"] = 1
        optimizer.step(model)
        assert model.parameters["conv0.weight"].item() == pytest.approx(wanted)
    assert optimizer.state(model)["momentum.conv0.weight"].item() == pytest.approx(1.5)
    with pytest.raises(la.InputError, match="given another model than before"):
        optimizer.step(one_number())


def test_frozen_parameters_groups_clipping_and_rates():
    def after(optimizer, factor=1):
        model = one_number()
        model.gradients["conv0.weight"], model.gradients["conv0.bias"] = 3, 4
        optimizer.step(model, factor)
        return [1 - model.parameters[f"conv0.{name}"].item() for name in ("weight", "bias")]

    assert after(la.SGD(0.1)) == pytest.approx([0.3, 0.4])
    assert after(la.SGD(0.1), 0.5) == pytest.approx([0.15, 0.2])
    assert after(la.SGD(0.1, frozen=["*.bias"])) == pytest.approx([0.3, 0])
    group = la.optim.Group("*.bias", learning_rate_factor=2, weight_decay=0)
    assert after(la.SGD(0.1, weight_decay=1, groups=[group])) == pytest.approx([0.4, 0.8])
    assert after(la.SGD(0.1, clip_norm=1)) == pytest.approx([0.06, 0.08], rel=1e-6)
    assert after(la.SGD(0.1, clip_value=3.5)) == pytest.approx([0.3, 0.35])
    optimizer = la.SGD(0.1)
    optimizer.learning_rate, optimizer.frozen = 0.2, ["*.weight"]
    assert after(optimizer) == pytest.approx([0, 0.8])
    assert optimizer.learning_rate == 0.2 and optimizer.frozen == ["*.weight"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: la.SGD(-1), "sgd: given the learning rate -1"),
        (lambda: la.SGD(nesterov=True), "sgd: given nesterov"),
        (lambda: la.Adam(beta1=1), "adam: given beta1 = 1"),
        (lambda: la.AdamW(weight_decay=-1), "adamw: given the weight decay"),
        (lambda: la.Adadelta(clip_norm=-1), "optimizer: given clip_norm = -1"),
        (lambda: la.SGD(frozen="encoder.*"), "wanted a list of patterns"),
        (lambda: la.SGD(frozen=["encodr.*"]).step(one_number()), "'encodr.\\*', which matches none of the 2"),
    ],
)
def test_impossible_options_are_refused(make, sentence):
    with pytest.raises(la.InputError, match=sentence):
        make()


def test_schedules_are_the_formulas():
    o = la.optim
    assert [o.StepDecay([2, 4], 0.1)(s) for s in range(5)] == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    assert [o.ExponentialDecay(0.5, every=2)(s) for s in range(4)] == [1, 1, 0.5, 0.5]
    assert [o.Cosine(4)(s) for s in (0, 2, 4, 9)] == pytest.approx([1, 0.5, 0, 0])
    assert [o.Linear(4, hold=2)(s) for s in (0, 2, 4, 6)] == pytest.approx([1, 1, 0.5, 0])
    assert [o.Polynomial(4, power=2)(s) for s in (0, 2, 4)] == pytest.approx([1, 0.25, 0])
    assert o.OneCycle(100)(29) == pytest.approx(1)
    assert [o.WarmUp(3, lambda s: 1 / (1 + s))(s) for s in range(5)] == pytest.approx(
        [0.25, 0.5, 0.75, 1, 0.5]
    )
    with pytest.raises(la.InputError, match="schedule: given the step -1"):
        o.Cosine(4)(-1)
    plateau = o.ReduceOnPlateau(0.1, patience=1)
    assert [plateau.update(v) for v in (3, 2, 2, 2, 1)] == pytest.approx([1, 1, 1, 0.1, 0.1])


# Training


def recipe():
    body = la.conv(8, stride=2) | la.batch_norm() | la.relu() | la.dropout(0.2) | la.global_average_pool()
    return la.input(1) | body | la.fully_connected(2)


def stripes(count, seed=0):
    """Horizontal (0) and vertical (1) stripes in noise."""
    chance = np.random.default_rng(seed)
    y = chance.integers(0, 2, count)
    lines = np.sin(np.arange(12) * 1.5 + chance.uniform(0, 6, (count, 1)))
    x = np.where(y[:, None, None] == 0, lines[:, :, None], lines[:, None, :])
    return (x + 0.3 * chance.standard_normal(x.shape))[:, None].astype(np.float32), y


def train(model, epochs=3, **options):
    x, y = stripes(96)
    optimizer = options.pop("optimizer", None) or la.Adam(0.02)
    return model.fit(
        x, y, loss=la.losses.cross_entropy, optimizer=optimizer, epochs=epochs, progress=False, **options
    )


def test_a_network_learns_what_can_be_learned():
    model = la.Model(recipe())
    history = train(model, epochs=12, batch_size=16, validation=stripes(64, seed=1))
    x, y = stripes(200, seed=2)
    assert (model.predict(x).argmax(1)[:, 0, 0] == y).mean() > 0.95
    assert len(history) == 12 and history["loss"][-1] < 0.5 * history["loss"][0]
    assert history[-1].keys() == {"loss", "score", "learning_rate_factor", "seconds"}
    assert "12: loss" in repr(history)


def test_training_is_the_seeds():
    one, same, other = la.Model(recipe()), la.Model(recipe()), la.Model(recipe())
    first = train(one, seed=3)
    with la.set_threads(1):
        assert train(same, seed=3)["loss"] == first["loss"]
    train(other, seed=4)
    assert all(np.array_equal(one.parameters[n], same.parameters[n]) for n in one.parameters)
    assert not np.array_equal(one.parameters["conv0.weight"], other.parameters["conv0.weight"])


def test_a_resumed_training_comes_to_the_same_bits(tmp_path):
    whole = la.Model(recipe())
    schedule = la.optim.Cosine(12)
    history = train(whole, epochs=4, optimizer=la.SGD(0.1, momentum=0.9), schedule=schedule, patience=9)
    path = tmp_path / "run.safetensors"
    for epochs in (1, 3, 4):
        parts = la.Model(recipe(), seed=epochs)  # its parameters come from the file
        if epochs == 1:
            parts.initialize(0)
        resumed = train(
            parts,
            epochs=epochs,
            optimizer=la.SGD(0.1, momentum=0.9),
            schedule=schedule,
            checkpoint=path,
            patience=9,
        )
    assert resumed["loss"] == history["loss"]
    assert all(np.array_equal(whole.parameters[n], parts.parameters[n]) for n in whole.parameters)
    with pytest.raises(la.FileError, match="mismatches|momentum"):
        train(la.Model(recipe()), optimizer=la.Adam(), checkpoint=path)
    whole.save(tmp_path / "weights.safetensors")
    with pytest.raises(la.FileError, match="is no checkpoint"):
        train(la.Model(recipe()), checkpoint=tmp_path / "weights.safetensors")


def test_one_step_is_forward_backward_and_step():
    x, y = stripes(8)
    net = la.input(1) | la.conv(4) | la.relu() | la.global_average_pool() | la.fully_connected(2)
    fitted, by_hand = la.Model(net), la.Model(net)
    fitted.fit(
        x, y, loss=la.losses.cross_entropy, optimizer=la.SGD(0.5), batch_size=8, shuffle=False, progress=False
    )
    run = by_hand.forward(x, training=True)
    run.backward(la.losses.cross_entropy(run.output, y)[1])
    la.SGD(0.5).step(by_hand)
    assert all(np.array_equal(fitted.parameters[n], by_hand.parameters[n]) for n in fitted.parameters)


def test_several_inputs_and_outputs_and_a_loss_of_ones_own():
    net = la.branch(la.input("a", 1), la.input("b", 1)) | la.branch(
        la.conv(1, kernel=1), la.conv(1, kernel=1)
    )
    model = la.Model(net, dtype=np.float64)
    a, b = random(32, 1, 2, 2), random(32, 1, 2, 2, seed=1)

    def loss(outputs, targets):
        parts = [la.losses.mse(o, t) for o, t in zip(outputs, (targets["sum"], targets["difference"]))]
        return sum(value for value, _ in parts), [gradient for _, gradient in parts]

    history = model.fit(
        {"a": a, "b": b}, {"sum": a + b, "difference": a - b},
        loss=loss, optimizer=la.Adam(0.1), epochs=150, progress=False,
    )  # fmt: skip
    assert history["loss"][-1] < 1e-3
    np.testing.assert_allclose(model.parameters["conv1.weight"].ravel(), [1, -1], atol=0.05)
    first, _ = model.predict([a, b], batch_size=5)
    np.testing.assert_array_equal(first, model(a, b)[0])


def test_batches_may_come_from_anywhere():
    x, y = stripes(96)
    lists = [(x[i : i + 32], y[i : i + 32]) for i in range(0, 96, 32)]
    wanted = None
    for batches in (lists, lambda epoch: iter(lists)):
        model = la.Model(recipe())
        model.fit(batches, loss=la.losses.cross_entropy, optimizer=la.Adam(), epochs=2, progress=False)
        if wanted is None:
            wanted = model
    assert np.array_equal(model.parameters["conv0.weight"], wanted.parameters["conv0.weight"])
    with pytest.raises(la.InputError, match="given no batches in epoch 1"):
        la.Model(recipe()).fit(
            iter(lists), loss=la.losses.cross_entropy, optimizer=la.Adam(), epochs=2, progress=False
        )


def test_augmentation_sees_every_batch_with_chance_of_its_own():
    seen = []

    def augment(x, y, chance):
        seen.append(chance.random())
        return x[..., ::-1], y

    train(la.Model(recipe()), epochs=2, augment=augment, seed=5)
    first = list(seen)
    assert len(set(first)) == 6
    train(la.Model(recipe()), epochs=2, augment=augment, seed=5)
    assert seen[6:] == first


def test_training_stops_when_it_gets_no_better():
    scores = iter([3, 2, 2, 2, 1])
    history = train(la.Model(recipe()), epochs=9, validation=lambda model: next(scores), patience=2)
    assert history["score"] == [3, 2, 2, 2]


def test_a_plateau_lowers_the_rate():
    scores = iter([1, 1, 1, 1, 1, 1])
    plateau = la.optim.ReduceOnPlateau(0.5, patience=1)
    history = train(la.Model(recipe()), epochs=6, validation=lambda model: next(scores), schedule=plateau)
    assert history["learning_rate_factor"] == [1, 1, 1, 0.5, 0.5, 0.25]


def test_a_loss_that_is_no_number_ends_the_training_and_changes_nothing():
    model = la.Model(recipe())
    before = {name: view.copy() for name, view in model.parameters.items()}
    x, y = stripes(8)
    x[3] = np.nan
    with pytest.raises(la.InputError, match="fit: the loss is nan"):
        model.fit(x, y, loss=la.losses.cross_entropy, optimizer=la.SGD(), progress=False)
    assert all(np.array_equal(before[name], view) for name, view in model.parameters.items())
    assert not any(g.any() for g in model.gradients.values())


def test_progress_is_heard_and_can_end_the_training(capsys):
    heard = []

    def stop(task, done, total):
        heard.append((task, done, total))
        return len(heard) < 5

    x, y = stripes(96)
    model = la.Model(recipe())
    with pytest.raises(la.Interrupted, match="stopped in epoch 2 after 2 batches"):
        model.fit(x, y, loss=la.losses.cross_entropy, optimizer=la.SGD(), epochs=3, progress=stop)
    assert heard == [
        ("epoch 1", 1, 3),
        ("epoch 1", 2, 3),
        ("epoch 1", 3, 3),
        ("epoch 2", 1, 3),
        ("epoch 2", 2, 3),
    ]
    model.fit(x, y, loss=la.losses.cross_entropy, optimizer=la.SGD(), epochs=1)
    assert "epoch 1" in capsys.readouterr().err


def test_misfits_are_said():
    x, y = stripes(8)
    model = la.Model(recipe())
    given = {"loss": la.losses.cross_entropy, "optimizer": la.SGD(), "progress": False}
    with pytest.raises(la.InputError, match="given 8 pictures and 7 targets"):
        model.fit(x, y[:7], **given)
    with pytest.raises(la.InputError, match="given batches of 0 pictures"):
        model.fit(x, y, batch_size=0, **given)
    with pytest.raises(TypeError, match="progress"):
        model.fit(x, y, **{**given, "progress": 3})
