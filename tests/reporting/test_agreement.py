"""How far strategies agree, against scipy and loops."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fal.reporting import agreement
from fal.reporting.query_tables import Query

RUN = {
    "dataset": "digits",
    "model": "cnn",
    "alpha": 0.1,
    "clients": 3,
    "algorithm": "fedavg",
    "cycle": 0,
}


def query(strategy, seed, scored=True, run_seed=1):
    random = np.random.default_rng(seed)
    pool = pd.DataFrame({"client": np.repeat([0, 1, 2], 20), "index": np.arange(60)})
    queried = pool.iloc[random.choice(60, 12, replace=False)]
    if scored:
        pool["score"] = random.integers(0, 8, 60).astype(float)
    run = {**RUN, "strategy": strategy, "seed": run_seed}
    return Query(run, pool, queried, {}, {})


def test_rank_correlation_is_scipys_mean_over_the_clients():
    one, other = query("a", 1).pool, query("b", 2).pool
    own = [
        stats.spearmanr(one["score"][one["client"] == k], other["score"][one["client"] == k])[0]
        for k in range(3)
    ]
    shuffled = other.sample(frac=1, random_state=0)
    assert agreement.rank_correlation(one, shuffled) == pytest.approx(np.mean(own))
    assert agreement.rank_correlation(one, one) == pytest.approx(1)
    assert agreement.rank_correlation(one, one.assign(score=-one["score"])) == pytest.approx(-1)
    assert np.isnan(agreement.rank_correlation(one, query("c", 3, scored=False).pool))


def test_overlap_counts_each_image_once():
    assert agreement.overlap([1, 2, 3], [3, 4]) == 1 / 4
    assert agreement.overlap([1, 2], [2, 1]) == 1
    assert np.isnan(agreement.overlap([], []))


def test_every_pair_has_one_row_whatever_the_order():
    queries = [query("b", 2), query("random", 3, scored=False), query("a", 1)]
    table = agreement.agreement_table(agreement.agreement_rows(queries))
    pairs = list(table[["strategy", "other"]].itertuples(index=False, name=None))
    assert pairs == [("a", "b"), ("a", "random"), ("b", "random")]
    assert table["rank_correlation"].notna().tolist() == [True, False, False]
    again = agreement.agreement_table(agreement.agreement_rows(queries[::-1]))
    pd.testing.assert_frame_equal(table, again)


def test_the_summary_has_both_sides_of_each_pair():
    rows = [
        row
        for seed in (1, 2)
        for row in agreement.agreement_rows(
            [query(name, 10 * seed + n, run_seed=seed) for n, name in enumerate("abc")]
        )
    ]
    table = agreement.agreement_table(rows)
    (summary,) = agreement.agreement_summary(table, ["b", "absent"]).values()
    assert list(summary.mean.columns) == ["rank correlation with b", "overlap with b"]
    assert list(summary.mean.index) == ["a", "c"]
    first = table[(table["strategy"] == "a") & (table["other"] == "b")]["overlap"]
    second = table[(table["strategy"] == "b") & (table["other"] == "c")]["overlap"]
    assert summary.mean["overlap with b"].tolist() == pytest.approx([first.mean(), second.mean()])
    assert summary.std["overlap with b"].tolist() == pytest.approx([first.std(), second.std()])
