"""Threads, interruption and fork: what a call does to its process."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import lookalike as la
import numpy as np
import pytest
from conftest import texture


def test_threads_are_set_for_good_or_for_a_while():
    default = la.get_threads()
    assert default >= 1
    try:
        la.set_threads(3)
        assert la.get_threads() == 3
        with la.set_threads(2) as setting:
            assert la.get_threads() == 2
            assert repr(setting) == "set_threads(2)"
            with pytest.raises(RuntimeError), la.set_threads(1):
                raise RuntimeError
            assert la.get_threads() == 2
        assert la.get_threads() == 3
    finally:
        la.set_threads(0)
    assert la.get_threads() == default
    with pytest.raises(la.InputError, match="given -1, wanted a number of threads"):
        la.set_threads(-1)


@pytest.fixture(scope="module")
def many_photos(tmp_path_factory) -> Path:
    """A thousand different files (of one picture), which take seconds to describe."""
    folder = tmp_path_factory.mktemp("many")
    content = la.encode_image(la.resize(texture(1), 480, 600, "bilinear"), "jpeg", quality=85)
    for number in range(1000):
        (folder / f"{number:04}.jpg").write_bytes(content + b"%d" % number)
    return folder


BUILD = """
    la.Collection.build(sys.argv[1])
"""
PLACE = """
    class Photos:
        picture = la.read_image(sorted(pathlib.Path(sys.argv[1]).glob("*.jpg"))[0])
        def read(self, id):
            return self.picture
    photos = Photos()
    hole = np.zeros(photos.picture.shape[:2], bool)
    hole[200:300, 200:300] = True
    matches = la.Matches(np.arange(5000), np.zeros(5000), photos)
    la.context_match((photos.picture, hole), matches)
"""


def interrupt(task: str, folder: Path, has_begun: Callable[[], bool]) -> float:
    """Run a program, press Ctrl-C when it has begun, and return how many seconds it took to notice."""
    program = f"""
import pathlib, sys, numpy as np, lookalike as la
try:
    print("ready", flush=True)
{textwrap.indent(textwrap.dedent(task), "    ")}
except KeyboardInterrupt:
    print("interrupted", flush=True)
else:
    print("done", flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, folder], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "ready\n"
        deadline = time.monotonic() + 60
        while not has_begun() and time.monotonic() < deadline:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        start = time.monotonic()
        assert child.stdout.readline() == "interrupted\n"
        seconds = time.monotonic() - start
        assert child.wait(10) == 0
    return seconds


def test_ctrl_c_ends_a_search_for_places_within_a_second(many_photos):
    start = time.monotonic()
    assert interrupt(PLACE, many_photos, lambda: time.monotonic() > start + 2) < 1


def test_ctrl_c_ends_a_build_within_a_second_and_the_next_goes_on_from_there(many_photos):
    def has_committed() -> bool:
        try:
            return len(la.Collection.open(many_photos)) > 0
        except la.FileError:  # not yet made
            return False

    assert interrupt(BUILD, many_photos, has_committed) < 1
    committed = len(la.Collection.open(many_photos))
    assert 0 < committed < 1000
    heard = []

    def stop(task: str, done: int, total: int) -> bool:
        heard.append((task, total))
        return task == "list files"

    with pytest.raises(la.Interrupted):
        la.Collection.build(many_photos, progress=stop)
    assert ("describe photographs", 1000 - committed) in heard
    assert len(la.Collection.open(many_photos)) >= committed


def test_an_exception_of_a_signal_handler_ends_the_call(many_photos, tmp_path):
    class TimeIsUp(Exception):  # noqa: N818
        pass

    def ring(number, frame):
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    start = time.monotonic()
    try:
        with pytest.raises(TimeIsUp):
            la.Collection.build(many_photos, tmp_path / "store")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - start < 1.5


def describe(seed: int) -> np.ndarray:
    picture = texture(seed)
    mask = np.zeros(picture.shape[:2], bool)
    mask[50:90, 50:90] = True
    return la.scene_descriptor(la.fill_hole(picture, mask)).values


def search(photos: la.Collection) -> np.ndarray:
    return photos.search(la.scene_descriptor(texture(3)), 5).ids


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_compute_the_same(photos, method):
    expected = [describe(seed) for seed in range(3)]  # on several threads, before the fork
    with multiprocessing.get_context(method).Pool(2) as pool:
        results = pool.map_async(describe, range(3)).get(60)
        found = pool.apply_async(search, (photos,)).get(60)
    np.testing.assert_array_equal(results, expected)
    np.testing.assert_array_equal(found, search(photos))


def test_headers_come_with_the_package():
    include = Path(la.get_include())
    if not include.exists():
        pytest.skip("the package runs from its source folder")
    assert (include / "lookalike" / "lookalike.hpp").is_file()
