"""Architectures: composition, comparison, what is shown, text and pickles, errors."""

from __future__ import annotations

import copy
import doctest
import importlib
import inspect
import json
import pickle

import lookalike as la
import numpy as np
import pytest


def block(channels):
    return la.conv(channels, bias=False) | la.batch_norm() | la.relu()


def written_out(levels, channels):
    """U-Net from its parts, in Python."""
    if levels == 0:
        return la.named("bottleneck", block(channels))
    below = la.named("below", written_out(levels - 1, 2 * channels))
    body = la.max_pool(2) | below | la.named("up", la.up_conv(channels))
    return la.named("encoder", block(channels)) | la.skip(body) | la.named("decoder", block(channels))


def test_composition_is_associative():
    a, b, c = la.conv(4), la.relu(), la.skip(la.conv(2))
    assert (a | b) | c == a | (b | c)
    assert la.input(3) | (a | b) == la.input(3) | a | b


def test_identity_changes_nothing():
    net = la.input(3) | la.conv(4)
    assert net | la.nn.identity() == la.nn.identity() | net == net
    assert net | la.identity == la.identity | net == net


def test_skip_is_a_branch_with_the_identity():
    body = la.conv(4)
    assert la.skip(body) == la.branch(la.identity, body) == la.branch(la.nn.identity(), body)
    assert la.skip(body) != la.branch(body, la.identity)
    assert isinstance(la.skip(body), la.Architecture)
    assert isinstance(la.skip(np.sqrt), la.Stage)


def test_recursion_in_python_makes_the_same_unet_as_the_library():
    ours = la.input(3) | la.unet(3, 8, block) | la.conv(2, kernel=1)
    assert ours == la.input(3) | written_out(3, 8) | la.conv(2, kernel=1)
    assert ours != la.input(3) | written_out(2, 8) | la.conv(2, kernel=1)


def test_loops_make_networks():
    net = la.input(1)
    for channels in (4, 8):
        net = net | la.conv(channels)
    assert net == la.input(1) | la.conv(4) | la.conv(8)
    assert len(net) == 3


def test_residual_is_a_branch_and_a_sum():
    assert la.residual(la.conv(3)) == la.branch(la.conv(3), la.identity) | la.add()
    assert (
        la.residual(la.conv(3), la.conv(3, kernel=1))
        == la.branch(la.conv(3), la.conv(3, kernel=1)) | la.add()
    )


@pytest.mark.parametrize(
    "other",
    [
        la.input(3) | la.conv(8, kernel=5),
        la.input(3) | la.conv(9),
        la.input(4) | la.conv(8),
        la.input(3) | la.named("a", la.conv(8)),
        la.input(3) | la.conv(8) | la.relu(),
        la.input("x", 3) | la.conv(8),
        la.input(3) | la.conv(8) | la.expose("conv0"),
    ],
)
def test_other_networks_are_not_equal(other):
    assert la.input(3) | la.conv(8) != other


def test_extents_and_padding_have_several_forms():
    assert la.conv(4, kernel=3) == la.conv(4, 3) == la.conv(4, kernel=(3, 3)) == la.conv(4, kernel=[3, 3])
    assert (
        la.conv(4) == la.conv(4, padding=1) == la.conv(4, padding=(1, 1)) == la.conv(4, padding=(1, 1, 1, 1))
    )
    assert la.conv(4, kernel=(3, 5)) == la.conv(4, kernel=(3, 5), padding=(1, 2))
    assert la.conv(4, kernel=2) == la.conv(4, kernel=2, padding=(0, 0, 1, 1))
    assert la.max_pool(3, stride=3) == la.max_pool(3) != la.max_pool(3, stride=2)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: la.conv(4, kernel=2.5),
            r"conv.kernel: given 2.5, wanted a whole number or \(height, width\)",
        ),
        (lambda: la.conv(4, kernel=(1, 2, 3)), "conv.kernel: given"),
        (lambda: la.conv(4, padding="valid"), "conv.padding: given 'valid', wanted 'same', a whole number"),
        (lambda: la.conv(4, padding=(1, 2, 3)), r"conv.padding: given \(1, 2, 3\)"),
        (
            lambda: la.conv(4, border="mirror"),
            "conv.border: given 'mirror', wanted one of 'zeros', 'reflect'",
        ),
        (lambda: la.upsample(2, method="cubic"), "upsample.method: given 'cubic'"),
        (lambda: la.models.cifar_resnet(21), "cifar_resnet: given a depth of 21, wanted 6 n"),
        (lambda: la.repeat(-1, la.relu()), "repeat: given -1 times"),
    ],
)
def test_impossible_options_are_refused(make, sentence):
    with pytest.raises(la.InputError, match=sentence):
        make()


