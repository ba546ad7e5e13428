"""Encoders of pictures: gist's options, networks, branches, thumbnails alone; and what collections make of them."""

from __future__ import annotations

import lookalike as la
import numpy as np
import pytest
from PIL import Image, ImageOps


def waves(number: int, height: int = 60, width: int = 80) -> np.ndarray:
    """A picture of waves, another one for each number."""
    y, x = np.mgrid[:height, :width] / height
    phase = 2.4 * number
    wave = np.sin((12 + 5 * number) * (x * np.cos(phase) + y * np.sin(phase)))
    return (127.5 + 110 * wave[:, :, None] * np.cos(phase + np.arange(3))).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Three pictures."""
    for number in range(3):
        la.write_image(tmp_path / f"{number}.png", waves(number))
    return tmp_path


def network(seed: int = 0) -> la.Model:
    """A small network with a named part."""
    net = (
        la.input(3)
        | la.named("code", la.conv(4, kernel=3, stride=2))
        | la.relu()
        | la.flatten()
        | la.fully_connected(3)
        | la.expose("code")
    )
    return la.Model(net, height=16, width=16, seed=seed)


def test_gists_of_other_programs():
    picture = waves(1)
    assert la.gist(picture, orientations=8, scales=4).values.shape == (512,)
    color = la.gist(picture, orientations_per_scale=(8, 8, 4), color=True)
    assert color.values.shape == (960,)
    assert color.blocks[0].name == "gist(side=128,orientations=8-8-4,grid=4,color)"
    gray = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    cells = la.gist(gray, color=True).values.reshape(16, 3, 30)
    np.testing.assert_allclose(cells[:, 0], cells[:, 2], rtol=1e-4)
    np.testing.assert_allclose(cells[:, 0], la.gist(gray).values.reshape(16, 30), rtol=1e-3, atol=1e-4)
    with pytest.raises(la.InputError, match="orientations"):
        la.gist(orientations_per_scale=(8, 0))


def test_a_collection_of_thumbnails_alone(folder):
    photos = la.Collection.build(folder, encoder=la.thumbnails_only)
    assert len(photos) == 3
    index = la.ThumbnailIndex(photos)
    hole = np.zeros(waves(0).shape[:2], bool)
    hole[20:30, 30:50] = True
    for number in range(3):
        found = index.search((waves(number), hole), k=1)
        assert photos.path(found.ids[0]).name == f"{number}.png"
    with pytest.raises(la.FileError, match="no column 'descriptors'"):
        la.Collection.build(folder)


def test_a_branch_of_encoders_is_an_encoder(folder):
    look = la.picture_encoder(la.branch(la.gist(side=64), la.color_grid))
    described = look(waves(2))
    np.testing.assert_array_equal(described.values[:480], la.gist(waves(2), side=64).values)
    np.testing.assert_array_equal(described.values[480:], la.color_grid(waves(2)).values)
    photos = la.Collection.build(folder, encoder=la.branch(la.gist(side=64), la.color_grid))
    assert [block.name for block in photos.blocks] == [block.name for block in look.blocks]
    find = look | la.lookup(photos, 1)
    assert [photos.path(find(waves(i)).ids[0]).name for i in range(3)] == ["0.png", "1.png", "2.png"]
    with pytest.raises(la.FileError, match="encoder"):
        la.Collection.build(folder, encoder=la.gist(side=64))
    with pytest.raises(la.InputError, match="hole"):
        look((waves(0), np.ones(waves(0).shape[:2], bool)))
    with pytest.raises(la.InputError, match="encoder"):
        la.picture_encoder(5)


def test_a_networks_features_are_a_descriptor(folder):
    net = network()
    features = la.encode(net, "code", mean=(0.5, 0.4, 0.3), deviation=(0.2, 0.2, 0.25))
    picture = waves(1, 16, 16)
    scaled = (picture / 255 - np.array((0.5, 0.4, 0.3))) / np.array((0.2, 0.2, 0.25))
    expected = net.forward(scaled.astype(np.float32).transpose(2, 0, 1)[None])["code"]
    np.testing.assert_allclose(features(picture).values, np.asarray(expected).ravel(), rtol=1e-4, atol=1e-4)
    photos = la.Collection.build(folder, encoder=features)
    find = features | la.lookup(photos, 1)
    assert photos.path(find(waves(2)).ids[0]).name == "2.png"


def test_a_collection_refuses_a_network_of_other_weights(folder):
    photos = la.Collection.build(folder, encoder=la.encode(network(), "code"))
    la.Collection.build(folder, encoder=la.encode(network(), "code"))  # the same weights, made anew
    other = la.encode(network(seed=1), "code")
    with pytest.raises(la.FileError, match="network="):
        la.Collection.build(folder, encoder=other)
    with pytest.raises(la.InputError, match="network="):
        photos.search(other(waves(0)))
    with pytest.raises(la.FileError, match="network="):
        la.Collection.build(folder, encoder=la.encode(network(), "code", deviation=(0.5, 0.5, 0.5)))


def test_a_collection_refuses_a_network_of_the_same_weights_and_other_layers(folder):
    def encoder(activation):
        return la.encode(la.Model(la.input(3) | la.conv(4, stride=4) | activation, height=16, width=16))

    photos = la.Collection.build(folder, encoder=encoder(la.relu()))
    assert len(photos.search(encoder(la.relu())(waves(0))).ids) > 0
    with pytest.raises(la.InputError, match="network="):
        photos.search(encoder(la.tanh())(waves(0)))


def test_bad_networks_are_input_errors():
    with pytest.raises(la.InputError):
        la.encode(network(), "no such part")
    with pytest.raises(la.InputError, match="Model"):
        la.encode("net")
    with pytest.raises(la.InputError, match="deviation"):
        la.encode(network(), "code", deviation=(1, 1, 0))
    with pytest.raises(la.InputError, match="3 each"):
        la.encode(network(), "code", mean=(0.5,))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("quality", [60, 95])
def test_photographs_come_upright_as_pillow_turns_them(tmp_path, orientation, quality):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(waves(1, 210, 330)).save(path, quality=quality, exif=exif)
    with Image.open(path) as stored:
        upright = ImageOps.exif_transpose(stored)
        np.testing.assert_array_equal(la.read_image(path), np.asarray(upright))
        # A thumbnail, which is made of a part of the file's frequencies, shows the same way up.
        expected = np.asarray(upright.resize((32, 32), Image.Resampling.BOX), np.float64)
    photos = la.Collection.build(tmp_path, encoder=la.thumbnails_only)
    assert np.sqrt(np.mean((photos.thumbnail(0).astype(np.float64) - expected) ** 2)) < 2
