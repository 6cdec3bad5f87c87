import statistics

import pytest

from fal.reporting import ranking
from reporting.synthetic_runs import accuracies


def area(table, strategy, seed):
    """The area under one run's curve, by hand."""
    return statistics.mean(
        row.accuracy
        for row in table.itertuples()
        if (row.strategy, row.seed) == (strategy, seed) and row.cycle >= 1
    )


def test_ranking_is_by_the_mean_over_queried_cycles():
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


def test_equal_strategies_share_a_rank():
    table = accuracies(["random", "ifal", "kafal"], [1], [1])
    table["accuracy"] = table["strategy"].map({"random": 50.0, "ifal": 50.0, "kafal": 40.0})
    ranks = ranking.ranking(table).set_index("strategy")["rank"]
    assert ranks.to_dict() == {"ifal": 1, "random": 1, "kafal": 3}


def test_each_setting_has_a_ranking_of_its_own():
    table = accuracies(["random", "ifal"], [1, 2], range(3), clients=[5, 10])
    ranks = ranking.ranking(table)
    for clients, rows in table.groupby("clients"):
        alone = ranking.ranking(rows)
        among = ranks[ranks["clients"] == clients].reset_index(drop=True)
        assert among.equals(alone)


def test_the_lead_is_over_the_seeds_that_both_have():
    table = accuracies(["random", "ifal"], [1, 2, 3, 4], range(3))
    table.loc[table["strategy"] == "ifal", "accuracy"] += 5
    table = table[(table["strategy"] == "ifal") | (table["seed"] != 4)]
    differences = [area(table, "ifal", seed) - area(table, "random", seed) for seed in (1, 2, 3)]
    found = ranking.lead(table)
    assert (found.leader, found.other, found.seeds) == ("ifal", "random", 3)
    assert found.difference == pytest.approx(statistics.mean(differences))
    assert found.ahead == sum(difference > 0 for difference in differences)


def test_one_strategy_leads_nobody():
    table = accuracies(["ifal"], [1], range(3))
    assert ranking.lead(table) is None
    assert ranking.lead(table, "ifal") is None


def test_without_a_common_seed_there_is_no_lead():
    table = accuracies(["random", "ifal"], [1, 2], range(3))
    apart = table[(table["strategy"] == "ifal") == (table["seed"] == 1)]
    assert ranking.lead(apart) is None