@pytest.mark.parametrize(
    ("compose", "sentence"),
    [
        (
            lambda: la.conv(4) | la.gist,
            "|: expects an architecture, given the stage gist; | joins networks with",
        ),
        (lambda: la.gist | la.conv(4), "|: expects a stage, given Architecture; | joins stages with stages"),
        (
            lambda: la.conv(4) | la.relu,
            "|: expects an architecture, given the function relu; write relu(...)",
        ),
        (lambda: np.sqrt | la.conv(4), "given the function sqrt"),
        (lambda: la.conv(4) | 3, "|: expects an architecture, given int"),
        (lambda: la.conv(4) | np.zeros(3), "given ndarray; data does not enter |, call the model with it"),
        (lambda: np.zeros(3) | la.conv(4), "given ndarray; data does not enter |, call the model with it"),
        (lambda: la.branch(la.conv(4), la.gist), "given the stage gist"),
        (lambda: la.branch(la.gist, la.conv(4)), "given the stage gist"),
        (lambda: la.unet(1, 4, lambda channels: channels), "|: expects an architecture, given int"),
    ],
)
def test_what_does_not_compose_is_refused_in_one_sentence(compose, sentence):
    with pytest.raises(la.CompositionError) as refusal:
        compose()
    assert sentence in str(refusal.value)


def test_what_a_block_raises_reaches_the_caller():
    def broken(channels):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        la.unet(2, 4, broken)


@pytest.mark.parametrize(
    "text",
    [
        "input(3) | conv(8) | relu()",
        "input('mask', 1, height=32, width=32) | conv(8, kernel=(3, 5), stride=2, border='reflect')",
        "conv(8, padding=0, groups=2, bias=False) | max_pool(3, stride=2, padding=1, ceil_mode=True)",
        "input(3) | named('a', conv(8) | named('b', relu())) | shared('c', conv(4, kernel=1))",
        "conv(4, kernel=2, padding=(0, 1, 1, 0)) | transposed_conv(3, kernel=4, padding=1)",
        "batch_norm(affine=False) | upsample(2, method='bilinear') | layer_norm(scope='picture')",
        "fully_connected(10, bias=False) | dropout(0.25) | leaky_relu(0.2) | softmax()",
        "soft_lookup(16, 4, temperature=0.5, nearest=3) | reshape(4, 1, 1) | permute(2, 1, 0)",
        "from_('encoder.conv1') | conv(8)",
        "identity()",
        "expose('a', 'b.conv0')",
    ],
)
def test_a_chain_is_shown_as_what_makes_it(text):
    names = {name: getattr(la.nn, name) for name in la.nn.__all__}
    assert repr(eval(text, names)) == text


def test_other_networks_are_shown_as_a_table():
    net = (
        la.input(3)
        | la.named("a", la.conv(3))
        | la.skip(la.named("b", la.conv(4) | la.relu()))
        | la.expose("a")
    )
    assert repr(net).splitlines() == [
        "Architecture of 4 layers",
        "  input0   input(3)",
        "  a.conv0  conv(3)",
        "  b.conv0  conv(4)",
        "  b.relu0  relu()",
        "  yields a.conv0, b.relu0",
        "  exposes a",
    ]
    assert "of encoder.relu0, up.transposed_conv0" in repr(la.input(3) | la.unet(1, 4, block))


def all_networks():
    """Every published network and every layer, small."""
    m = la.models
    yield from (
        m.alexnet(10),
        m.alexnet_single_tower(10),
        m.resnet18(10),
        m.resnet34(10, shortcut="padding"),
        m.resnet50(10, stride="first"),
        m.cifar_resnet(20),
        m.cifar_resnet(20, shortcut="none"),
        m.unet_original(width=4),
        m.unet_padded(width=4),
        m.unet_normalized(width=4),
        m.pix2pix_generator(width=4),
        m.patch_discriminator(width=4),
        m.colorful_colorization(),
        m.completion_network(8),
        m.completion_discriminator(64, width=4, features=16),
        m.linear_autoencoder(1, 8, 8, 4),
        m.convolutional_autoencoder(3, 16, 16, features=4, halvings=2, code=8),
    )
    required = {
        "channels": 4, "kernel": 2, "height": 4, "width": 4, "factor": 2, "groups": 1, "first": 0, "count": 3,
        "before": 1, "after": 1, "rows": 1, "columns": 2, "top": 1, "left": 0, "bottom": 0, "right": 0,
        "dimension": 4, "outputs": 4,
    }  # fmt: skip
    combinators = ("branch", "expose", "from_", "identity", "named", "repeat", "residual", "shared", "skip")
    for name in la.nn.__all__:
        if name in combinators or name == "input":
            continue
        make = getattr(la.nn, name)
        needed = [p.name for p in inspect.signature(make).parameters.values() if p.default is p.empty]
        yield make(**{n: required[n] for n in needed})


