"""Metrics of predictions against scikit-learn and loops."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from fal.layout import RUN
from fal.reporting import metrics
from reporting.synthetic_runs import SETTING


def example(seed, classes=6, absent=(), never=()):
    """Labels and predictions that are right two times in three."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.setdiff1d(np.arange(classes), absent), 200)
    guess = rng.choice(np.setdiff1d(np.arange(classes), never), 200)
    return labels, np.where(rng.random(200) < 2 / 3, labels, guess)


def slow_client_accuracy(labels, predicted, counts):
    """Every training image counts as much as its class's test images are right, on average."""
    right = []
    for c, count in enumerate(counts):
        hits = [p == y for y, p in zip(labels, predicted, strict=True) if y == c]
        right += [sum(hits) / len(hits)] * count if hits else []
    return sum(right) / len(right)


def test_the_summary_is_that_of_the_last_cycle():
    rows = [
        {
            **SETTING,
            "strategy": strategy,
            "seed": seed,
            "cycle": cycle,
            **dict.fromkeys(metrics.SUMMARY, 10.0 * cycle + seed),
        }
        for strategy in ("ifal", "random")
        for seed in (1, 2)
        for cycle in (0, 1)
    ]
    (summary,) = metrics.metrics_summary(pd.DataFrame(rows)).values()
    assert summary.mean.index.tolist() == ["ifal", "random"]
    assert (summary.mean == 11.5).all(axis=None)


def test_strategies_are_compared_in_the_seeds_that_all_have():
    """IFAL is ahead in each seed that both have, and behind in the mean of all."""
    last = {"random": {1: 50, 2: 60, 3: 90}, "ifal": {1: 51, 2: 61}}
    rows = [
        {
            **SETTING,
            "strategy": strategy,
            "seed": seed,
            "cycle": 1,
            **dict.fromkeys(metrics.SUMMARY, float(value)),
        }
        for strategy, values in last.items()
        for seed, value in values.items()
    ]
    (summary,) = metrics.metrics_summary(pd.DataFrame(rows)).values()
    assert (summary.mean.loc["ifal"] == 56).all()
    assert (summary.mean.loc["random"] == 55).all()
    named = pd.DataFrame(rows).assign(name="Ost")
    (by_client,) = metrics.client_summary(named).values()
    assert by_client.mean["Ost"].to_dict() == {"ifal": 56, "random": 55}


