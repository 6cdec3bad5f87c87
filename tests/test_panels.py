"""Configured figures: their panels, the runs that follow from them, and their mistakes."""

import pytest

from fal import runs
from fal.errors import InputError
from fal.options import parse
from fal.reporting.options import Figure
from fal.resolve import resolve

BASE = {
    "clients": [10, 5],
    "alphas": [0.1, 1],
    "algorithms": ["fedavg", "fedprox"],
    "strategies": ["random", "l-entropy", "ifal", {"few": {"method": "ifal", "k": 0.1}}],
}


def plan(**figures):
    return runs.plan(resolve({**BASE, "figures": figures}))


def mistake(**figure):
    with pytest.raises(InputError) as caught:
        resolve({**BASE, "figures": {"mine": figure}})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def factors(setting):
    return setting["alpha"], setting["clients"], setting["algorithm"]


def test_every_row_stands_with_every_column():
    grid = plan(
        mine={
            "rows": [{"strategies": ["ifal"]}, {"title": "baseline", "strategies": ["random"]}],
            "columns": [{"alpha": 1}, {"title": "N = 20", "clients": 20}],
        }
    ).grids["mine"]
    assert [[panel.title for panel in row] for row in grid.rows] == [
        ["alpha 1", "N = 20"],
        ["alpha 1, baseline", "N = 20, baseline"],
    ]
    assert [[factors(panel.setting) for panel in row] for row in grid.rows] == [
        [("1", 10, "fedavg"), ("0.1", 20, "fedavg")]
    ] * 2
    assert [panel.strategies for panel in grid.panels] == [("ifal",)] * 2 + [("random",)] * 2


def test_without_rows_and_columns_there_is_one_panel_of_all_strategies():
    ((panel,),) = plan(mine={}).grids["mine"].rows
    assert factors(panel.setting) == ("0.1", 10, "fedavg")
    assert panel.strategies == ("random", "l-entropy", "ifal", "few")


def test_what_figures_show_is_run_once_and_nothing_else():
    found = plan(
        first={"columns": [{"alpha": 1}, {"algorithm": "fedprox"}], "strategies": ["ifal"]},
        second={"columns": [{"alpha": 1.0}], "strategies": ["random", "ifal"]},
    )
    assert [(factors(setting), names) for setting, names in found.compared] == [
        (("1", 10, "fedavg"), ("ifal", "random")),
        (("0.1", 10, "fedprox"), ("ifal",)),
    ]
    assert found.partitions == [
        {"dataset": "digits", "alpha": "1", "clients": 10},
        {"dataset": "digits", "alpha": "0.1", "clients": 10},
    ]


def test_without_figures_of_results_every_combination_is_run():
    found = plan(mine={"shows": "partition", "columns": [{"clients": 7}]})
    assert len(found.compared) == 2 * 2 * 2
    assert all(names == tuple(resolve(BASE).strategies) for _, names in found.compared)
    assert {partition["clients"] for partition in found.partitions} == {10, 5, 7}


def test_several_settings_without_a_figure_get_an_overview():
    grid = plan().grids["overview"]
    assert [[factors(panel.setting) for panel in row] for row in grid.rows] == [
        [(alpha, clients, algorithm) for algorithm in ("fedavg", "fedprox")]
        for alpha in ("0.1", "1")
        for clients in (10, 5)
    ]
    assert grid.rows[1][1].title == "alpha 0.1, 5 clients, fedprox"
    assert runs.plan(resolve({})).grids == {}


def test_predictions_take_the_first_strategy_that_has_structures():
    found = plan(mine={"shows": "predictions", "strategies": ["random", "few", "ifal"]})
    assert found.grids["mine"].panels[0].strategies == ("few",)
    assert [names for _, names in found.compared] == [("few",)]


def test_sizes_of_panels_are_checked_too():
    figure = {"columns": [{"clients": 1000}]}
    with pytest.raises(InputError, match=r"labels 1 of the 1 images"):
        resolve({**BASE, "figures": {"mine": figure}})
    figure = {"columns": [{"clients": 5000}]}
    with pytest.raises(InputError, match=r"figures: clients is 5000, but data set 'digits' has"):
        resolve({**BASE, "figures": {"mine": figure}})


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ({"columns": [{"dataset": "digit"}]}, "columns[0].dataset is 'digit'"),
        ({"rows": [{}, {"algorithm": "scaffold"}]}, "rows[1].algorithm is 'scaffold', which algo"),
        ({"rows": [{"alpha": 1}], "columns": [{"alpha": 2}]}, "both name alpha"),
        (
            {"rows": [{"strategies": ["ifal"]}], "columns": [{"strategies": ["ifal"]}]},
            "figures.mine.rows[0] and figures.mine.columns[0] both name strategies",
        ),
        ({"strategies": ["ifl"]}, "figures.mine.strategies has 'ifl'"),
        ({"labels": {"ifl": "ours"}}, "figures.mine.labels has 'ifl'"),
        ({"columns": [{"strategies": ["ifl"]}]}, "did you mean 'ifal'"),
        ({"shows": "predictions", "strategies": ["random"]}, "needs a strategy ifal"),
        ({"shows": "predictions", "client": 10}, "client is 10, but must be below 10"),
        ({"shows": "predictions", "client": -1}, "client is -1"),
        ({"shows": "curves"}, "shows"),
        ({"columns": [{"alpha": 0}]}, "columns[0].alpha is 0, but must be a number above 0"),
        ({"columns": [{"clients": 2.5}]}, "columns[0].clients"),
        ({"columns": [{"alphas": 1}]}, "no option 'alphas'; did you mean 'alpha'"),
        ({"over": "alpha"}, "no option 'over'"),
    ],
)
def test_mistakes_are_one_sentence(figure, words):
    assert words in mistake(**figure)


def test_an_alpha_that_changes_nothing_is_refused():
    for partition in ("iid", "shards"):
        with pytest.raises(InputError, match=rf"alpha is 1, but the partition \({partition}\)"):
            resolve(
                {
                    **BASE,
                    "alphas": [0.1],
                    "partition": partition,
                    "figures": {"mine": {"columns": [{"alpha": 1}]}},
                }
            )


def test_a_figure_may_not_take_the_name_of_another_picture():
    from fal.reporting import catalogue

    setting = "digits_cnn_alpha-0.1_clients-10_fedavg"
    for taken in (f"accuracy_{setting}", "verdicts_critical-difference"):
        with pytest.raises(InputError, match="the name of another picture"):
            catalogue.pictures(plan(**{taken: {}}), [1], dict.fromkeys(["few"], ()), [])


def test_defaults_of_a_figure():
    assert parse(Figure, {}, "figures.x") == Figure()


def test_what_no_figure_shows_is_told():
    shown = {"mine": {"strategies": ["ifal"], "columns": [{"alpha": 1}, {"clients": 20}]}}
    assert [sentence.partition(", which")[0] for sentence in told({**BASE, "figures": shown})] == [
        "algorithms has fedprox",
        "strategies has random, l-entropy, few",
        "clients has 5",
    ]
    assert told(BASE) == []
    partitions = {"who": {"shows": "partition", "columns": [{"alpha": 1}]}}
    assert told({**BASE, "figures": partitions}) == []


def told(given):
    return [sentence for sentence in resolve(given).warnings if "no figure" in sentence]
