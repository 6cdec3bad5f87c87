"""What the steps of a run have cost."""

import pytest

from fal.reporting import costs
from reporting.synthetic_costs import cost_records


@pytest.fixture
def table(tmp_path):
    return costs.cost_table(cost_records(tmp_path))


def test_a_row_is_one_step_of_one_cycle(table):
    assert len(table) == 2 * 2 * 2 * 2
    row = table.query("step == 'train_cycle' and clients == 4 and seed == 2 and cycle == 1")
    assert row["strategy"].tolist() == ["ifal"]
    assert row["seconds"].tolist() == [43.0]


def test_traffic_is_that_of_all_participants_of_all_rounds(table):
    trained = table[table["step"] == "train_cycle"]
    assert set(trained["megabytes_down"]) == {3 * 2 * 2.0}
    assert set(trained["megabytes_up"]) == {3 * 2 * 1.0}
    assert table.loc[table["step"] == "query_clients", "megabytes_up"].isna().all()


def test_the_summary_has_means_by_step_and_strategy(table):
    summary = costs.cost_summary(table)
    assert len(summary) == 2
    texts = next(iter(summary.values())).texts().set_index(["step", "strategy"])
    assert texts.loc[("train_cycle", "ifal"), "seconds"] == "32.5 ± 0.7"
    assert texts.loc[("train_cycle", "ifal"), "MB down/round"] == "4.00"
    assert texts.loc[("query_clients", "ifal"), "MB down/round"] == ""
    assert texts.loc[("query_clients", "initial"), "jobs"] == "2"
