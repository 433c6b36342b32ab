"""Settings: ranges are checked as an object is made, types as a file is read."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from music.errors import InputError
from music.settings import Seed, Settings, at_least, between, build, from_to, more_than


@dataclass(frozen=True)
class Inner(Settings):
    share: Annotated[float, between(0, 1)]


@dataclass(frozen=True)
class Outer(Settings):
    size: Annotated[int, at_least(1)]
    rate: Annotated[float, more_than(0)]
    shards: Annotated[int, from_to(1, 10)]
    mode: Literal["slow", "fast"]
    limit: Annotated[float, more_than(0)] | None
    inner: Inner
    span: tuple[int, int]
    names: list[str]
    seed: Seed = 7


VALUES = {
    "size": 1,
    "rate": 0.5,
    "shards": 10,
    "mode": "fast",
    "limit": None,
    "inner": {"share": 0.25},
    "span": [-5, 6],
    "names": ["a", "b"],
}


def test_values_of_a_file_become_the_dataclass():
    made = build(Outer, "file: part", VALUES)
    assert made == Outer(1, 0.5, 10, "fast", None, Inner(0.25), (-5, 6), ["a", "b"], seed=7)
    assert build(Outer, "file: part", VALUES | {"limit": 2}, seed=3).seed == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "file: part: size must be at least 1, not 0"),
        ({"size": 1.0}, "file: part.size must be a whole number, not 1.0"),
        ({"size": True}, "file: part.size must be a whole number, not True"),
        ({"rate": 0}, "file: part: rate must be more than 0, not 0"),
        ({"rate": "quick"}, "file: part.rate must be a number, not 'quick'"),
        ({"rate": float("nan")}, "file: part: rate must be more than 0, not nan"),
        ({"shards": 11}, "file: part: shards must be from 1 to 10, not 11"),
        ({"mode": "warp"}, "file: part: mode must be one of slow, fast, not warp"),
        ({"limit": -1}, "file: part: limit must be more than 0, not -1"),
        ({"inner": {"share": 1}}, "file: part.inner: share must be between 0 and 1, not 1"),
        ({"inner": {"shore": 0.5}}, "file: part.inner.shore: no such parameter; did you mean share?"),
        ({"inner": 3}, "file: part.inner must be a section, not 3"),
        ({"span": [1, 2, 3]}, "file: part.span must be a list of 2, not [1, 2, 3]"),
        ({"span": [1, "2"]}, "file: part.span.1 must be a whole number, not '2'"),
        ({"names": "ab"}, "file: part.names must be a list, not 'ab'"),
        ({"names": ["a", 1]}, "file: part.names.1 must be a text, not 1"),
        ({"seed": -1}, "file: part: seed must be from 0 to 4294967295, not -1"),
        ({"seed": 4294967296}, "file: part: seed must be from 0 to 4294967295, not 4294967296"),
        ({"seed": 10**23}, "file: part: seed must be from 0 to 4294967295, not 100000000000000000000000"),
        ({"sized": 1}, "file: part.sized: no such parameter; did you mean size?"),
    ],
)
def test_what_does_not_fit_is_named_in_a_line(change, message):
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        build(Outer, "file: part", VALUES | change)


def test_a_missing_value_is_named():
    without = {name: value for name, value in VALUES.items() if name != "rate"}
    with pytest.raises(InputError, match=r"^file: part\.rate: missing$"):
        build(Outer, "file: part", without)


def test_objects_made_in_code_are_checked_too():
    with pytest.raises(ValueError, match="share must be between 0 and 1"):
        Inner(0.0)
