"""What goes with the gain in accuracy, against scipy on the same numbers."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fal.reporting import drivers
from reporting.synthetic_runs import accuracies

STRATEGIES = ("random", "a", "b", "c", "d", "e")


@pytest.fixture
def tables():
    accuracy = accuracies(STRATEGIES, (1, 2, 3), (0, 1, 2))
    accuracy.loc[accuracy["cycle"] == 0, "accuracy"] = 20.0
    random = np.random.default_rng(0)
    queries = accuracy[accuracy["cycle"] < 2].drop(columns=["accuracy"])
    for name in drivers.PROPERTIES:
        queries[name] = random.integers(0, 5, len(queries)).astype(float)
    return queries, accuracy


def test_correlations_agree_with_scipy(tables):
    queries, accuracy = tables
    ((_, found),) = drivers.drivers(queries, accuracy).items()
    shown = found.cells.set_index("property")["rank correlation with the gain"]
    keyed = accuracy.set_index(["seed", "cycle", "strategy"])["accuracy"]
    for name, words in drivers.PROPERTIES.items():
        seeds = []
        for seed in (1, 2, 3):
            cycles = []
            for cycle in (0, 1):
                own = queries[(queries["seed"] == seed) & (queries["cycle"] == cycle)]
                gain = [keyed[seed, cycle + 1, s] - keyed[seed, cycle, s] for s in own["strategy"]]
                cycles.append(stats.spearmanr(own[name], gain)[0])
            seeds.append(np.mean(cycles))
        assert float(shown[words]) == pytest.approx(np.mean(seeds), abs=0.0051)


def test_a_strategy_that_starts_from_another_model_does_not_count(tables):
    queries, accuracy = tables
    before = drivers.drivers(queries[queries["strategy"] != "e"], accuracy)
    other = accuracy["strategy"] == "e"
    accuracy.loc[other, "accuracy"] = accuracy.loc[other, "accuracy"] - 7
    ((_, found),) = drivers.drivers(queries, accuracy).items()
    ((_, expected),) = before.items()
    pd.testing.assert_frame_equal(found.cells, expected.cells)
    assert (found.cells["strategies"] == 5).all()


def test_what_is_not_known_has_no_row(tables):
    queries, accuracy = tables
    queries["imbalance"] = np.nan
    ((_, found),) = drivers.drivers(queries, accuracy).items()
    assert drivers.PROPERTIES["imbalance"] not in set(found.cells["property"])
    assert drivers.drivers(queries, accuracy[accuracy["cycle"] == 0]) == {}
    assert drivers.drivers(queries[queries["strategy"] != "e"], accuracy)
    assert drivers.drivers(queries[queries["strategy"] < "e"], accuracy) == {}


def test_a_seed_with_few_strategies_has_no_say(tables):
    queries, accuracy = tables
    few = queries["strategy"].isin(["random", "a"])
    ((_, found),) = drivers.drivers(queries[(queries["seed"] < 3) | few], accuracy).items()
    ((_, expected),) = drivers.drivers(queries[queries["seed"] < 3], accuracy).items()
    pd.testing.assert_frame_equal(found.cells, expected.cells)
    assert (found.cells["seeds"] == 2).all()
