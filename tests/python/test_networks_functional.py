"""Layers as functions of arrays, against plain NumPy and SciPy."""

from __future__ import annotations

import threading

import lookalike as la
import numpy as np
import pytest
from scipy import special

F = la.functional


def random(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def windows(x, kernel, stride=1, dilation=1):
    """(batch, channels, rows, columns, kernel height, kernel width) of all windows inside of x."""
    reach = [dilation * (k - 1) + 1 for k in kernel]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, (2, 3))
    return view[:, :, ::stride, ::stride, ::dilation, ::dilation]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("border", ["zeros", "reflect", "replicate"])
@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 2), (1, 2, 1), (3, 2, 4)])
def test_convolution(dtype, border, stride, dilation, groups):
    x, w, b = random(2, 4, 9, 8, dtype=dtype), random(8, 4 // groups, 3, 2, seed=1), random(8, seed=2)
    mode = {"zeros": "constant", "reflect": "reflect", "replicate": "edge"}[border]
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), (2, 1), (1, 3)), mode=mode)
    seen = windows(padded, (3, 2), stride, dilation)
    wanted = np.concatenate(
        [
            np.einsum("nchwij,ocij->nohw", part, weight)
            for part, weight in zip(np.split(seen, groups, 1), np.split(w, groups))
        ],
        1,
    )
    found = F.conv(
        x, w, b, stride=stride, dilation=dilation, groups=groups, padding=(2, 1, 1, 3), border=border
    )
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted + b[:, None, None], atol=1e-12 if dtype == np.float64 else 2e-5)


def test_transposed_convolution_is_the_adjoint():
    w = random(6, 3, 4, 2, seed=1)
    x, y = random(2, 3, 11, 10, seed=2), None
    down = F.conv(x, w, stride=3, padding=(1, 2))
    y = random(*down.shape, seed=3)
    up = F.transposed_conv(y, w, stride=3, padding=(1, 2), output_padding=(0, 0))
    rows, columns = up.shape[2:]
    np.testing.assert_allclose((down * y).sum(), (x[:, :, :rows, :columns] * up).sum(), rtol=1e-12)


def test_matrix_products():
    a, b, c = random(3, 4), random(4, 5, seed=1), random(5, seed=2)
    np.testing.assert_allclose(F.gemm(a, b, c, alpha=2, beta=3), 2 * a @ b + 3 * c, rtol=1e-12)
    np.testing.assert_allclose(F.gemm(a.T, b.T, transpose_a=True, transpose_b=True), a @ b, rtol=1e-12)
    np.testing.assert_allclose(F.gemm(a, b, c[:3, None]), a @ b + c[:3, None], rtol=1e-12)
    x, w = random(2, 3, 2, 2), random(4, 12, seed=1)
    np.testing.assert_allclose(F.fully_connected(x, w)[:, :, 0, 0], x.reshape(2, 12) @ w.T, rtol=1e-12)
    with pytest.raises(la.InputError, match="gemm: given matrices"):
        F.gemm(a, a)


@pytest.mark.parametrize(("kernel", "stride"), [((2, 2), 2), ((3, 2), 1), ((3, 3), 2)])
def test_pools(kernel, stride):
    x = random(2, 3, 7, 8)
    seen = windows(x, kernel, stride)
    np.testing.assert_array_equal(F.max_pool(x, kernel, stride=stride), seen.max((4, 5)))
    np.testing.assert_allclose(F.average_pool(x, kernel, stride=stride), seen.mean((4, 5)), rtol=1e-12)
    values, indices = F.max_pool(x, kernel, stride=stride, indices=True)
    flat = x.reshape(2, 3, -1)
    np.testing.assert_array_equal(
        np.take_along_axis(flat, indices.reshape(2, 3, -1), 2).reshape(values.shape), values
    )


def test_unpooling_puts_values_back():
    x = random(2, 3, 6, 8, dtype=np.float32)
    values, indices = F.max_pool(x, 2, indices=True)
    back = F.max_unpool(values, indices, 2)
    assert back.dtype == np.float32 and indices.dtype == np.int64
    np.testing.assert_array_equal(back, np.where(np.isin(x, values), x, 0))


