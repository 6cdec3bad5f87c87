import itertools
import subprocess
import sys

import pytest

from fal.errors import InputError
from fal.options import parse
from fal.reporting import catalogue
from fal.reporting.options import SideBySide

STRATEGIES = {"random": (), "ifal": ("inconsistency",)}


def settings(**levels):
    """All settings with these levels of some factors and one level of the others."""
    factors = {
        "dataset": ["digits"],
        "model": ["cnn"],
        "alpha": ["0.1"],
        "clients": [10],
        "algorithm": ["fedavg"],
        **levels,
    }
    return [dict(zip(factors, v, strict=True)) for v in itertools.product(*factors.values())]


def test_the_demo_has_the_pictures_that_are_known():
    pictures = catalogue.pictures(settings(), [1, 2], STRATEGIES, [], queried=True)
    assert [picture.stem for picture in pictures] == [
        "accuracy_digits_cnn_alpha-0.1_clients-10_fedavg",
        "partition_digits_alpha-0.1_clients-10_seed-1",
        "partition_digits_alpha-0.1_clients-10_seed-2",
        "queries_digits_cnn_alpha-0.1_clients-10_fedavg_random",
        "queries_digits_cnn_alpha-0.1_clients-10_fedavg_ifal",
        "inconsistency_digits_cnn_alpha-0.1_clients-10_fedavg_ifal",
    ]


def test_pictures_are_as_many_as_the_factors_make():
    several = settings(alpha=["0.1", "1"], model=["cnn", "cnn4"], algorithm=["fedavg", "scaffold"])
    pictures = catalogue.pictures(several, [1, 2, 3], STRATEGIES, ["a", "b"], queried=True)
    counts = dict.fromkeys(("side_by_side", "accuracy", "partition", "queries"), 0)
    for picture in pictures:
        counts[picture.kind] = counts.get(picture.kind, 0) + 1
    assert counts == {
        "side_by_side": 2,
        "accuracy": 8,
        "partition": 2 * 3,
        "queries": 8 * 2,
        "inconsistency": 8,
    }
    assert len({picture.stem for picture in pictures}) == len(pictures)


def test_without_queries_there_are_no_pictures_of_them():
    pictures = catalogue.pictures(settings(), [1], STRATEGIES, [], queried=False)
    assert {picture.kind for picture in pictures} == {"accuracy", "partition"}


def test_an_unknown_figure_of_a_strategy_is_named():
    with pytest.raises(InputError, match=r"'mine' names the figure 'inconsistence'.*did you mean"):
        catalogue.pictures(settings(), [1], {"mine": ("inconsistence",)}, [], queried=True)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ({}, {}),
        ({"alpha": ["0.1", "1"]}, {"alpha": SideBySide(over="alpha")}),
        ({"clients": [5, 10, 20]}, {"clients": SideBySide(over="clients")}),
        ({"alpha": ["0.1", "1"], "clients": [5, 10]}, {}),
    ],
)
def test_one_differing_factor_makes_a_figure_by_itself(levels, expected):
    assert catalogue.figures_or_default({}, settings(**levels)) == expected
    wanted = {"mine": SideBySide(over="model")}
    assert catalogue.figures_or_default(wanted, settings(**levels)) == wanted


def test_panels_have_every_setting_once_and_differ_in_one_factor_within_a_row():
    several = settings(alpha=["0.1", "0.5", "1"], clients=[5, 10], algorithm=["fedavg", "scaffold"])
    rows = catalogue.panels(several, "alpha")
    assert [len(row) for row in rows] == [3] * 4
    assert sorted(map(repr, itertools.chain(*rows))) == sorted(map(repr, several))
    for row in rows:
        assert [setting["alpha"] for setting in row] == ["0.1", "0.5", "1"]
        assert len({(setting["clients"], setting["algorithm"]) for setting in row}) == 1


def test_options_of_a_figure():
    figure = parse(SideBySide, {"over": "clients", "strategies": ["ifal", "random"]}, "figures.x")
    assert figure == SideBySide(over="clients", strategies=("ifal", "random"))
    figure.check("x", ["ifal", "random"])
    with pytest.raises(InputError, match=r"figures\.x\.strategies has 'random', .*known are ifal"):
        figure.check("x", ["ifal"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "figures.x needs the option 'over'"),
        ({"over": "alphas"}, "alphas.*did you mean 'alpha'"),
        ({"over": "alpha", "strategies": []}, "strategies"),
        ({"over": "alpha", "strategy": "ifal"}, "no option 'strategy'.*did you mean 'strategies'"),
    ],
)
def test_unusable_options_of_a_figure_are_told(options, sentence):
    with pytest.raises(InputError, match=sentence):
        parse(SideBySide, options, "figures.x")


def test_what_the_rules_import_is_light():
    code = "import fal.reporting.catalogue, sys"
    heavy = "sys.exit(bool({'torch', 'pandas', 'pydantic', 'matplotlib'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", f"{code}; {heavy}"], check=True)
