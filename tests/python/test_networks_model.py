"""Models and passes: inputs of all kinds, parameters, gradients, files, copies."""

from __future__ import annotations

import copy
import pickle
import threading

import lookalike as la
import numpy as np
import pytest


def random(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def small():
    return (
        la.input(3)
        | la.conv(8)
        | la.batch_norm()
        | la.relu()
        | la.global_average_pool()
        | la.fully_connected(5)
    )


def test_a_convolution_of_one_by_one_is_a_matrix_product():
    model = la.Model(la.input(3) | la.conv(4, kernel=1), dtype=np.float64)
    x = random(2, 3, 5, 6, dtype=np.float64)
    weight, bias = model.parameters["conv0.weight"], model.parameters["conv0.bias"]
    bias[:] = [1, 2, 3, 4]
    wanted = np.einsum("oi,nihw->nohw", weight[:, :, 0, 0], x) + bias[:, None, None]
    np.testing.assert_allclose(model(x), wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, 3)[..., ::2],
        lambda x: x[:, ::-1][:, ::-1],
        lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
        lambda x: x.astype(">f4"),
        lambda x: np.frombuffer(b"\0" + x.tobytes(), np.float32, offset=1).reshape(x.shape),
        lambda x: x.astype(np.float64),
        lambda x: x.tolist() and memoryview(x),
    ],
)
def test_arrays_come_in_any_form(view):
    model = la.Model(small())
    x = random(2, 3, 6, 7)
    given = view(x)
    before = np.array(given)
    assert np.array_equal(model(given), model(x))
    assert np.array_equal(np.array(given), before)


def test_arrays_that_are_read_only_or_broadcast_come_in():
    model = la.Model(small())
    x = np.broadcast_to(random(1, 3, 1, 7), (4, 3, 6, 7))
    assert np.array_equal(model(x), model(x.copy()))


def test_vectors_stand_for_pixels():
    model = la.Model(la.input(4) | la.fully_connected(3), height=1, width=1)
    x = random(5, 4)
    assert np.array_equal(model(x), model(x[:, :, None, None]))


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (np.zeros((1, 3, 4, 4), np.uint8), "forward: given uint8, wanted float32 or float64"),
        (np.zeros((3, 4, 4), np.float32), "forward: given an array of 3 axes"),
        (np.zeros((1, 4, 4, 4), np.float32), "input0: expects 3 channels, given 4"),
        (np.zeros((0, 3, 4, 4), np.float32), "0 x 3 x 4 x 4"),
        ("picture.png", "forward: given"),
        (None, "forward: given"),
    ],
)
def test_what_is_no_batch_is_refused(x, sentence):
    with pytest.raises(la.InputError, match=sentence):
        la.Model(small())(x)


def test_several_inputs_go_by_position_and_by_name():
    net = la.branch(la.input("image", 3), la.input("mask", 1)) | la.conv(4)
    model = la.Model(net)
    image, mask = random(2, 3, 5, 5), random(2, 1, 5, 5, seed=1)
    assert model.input_names == ("image", "mask")
    assert model.input_shapes == ((3, None, None), (1, None, None))
    assert model.output_shapes == ((4, None, None),)
    wanted = model(image, mask)
    assert np.array_equal(model(mask=mask, image=image), wanted)
    assert np.array_equal(model(image, mask=mask), wanted)
    assert np.array_equal(model({"mask": mask, "image": image}), wanted)
    with pytest.raises(la.InputError, match="no input is called 'masc'"):
        model(image, masc=mask)
    with pytest.raises(la.InputError, match="given 1 inputs, wanted 2"):
        model(image)


def test_several_outputs_are_a_tuple():
    model = la.Model(la.input(3) | la.branch(la.conv(4), la.conv(2, kernel=1)))
    first, second = model(random(1, 3, 5, 5))
    assert first.shape == (1, 4, 5, 5) and second.shape == (1, 2, 5, 5)
    run = model.forward(random(1, 3, 5, 5))
    assert [output.shape for output in run.outputs] == [first.shape, second.shape]
    assert np.array_equal(run["out1"], second) and np.array_equal(run["conv1"], second)