def test_pools_of_everything():
    x = random(2, 3, 6, 4)
    np.testing.assert_allclose(F.global_average_pool(x)[:, :, 0, 0], x.mean((2, 3)), rtol=1e-12)
    np.testing.assert_array_equal(F.global_max_pool(x)[:, :, 0, 0], x.max((2, 3)))
    parts = x.reshape(2, 3, 3, 2, 2, 2)
    np.testing.assert_allclose(F.adaptive_average_pool(x, 3, 2), parts.mean((3, 5)), rtol=1e-12)
    np.testing.assert_array_equal(F.adaptive_max_pool(x, 3, 2), parts.max((3, 5)))


def test_interpolation():
    x = random(1, 2, 3, 4)
    np.testing.assert_array_equal(F.upsample(x, 2), x.repeat(2, 2).repeat(2, 3))
    np.testing.assert_array_equal(F.resize(x, 6, 8), F.upsample(x, 2))
    line = np.linspace(0, 1, 5)[None, None, None]
    found = F.resize(line, 1, 9, method="bilinear", align_corners=True)
    np.testing.assert_allclose(found[0, 0, 0], np.linspace(0, 1, 9), atol=1e-15)


def test_normalizations():
    x, w, b = 3 + random(4, 6, 5, 5), random(6, seed=1), random(6, seed=2)
    scale, offset = w[:, None, None], b[:, None, None]

    def normalized(x, axes):
        return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)

    same = {"rtol": 1e-10, "atol": 1e-10}
    np.testing.assert_allclose(F.instance_norm(x, w, b), normalized(x, (2, 3)) * scale + offset, **same)
    np.testing.assert_allclose(F.layer_norm(x, w, b), normalized(x, 1) * scale + offset, **same)
    np.testing.assert_allclose(F.layer_norm(x, scope="picture"), normalized(x, (1, 2, 3)), **same)
    grouped = normalized(x.reshape(4, 3, 2, 5, 5), (2, 3, 4)).reshape(x.shape)
    np.testing.assert_allclose(F.group_norm(x, 3, w, b), grouped * scale + offset, **same)
    np.testing.assert_allclose(F.group_norm(x, 3, bias=b), grouped + offset, **same)
    mean, variance = random(6, seed=3), random(6, seed=4) ** 2
    wanted = (x - mean[:, None, None]) / np.sqrt(variance + 1e-5)[:, None, None] * scale + offset
    np.testing.assert_allclose(F.batch_norm(x, mean, variance, w, b), wanted, **same)
    y, new_mean, new_variance = F.batch_norm(x, mean, variance, training=True, momentum=0.3)
    np.testing.assert_allclose(y, normalized(x, (0, 2, 3)), **same)
    np.testing.assert_allclose(new_mean, 0.7 * mean + 0.3 * x.mean((0, 2, 3)), **same)
    np.testing.assert_allclose(new_variance, 0.7 * variance + 0.3 * x.var((0, 2, 3), ddof=1), **same)
    squares = np.pad(x**2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    sums = squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]
    found = F.local_response_norm(x, size=3, alpha=0.1, beta=0.5, k=1)
    np.testing.assert_allclose(found, x / (1 + 0.1 * sums) ** 0.5, **same)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_along_any_axis_of_any_array(axis):
    for shape in ((3, 4), (2, 3, 4), (2, 3, 4, 5, 2)):
        x = 5 * random(*shape)
        np.testing.assert_allclose(F.softmax(x, axis), special.softmax(x, axis), rtol=1e-12)
        np.testing.assert_allclose(
            F.log_softmax(x, axis), special.log_softmax(x, axis), rtol=1e-12, atol=1e-12
        )
    with pytest.raises(la.InputError, match="softmax: given axis 3"):
        F.softmax(np.ones(3), 3)


@pytest.mark.parametrize("shape", [(), (7,), (0, 3), (2, 3, 4, 5, 2)])
def test_pointwise_functions_take_arrays_of_any_shape(shape):
    x = 3 * random(*shape)
    for found, wanted in [
        (F.relu(x), np.maximum(x, 0)),
        (F.leaky_relu(x, 0.2), np.where(x > 0, x, 0.2 * x)),
        (F.elu(x, 2), np.where(x > 0, x, 2 * np.expm1(x))),
        (F.silu(x), x * special.expit(x)),
        (F.gelu(x), x * special.ndtr(x)),
        (F.sigmoid(x), special.expit(x)),
        (F.tanh(x), np.tanh(x)),
        (F.dropout(x, training=False), x),
    ]:
        assert found.shape == shape
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_dropout_is_the_seeds():
    x = np.ones(1000)
    assert np.array_equal(F.dropout(x, 0.25, seed=1), F.dropout(x, 0.25, seed=1))
    assert not np.array_equal(F.dropout(x, 0.25, seed=1), F.dropout(x, 0.25, seed=2))
    assert set(np.unique(F.dropout(x, 0.2))) == {0, 1.25}


