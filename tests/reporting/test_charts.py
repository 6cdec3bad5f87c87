"""The specifications of interactive charts."""

import json

import numpy as np

from fal.reporting import charts
from fal.reporting.drawing import strategy_styles
from reporting.synthetic_runs import accuracies


def data_sets(spec):
    """The rows of a specification's data sets: means, and every seed."""
    means, runs = sorted(spec["datasets"].values(), key=lambda rows: "seed" in rows[0])
    return means, runs


def test_a_chart_holds_the_mean_of_every_strategy_and_cycle_and_every_seed():
    table = accuracies(["random", "<b>", "l-entropy"], [1, 2, 3], range(4))
    means, runs = data_sets(charts.learning_curves(table))
    assert len(means) == 3 * 4
    assert len(runs) == len(table)
    for row in means:
        own = table[(table["strategy"] == row["strategy"]) & (table["cycle"] == row["cycle"])]
        assert np.isclose(row["mean"], own["accuracy"].mean())
        assert np.isclose(row["share"], 100 * own["labeled_fraction"].mean())
        assert row["low"] < row["mean"] < row["high"]
        assert row["seeds"] == 3


def test_one_seed_has_no_interval():
    means, _ = data_sets(charts.learning_curves(accuracies(["random"], [1], range(2))))
    assert {row["low"] for row in means} == {None}


def test_strategies_look_as_in_the_other_figures_and_no_two_alike():
    of_the_paper = [
        "random",
        "l-entropy",
        "g-entropy",
        "l-badge",
        "g-badge",
        "kafal",
        "logo",
        "ifal",
    ]
    names = [*of_the_paper, "kl", "prototype", "fairfal", "only-inter"]
    spec = charts.learning_curves(accuracies(names, [1], range(2)))
    scales = {}
    for layer in spec["layer"]:
        for channel in ("color", "shape", "strokeDash"):
            if channel in layer["encoding"]:
                scale = layer["encoding"][channel]["scale"]
                scales[channel] = dict(zip(scale["domain"], scale["range"], strict=True))
    looks = {
        name: (scales["shape"][name], *scales["strokeDash"][name], scales["color"][name])
        for name in names
    }
    assert len(set(looks.values())) == len(names)
    styles = strategy_styles(names)
    assert all(scales["color"][name] == styles[name]["color"] for name in names)
    assert all(
        (scales["strokeDash"][name] == [1, 0]) == (styles[name]["linestyle"] == "-")
        for name in names
    )


def test_the_same_table_gives_the_same_text_without_addresses():
    table = accuracies(["random", "ifal"], [1, 2], range(3))
    first, second = (json.dumps(charts.learning_curves(table)) for _ in range(2))
    assert first == second
    assert "http" not in first