CASES = [{}, {"absent": (2,)}, {"never": (4,)}, {"absent": (1, 5), "never": (1,)}]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_learn(seed, case):
    labels, predicted = example(seed, **case)
    confusion = metrics.confusion_matrix(labels, predicted.astype(np.uint16), 6)
    np.testing.assert_array_equal(
        confusion, sk.confusion_matrix(labels, predicted, labels=np.arange(6))
    )
    assert metrics.accuracy(confusion) == pytest.approx(sk.accuracy_score(labels, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        balanced = sk.balanced_accuracy_score(labels, predicted)
    assert metrics.balanced_accuracy(confusion) == pytest.approx(balanced)
    f1 = sk.f1_score(labels, predicted, average="macro")
    assert metrics.macro_f1(confusion) == pytest.approx(f1)
    by_class = sk.precision_recall_fscore_support(
        labels, predicted, labels=np.arange(6), zero_division=np.nan
    )
    table = metrics.class_table(confusion, list("abcdef"))
    assert table["class"].tolist() == list("abcdef")
    for name, values in zip(("precision", "recall", "f1"), by_class, strict=False):
        np.testing.assert_allclose(table[name], 100 * values)
    assert table["images"].tolist() == by_class[3].tolist()


def run_metrics(labels, predicted, counts, *sites):
    return metrics.run_metrics(predicted, labels, list("abcdef"), counts, *sites)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_clients_by_their_own_class_mix(case):
    labels, predicted = example(7, **case)
    counts = np.random.default_rng(1).integers(1, 30, (4, 6))
    confusion = metrics.confusion_matrix(labels, predicted, 6)
    expected = [slow_client_accuracy(labels, predicted, row) for row in counts]
    told = run_metrics(labels, predicted, counts)
    np.testing.assert_allclose(told["by_client"]["accuracy"], 100 * np.array(expected))
    assert told["by_client"]["client"].tolist() == [0, 1, 2, 3]
    assert told["by_client"]["images"].isna().all()
    assert told["worst_client"] == pytest.approx(100 * min(expected))
    assert told["worst_class"] == pytest.approx(100 * np.nanmin(metrics.recalls(confusion)))
    assert told["accuracy"] == pytest.approx(100 * np.mean(labels == predicted))


def test_clients_by_their_own_test_images():
    """Of five sites the last trains nothing, and the third has no test images."""
    labels, predicted = example(8)
    labels[::9] = -1
    site = np.random.default_rng(2).choice([0, 1, 3, 4], 200)
    counts, names = np.ones((4, 6), int), ["north", "east", "south", "west", "elsewhere"]
    told = run_metrics(labels, predicted, counts, site, names)["by_client"]
    assert told["name"].tolist() == names[:4]
    for k in (0, 1, 3):
        own = [i for i in range(200) if site[i] == k and labels[i] >= 0]
        assert told["images"][k] == len(own)
        score = sk.accuracy_score(labels[own], predicted[own])
        assert told["accuracy"][k] == pytest.approx(100 * score)
    assert told["images"][2] == 0
    assert np.isnan(told["accuracy"][2])
    worst = run_metrics(labels, predicted, counts, site, names)["worst_client"]
    assert worst == told["accuracy"].min()


def test_where_each_client_has_a_model_of_its_own_that_one_counts_for_it():
    labels, _ = example(8)
    predicted = np.stack([example(seed)[1] for seed in (8, 9, 10)])
    counts = np.random.default_rng(1).integers(1, 30, (3, 6))
    told = run_metrics(labels, predicted, counts)
    alone = [run_metrics(labels, own, counts) for own in predicted]
    assert told["by_client"]["accuracy"].tolist() == [
        one["by_client"]["accuracy"][k] for k, one in enumerate(alone)
    ]
    for name in ("accuracy", "balanced_accuracy"):
        assert told[name] == pytest.approx(np.mean([one[name] for one in alone]))
    recall = np.mean([one["by_class"]["recall"] for one in alone], axis=0)
    np.testing.assert_allclose(told["by_class"]["recall"], recall)
    assert told["by_class"]["images"].tolist() == alone[0]["by_class"]["images"].tolist()

    site = np.random.default_rng(2).choice(4, 200)
    own = run_metrics(labels, predicted, counts, site, list("abcd"))["by_client"]
    for k in range(3):
        score = sk.accuracy_score(labels[site == k], predicted[k][site == k])
        assert own["accuracy"][k] == pytest.approx(100 * score)


def test_a_client_of_one_class_has_that_class_s_recall():
    labels, predicted = example(3, absent=(0,))
    confusion = metrics.confusion_matrix(labels, predicted, 6)
    found = metrics.expected_accuracies(confusion, 9 * np.eye(6, dtype=int))
    np.testing.assert_allclose(found, metrics.recalls(confusion))
    assert np.isnan(found[0])
    assert not np.isnan(run_metrics(labels, predicted, np.eye(6))["worst_client"])


def test_images_of_unknown_class_do_not_count():
    labels, predicted = example(4)
    unknown = np.where(np.arange(200) % 3 == 0, -1, labels)
    known = unknown >= 0
    np.testing.assert_array_equal(
        metrics.confusion_matrix(unknown, predicted, 6),
        metrics.confusion_matrix(labels[known], predicted[known], 6),
    )


def of_run(strategy, cycle, seed):
    labels, predicted = example(10 * seed + cycle)
    found = run_metrics(labels, predicted, np.eye(6))
    return {**SETTING, "strategy": strategy, "seed": seed, "cycle": cycle, **found}


def test_tables_have_each_run_s_numbers_and_the_shared_cycle_for_each_strategy():
    records = [of_run("initial", 0, 1), of_run("ifal", 1, 1), of_run("random", 1, 2)]
    table = metrics.metrics_table([*records, of_run("initial", 0, 2)])
    assert list(table.columns) == [*RUN, *metrics.SUMMARY]
    runs = [("ifal", 0, 1), ("ifal", 1, 1), ("random", 0, 2), ("random", 1, 2)]
    assert list(zip(table["strategy"], table["cycle"], table["seed"], strict=True)) == runs
    assert table["macro_f1"].tolist() == [of_run(*run)["macro_f1"] for run in runs]
    by_client = metrics.part_metrics_table([*records, of_run("initial", 0, 2)], "by_client")
    assert list(by_client.columns) == [*RUN, "client", "name", "images", "accuracy"]
    assert len(by_client) == 6 * len(runs)
    by_class = metrics.part_metrics_table([*records, of_run("initial", 0, 2)], "by_class")
    assert list(by_class.columns) == [*RUN, "class", "images", "recall", "precision", "f1"]
    assert len(by_class) == 6 * len(runs)
    for run in runs:
        rows = by_class.set_index(["strategy", "cycle", "seed"]).loc[[run]]
        expected = of_run(*run)["by_class"]
        assert rows["recall"].tolist() == expected["recall"].tolist()
        assert rows["class"].tolist() == list("abcdef")
