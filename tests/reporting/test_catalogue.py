import subprocess
import sys

import pytest

from fal.errors import InputError
from fal.reporting import catalogue
from fal.resolve import resolve
from fal.runs import plan

KINDS = {"random": (), "ifal": ("inconsistency",)}


def pictures(queried=("digits",), seeds=(1, 2), own_kinds=KINDS, **config):
    runs = plan(resolve({"strategies": ["random", "ifal"], **config}))
    return catalogue.pictures(runs, seeds, own_kinds, queried)


def test_the_demo_has_the_pictures_that_are_known():
    assert [picture.stem for picture in pictures()] == [
        "accuracy_digits_cnn_alpha-0.1_clients-10_fedavg",
        "differences_digits_cnn_alpha-0.1_clients-10_fedavg",
        "partition_digits_alpha-0.1_clients-10_seed-1",
        "partition_digits_alpha-0.1_clients-10_seed-2",
        "queries_digits_cnn_alpha-0.1_clients-10_fedavg_random",
        "queries_digits_cnn_alpha-0.1_clients-10_fedavg_ifal",
        "inconsistency_digits_cnn_alpha-0.1_clients-10_fedavg_ifal",
    ]


def test_pictures_are_as_many_as_the_factors_make():
    found = pictures(
        seeds=[1, 2, 3],
        alphas=[0.1, 1],
        models=["cnn", {"group": {"method": "cnn", "norm": "group"}}],
        algorithms=["fedavg", "scaffold"],
        figures={"clients": {"shows": "partition", "columns": [{"clients": 5}]}},
    )
    counts = {
        kind: sum(p.kind == kind for p in found) for kind in dict.fromkeys(p.kind for p in found)
    }
    assert counts == {
        "figure": 2,
        "accuracy": 8,
        "differences": 8,
        "verdicts": 1,
        "partition": 3 * 3,
        "queries": 8 * 2,
        "inconsistency": 8,
    }
    assert len({picture.stem for picture in found}) == len(found)
    assert [picture.stem for picture in found[:2]] == ["overview", "clients"]


def test_strategies_have_pictures_in_their_settings_alone():
    figure = {"columns": [{"alpha": 1, "strategies": ["random"]}, {"strategies": ["ifal"]}]}
    stems = [p.stem for p in pictures(figures={"mine": figure}) if "strategy" in p.of]
    assert stems == [
        "queries_digits_cnn_alpha-1_clients-10_fedavg_random",
        "queries_digits_cnn_alpha-0.1_clients-10_fedavg_ifal",
        "inconsistency_digits_cnn_alpha-0.1_clients-10_fedavg_ifal",
    ]


def test_without_queries_there_are_no_pictures_of_them():
    assert {picture.kind for picture in pictures(queried=())} == {
        "accuracy",
        "differences",
        "partition",
    }


def test_an_unknown_figure_of_a_strategy_is_named():
    with pytest.raises(InputError, match=r"'ifal' names the figure 'inconsistence'.*did you mean"):
        pictures(own_kinds={"random": (), "ifal": ("inconsistence",)})


def test_what_the_rules_import_is_light():
    code = "import fal.reporting.catalogue, fal.reporting.grids, sys"
    heavy = "sys.exit(bool({'torch', 'pandas', 'pydantic', 'matplotlib'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", f"{code}; {heavy}"], check=True)
