import csv
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fal.data.labeled import Labeled
from fal.errors import InputError
from fal.reporting import formats, query_tables
from reporting.synthetic_queries import write_query

CLASSES = 5
LABELS = np.random.default_rng(0).integers(0, CLASSES, 2 * 3 * 40)


def test_wrong_labels_and_the_models_accuracies_are_in_the_row(tmp_path):
    folder = write_query(tmp_path, scored=False, clients=2)
    query = query_tables.read_query(folder)
    assert np.isnan(query_tables.query_row(query, LABELS, CLASSES)["wrong"])
    index = query.queried["index"].to_numpy()
    given = LABELS[index].copy()
    given[:2] = (given[:2] + 1) % CLASSES
    given[2] = -1
    client = np.zeros(len(LABELS), dtype=np.int64)
    labeled = Labeled.of(np.array([len(LABELS) - 1]), np.array([0]), client)
    labeled.extended(index, given, client).save(folder / "labeled.npz")
    explanation = {"clients": {}, "pool_accuracy": {"kd": 71.5}}
    (folder / "explanation.json").write_text(json.dumps(explanation))
    row = query_tables.query_row(query_tables.read_query(folder), LABELS, CLASSES)
    assert row["wrong"] == 2 / (len(index) - 1)
    assert row["kd_accuracy"] == 71.5
    table = query_tables.query_table([row])
    (summary,) = query_tables.query_summary(table).values()
    assert summary.mean["wrong labels (%)"].item() == pytest.approx(100 * row["wrong"])
    assert summary.mean["distilled model right (%)"].item() == 71.5


def test_where_only_people_know_the_classes_their_answers_count(tmp_path):
    folder = write_query(tmp_path, scored=True)
    unknown = np.full_like(LABELS, -1)
    query = query_tables.read_query(folder)
    row = query_tables.query_row(query, unknown, CLASSES)
    assert row["classes"] is None and np.isnan(row["imbalance"])
    index = query.queried["index"].to_numpy()
    given = np.arange(len(index)) % 3
    given[0] = -1
    Labeled.of(index, given, np.zeros(len(LABELS), int)).save(folder / "labeled.npz")
    query = query_tables.read_query(folder)
    row = query_tables.query_row(query, unknown, CLASSES)
    assert row["classes"] == 3
    queried, pool = query_tables.share_tables([query], unknown, CLASSES)
    assert pool.isna().all(axis=None)
    counts = np.bincount(given[1:], minlength=CLASSES)
    assert np.allclose(queried.loc[1, 0], counts / counts.sum())
    assert (unknown == -1).all()
    table = query_tables.query_table([row])
    (summary,) = query_tables.query_summary(table).values()
    assert summary.mean["classes per query"].item() == 3
    assert "imbalance (%)" not in summary.mean


def test_query_is_read(tmp_path):
    folder = write_query(tmp_path, scored=True, seed=3, cycle=2)
    query = query_tables.read_query(folder)
    assert (query.run["strategy"], query.run["seed"], query.run["cycle"]) == ("ifal", 3, 2)
    assert len(query.pool) == 120
    assert Counter(query.queried["client"]) == {0: 4, 1: 4, 2: 4}
    assert query.routes == {"otsu": 2, "inter": 1}
    assert set(query.thresholds) == {0, 1, 2}
    assert query.candidates == pytest.approx(0.2)


def test_query_of_a_strategy_without_scores(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=False))
    assert query.routes == {}
    assert query.thresholds == {}
    assert np.isnan(query.candidates)


def test_missing_thresholds_are_left_out(tmp_path):
    folder = write_query(tmp_path, scored=True)
    clients = {"0": {"route": "all", "threshold": None}, "1": {"threshold": 0.5}, "2": {}}
    (folder / "explanation.json").write_text(json.dumps({"clients": clients}))
    query = query_tables.read_query(folder)
    assert query.thresholds == {1: 0.5}
    assert query.routes == {"all": 1}


def test_images_from_nowhere_are_refused(tmp_path):
    folder = write_query(tmp_path, scored=False)
    (folder / "query.csv").write_text("client,index,score\n0,100000,\n")
    with pytest.raises(InputError, match=r"query\.csv has images that scores\.parquet"):
        query_tables.read_query(folder)


def test_shares_agree_with_counting(tmp_path):
    folder = write_query(tmp_path, scored=True)
    query = query_tables.read_query(folder)
    queried, pool = query_tables.share_tables([query], LABELS, CLASSES)
    with (folder / "query.csv").open() as file:
        counts = Counter(LABELS[int(row["index"])] for row in csv.DictReader(file))
    assert queried.loc[1, 0].tolist() == [counts[c] / 12 for c in range(CLASSES)]
    counts = Counter(LABELS[i] for i in pd.read_parquet(folder / "scores.parquet")["index"])
    assert pool.loc[1, 0].tolist() == [counts[c] / 120 for c in range(CLASSES)]