def test_sums_and_arrangements():
    x, y = random(2, 3, 4, 4), random(2, 3, 1, 1, seed=1)
    np.testing.assert_allclose(F.add(x, y), x + y)
    np.testing.assert_allclose(F.multiply(x, y, x), x * y * x)
    np.testing.assert_array_equal(F.concat(x, x), np.concatenate([x, x], 1))
    np.testing.assert_array_equal(F.pad_channels(x, 1, 2), np.pad(x, ((0, 0), (1, 2), (0, 0), (0, 0))))
    np.testing.assert_array_equal(F.crop(x, 1, 0, 1, 2), x[:, :, 1:-1, :-2])
    np.testing.assert_array_equal(F.center_crop_to(x, x[:, :, :2, :2]), x[:, :, 1:3, 1:3])


def test_lookups():
    table = random(10, 4)
    indices = np.array([[1, 2, 3], [9, 0, 1]])
    np.testing.assert_array_equal(F.embedding(indices, table), table[indices])
    x, keys, values = random(5, 3), random(8, 3, seed=1), random(8, 2, seed=2)
    distances = ((x[:, None] - keys) ** 2).sum(-1)
    wanted = special.softmax(-distances / 0.5, 1) @ values
    np.testing.assert_allclose(F.soft_lookup(x, keys, values, temperature=0.5), wanted, rtol=1e-10)
    nearest = values[distances.argmin(1)]
    np.testing.assert_allclose(F.soft_lookup(x, keys, values, temperature=0), nearest, rtol=1e-12)
    q, k, v = random(1, 4, 1, 6), random(1, 4, 1, 7, seed=1), random(1, 4, 1, 7, seed=2)
    weights = special.softmax(q[0, :, 0].T @ k[0, :, 0] / 2, 1)
    np.testing.assert_allclose(F.attention(q, k, v)[0, :, 0], (weights @ v[0, :, 0].T).T, rtol=1e-10)


def test_calls_do_not_disturb_one_another():
    x = random(1, 2, 5, 5)
    w, v = random(3, 2, 3, 3), random(3, 2, 3, 3, seed=1)
    first = F.conv(x, w)
    kept = first.copy()
    second = F.conv(x, v)
    assert np.array_equal(first, kept) and not np.array_equal(first, second)
    assert np.array_equal(F.conv(x, w), first)
    for channels in range(1, 40):  # more networks than are kept
        F.relu(random(1, channels, 2, 2))
        F.global_average_pool(random(1, channels, 2, 2))
    assert np.array_equal(F.conv(x, w), first)
    found = {}

    def work(seed):
        for _ in range(20):
            found[seed] = F.conv(x, random(3, 2, 3, 3, seed=seed))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[s], F.conv(x, random(3, 2, 3, 3, seed=s))) for s in range(4))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x: F.conv(x, np.ones((3, 2, 3))), r"conv: given weight of \(3, 2, 3\), wanted 4 axes"),
        (
            lambda x: F.conv(x, np.ones((3, 4, 3, 3))),
            r"conv: given weight of \(3, 4, 3, 3\), wanted \(3, 2, 3, 3\)",
        ),
        (
            lambda x: F.conv(x, np.ones((3, 2, 3, 3)), np.ones(2)),
            r"conv: given bias of \(2,\), wanted \(3,\)",
        ),
        (lambda x: F.conv(x[0], np.ones((3, 2, 3, 3))), "conv: given an array of 3 axes"),
        (lambda x: F.conv(x.astype(int), np.ones((3, 2, 3, 3))), "conv: given int64"),
        (lambda x: F.max_pool(x, 9), "max_pool0: "),
        (lambda x: F.embedding(x, np.ones(3)), "embedding: given weight"),
    ],
)
def test_what_does_not_fit_is_said(call, sentence):
    with pytest.raises(la.InputError, match=sentence):
        call(random(1, 2, 5, 5))
