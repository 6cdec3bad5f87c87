"""How far strategies are from a reference, by what the figure is made of."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from fal.reporting import difference_figures, drawing, statistics
from reporting.synthetic_runs import flat, run, table_of

NAMES = ["random", "ifal", "l-entropy", "$a$"]
LEVELS = {
    "random": [50, 60, 70],
    "ifal": [52, 61, 75],
    "l-entropy": [49, 61, 67],
    "$a$": [None, 69, 80],
}
DIFFERENCES = {"$a$": [9, 10], "ifal": [2, 1, 5], "l-entropy": [-1, 1, -3]}


@pytest.fixture(scope="module")
def numbers():
    return difference_figures.difference_numbers(flat(LEVELS), "random")


@pytest.fixture(scope="module")
def figure(numbers):
    drawn = difference_figures.difference_figure({"digits": numbers}, NAMES, 7.2, "made smaller")
    drawn.draw_without_rendering()
    return drawn


def markers(axes, marker):
    """The positions of the markers of a kind: [strategies][points]."""
    return [list(line.get_xdata()) for line in axes.lines if line.get_marker() == marker]


def test_numbers_are_those_of_the_seeds_and_their_mean_best_first(numbers):
    for _, own in numbers.groupby("measure"):
        means = own[own["seed"].isna()]
        assert list(means["strategy"]) == list(DIFFERENCES)
        assert list(means["seeds"]) == [2, 3, 3]
        for row in means.itertuples():
            expected = DIFFERENCES[row.strategy]
            assert row.difference == pytest.approx(np.mean(expected))
            interval = statistics.mean_interval(np.array(expected, float))
            assert (row.low, row.high) == pytest.approx((interval.low, interval.high))
            of_seeds = own[(own["strategy"] == row.strategy) & own["seed"].notna()]
            assert list(of_seeds["difference"]) == expected
            assert list(of_seeds["seed"]) == [1, 2, 3][-len(expected) :]


def test_area_and_end_are_told_apart():
    table = table_of(run("random", 1, [50, 60, 70]), run("ifal", 1, [50, 64, 70]))
    found = difference_figures.difference_numbers(table, "random")
    by_measure = found[found["seed"].isna()].set_index("measure")["difference"]
    assert by_measure.to_dict() == {"area": 2, "final": 0}


def test_marks_are_the_numbers(figure):
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [r"\$a\$", "ifal", "l-entropy"]
    for axes in figure.axes:
        assert markers(axes, "|") == list(DIFFERENCES.values())
        (own,) = markers(axes, "o")
        assert own == pytest.approx([np.mean(DIFFERENCES["ifal"])])
        zero, *intervals = [line for line in axes.lines if line.get_linestyle() == "-"]
        assert list(zero.get_xdata()) == [0, 0] and len(intervals) == 3
    assert figure.axes[0].get_title(loc="left") == "digits"
    told = figure.get_suptitle().replace("\n", " ")
    assert (
        "from random, paired by seed: mean of 2 to 3 seeds, its interval of 95%, and each" in told
    )
    assert told.endswith("; made smaller")


def test_strategies_look_as_in_the_curves(figure):
    style = drawing.strategy_styles(NAMES)["l-entropy"]
    (line,) = [
        line
        for line in figure.axes[0].lines
        if line.get_marker() == style["marker"] and list(line.get_ydata()) == [2]
    ]
    assert to_hex(line.get_color()) == style["color"]
    assert line.get_markerfacecolor() == style["markerfacecolor"]


def test_settings_stand_below_one_another_in_the_same_scale(numbers):
    fewer = difference_figures.difference_numbers(
        flat({name: LEVELS[name] for name in ("random", "ifal")}), "random"
    )
    figure = difference_figures.difference_figure({"a": numbers, "b": fewer}, NAMES, 7.2)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["a", "", "b", ""]
    assert figure.axes[0].get_xlim() == figure.axes[2].get_xlim()
    assert markers(figure.axes[3], "|") == [DIFFERENCES["ifal"]]


def test_one_seed_has_no_interval():
    numbers = difference_figures.difference_numbers(flat({"random": [50], "ifal": [52]}), "random")
    figure = difference_figures.difference_figure({"digits": numbers}, NAMES, 7.2)
    assert "one seed" in figure.get_suptitle() and "interval" not in figure.get_suptitle()
    assert sum(line.get_linestyle() == "-" for line in figure.axes[0].lines) == 1


def test_where_nothing_can_be_compared_it_says_so():
    apart = flat({"random": [50, None], "ifal": [None, 60]})
    for table, reference in ((flat(LEVELS), "logo"), (apart, "random"), (apart[:0], "random")):
        numbers = difference_figures.difference_numbers(table, reference)
        assert numbers.empty
        figure = difference_figures.difference_figure({"digits": numbers}, NAMES, 7.2)
        assert "nothing to compare" in figure.texts[0].get_text()


def test_the_saved_numbers_can_be_read(numbers, figure, tmp_path):
    drawing.save(figure, tmp_path / "differences", numbers)
    read = pd.read_csv(tmp_path / "differences.csv")
    assert len(read) == 2 * (3 + 8) and read["low"].notna().sum() == 2 * 3