def test_shares_are_ordered_by_seed_and_cycle(tmp_path):
    runs = [(2, 1), (1, 0), (2, 0), (1, 1)]
    folders = [write_query(tmp_path, scored=False, seed=s, cycle=c) for s, c in runs]
    for shares in query_tables.share_tables(map(query_tables.read_query, folders), LABELS, 9):
        assert shares.index.to_list() == sorted(runs)
        assert shares.shape == (4, 9)
        np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_query_row_is_what_the_definitions_say(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=True))
    row = query_tables.query_row(query, LABELS, CLASSES)
    queried = [np.mean(LABELS[query.queried["index"]] == c) for c in range(CLASSES)]
    pool = [np.mean(LABELS[query.pool["index"]] == c) for c in range(CLASSES)]
    assert row["imbalance"] == pytest.approx(
        sum(max(0, a - p) for a, p in zip(queried, pool, strict=True))
    )
    assert row["classes"] == sum(share > 0 for share in queried)
    assert (row["pool"], row["queried"]) == (120, 12)
    assert (row["clients_otsu"], row["clients_inter"], row["clients_top"]) == (2, 1, 0)


def test_class_measures_agree_with_loops_over_clients(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=True))
    row = query_tables.query_row(query, LABELS, CLASSES)
    effective, covered = [], []
    for client in range(3):
        own = LABELS[query.queried.loc[query.queried["client"] == client, "index"]]
        held = set(LABELS[query.pool.loc[query.pool["client"] == client, "index"]])
        _, counts = np.unique(own, return_counts=True)
        effective.append(np.exp(stats.entropy(counts)))
        covered.append(len(set(own)) / len(held))
    assert row["effective_classes"] == pytest.approx(np.mean(effective))
    assert row["coverage"] == pytest.approx(np.mean(covered))


def test_effective_classes_of_even_and_of_single_classes():
    counts = np.array([[3, 3, 3], [5, 0, 0], [0, 0, 0]])
    assert query_tables.effective_classes(counts) == pytest.approx((3 + 1) / 2)
    assert np.isnan(query_tables.effective_classes(counts[2:]))
    pool = np.array([[9, 9, 9], [9, 9, 0], [9, 9, 9]])
    assert query_tables.coverage(counts, pool) == pytest.approx((1 + 1 / 2) / 2)
    assert np.isnan(query_tables.coverage(counts, 0 * pool))


def test_rank_correlations_agree_with_scipy(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=True))
    row = query_tables.query_row(query, LABELS, CLASSES)
    pool = query.pool.assign(
        ratio=query.pool["inter"] / query.pool[["d_local_kd", "d_global_kd"]].sum(axis=1)
    )
    for part in ("inter", "intra", "ratio"):
        own = [stats.spearmanr(one["total"], one[part])[0] for _, one in pool.groupby("client")]
        assert row[f"rank_{part}"] == pytest.approx(np.mean(own))
    assert query_tables.rank_correlations(pool.drop(columns="intra")) == {}
    assert query_tables.rank_correlations(pool.assign(inter=np.nan)) == {}


def test_imbalance_is_none_for_the_whole_pool_and_large_for_one_class(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=False, budget=40))
    assert query_tables.query_row(query, LABELS, CLASSES)["imbalance"] == 0
    indices = np.arange(len(LABELS))
    one = indices[LABELS == 2][:5]
    pool = pd.DataFrame({"client": 0, "index": indices})
    queried = pd.DataFrame({"client": 0, "index": one})
    row = query_tables.query_row(
        query_tables.Query(query.run, pool, queried, {}, {}), LABELS, CLASSES
    )
    assert row["imbalance"] == pytest.approx(np.mean(LABELS != 2))


def _table(tmp_path):
    rows = []
    for strategy, scored in (("random", False), ("ifal", True)):
        for seed in (2, 1):
            for cycle in (1, 0):
                where = {"strategy": strategy, "seed": seed, "cycle": cycle}
                folder = write_query(tmp_path, scored=scored, **where)
                query = query_tables.read_query(folder)
                rows.append(query_tables.query_row(query, LABELS, CLASSES))
    return rows, query_tables.query_table(rows)


def test_query_table_is_sorted_and_empty_where_there_is_nothing(tmp_path):
    rows, table = _table(tmp_path)
    assert formats.to_csv(table) == formats.to_csv(query_tables.query_table(rows[::-1]))
    assert len(table) == 8
    lines = formats.to_csv(table).splitlines()
    assert sum(line.endswith(",,,,,,,,,") for line in lines) == 4
    assert sum(line.endswith(",2,0,1,0,0") and ",0.2000," in line for line in lines) == 4


def test_query_summary_is_for_reading(tmp_path):
    rows, table = _table(tmp_path)
    ((title, summary),) = query_tables.query_summary(table).items()
    assert title == "digits, cnn, alpha 0.1, 3 clients, fedavg"
    texts = summary.texts().set_index("strategy")
    values = [100 * row["imbalance"] for row in rows if row["strategy"] == "ifal"]
    expected = f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}"
    assert summary.mean.loc["ifal", "imbalance (%)"] == pytest.approx(np.mean(values))
    assert texts.loc["ifal", "imbalance (%)"] == expected
    assert texts.loc["ifal", "images per query"] == "12"
    assert texts.loc["ifal", "Otsu on inter (%)"] == "33.3"
    assert texts.loc["random", "Otsu on inter (%)"] == ""
    assert texts.loc["random", "candidates (% of pool)"] == ""
    assert "highest scores (%)" not in texts
