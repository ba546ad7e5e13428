"""The stage algebra, with plain functions on numbers as stages."""

from __future__ import annotations

import dataclasses
import pickle

import lookalike as la
import numpy as np
import pytest


def double(x):
    return 2 * x


def increase(x):
    return x + 1


def add(pair):
    return pair[0] + pair[1]


class Thumbnails:
    """An index that finds what it is asked for."""

    query_kind = la.stage.DESCRIPTOR

    def search(self, query, k, leave_out):
        return la.Matches([7] * k, [0.5] * k, photos=[query])


def test_a_pipeline_runs_its_stages_in_order():
    pipeline = la.as_stage(double) | increase
    assert pipeline(5) == 11
    assert (double | la.as_stage(increase) | double)(5) == 22


def test_composition_is_associative():
    a, b, c = map(la.as_stage, (double, increase, np.sqrt))
    assert (a | b) | c == a | (b | c)
    assert ((a | b) | c).stages == (a | (b | c)).stages
    assert ((a | b) | c)(4) == (a | (b | c))(4) == 3


def test_built_in_stages_compose_associatively():
    index = Thumbnails()
    left = ((la.fill_hole | la.scene_descriptor) | la.lookup(index, 3)) | double
    right = la.fill_hole | (la.scene_descriptor | (la.lookup(index, 3) | double))
    assert left == right


def test_skip_is_a_branch_with_the_identity():
    assert la.skip(double) == la.branch(la.identity, double)
    assert la.skip(double)(3) == (3, 6)
    assert la.branch(double, increase, la.identity)(3) == (6, 4, 3)
    assert (la.skip(double) | add)(3) == 9


def test_skips_nest():
    pipeline = la.skip(double | la.skip(increase) | add) | add  # x + (2x + (2x + 1))
    assert pipeline(3) == 3 + 6 + 7


def test_several_arguments_are_one_tuple():
    assert la.as_stage(add)(3, 4) == la.as_stage(add)((3, 4)) == 7


@pytest.mark.parametrize(
    ("compose", "sentence"),
    [
        (
            lambda: la.scene_descriptor | la.seam,
            "seam: expects placements, given descriptor by scene_descriptor",
        ),
        (
            lambda: la.fill_hole | la.scene_descriptor | la.lookup(Thumbnails()) | la.seam,
            "seam: expects placements, given matches by lookup",
        ),
        (
            lambda: la.lookup(Thumbnails()) | (la.seam | la.poisson_blend),
            "seam: expects placements, given matches by lookup",
        ),
        (
            lambda: la.gist | la.lookup(Thumbnails()) | la.context_match,
            r"context_match: expects \(masked image, matches\), given matches by lookup",
        ),
        (
            lambda: la.skip(la.gist) | la.context_match,
            r"context_match: expects \(masked image, matches\), given \(image with 3 channels, descriptor\) by branch",
        ),
        (
            lambda: la.fill_hole | la.gist,
            "gist: expects image with 3 channels, given masked image by fill_hole",
        ),
        (
            lambda: la.branch(la.gist, la.seam),
            "branch: expects stages of one input, given gist of image with 3 channels and seam of placements",
        ),
        (lambda: la.gist | 5, r"\|: expects a stage or a function of one argument, given int"),
        (lambda: np.zeros((4, 4, 3)) | la.gist, "given ndarray; data does not enter"),
        (lambda: la.gist | np.zeros((4, 4, 3)), "given ndarray; data does not enter"),
        (lambda: la.gist | la.Stage, r"expects a stage, given the class Stage; write Stage\(...\)"),
        (lambda: la.skip(3), "given int"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_composed(compose, sentence):
    with pytest.raises(la.CompositionError, match=sentence) as caught:
        compose()
    assert isinstance(caught.value, (la.Error, TypeError))


def test_the_identity_hands_kinds_on():
    assert (la.gist | la.identity).output == la.stage.DESCRIPTOR
    assert (la.identity | la.gist).input == la.stage.IMAGE
    with pytest.raises(la.CompositionError, match="seam: expects placements, given descriptor by identity"):
        la.gist | la.identity | la.seam


def test_of_a_function_nothing_is_known():
    assert (la.gist | double).output is None
    assert la.gist | double | la.seam  # may be right


def test_a_stage_of_ones_own_is_checked():
    class Sharpen(la.Stage):
        name = "sharpen"
        input = output = la.stage.IMAGE

        def run(self, value, progress=None):
            return value

    assert (Sharpen() | la.gist).output == la.stage.DESCRIPTOR
    with pytest.raises(la.CompositionError, match="seam: expects placements, given image .* by sharpen"):
        Sharpen() | la.seam
    with pytest.raises(TypeError, match="sharpen: given the options amount, wanted none"):
        Sharpen()(amount=3)


def test_exceptions_of_a_function_reach_the_caller_unchanged():
    mistake = KeyError("mine")

    def fail(_):
        raise mistake

    with pytest.raises(KeyError) as caught:
        (la.as_stage(double) | fail | double)(1)
    assert caught.value is mistake


def test_progress_reaches_the_functions_that_ask_for_it():
    heard = []

    def count(x, progress):
        progress("count", 1, 1)
        return x

    (la.as_stage(double) | count)(1, progress=lambda *report: heard.append(report))
    assert heard == [("count", 1, 1)]
    with pytest.raises(TypeError, match="progress: given 'yes', wanted True, False or a callable"):
        la.as_stage(double)(1, progress="yes")


def test_options_make_another_stage():
    other = la.context_match(band=40)
    assert other.band == 40
    assert la.context_match.band == 80
    assert other(band=80) == la.context_match
    assert other(longest_side=256) == la.context_match(band=40, longest_side=256)
    with pytest.raises(
        TypeError, match="context_match: given the option 'radius', wanted one of band, scales"
    ):
        la.context_match(radius=40)
    with pytest.raises(
        la.InputError, match="given 'fast', wanted one of 'coarse_to_fine', 'fourier', 'direct'"
    ):
        la.context_match(algorithm="fast")
    with pytest.raises(la.InputError, match="given a scale of -1"):
        la.context_match(scales=[-1])
    with pytest.raises(la.InputError, match="rank: given a count of 0"):
        la.rank(0)
    with pytest.raises(la.InputError, match="given k = 0"):
        la.lookup(Thumbnails(), 0)
    with pytest.raises(la.InputError, match="lookup: expects an index .*, given int"):
        la.lookup(5)


@pytest.mark.parametrize(
    "stage",
    [la.gist, la.color_grid, la.context_match, la.seam, la.poisson_blend, la.rank(3)],
    ids=lambda stage: stage.name,
)
def test_the_defaults_are_those_of_the_library(stage):
    options = {name: getattr(stage, name) for name in type(stage._stage).defaults()}
    assert options == type(stage._stage).defaults()
    names = {field.name for field in dataclasses.fields(stage)} - {"count"}
    assert names == set(options)


def test_stages_are_written_as_they_are_made():
    pipeline = la.skip(la.fill_hole | la.scene_descriptor) | double | la.rank(3, seam=2)
    assert repr(pipeline) == "skip(fill_hole | scene_descriptor) | double | rank(3, seam=2)"
    assert repr(la.gist(side=256)) == "gist(side=256)"


def test_pipelines_pickle():
    pipeline = la.skip(la.fill_hole | la.scene_descriptor(gist=la.gist(side=64))) | double | la.rank(3)
    again = pickle.loads(pickle.dumps(pipeline))
    assert again == pipeline
    assert repr(again) == repr(pipeline)
