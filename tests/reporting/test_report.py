"""What the report says, without a browser."""

import numpy as np
import pytest

from fal.reporting import report
from reporting.synthetic_runs import accuracies

DATASET = report.Dataset("digits", list("0123456789"), 1438, 359)
TRAINING = {"rounds": 10, "local_epochs": 5}


def constant(levels, seeds=(1, 2, 3)):
    """Runs whose accuracy is their strategy's level plus a tenth of the seed."""
    table = accuracies(list(levels), seeds, range(3))
    table["accuracy"] = table["strategy"].map(levels) + 0.1 * table["seed"]
    return table


def test_the_verdict_says_who_leads_by_how_much_over_how_many_seeds():
    first, second, caveat = report.verdict(constant({"random": 80, "ifal": 82.5, "kafal": 81}))
    assert first == "ifal leads kafal by 1.50 points."
    assert second == (
        "ifal reaches 82.70 % on average over the cycles that follow a query: +1.50 points against "
        "kafal (ahead in 3 of 3 seeds), +2.50 points against random (ahead in 3 of 3 seeds)."
    )
    assert caveat == "3 seeds decide little: take the order as a hint."


def test_many_seeds_need_no_caveat_and_one_decides_nothing():
    levels = {"random": 80, "ifal": 81}
    assert len(report.verdict(constant(levels, range(1, 7)))) == 2
    assert "One seed decides nothing" in report.verdict(constant(levels, [1]))[-1]


def test_equal_strategies_are_level():
    first, *_ = report.verdict(constant({"random": 80, "ifal": 80}))
    assert first.startswith("ifal and random are level: 80.20 %")


def test_a_strategy_alone_is_compared_with_none():
    first, _ = report.verdict(constant({"ifal": 80}))
    assert first == (
        "ifal reaches 80.20 % on average over the cycles that follow a query, over 3 seeds."
    )


def test_of_many_strategies_the_next_and_the_last_are_named():
    _, second, _ = report.verdict(constant({f"s{k}": 80 + k for k in range(9)}))
    assert [f"s{k}" in second for k in range(9)] == [True, *[False] * 4, *[True] * 4]


@pytest.mark.parametrize("cycles", [1, 2, 4])
def test_facts_tell_the_scale(cycles):
    facts = report.facts(accuracies(["ifal"], [1, 2], range(cycles)), [DATASET], TRAINING)
    assert facts["Data set digits"] == "1,438 training and 359 test images of 10 classes"
    assert facts["Training in a cycle"] == "10 rounds of 5 local epochs, from a fresh model"
    assert facts["Seeds"] == "1, 2"
    assert (
        facts["Labeled"]
        == {
            1: "10.0 % of the images at the start (100 images)",
            2: "10.0 % of the images at the start, 15.0 % after 1 query (100 to 150 images)",
            4: "10.0 % of the images at the start, 25.0 % after 3 queries (100 to 250 images)",
        }[cycles]
    )


def test_data_set_is_read(tmp_path):
    for part, count in (("train", 7), ("test", 3)):
        np.save(tmp_path / f"{part}_labels.npy", np.zeros(count, dtype=np.int64))
    info = tmp_path / "dataset.json"
    info.write_text('{"name": "mine", "classes": ["a", "b"], "note": "JPEG"}')
    assert report.read_dataset(info) == report.Dataset("mine", ["a", "b"], 7, 3, "JPEG")
