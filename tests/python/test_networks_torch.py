"""Networks as modules of PyTorch: shared parameters, gradients through both."""

from __future__ import annotations

import lookalike as la
import numpy as np
import pytest

torch = pytest.importorskip("torch")


def random(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def small():
    return la.input(3) | la.named("a", la.conv(4) | la.batch_norm() | la.relu()) | la.conv(2, kernel=1)


def reference():
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Conv2d(4, 2, 1),
    )


NAMES = [("0", "a.conv0"), ("1", "a.batch_norm0"), ("3", "conv0"), ("running_var", "running_variance")]


def pair(dtype=np.float64):
    """The same network, ours as a module and PyTorch's."""
    model = la.Model(small(), dtype=dtype)
    theirs = reference().to(torch.float64 if dtype == np.float64 else torch.float32)
    model.load_state_dict(theirs.state_dict(), names=NAMES)
    return model, la.torch.as_module(model), theirs


def test_weights_go_both_ways():
    model, module, theirs = pair()
    x = torch.from_numpy(random(2, 3, 5, 5, dtype=np.float64))
    theirs.eval()
    module.eval()
    torch.testing.assert_close(module(x), theirs(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(model(x), theirs(x).detach().numpy(), rtol=1e-12, atol=1e-12)
    for view in model.parameters.values():
        view *= 1.5
    state = {
        k: torch.from_numpy(v) for k, v in model.state_dict(names=NAMES, num_batches_tracked=True).items()
    }
    theirs.load_state_dict(state)
    torch.testing.assert_close(module(x), theirs(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_gradients_are_those_of_pytorch(training):
    _, module, theirs = pair()
    module.train(training)
    theirs.train(training)
    x = torch.from_numpy(random(3, 3, 5, 6, dtype=np.float64))
    ours, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    (module(ours) ** 3).sum().backward()
    (theirs(other) ** 3).sum().backward()
    same = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(ours.grad, other.grad, **same)
    names = la.NameMap(NAMES)
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(
            dict(module.named_parameters())[names.ours(name)].grad, parameter.grad, **same
        )
    for name, buffer in theirs.named_buffers():
        if "num_batches" not in name:
            torch.testing.assert_close(dict(module.named_buffers())[names.ours(name)], buffer, **same)


def test_gradients_pass_the_check_of_pytorch():
    model = la.Model(la.input(2) | la.conv(3) | la.tanh() | la.conv(1), dtype=np.float64)
    module = la.torch.as_module(model)
    x = torch.from_numpy(random(1, 2, 3, 3, dtype=np.float64)).requires_grad_()
    assert torch.autograd.gradcheck(module, (x,))


def test_parameters_are_the_models_memory():
    model, module, _ = pair(np.float32)
    assert [name for name, _ in module.named_parameters()] == [
        "a.conv0.weight", "a.conv0.bias", "a.batch_norm0.weight", "a.batch_norm0.bias", "conv0.weight", "conv0.bias",
    ]  # fmt: skip
    for name, tensor in module.state_dict().items():
        assert tensor.data_ptr() == model.parameters[name].ctypes.data
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    before = model.parameters["conv0.bias"].copy()
    module(torch.from_numpy(random(2, 3, 5, 5))).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(before - model.parameters["conv0.bias"], 0.1 * 2 * 25, rtol=1e-5)
    assert not any(g.any() for g in model.gradients.values())


def test_networks_stand_between_layers_of_pytorch():
    _, module, _ = pair(np.float32)
    whole = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 1), module, torch.nn.Conv2d(2, 1, 1))
    whole(torch.from_numpy(random(2, 1, 4, 4))).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in (whole[0].weight, whole[2].weight))
    assert module.a.conv0.weight.grad is not None


def test_replaced_parameters_still_count():
    model, module, _ = pair(np.float32)
    x = random(2, 3, 5, 5)
    module.load_state_dict({name: 2 * tensor for name, tensor in module.state_dict().items()})
    module.double().eval()
    module.a.conv0.bias.data = torch.zeros(4, dtype=torch.float64)
    y = module(torch.from_numpy(x))
    assert not model.parameters["a.conv0.bias"].any()
    np.testing.assert_allclose(y.detach().numpy(), model(x), rtol=1e-5, atol=1e-5)


def test_inference_keeps_nothing():
    _, module, _ = pair()
    module.eval()
    x = torch.from_numpy(random(1, 3, 4, 4, dtype=np.float64))
    with torch.no_grad():
        assert not module(x).requires_grad
    module.requires_grad_(False)
    assert not module(x).requires_grad
    module.conv0.bias.requires_grad_(True)
    module(x).sum().backward()
    assert module.conv0.bias.grad.shape == (2,) and module.conv0.weight.grad is None


def test_changed_parameters_are_noticed():
    _, module, _ = pair()
    y = module(torch.from_numpy(random(1, 3, 4, 4, dtype=np.float64)))
    with torch.no_grad():
        module.conv0.bias.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_gradients_may_go_back_again():
    _, module, _ = pair()
    x = torch.from_numpy(random(2, 3, 4, 4, dtype=np.float64)).requires_grad_()
    y = module(x)
    mean = module.a.batch_norm0.running_mean.clone()
    (first,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
    (second,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(first, second) and torch.equal(mean, module.a.batch_norm0.running_mean)


def test_chance_follows_pytorch():
    module = la.torch.as_module(la.Model(la.input(1) | la.dropout(0.5)))
    x = torch.ones(1, 1, 8, 8)
    torch.manual_seed(1)
    first, second = module(x), module(x)
    torch.manual_seed(1)
    assert torch.equal(module(x), first) and not torch.equal(first, second)
    assert torch.equal(module.eval()(x), x)


def test_vectors_stand_for_pixels():
    module = la.torch.as_module(la.Model(la.input(4) | la.fully_connected(3), height=1, width=1))
    x = torch.from_numpy(random(5, 4)).requires_grad_()
    y = module(x)
    assert y.shape == (5, 3, 1, 1)
    y.sum().backward()
    torch.testing.assert_close(x.grad, module.fully_connected0.weight.sum(0).expand(5, 4).detach())


def test_several_inputs_and_outputs():
    net = la.branch(la.input("a", 1), la.input("b", 2)) | la.branch(la.conv(1), la.conv(2))
    module = la.torch.as_module(la.Model(net, dtype=np.float64))
    a = torch.from_numpy(random(1, 1, 3, 3, dtype=np.float64)).requires_grad_()
    b = torch.from_numpy(random(1, 2, 3, 3, dtype=np.float64))
    one, two = module(a, b)
    assert one.shape == (1, 1, 3, 3) and two.shape == (1, 2, 3, 3)
    (two**2).sum().backward()  # one output only
    assert a.grad is not None and module.conv1.weight.grad is not None and not module.conv0.weight.grad.any()
    with pytest.raises(la.InputError, match="given 1 inputs, wanted 2: a, b"):
        module(a)
