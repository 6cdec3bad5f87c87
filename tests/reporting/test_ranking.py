"""What runs are judged by, and how strategies rank by it."""

import itertools
import math
import statistics

import pandas as pd
import pytest

from fal.layout import SETTING
from fal.reporting import ranking
from reporting.synthetic_runs import SETTING as DIGITS
from reporting.synthetic_runs import accuracies, run, table_of


def area(table, strategy, seed):
    """The area under one run's curve, trapezoid by trapezoid."""
    rows = table[(table["strategy"] == strategy) & (table["seed"] == seed)].sort_values("cycle")
    points = list(zip(rows["labeled"], rows["accuracy"], strict=True))
    parts = [(x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in itertools.pairwise(points)]
    return sum(parts) / (points[-1][0] - points[0][0])


class TestRunMeasures:
    def test_known(self):
        table = table_of(run("ifal", 1, [50, 70, 80], last5=79.5))
        found = ranking.run_measures(table.sample(frac=1, random_state=0)).iloc[0]
        assert found[["area", "final", "last5"]].to_list() == [67.5, 80, 79.5]
        assert found[list(ranking.METRICS)].isna().all()
        judged = ranking.run_measures(table.assign(macro_f1=[1.0, 2.0, 3.0])).iloc[0]
        assert judged["macro_f1"] == 3
        assert found[list(SETTING)].to_dict() == DIGITS

    def test_runs_without_all_cycles_do_not_count(self):
        table = table_of(run("ifal", 1, [50, 70, 80]), run("ifal", 2, [50, 70]))
        other = table_of(run("ifal", 2, [50, 70], {**DIGITS, "clients": 5}))
        found = ranking.run_measures(pd.concat([table, other]))
        assert found[["clients", "seed"]].to_numpy().tolist() == [[5, 2], [10, 1]]
        assert found["last5"].isna().all()


class TestRanking:
    def test_is_by_the_area(self):
        strategies = ["random", "ifal", "kafal"]
        table = accuracies(strategies, [1, 2, 3], range(4))
        areas = {name: [area(table, name, seed) for seed in (1, 2, 3)] for name in strategies}
        ranks = ranking.ranking(table)
        best_first = sorted(strategies, key=lambda name: -statistics.mean(areas[name]))
        assert list(ranks["strategy"]) == best_first
        assert list(ranks["rank"]) == [1, 2, 3]
        for row in ranks.itertuples():
            assert row.area_mean == pytest.approx(statistics.mean(areas[row.strategy]))
            assert row.area_std == pytest.approx(statistics.stdev(areas[row.strategy]))

    def test_equals_share_a_rank(self):
        levels = {"random": [50, 50], "ifal": [50, 50], "kafal": [40, 40]}
        table = table_of(*(run(name, 1, level) for name, level in levels.items()))
        ranks = ranking.ranking(table).set_index("strategy")["rank"]
        assert ranks.to_dict() == {"ifal": 1, "random": 1, "kafal": 3}

    def test_strategies_are_compared_in_the_seeds_that_all_have(self):
        levels = {"random": [50, 60, 90], "ifal": [51, 62, 80], "kafal": [52, 61]}
        runs = [run(n, s, [a, a]) for n, own in levels.items() for s, a in enumerate(own)]
        ranks = ranking.ranking(table_of(*runs, run("late", 0, [99])))
        assert list(ranks["strategy"]) == ["ifal", "kafal", "random", "late"]
        assert list(ranks["rank"]) == [1, 1, 3, 4]
        assert list(ranks["area_mean"][:3]) == pytest.approx([113 / 2, 113 / 2, 110 / 2])
        assert list(ranks["area_std"][:2]) == pytest.approx([11 / 2**0.5, 9 / 2**0.5])

    def test_each_setting_has_one_of_its_own(self):
        table = accuracies(["random", "ifal"], [1, 2], range(3), clients=[5, 10])
        ranks = ranking.ranking(table)
        for clients, rows in table.groupby("clients"):
            among = ranks[ranks["clients"] == clients].reset_index(drop=True)
            assert among.equals(ranking.ranking(rows))

    def test_strategies_without_a_complete_run_come_last(self):
        table = table_of(run("ifal", 1, [90]), run("random", 1, [50, 60]))
        ranks = ranking.ranking(table)
        assert list(ranks["strategy"]) == ["random", "ifal"]
        assert math.isnan(ranks["area_mean"].iloc[1])

    def test_no_run_is_complete(self):
        table = table_of(run("ifal", 1, [50, 70]), run("random", 2, [50, 70])).drop(index=[0, 3])
        assert list(ranking.ranking(table)["rank"]) == [1, 1]


class TestComparableRows:
    def test_are_those_of_the_seeds_that_all_strategies_have(self):
        runs = [
            run(n, s, [50, 60]) for n, seeds in [("a", [1, 2, 3]), ("b", [2, 3])] for s in seeds
        ]
        begun = run("begun", 1, [40])
        table = table_of(*runs, begun).sample(frac=1, random_state=0)
        found = ranking.comparable_rows(table)
        expected = table[(table["strategy"] == "begun") | table["seed"].isin([2, 3])]
        assert found.equals(expected)

    def test_each_setting_has_seeds_of_its_own(self):
        table = accuracies(["random", "ifal"], [1, 2], range(3), clients=[5, 10])
        lost = (table["clients"] == 5) & (table["strategy"] == "ifal") & (table["seed"] == 2)
        found = ranking.comparable_rows(table[~lost])
        assert found.groupby("clients")["seed"].unique().map(list).to_dict() == {5: [1], 10: [1, 2]}

    def test_nothing_is_left_out_where_no_run_counts(self):
        table = table_of(run("ifal", 1, [50, 70]), run("random", 2, [50, 70])).drop(index=[0, 3])
        assert ranking.comparable_rows(table).equals(table)
        assert ranking.comparable_rows(table[:0]).empty