def test_what_comes_out_is_the_callers():
    model = la.Model(small())
    x = random(2, 3, 6, 6)
    first = model(x)
    kept = first.copy()
    model(2 * x)
    first += 0
    assert np.array_equal(first, kept) and first.flags.writeable and first.flags.owndata


def test_float64_follows_float32():
    single, double = la.Model(small()), la.Model(small(), dtype=np.float64)
    double.load_state_dict(single.state_dict())
    x = random(2, 3, 9, 8)
    assert single(x).dtype == np.float32 and double(x).dtype == np.float64
    np.testing.assert_allclose(single(x), double(x), rtol=0, atol=1e-5)
    with pytest.raises(la.InputError, match="given the type int32, wanted float32 or float64"):
        la.Model(small(), dtype=np.int32)


@pytest.mark.parametrize(
    ("net", "sentence"),
    [
        (la.conv(8), "nothing comes in; a network begins with input"),
        (la.input(3) | la.named("a", la.conv(8, inputs=4)), "a.conv0: expects 4 channels, given 3"),
        (la.input(3) | la.fully_connected(8), "fully_connected0: "),
        (la.input(3) | la.branch(la.conv(2), la.conv(3)) | la.add(), "add0: expects"),
        (la.input(3) | la.from_("nowhere"), "from: expects the name of a part before it, given 'nowhere'"),
    ],
)
def test_what_does_not_fit_is_said_when_the_model_is_made(net, sentence):
    with pytest.raises(la.InputError, match=sentence):
        la.Model(net)


def test_the_seed_decides_the_first_parameters():
    one, same, other = la.Model(small(), seed=1), la.Model(small(), seed=1), la.Model(small(), seed=2)
    assert np.array_equal(one.parameters["conv0.weight"], same.parameters["conv0.weight"])
    assert not np.array_equal(one.parameters["conv0.weight"], other.parameters["conv0.weight"])
    other.initialize(1)
    assert np.array_equal(one.parameters["conv0.weight"], other.parameters["conv0.weight"])


def test_parameters_are_the_models_memory():
    model = la.Model(small())
    x = random(1, 3, 5, 5)
    parameters = model.parameters
    assert parameters["conv0.weight"].shape == (8, 3, 3, 3) and parameters["conv0.bias"].shape == (8,)
    assert parameters["fully_connected0.weight"].shape == (5, 8)
    assert not parameters.is_trainable("batch_norm0.running_mean") and parameters.is_trainable("conv0.bias")
    for name in parameters:
        parameters[name] = 0
    parameters["fully_connected0.bias"][:] = np.arange(5)
    assert np.array_equal(model(x)[0, :, 0, 0], np.arange(5))
    assert np.shares_memory(model.state_dict()["conv0.weight"], parameters["conv0.weight"])
    assert sum(v.size for n, v in parameters.items() if parameters.is_trainable(n)) == model.parameter_count


def test_views_outlive_the_model():
    weight = la.Model(small()).parameters["conv0.weight"]
    kept = weight.copy()
    for seed in range(5):
        la.Model(small(), seed=seed)
    assert np.array_equal(weight, kept)


def test_gradients_are_finite_differences():
    net = la.input(2) | la.conv(3) | la.tanh() | la.max_pool(2) | la.fully_connected(4)
    model = la.Model(net, dtype=np.float64, height=4, width=4)
    x = random(2, 2, 4, 4, dtype=np.float64)
    slope = random(2, 4, 1, 1, seed=1, dtype=np.float64)

    def loss():
        return float((slope * model(x)).sum())

    run = model.forward(x, differentiable=True)
    to_input = run.backward(slope)
    step = 1e-6
    for array, gradient in [
        (x, to_input),
        *((model.parameters[n], model.gradients[n]) for n in model.parameters),
    ]:
        assert array.shape == gradient.shape
        for at in np.ndindex(*array.shape):
            kept = array[at]
            array[at] = kept + step
            above = loss()
            array[at] = kept - step
            below = loss()
            array[at] = kept
            assert abs((above - below) / (2 * step) - gradient[at]) < 1e-7


