import itertools
import json
import math
import statistics
import subprocess
import sys

import pandas as pd
import pytest

from fal.errors import InputError
from fal.reporting import formats, ranking, tables

SETTING = {
    "dataset": "digits",
    "model": "cnn",
    "alpha": 0.1,
    "clients": 10,
    "algorithm": "fedavg",
}
CONTRACT = (
    "dataset,alpha,clients,algorithm,strategy,seed,cycle,labeled,labeled_fraction,accuracy,"
    "accuracy_last5,model"
)


def accuracy(strategy, seed, cycle):
    """Some accuracy that differs between all runs."""
    base = {"initial": 40, "random": 50, "ifal": 55, "kafal": 45}[strategy]
    return base + 7 * math.sqrt(cycle) + 1.3 * seed + math.sin(base * seed + cycle)


def record(strategy, seed, cycle, **changes):
    return {
        **SETTING,
        "strategy": strategy,
        "seed": seed,
        "cycle": cycle,
        "labeled": 140 + 70 * cycle,
        "labeled_fraction": 0.1 + 0.05 * cycle,
        "accuracy": accuracy(strategy, seed, cycle),
        "accuracy_last5": None if cycle == 1 else 50.0,
        **changes,
    }


def records(strategies=("random", "ifal"), seeds=(1, 2, 3), cycles=3):
    shared = [record("initial", seed, 0) for seed in seeds]
    runs = itertools.product(strategies, seeds, range(1, cycles + 1))
    return shared + [record(*run) for run in runs]


def write_run(root, run):
    folder = (
        f"runs/{run['dataset']}/alpha-{run['alpha']}/clients-{run['clients']}/seed-{run['seed']}/"
        f"{run['model']}/{run['algorithm']}/{run['strategy']}/cycle-{run['cycle']}"
    )
    result = {k: run[k] for k in ("accuracy", "accuracy_last5", "labeled", "labeled_fraction")}
    path = root / folder / "result.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(result))
    return path


def test_records_survive_the_file_system(tmp_path):
    for run in records(seeds=(1,)):
        assert tables.read_record(write_run(tmp_path, run)) == run


@pytest.mark.parametrize("text", ["", "[]", '{"accuracy": 1.0}', "{"])
def test_damaged_result_is_named(tmp_path, text):
    path = write_run(tmp_path, record("ifal", 1, 1))
    path.write_text(text)
    with pytest.raises(InputError, match=r"cycle-1/result\.json' is not a run's result"):
        tables.read_record(path)


def test_accuracy_table_has_the_contract_columns_and_all_rows():
    table = tables.accuracy_table(records())
    assert ",".join(table.columns) == CONTRACT
    assert formats.to_csv(table).splitlines()[0] == CONTRACT
    found = {(r.strategy, r.seed, r.cycle): r.accuracy for r in table.itertuples()}
    expected = {
        (strategy, seed, cycle): accuracy(strategy if cycle else "initial", seed, cycle)
        for strategy in ("random", "ifal")
        for seed in (1, 2, 3)
        for cycle in range(4)
    }
    assert found == expected
    assert len(table) == len(expected)


def test_shared_cycle_does_not_replace_a_strategys_own():
    runs = [*records(("random", "kafal")), record("kafal", 1, 0, accuracy=12.0)]
    table = tables.accuracy_table(runs).set_index(["strategy", "seed", "cycle"])["accuracy"]
    assert table["kafal", 1, 0] == 12.0
    assert table["kafal", 2, 0] == accuracy("initial", 2, 0)
    assert table["random", 1, 0] == accuracy("initial", 1, 0)


def test_shared_cycle_stays_in_its_setting():
    runs = [
        *records(("random",), seeds=(1,), cycles=1),
        record("initial", 1, 0, clients=20, accuracy=33.0),
        record("kafal", 1, 1, clients=20),
    ]
    table = tables.accuracy_table(runs)
    cycle_0 = table[table["cycle"] == 0].set_index(["clients", "strategy"])["accuracy"]
    expected = {(10, "random"): accuracy("initial", 1, 0), (20, "kafal"): 33.0}
    assert cycle_0.to_dict() == expected


