"""Check that a finished run left what it promises: ``python tests/check_results.py results``."""

import json
import sys
from pathlib import Path

import pandas as pd

ACCURACY_COLUMNS = [
    *("dataset", "alpha", "clients", "algorithm", "strategy", "seed", "cycle"),
    *("labeled", "labeled_fraction", "accuracy"),
]
QUERY_COLUMNS = ["client", "index", "score"]
IFAL_COLUMNS = {"d_local_kd", "d_global_kd", "inter", "intra", "total", "candidate"}


def check(results: Path) -> None:
    """Raise AssertionError where the folder of a finished run breaks the contract."""
    table = pd.read_csv(results / "tables" / "accuracy.csv")
    assert list(table.columns[: len(ACCURACY_COLUMNS)]) == ACCURACY_COLUMNS
    assert table["accuracy"].between(0, 100).all()
    assert not table.duplicated(ACCURACY_COLUMNS[:7]).any()
    per_cycle = table.groupby(["strategy", "seed"])["labeled"]
    assert per_cycle.apply(lambda labeled: labeled.is_monotonic_increasing).all()

    metrics = pd.read_csv(results / "tables" / "metrics.csv")
    both = table.merge(metrics, on=ACCURACY_COLUMNS[:7], suffixes=("", "_again"))
    assert len(both) == len(table) == len(metrics)
    assert (both["accuracy"] == both["accuracy_again"]).all()
    assert (both["worst_class"] <= both["balanced_accuracy"]).all()

    verdicts = pd.read_csv(results / "tables" / "verdicts.csv")
    assert set(verdicts["reference"]) <= set(table["strategy"])
    assert (verdicts["smallest_p"] == 0.5 ** table["seed"].nunique()).all()
    assert "can decide nothing" in (results / "tables" / "verdicts.md").read_text()

    queries = sorted(results.glob("runs/**/query.csv"))
    assert queries
    for path in queries:
        check_query(path)
    assert json.loads((results / "provenance.json").read_text())["config"]["seeds"]
    for path in results.glob("runs/**/result.json"):
        provenance = json.loads(path.with_name("provenance.json").read_text())
        assert {"settings", "wildcards", "versions", "code", "device", "seconds"} <= set(provenance)

    assert (results / "report.html").stat().st_size > 100_000
    for path in (results / "figures").glob("*.png"):
        assert path.stat().st_size > 5000
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert any((results / "figures").glob("accuracy_*.png"))
    assert any((results / "figures").glob("partition_*.png"))


def check_query(path: Path) -> None:
    query = pd.read_csv(path)
    scores = pd.read_parquet(path.with_name("scores.parquet"))
    assert list(query.columns) in (QUERY_COLUMNS, [*QUERY_COLUMNS, "file"])
    assert query["index"].is_unique
    assert query.groupby("client").size().nunique() == 1
    pool = scores.set_index("index")
    assert (pool.loc[query["index"], "client"].to_numpy() == query["client"].to_numpy()).all()
    if "score" not in scores:
        assert query["score"].isna().all()
    if "ifal" in path.parts:
        assert set(scores.columns) >= IFAL_COLUMNS


if __name__ == "__main__":
    check(Path(sys.argv[1]))
    print(f"{sys.argv[1]}: all that was promised is there")