def test_gradients_add_up_until_they_are_cleared():
    model = la.Model(small())
    x, slope = random(2, 3, 6, 6), random(2, 5, 1, 1)
    model.forward(x, training=True).backward(slope)
    once = {name: g.copy() for name, g in model.gradients.items()}
    assert np.abs(once["conv0.weight"]).max() > 0
    model.forward(x, training=True).backward(slope)
    np.testing.assert_allclose(model.gradients["conv0.weight"], 2 * once["conv0.weight"], rtol=1e-5)
    model.forward(x, training=True).backward(slope, parameter_gradients=False)
    np.testing.assert_allclose(model.gradients["conv0.weight"], 2 * once["conv0.weight"], rtol=1e-5)
    model.gradients.zero()
    assert all(not g.any() for g in model.gradients.values())


def test_several_passes_live_at_once_and_gradients_enter_anywhere():
    model = la.Model(la.input(2) | la.named("a", la.conv(3)) | la.conv(1), dtype=np.float64)
    x, y = random(1, 2, 4, 4, dtype=np.float64), random(1, 2, 4, 4, seed=1, dtype=np.float64)
    one, two = model.forward(x, differentiable=True), model.forward(y, differentiable=True)
    ones, inner = np.ones((1, 1, 4, 4)), np.ones((1, 3, 4, 4))
    both = one.backward({"out": ones, "a": inner})
    apart = two.backward([ones])
    model.gradients.zero()
    outer = model.forward(x, differentiable=True).backward({"out": ones})
    middle = model.forward(x, differentiable=True).backward({"a.conv0": inner})
    np.testing.assert_allclose(both, outer + middle, rtol=1e-12)
    np.testing.assert_allclose(apart, outer, rtol=1e-12)  # the network is linear
    assert one.backward is not None and one.memory > 0
    with pytest.raises(la.InputError, match="the pass has gone back already"):
        one.backward(ones)
    with pytest.raises(la.InputError, match="kept no values"):
        model.forward(x).backward(ones)
    with pytest.raises(la.InputError, match="wanted 1 x 1 x 4 x 4"):
        model.forward(x, differentiable=True).backward(np.ones((1, 1, 4, 5)))
    with pytest.raises(la.InputError, match="'b'"):
        model.forward(x, differentiable=True).backward({"b": ones})


def test_a_pass_shows_what_is_exposed():
    net = la.input(2) | la.named("a", la.conv(3) | la.relu()) | la.conv(1)
    x = random(1, 2, 4, 4)
    kept = la.Model(net | la.expose("a")).forward(x)["a"]
    assert kept.shape == (1, 3, 4, 4) and kept.min() >= 0
    with pytest.raises(la.InputError, match="has not been kept"):
        la.Model(net).forward(x)["a"]


def test_training_remembers_the_batch():
    model = la.Model(la.input(2) | la.batch_norm(), dtype=np.float64)
    x = 3 + random(4, 2, 5, 5, dtype=np.float64)
    y = model.forward(x, training=True).output
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(model.parameters["batch_norm0.running_mean"], 0.1 * x.mean((0, 2, 3)))
    wanted = 0.9 + 0.1 * x.var((0, 2, 3), ddof=1)
    np.testing.assert_allclose(model.parameters["batch_norm0.running_variance"], wanted)


def test_chance_is_the_seeds():
    model = la.Model(la.input(1) | la.dropout(0.5))
    x = np.ones((1, 1, 16, 16), np.float32)
    first = model.forward(x, training=True, seed=1).output
    assert np.array_equal(first, model.forward(x, training=True, seed=1).output)
    assert not np.array_equal(first, model.forward(x, training=True, seed=2).output)
    assert set(np.unique(first)) == {0, 2}
    assert np.array_equal(model(x), x)


def test_results_do_not_depend_on_the_number_of_threads():
    model = la.Model(small())
    x, slope = random(8, 3, 32, 32), random(8, 5, 1, 1)

    def everything():
        model.gradients.zero()
        run = model.forward(x, differentiable=True)
        to_input = run.backward(slope)
        return [run.output, to_input, *(g.copy() for g in model.gradients.values())]

    with la.set_threads(1):
        one = everything()
    with la.set_threads(2):
        two = everything()
    assert all(np.array_equal(a, b) for a, b in zip(one, two))