def test_without_queries_the_shared_cycle_keeps_its_name():
    table = tables.accuracy_table(records(strategies=()))
    assert set(table["strategy"]) == {"initial"}
    assert ranking.ranking(table)["area_mean"].item() == pytest.approx(
        statistics.mean(accuracy("initial", seed, 0) for seed in (1, 2, 3))
    )


def test_no_results_and_double_results_are_refused():
    with pytest.raises(InputError, match="no results"):
        tables.accuracy_table([])
    with pytest.raises(InputError, match="two results of the same run"):
        tables.accuracy_table([record("ifal", 1, 1), record("ifal", 1, 1)])


def test_order_of_the_records_does_not_matter():
    runs = records()
    text = formats.to_csv(tables.accuracy_table(runs))
    assert formats.to_csv(tables.accuracy_table(runs[::-1])) == text


def test_csv_lines_are_exact():
    runs = [
        record("initial", 1, 0, accuracy=80, accuracy_last5=79.99999, alpha=100.0),
        record("ifal", 1, 1, accuracy=100 / 3, alpha=100.0),
    ]
    assert formats.to_csv(tables.accuracy_table(runs)).splitlines()[1:] == [
        "digits,100,10,fedavg,ifal,1,0,140,0.1000,80.0000,80.0000,cnn",
        "digits,100,10,fedavg,ifal,1,1,210,0.1500,33.3333,,cnn",
    ]


def test_csv_is_read_back(tmp_path):
    named = [run | {"strategy": "null"} for run in records(("ifal",)) if run["cycle"]]
    table = tables.accuracy_table([*named, record("ifal", 1, 1) | {"strategy": "10"}])
    path = tmp_path / "accuracy.csv"
    path.write_text(formats.to_csv(table))
    again = tables.read_accuracy(path)
    pd.testing.assert_frame_equal(again, table, check_dtype=False, atol=1e-4)
    assert set(again["strategy"]) == {"null", "10"}


def written(tmp_path, change=lambda text: text):
    """An accuracy.csv of two runs, changed."""
    path = tmp_path / "accuracy.csv"
    path.write_text(change(formats.to_csv(tables.accuracy_table(records(seeds=(1,), cycles=1)))))
    return path


def test_what_others_may_lack_is_filled(tmp_path):
    runs = [{k: v for k, v in run.items() if k != "accuracy_last5"} for run in records()]
    table = tables.accuracy_table(runs).drop(columns="accuracy_last5")
    path = tmp_path / "accuracy.csv"
    path.write_text(table.to_csv(index=False))
    assert tables.read_accuracy(path)["accuracy_last5"].isna().all()


def test_partitions_without_alpha_are_read_back(tmp_path):
    path = written(tmp_path, lambda text: text.replace("digits,0.1,", "digits,,"))
    assert set(tables.read_accuracy(path)["alpha"]) == {""}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace("model", "net"), "has no column model$"),
        (lambda text: text.replace("labeled", "labels"), "no column labeled, labeled_fraction$"),
        (lambda text: text.replace("210", "many"), "its column labeled has many, which is no numb"),
        (lambda text: text.replace("210", ""), "its column labeled has nothing, which is no numb"),
        (lambda text: text.replace(",10,", ",10.5,"), "column clients has 10.5, which is no whole"),
        (lambda text: text.replace(",0.1,", ",low,"), "could not convert string to float: 'low'"),
        (lambda text: text + text.splitlines()[-1], "two rows of the same run and cycle: .*random"),
    ],
)
def test_what_is_wrong_in_a_table_of_others_is_one_sentence(tmp_path, change, sentence):
    with pytest.raises(InputError, match=sentence):
        tables.read_accuracy(written(tmp_path, change))


def test_whole_numbers_with_a_point_and_further_columns_are_taken_as_meant(tmp_path):
    def change(text):
        head, *rows = text.replace(",10,", ",10.0,").splitlines()
        return "\n".join([f"{head},macro_f1", *(f"{row},1" for row in rows)]) + "\n"

    plain = tables.read_accuracy(written(tmp_path, lambda text: text))
    pd.testing.assert_frame_equal(tables.read_accuracy(written(tmp_path, change)), plain)


@pytest.mark.parametrize("text", [None, "", "a,b\n1,2\n", "\x00"])
def test_what_is_no_accuracy_table_is_named(tmp_path, text):
    path = tmp_path / "accuracy.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=r"accuracy\.csv' (is no|cannot be read as an) accuracy"):
        tables.read_accuracy(path)