def test_networks_travel_as_text_and_as_pickles():
    for net in all_networks():
        assert la.Architecture.from_json(net.to_json()) == net
        assert pickle.loads(pickle.dumps(net)) == net
        assert copy.copy(net) == copy.deepcopy(net) == net
        assert hash(la.Architecture.from_json(net.to_json())) == hash(net)
        assert repr(net)


def broken_texts():
    whole = json.loads((la.input(3) | la.named("a", la.conv(8)) | la.expose("a")).to_json())

    def with_change(change):
        parts = json.loads(json.dumps(whole))
        change(parts)
        return json.dumps(parts)

    yield "{"
    yield "[]"
    yield "{}"
    for key in ("format", "version", "layers", "yields"):
        yield with_change(lambda p, key=key: p.pop(key))
        yield with_change(lambda p, key=key: p.update({key: 5}))
    for name, value in {
        "reads": [7], "in": 9, "kind": "no_such_layer", "kernel": 3, "channels": "many", "groups": 1e300
    }.items():  # fmt: skip
        yield with_change(lambda p, name=name, value=value: p["layers"][1].update({name: value}))
    yield with_change(lambda p: p["layers"][1].update(reads=[1]))
    yield with_change(lambda p: p["parts"][0].update({"in": 0}))
    yield with_change(lambda p: p["parts"][0].update(yields=[2]))
    yield with_change(lambda p: p.update(yields=[2]))
    yield with_change(lambda p: p.update(yields=[-2]))
    yield with_change(lambda p: p["exposed"][0].update({"in": 5}))


def test_lying_text_is_refused():
    for text in broken_texts():
        with pytest.raises(la.InputError):
            la.Architecture.from_json(text)


def test_options_that_text_leaves_out_have_their_default():
    parts = json.loads((la.input(3) | la.leaky_relu()).to_json())
    del parts["layers"][1]["slope"]
    assert la.Architecture.from_json(json.dumps(parts)) == la.input(3) | la.leaky_relu()


def test_options_that_are_infinite_travel_as_pickles():
    net = la.input(3) | la.soft_lookup(8, 2, temperature=np.inf)
    assert pickle.loads(pickle.dumps(net)) == net


@pytest.mark.parametrize(
    ("count", "make"),
    [
        (60965224, la.models.alexnet),
        (61100840, la.models.alexnet_single_tower),
        (11689512, la.models.resnet18),
        (25557032, la.models.resnet50),
        (269722, lambda: la.models.cifar_resnet(20)),
        (31030658, la.models.unet_original),
        (54413955, la.models.pix2pix_generator),
        (2768705, la.models.patch_discriminator),
        (32235385, la.models.colorful_colorization),
        (6072131, la.models.completion_network),
        (45063681, la.models.completion_discriminator),
    ],
)
def test_published_networks_have_the_papers_number_of_parameters(count, make):
    assert la.Model(make()).parameter_count == count


def test_every_layer_of_the_library_has_its_python_function():
    known = set(la.nn.__all__) | {"from"}
    for net in all_networks():
        for node in json.loads(net.to_json())["layers"]:
            assert node["kind"] in known


def test_layers_are_at_the_top_unless_the_name_is_taken():
    for name in la.nn.__all__:
        if name in ("branch", "skip", "identity", "resize"):
            assert getattr(la, name) is not getattr(la.nn, name)
        else:
            assert getattr(la, name) is getattr(la.nn, name)


@pytest.mark.parametrize(
    "module",
    [
        la.functional,
        la.losses,
        la.models,
        la.nn,
        la.optim,
        importlib.import_module("lookalike.architecture"),
        importlib.import_module("lookalike.layer"),
        importlib.import_module("lookalike.network"),
        importlib.import_module("lookalike.parameters"),
        importlib.import_module("lookalike.gradient_check"),
    ],
    ids=lambda module: module.__name__,
)
def test_examples_in_the_documentation_work(module):
    result = doctest.testmod(module)
    assert result.failed == 0


@pytest.mark.parametrize(
    "module", [la.functional, la.losses, la.models, la.nn], ids=lambda module: module.__name__
)
def test_every_function_is_documented(module):
    for name, value in vars(module).items():
        if inspect.isfunction(value) and not name.startswith("_"):
            assert inspect.getdoc(value), name
