"""Runs of other results folders beside those of a run."""

import pandas as pd
import pytest

from fal.reporting import comparison, verdicts
from reporting.synthetic_runs import SETTING as DIGITS
from reporting.synthetic_runs import flat, run, table_of

TITLE = "digits, cnn, alpha 0.1, 10 clients, fedavg"
OWN = table_of(run("random", 1, [50, 60]), run("random", 2, [52, 62]), run("ifal", 1, [50, 66]))


def test_strategies_of_others_have_their_label():
    other = table_of(run("ifal", 1, [50, 64]), run("ifal", 2, [52, 65]))
    table, notes = comparison.joined(OWN, {"before": other})
    assert notes == []
    assert len(table) == len(OWN) + 4
    found = verdicts.verdict_table(table, ["random"]).query("measure == 'final'")
    seeds = found.set_index("strategy")["seeds"]
    assert seeds.to_dict() == {"ifal": 1, "ifal (before)": 2}


def test_the_run_is_left_as_it_is():
    table, _ = comparison.joined(OWN, {})
    pd.testing.assert_frame_equal(table, OWN)


@pytest.mark.parametrize(
    ("other", "kept", "note"),
    [
        (
            table_of(run("ifal", 1, [50, 64], {**DIGITS, "clients": 5})),
            0,
            "other has settings that this run does not have; left out: "
            "digits, cnn, alpha 0.1, 5 clients, fedavg.",
        ),
        (
            table_of(run("ifal", 1, [50, 64])).replace({"labeled": {150: 151}}),
            0,
            "other does not have this run's cycles with this run's numbers of labeled images; "
            f"left out: {TITLE}.",
        ),
        (
            table_of(run("ifal", 1, [50])),
            0,
            "other does not have this run's cycles with this run's numbers of labeled images; "
            f"left out: {TITLE}.",
        ),
        (
            table_of(run("ifal", 1, [50, 64, 70])),
            2,
            f"other has cycles that this run does not have; compared without them: {TITLE}.",
        ),
        (
            table_of(run("ifal", 1, [51, 64]), run("ifal", 7, [30, 30])),
            4,
            "other has other accuracies than this run before any query, with the same seeds: it "
            "was trained otherwise or from other labels, so differences are not those of "
            f"strategies alone: {TITLE}.",
        ),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(other, kept, note):
    table, notes = comparison.joined(OWN, {"other": other})
    assert notes == [note]
    assert len(table) == len(OWN) + kept


def test_a_strategy_with_a_loss_of_its_own_may_start_elsewhere():
    own = pd.concat([OWN, table_of(run("kafal", 1, [40, 50]))])
    _, notes = comparison.joined(own, {"other": table_of(run("ifal", 1, [50, 70]))})
    assert notes == []


def test_many_settings_are_counted():
    others = [flat({"ifal": [50]}, {**DIGITS, "clients": n}) for n in range(11, 16)]
    _, (note,) = comparison.joined(OWN, {"other": pd.concat(others)})
    assert note.endswith("; digits, cnn, alpha 0.1, 13 clients, fedavg and 2 more.")
