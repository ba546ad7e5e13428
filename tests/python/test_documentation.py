"""The documentation that travels with the package."""

from __future__ import annotations

import dataclasses
import doctest
import inspect

import lookalike as la
import pytest
from lookalike import colorization, pictures, stage, threads, values


@pytest.mark.parametrize(
    "module", [la, stage, threads, values, pictures, colorization], ids=lambda module: module.__name__
)
def test_examples_in_the_documentation_work(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", la.__all__)
def test_everything_public_is_documented(name):
    value = getattr(la, name)
    assert inspect.getdoc(value)
    if inspect.isfunction(value):
        for parameter in inspect.signature(value).parameters.values():
            assert parameter.annotation is not parameter.empty, parameter.name


@pytest.mark.parametrize(
    "kind",
    [
        *(
            la.gist,
            la.color_grid,
            la.scene_descriptor,
            la.context_match,
            la.seam,
            la.poisson_blend,
            la.rank(1),
        ),
        *(la.average_color, la.vote_color, la.welsh),
    ],
)
def test_every_option_of_a_stage_is_documented(kind):
    for option in dataclasses.fields(kind):
        assert option.name in inspect.getdoc(type(kind))