def test_other_results_are_those_of_the_same_setting(tmp_path):
    paths = {label: str(tmp_path / f"{label}.csv") for label in ("same", "other")}
    for label, alpha in (("same", 0.1), ("other", 1.0)):
        table = tables.accuracy_table(r | {"alpha": alpha} for r in records())
        (tmp_path / f"{label}.csv").write_text(formats.to_csv(table))
    found = tables.compared(paths, SETTING)
    assert list(found) == ["same"]
    assert len(found["same"]) == 24


def test_panels_are_told_apart_by_what_differs():
    assert tables.panel_title(SETTING, "alpha", others=False) == "alpha 0.1"
    whole = tables.panel_title(SETTING, "clients", others=True)
    assert whole == "10 clients (digits, cnn, alpha 0.1, fedavg)"


def test_of_setting_takes_texts_for_numbers():
    table = tables.accuracy_table([*records(), *(r | {"alpha": 100.0} for r in records())])
    wanted = {**SETTING, "alpha": "100", "clients": "10"}
    found = tables.of_setting(table, wanted)
    assert set(found["alpha"]) == {100.0}
    assert len(found) == len(table) / 2


def test_summary_agrees_with_the_statistics_module():
    summary = tables.summary_table(tables.accuracy_table(records()))
    assert len(summary) == 2 * 4
    for row in summary.itertuples():
        name = row.strategy if row.cycle else "initial"
        values = [accuracy(name, seed, row.cycle) for seed in (1, 2, 3)]
        assert row.seeds == 3
        assert row.accuracy_mean == pytest.approx(statistics.mean(values))
        assert row.accuracy_std == pytest.approx(statistics.stdev(values))
        assert row.labeled == 140 + 70 * row.cycle


def test_one_seed_has_no_spread():
    table = tables.accuracy_table(records(seeds=(1,)))
    assert tables.summary_table(table)["accuracy_std"].isna().all()
    assert all(line.endswith(",") for line in _lines(tables.summary_table(table)))
    assert "±" not in formats.to_markdown(tables.wide_tables(table))


def _lines(table):
    return formats.to_csv(table).splitlines()[1:]


def test_wide_table_reads_mean_and_spread_by_labeled_share():
    (title, wide), *others = tables.wide_tables(tables.accuracy_table(records())).items()
    assert not others
    assert title == "digits, cnn, alpha 0.1, 10 clients, fedavg"
    assert list(wide.mean.columns) == [tables.AREA, "10 %", "15 %", "20 %", "25 %"]
    assert list(wide.mean.index) == [("ifal", 1), ("random", 2)]
    values = [accuracy("ifal", seed, 2) for seed in (1, 2, 3)]
    assert wide.mean.loc[("ifal", 1), "20 %"] == pytest.approx(statistics.mean(values))
    assert wide.std.loc[("ifal", 1), "20 %"] == pytest.approx(statistics.stdev(values))
    cell = wide.texts().set_index("strategy").loc["ifal", "20 %"]
    assert cell == f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"


def test_close_shares_get_more_decimals():
    runs = [record("ifal", 1, c, labeled_fraction=0.1 + 0.0003 * c) for c in range(1, 4)]
    (wide,) = tables.wide_tables(tables.accuracy_table(runs)).values()
    assert list(wide.mean.columns[1:]) == ["10.03 %", "10.06 %", "10.09 %"]


def test_settings_get_tables_of_their_own():
    runs = [*records(), *(run | {"alpha": 1.0} for run in records(("kafal",)))]
    wide = tables.wide_tables(tables.accuracy_table(runs))
    strategies = [list(table.texts()["strategy"]) for table in wide.values()]
    assert strategies == [["ifal", "random"], ["kafal"]]
    stacked = tables.stacked(wide)
    assert list(stacked["setting"]) == [*[next(iter(wide))] * 2, list(wide)[1]]
    assert list(stacked.columns[:3]) == ["setting", "strategy", "rank"]


def test_tables_and_figures_do_without_torch():
    code = "import fal.reporting.query_figures, fal.reporting.tables as _, sys"
    check = "sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", f"{code}; {check}"], check=True)
