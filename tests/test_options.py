"""Classes of options: what is accepted, and the one sentence for what is not."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import pytest
from annotated_types import Ge, Gt, Le, Lt, MinLen
from jsonschema import Draft202012Validator

from fal.errors import InputError
from fal.options import Options, Words, given_options, parse, schema


@dataclass(frozen=True, kw_only=True)
class Inner(Options):
    """Inner options."""

    depth: Annotated[int, Ge(1)] = 1
    """How deep."""


@dataclass(frozen=True, kw_only=True)
class Example(Options):
    """Options of every sort."""

    rate: Annotated[float, Gt(0), Lt(1)] = 0.1
    """A rate."""
    count: Annotated[int, Ge(2), Le(9)] | None = None
    """A count."""
    color: Literal["red", "green"] = "red"
    """A color."""
    flag: bool = True
    """A flag."""
    amount: Annotated[float, Words("a fraction or a whole number")] = 1
    """An amount."""
    numbers: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (1,)
    """Numbers."""
    inner: Inner = field(default_factory=Inner)
    """Options inside."""

    def __post_init__(self) -> None:
        if self.amount == 13:
            raise InputError("amount is 13, which brings bad luck; take another")


@dataclass(frozen=True, kw_only=True)
class Derived(Example):
    """An example with one option more, which has no default."""

    extra: str
    """Something more."""


def mistake(kind=Example, prefix=None, **given):
    with pytest.raises(InputError) as caught:
        parse(kind, given, "example 'x'", prefix)
    sentence = str(caught.value)
    assert sentence and "\n" not in sentence
    return sentence


def test_what_is_given_replaces_defaults():
    assert parse(Example, {}, "x") == Example()
    made = parse(Example, {"rate": 0.5, "count": 3, "numbers": [4, 5], "inner": {"depth": 2}}, "x")
    assert made == Example(rate=0.5, count=3, numbers=(4, 5), inner=Inner(depth=2))
    assert given_options(made)["numbers"] == (4, 5)


def test_numbers_of_numpy_are_numbers():
    assert parse(Example, {"count": np.int64(3), "rate": np.float64(0.25)}, "x").count == 3


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"rate": 0}, "example 'x': rate is 0, but must be a number above 0 and below 1"),
        ({"rate": "0,5"}, "a number above 0 and below 1; write 0.5, without quotes and with a"),
        ({"rate": "1e-2"}, "; write 1.0e-2, without quotes and with a point"),
        ({"count": "1E2"}, "; write 100, without quotes and with a point"),
        ({"rate": True}, "rate is true, but must be a number"),
        ({"rate": float("nan")}, "rate is NaN, but must be a number"),
        (
            {"count": 1},
            "count is 1, but must be a whole number of at least 2 and at most 9, or nul",
        ),
        ({"count": 2.5}, "count is 2.5, but must be a whole number"),
        ({"color": "gren"}, "color is \"gren\", which is unknown; did you mean 'green'?"),
        ({"color": 3}, "color is 3, but must be one of red, green"),
        ({"flag": "no"}, 'flag is "no", but must be true or false'),
        ({"flag": 1}, "flag is 1, but must be true or false"),
        ({"amount": "größe"}, 'amount is "größe", but must be a fraction or a whole number'),
        ({"amount": 13}, "example 'x': amount is 13, which brings bad luck; take another"),
        (
            {"numbers": []},
            "numbers is [], but must be a list, not empty, each a whole number of at least 0",
        ),
        ({"numbers": 3}, "numbers is 3, but must be a list"),
        ({"numbers": [1, -2]}, "numbers[1] is -2, but must be a whole number of at least 0"),
        ({"inner": {"depth": 0}}, "inner.depth is 0, but must be a whole number of at least 1"),
        ({"inner": {"deep": 1}}, "example 'x': inner has no option 'deep'; did you mean 'depth'?"),
        ({"inner": 3}, "inner is 3, but must be a mapping of options"),
        ({"colour": "red"}, "example 'x' has no option 'colour'; did you mean 'color'?"),
        ({"rate": 0, "colour": "red"}, "has no option 'colour'"),
    ],
)
def test_mistakes(given, sentence):
    assert sentence in mistake(**given)


def test_an_option_without_default_is_asked_for():
    assert mistake(Derived) == "example 'x' needs the option 'extra'"
    assert parse(Derived, {"extra": "a"}, "x").rate == 0.1


def test_the_prefix_stands_before_the_key():
    assert mistake(prefix="part.", rate=2).startswith("part.rate is 2,")
    assert mistake(prefix="part.", inner={"depth": 0}).startswith("part.inner.depth is 0,")


def test_the_schema_is_valid_and_tells_what_fields_say():
    for kind in (Example, Derived):
        Draft202012Validator.check_schema(schema(kind))
        parts = schema(kind)["properties"]
        assert parts["rate"]["description"] == "A rate."
        assert parts["rate"]["default"] == 0.1
    assert "extra" in schema(Derived)["required"]
