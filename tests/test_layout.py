"""Paths of a run: what is put in can be read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fal.errors import InputError
from fal.layout import (
    Layout,
    fill,
    format_number,
    parse_partition,
    parse_path,
    partition_name,
    setting_name,
)

RUN = {
    "dataset": "my.set_1",
    "model": "cnn",
    "alpha": 0.5,
    "clients": 10,
    "algorithm": "fed-avg",
    "seed": 3,
    "strategy": "l-entropy",
    "cycle": 2,
}


def test_a_cycles_path_can_be_read_back():
    layout = Layout("some/results")
    path = fill(layout.cycle("query.csv"), RUN)
    assert path.startswith("some/results/runs/my.set_1/")
    assert parse_path(path) == RUN
    assert parse_path(path.removesuffix("/query.csv")) == RUN


def test_a_factor_can_be_replaced():
    path = fill(Layout("r").cycle("x"), RUN, strategy="initial", cycle=0)
    assert parse_path(path) == {**RUN, "strategy": "initial", "cycle": 0}


def test_a_partitions_path_can_be_read_back():
    path = fill(Layout("r").partition("partition.npz"), RUN)
    factors = {key: RUN[key] for key in ("dataset", "alpha", "clients", "seed")}
    assert parse_partition(path) == factors
    with pytest.raises(InputError, match="is no partition's file"):
        parse_partition(fill(Layout("r").cycle("x"), RUN))


def test_a_partition_without_alpha():
    run = {**RUN, "alpha": format_number(None)}
    path = fill(Layout("r").cycle("x"), run)
    assert "/alpha-none/clients-10/" in path
    assert parse_path(path) == {**RUN, "alpha": ""}
    assert fill(Layout("r").cycle("x"), parse_path(path)) == path


def test_everything_lies_below_the_results():
    layout = Layout("out")
    paths = [layout.data("a"), layout.partition("a"), layout.cycle("a"), layout.table("a")]
    paths += [layout.figure("a"), layout.report, layout.provenance]
    paths += [layout.log("rule", of) for of in ("", "data", "partition", "cycle", "{x}")]
    assert all(path.startswith("out/") for path in paths)
    assert len(set(paths)) == len(paths)


def test_names():
    assert setting_name(RUN) == "my.set_1_cnn_alpha-0.5_clients-10_fed-avg"
    assert partition_name(RUN) == "my.set_1_alpha-0.5_clients-10_seed-3"
    assert fill(partition_name(), RUN) == partition_name(RUN)


@pytest.mark.parametrize("path", ["", "runs/a/b", "results/data/digits/dataset.json"])
def test_other_paths_are_no_runs(path):
    with pytest.raises(InputError, match="is no run's folder"):
        parse_path(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (1, "1"), (1.0, "1"), (100, "100"), (1e-5, "0.00001"), (2.50, "2.5")],
)
def test_format_number(value, text):
    assert format_number(value) == text


@given(st.floats(1e-6, 1e6))
def test_format_number_loses_nothing(value):
    text = format_number(value)
    assert float(text) == value
    assert set(text) <= set("0123456789.")
