"""Strategies compared over several settings."""

import pytest
from scipy import stats

from fal.reporting import statistics, verdicts_across
from reporting.synthetic_runs import flat, in_settings, run, table_of


class TestCriticalDifference:
    def test_known(self):
        table = in_settings(
            {"random": [50, 52], "ifal": [60, 62], "kafal": [55, 57], "extra": [1]},
            {"random": [50], "ifal": [60], "kafal": [55]},
            {"random": [30], "ifal": [20], "kafal": [10]},
        )
        found = verdicts_across.critical_difference(table)
        assert found.ranks.to_dict() == {"ifal": 4 / 3, "random": 7 / 3, "kafal": 7 / 3}
        assert next(iter(found.ranks.index)) == "ifal"
        assert (found.settings, found.left_out) == (3, ("extra",))
        assert found.difference == statistics.critical_difference(3, 3)
        assert set(found.groups[0]) == {"ifal", "random", "kafal"}
        expected = stats.friedmanchisquare([51, 50, 30], [61, 60, 20], [56, 55, 10])
        assert (found.statistic, found.p) == pytest.approx(tuple(expected))

    def test_strategies_are_compared_in_the_seeds_that_all_have(self):
        level = {"random": [50, 60, 90], "ifal": [51, 62, 80], "kafal": [52, 61], "extra": [1]}
        other = {"random": [30], "ifal": [32], "kafal": [31]}
        found = verdicts_across.critical_difference(in_settings(level, other))
        assert found.ranks.to_dict() == {"ifal": 1.25, "kafal": 1.75, "random": 3}
        assert found.left_out == ("extra",)

    def test_many_settings_tell_apart(self):
        table = in_settings(*[{"random": [50], "ifal": [60], "kafal": [70]}] * 20)
        found = verdicts_across.critical_difference(table)
        assert list(found.ranks.index) == ["kafal", "ifal", "random"]
        assert found.groups == ()

    def test_needs_two_settings_and_strategies(self):
        assert verdicts_across.critical_difference(flat({"random": [50], "ifal": [60]})) is None
        apart = in_settings({"random": [50], "ifal": [60]}, {"random": [50], "kafal": [60]})
        assert verdicts_across.critical_difference(apart) is None


class TestPenaltyTable:
    def test_known(self):
        table = table_of(
            run("random", 1, [50, 60, 70]),
            run("random", 2, [52, 61, 71]),
            run("random", 3, [54, 62, 72]),
            run("ifal", 1, [90, 70, 70]),
            run("ifal", 2, [92, 71, 71]),
            run("ifal", 3, [94, 72, 72]),
            run("kafal", 1, [50, 60]),
        )
        found = verdicts_across.penalty_table(table.sample(frac=1, random_state=0))
        assert list(found) == list(found.index) == ["ifal", "kafal", "random"]
        # Of two counts after a query it is better at one; kafal has one seed, and decides nothing.
        assert found.loc["ifal", "random"] == 0.5
        assert found.to_numpy().sum() == 0.5

    def test_settings_add_up(self):
        levels = {"random": [50, 51, 52], "ifal": [60, 61, 62]}
        found = verdicts_across.penalty_table(
            in_settings(levels, levels, {"ifal": [3], "kafal": [4]})
        )
        assert found.loc["ifal"].to_list() == [0, 0, 2]

    def test_before_any_query(self):
        table = flat({"random": [50, 51], "ifal": [60, 61]}).query("cycle == 0")
        assert not verdicts_across.penalty_table(table).to_numpy().any()


class TestAggregateTable:
    def test_known(self):
        table = in_settings(
            {"random": [50, 60, 70], "ifal": [51, 62, 73], "kafal": [50, None, None]},
            {"random": [10], "ifal": [110]},
        )
        found = verdicts_across.aggregate_table(table, ["random"]).set_index("strategy")
        # Differences 1, 2, 3 and 100, without a quarter at either end.
        assert found.loc["ifal", ["iqm", "settings", "pairs"]].to_list() == [2.5, 2, 4]
        interval = statistics.interquartile_mean_interval([[1, 2, 3], [100]])
        assert tuple(found.loc["ifal", ["low", "high"]]) == pytest.approx(interval)
        assert found.loc["kafal", ["iqm", "settings", "pairs"]].to_list() == [0, 1, 1]
        assert found.loc["kafal", ["low", "high"]].isna().all()

    def test_each_reference_that_is_there(self):
        table = flat({"random": [50, 52], "ifal": [51, 54], "kafal": [53, 50]})
        found = verdicts_across.aggregate_table(table)
        assert list(zip(found["reference"], found["strategy"], found["iqm"], strict=True)) == [
            ("random", "ifal", 1.5),
            ("random", "kafal", 0.5),
            ("ifal", "kafal", -1.0),
            ("ifal", "random", -1.5),
        ]
        assert verdicts_across.aggregate_table(table, ["logo"]).empty