def test_a_model_runs_on_several_threads_at_once():
    model = la.Model(small())
    batches = [random(2, 3, 16, 16, seed=seed) for seed in range(8)]
    wanted = [model(x) for x in batches]
    found = [None] * len(batches)

    def work(i):
        found[i] = model(batches[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(a, b) for a, b in zip(found, wanted))


# State and files


def test_state_goes_from_model_to_model():
    one, other = la.Model(small(), seed=1), la.Model(small(), seed=2)
    report = other.load_state_dict(one.state_dict())
    assert report["missing"] == report["unexpected"] == [] and len(report["loaded"]) == len(one.parameters)
    x = random(1, 3, 5, 5)
    assert np.array_equal(one(x), other(x))


def test_all_mismatches_are_said_at_once_and_nothing_changes():
    model = la.Model(small())
    before = {name: view.copy() for name, view in model.parameters.items()}
    state = {name: view + 1 for name, view in before.items()}
    del state["conv0.bias"]
    state["conv0.weight"] = state["conv0.weight"][:4]
    state["extra"] = np.zeros(3)
    state["batch_norm0.weight"] = np.arange(8)
    with pytest.raises(la.InputError) as refusal:
        model.load_state_dict(state)
    text = str(refusal.value)
    for part in (
        "4 mismatches", "missing: 'conv0.bias'", "wrong shape: 'conv0.weight'", "unexpected: 'extra'", "wrong type"
    ):  # fmt: skip
        assert part in text
    assert all(np.array_equal(before[name], view) for name, view in model.parameters.items())


def test_loose_loading_reports_what_was_left():
    model = la.Model(small())
    bias = np.arange(8, dtype=np.float16)
    report = model.load_state_dict({"conv0.bias": bias, "other": bias}, strict=False)
    assert report["loaded"] == ["conv0.bias"] and report["unexpected"] == ["other"]
    assert "conv0.weight" in report["missing"]
    assert np.array_equal(model.parameters["conv0.bias"], np.arange(8))


RULES = [("bn{n+1}", "batch_norm{n}"), ("fc", "fully_connected0"), ("running_var", "running_variance")]


@pytest.mark.parametrize(
    "names",
    [
        RULES,
        la.NameMap(RULES),
        lambda ours: (
            ours.replace("batch_norm0", "bn1").replace("fully_connected0", "fc").replace("variance", "var")
        ),
    ],
)
def test_names_are_translated_both_ways(names):
    one, other = la.Model(small(), seed=1), la.Model(small(), seed=2)
    state = one.state_dict(names=names, num_batches_tracked=True)
    assert list(state) == [
        "conv0.weight", "conv0.bias", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
        "fc.weight", "fc.bias", "bn1.num_batches_tracked",
    ]  # fmt: skip
    other.load_state_dict(state, names=names)
    assert all(np.array_equal(one.parameters[n], other.parameters[n]) for n in one.parameters)


def test_a_map_of_names_can_be_read_backwards_and_added():
    names = la.NameMap(RULES[:2]) + la.NameMap(RULES[2:])
    assert names == la.NameMap(RULES) == pickle.loads(pickle.dumps(names))
    for ours in la.Model(small()).parameters:
        assert names.ours(names.theirs(ours)) == ours
    with pytest.raises(la.InputError, match="name_map: the rule"):
        la.NameMap([("bn{n}", "batch_norm")])


def test_files_hold_parameters_and_architecture(tmp_path):
    model = la.Model(small(), seed=3)
    model.forward(random(4, 3, 8, 8), training=True)
    path = tmp_path / "model.safetensors"
    model.save(path, metadata={"epochs": 3})
    again = la.Model.load_model(path)
    assert again.architecture == model.architecture and again.dtype == np.float32
    x = random(2, 3, 8, 8)
    assert np.array_equal(again(x), model(x))
    other = la.Model(small(), dtype=np.float64)
    other.load(path)
    assert np.array_equal(other.parameters["conv0.weight"], model.parameters["conv0.weight"])
    assert la.Model.load_model(path, dtype=np.float64).dtype == np.float64
    model.save(path, names=RULES)
    assert np.array_equal(la.Model.load_model(path, names=RULES)(x), model(x))


def test_a_summary_counts():
    model = la.Model(la.input(3) | la.named("a", la.conv(8, stride=2) | la.batch_norm()), height=6, width=8)
    summary = model.summary()
    assert summary.parameters == model.parameter_count == 8 * 27 + 8 + 16 and summary.buffers == 16
    assert [row["name"] for row in summary.rows] == ["input0", "a.conv0", "a.batch_norm0"]
    assert summary.rows[1]["output"] == (8, 3, 4) and summary.rows[1]["multiply_adds"] == 8 * 27 * 12
    assert "a.conv0" in str(summary) and repr(summary) == str(summary)
    assert la.Model(la.input(3) | la.conv(8)).summary().multiply_adds == 0
    assert la.Model(la.input(3) | la.conv(8)).summary(height=4, width=4).multiply_adds == 8 * 27 * 16


def test_classifiers_slide_over_larger_pictures():
    net = la.input(1) | la.conv(4, padding=0) | la.relu() | la.max_pool(2) | la.fully_connected(3)
    model = la.Model(net, height=6, width=6)
    sliding = model.to_fully_convolutional()
    x = random(1, 1, 10, 8)
    found = sliding(x)
    assert found.shape == (1, 3, 3, 2)
    for row in range(3):
        for column in range(2):
            part = x[:, :, 2 * row : 2 * row + 6, 2 * column : 2 * column + 6]
            np.testing.assert_allclose(
                found[0, :, row, column], model(part)[0, :, 0, 0], rtol=1e-5, atol=1e-6
            )


def test_receptive_fields_are_counted():
    net = la.input(3) | la.named("a", la.conv(8) | la.conv(8)) | la.max_pool(2) | la.conv(8, kernel=5)
    field = la.receptive_field(net)
    assert field.size == (5 + 1 + 2 * 4,) * 2 and field.stride == (2, 2) and field.padding == (6, 6)
    assert la.receptive_field(net, of="a").size == (5, 5)
    assert la.receptive_field(net | la.global_average_pool()).everything
    assert not field.everything and not field.nothing


def test_extents_given_to_a_model_travel_with_it(tmp_path):
    model = la.Model(la.input(1) | la.fully_connected(3), height=4, width=5, dtype=np.float64)
    model.save(tmp_path / "model.safetensors")
    x = random(2, 1, 4, 5, dtype=np.float64)
    for again in (
        la.Model.load_model(tmp_path / "model.safetensors"),
        pickle.loads(pickle.dumps(model)),
        copy.copy(model),
        copy.deepcopy(model),
        model.copy(),
    ):
        assert again.dtype == np.float64 and np.array_equal(again(x), model(x))
        again.parameters["fully_connected0.bias"] += 1
        assert not np.array_equal(again(x), model(x))


def test_files_of_others_have_names_of_others(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    model = la.Model(small(), seed=3)
    model.save(tmp_path / "theirs.safetensors", names=RULES, num_batches_tracked=True)
    theirs = safetensors.load_file(tmp_path / "theirs.safetensors")
    assert np.array_equal(theirs["bn1.running_var"], model.parameters["batch_norm0.running_variance"])
    other = la.Model(small())
    other.load(tmp_path / "theirs.safetensors", names=RULES)
    assert np.array_equal(other.parameters["conv0.weight"], model.parameters["conv0.weight"])


def test_files_that_are_none_are_refused(tmp_path):
    model = la.Model(small())
    with pytest.raises(la.FileError, match="missing.safetensors"):
        model.load(tmp_path / "missing.safetensors")
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(la.FileError, match="broken.safetensors"):
        model.load(path)
    with pytest.raises(la.FileError, match="broken.safetensors"):
        la.Model.load_model(path)
    la.Model(la.input(1) | la.conv(2)).save(path)
    with pytest.raises(la.FileError, match="mismatches"):
        model.load(path)
    with pytest.raises(la.FileError):
        model.save(tmp_path / "no" / "such" / "folder")


def test_passes_keep_their_model_alive():
    run = la.Model(small()).forward(random(1, 3, 5, 5), differentiable=True)
    assert run.backward(np.ones((1, 5, 1, 1))).shape == (1, 3, 5, 5)
    assert "(1, 5, 1, 1)" in repr(run)


def up_and_convolved():
    return la.Model(la.input(3) | la.conv(16) | la.relu() | la.conv(16) | la.up_conv(4), seed=3)


def test_prepare_results_do_not_change():
    plain, prepared = up_and_convolved(), up_and_convolved().prepare()
    for extent in (32, 7, 20):
        x = np.random.default_rng(0).normal(size=(2, 3, extent, extent)).astype(np.float32)
        assert np.array_equal(plain(x), prepared(x))
    assert prepared.is_prepared and prepared.packed_memory > 0
    assert not plain.is_prepared and plain.packed_memory == 0


def test_prepare_what_changes_parameters_undoes_it():
    x = np.ones((1, 3, 16, 16), np.float32)
    model, other = up_and_convolved().prepare(), up_and_convolved()
    before = model(x)
    model.initialize(9)
    other.initialize(9)
    assert not model.is_prepared
    assert np.array_equal(model(x), other(x)) and not np.array_equal(model(x), before)
    model.prepare()
    model.load_state_dict(up_and_convolved().state_dict())
    assert np.array_equal(model(x), before)
    model.prepare()
    y = np.zeros((1, 4, 32, 32), np.float32)
    model.fit(x, y, loss=la.losses.mse, optimizer=la.SGD(0.1), epochs=1, progress=False)
    assert not model.is_prepared


def test_prepare_preparing_again_sees_what_was_written():
    x = np.ones((1, 3, 16, 16), np.float32)
    model, other = up_and_convolved().prepare(), up_and_convolved()
    model(x)
    for changed in (model, other):
        changed.parameters["conv0.weight"][...] = 0.5
    model.prepare()
    assert np.array_equal(model(x), other(x))


def test_prepare_algorithms_agree():
    x = np.random.default_rng(1).normal(size=(1, 3, 24, 24)).astype(np.float32)
    model = up_and_convolved()
    wanted = model.prepare(algorithm="direct")(x)
    assert model.execution == ("direct", "normal")
    direct_memory = model.packed_memory
    for algorithm in ("automatic", "winograd_2x2", "winograd_4x4", "winograd_6x6"):
        given = model.prepare(algorithm=algorithm)(x)
        assert np.abs(given - wanted).max() < 1e-4 * np.abs(wanted).max()
        assert model.packed_memory > direct_memory
    low = model.prepare(algorithm="automatic", memory="low")
    low(x)
    assert low.packed_memory < 2 * direct_memory


def test_prepare_unknown_words():
    with pytest.raises(ValueError, match="automatic"):
        up_and_convolved().set_execution(algorithm="fft")
    with pytest.raises(ValueError, match="normal"):
        up_and_convolved().prepare(memory="tiny")


def test_set_algorithm_changes_one_layer():
    model = up_and_convolved()
    layers = [row["name"] for row in model.summary().rows if row["kind"] == "conv"]
    x = random(1, 3, 24, 24)
    wanted = model.prepare(algorithm="direct")(x)
    model.prepare(algorithm="automatic")
    for layer in layers:
        model.set_algorithm(layer, "direct")
    assert not model.is_prepared
    assert model.algorithms == dict.fromkeys(layers, "direct")
    assert np.array_equal(model(x), wanted)
    for layer in layers:
        model.set_algorithm(layer, "automatic")
    assert model.algorithms == {}
    with pytest.raises(la.InputError, match="no layer is called 'conv99'"):
        model.set_algorithm("conv99", "direct")
    with pytest.raises(la.InputError, match="algorithm"):
        model.set_algorithm(layers[0], "fft")


def test_tune_sets_what_it_returns():
    model = up_and_convolved()
    x = random(1, 3, 24, 24)
    usual = model(x)
    chosen = model.tune(x, repetitions=2, least_gain=0)
    assert model.is_prepared
    assert model.algorithms == {name: layer.algorithm for name, layer in chosen.items()}
    assert all(0 < layer.seconds < layer.default_seconds for layer in chosen.values())
    np.testing.assert_allclose(model(x), usual, rtol=0, atol=1e-4 * np.abs(usual).max())
    with pytest.raises(la.InputError, match="0 repetitions"):
        model.tune(x, repetitions=0)
    with pytest.raises(la.InputError, match="channels"):
        model.tune(random(1, 2, 24, 24))


def test_profile_names_the_layers_that_run():
    model = la.Model(small())
    found = model.profile(random(2, 3, 16, 16), repetitions=3)
    assert list(found.seconds) == ["conv0", "global_average_pool0", "fully_connected0"]
    assert all(seconds > 0 for seconds in found.seconds.values())
    assert str(found).splitlines()[-1].startswith("total")
