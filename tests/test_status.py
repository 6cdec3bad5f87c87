"""A results folder tells how far its run is: planned, running, failed and killed."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fal.errors import InputError
from fal.layout import Layout, fill
from fal.progress import Progress
from fal.reporting import status

SETTING = {
    "dataset": "digits",
    "model": "cnn",
    "alpha": "0.1",
    "clients": 10,
    "algorithm": "fedavg",
}


def runs(strategies=("random", "ifal"), seeds=(1, 2), cycles=3, **factors):
    return [
        {**SETTING, **factors, "strategy": strategy, "seed": seed, "cycle": cycle}
        for strategy in strategies
        for seed in seeds
        for cycle in range(cycles)
    ]


def write_result(results, accuracy, **factors):
    path = Path(fill(Layout(str(results)).cycle("result.json"), SETTING, **factors))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"accuracy": accuracy, "labeled": 3}))


def log_of(results, **factors):
    path = Path(fill(Layout(str(results)).log("train_cycle", "cycle"), SETTING, **factors))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_cycles_and_accuracy_of_each_run_with_a_shared_cycle_0(tmp_path):
    status.write_planned(tmp_path, runs())
    write_result(tmp_path, 50.0, strategy="initial", seed=1, cycle=0)
    write_result(tmp_path, 70.5, strategy="ifal", seed=1, cycle=1)
    seen = status.look(tmp_path)
    assert [(s.run["strategy"], s.run["seed"], s.trained, s.accuracy) for s in seen.runs] == [
        ("random", 1, 1, 50.0),
        ("random", 2, 0, None),
        ("ifal", 1, 2, 70.5),
        ("ifal", 2, 0, None),
    ]
    assert {s.cycles for s in seen.runs} == {3}
    said = status.text(tmp_path, seen)
    assert "3 of 12 cycles are trained (25%)" in said
    assert "ifal         1    2 of 3    70.50%" in said


def test_the_planned_cycles_of_a_run_are_counted(tmp_path):
    status.write_planned(tmp_path, runs())
    planned = status.read_planned(tmp_path)
    run = {factor: value for factor, value in runs()[0].items() if factor != "cycle"}
    assert status.planned_cycles(planned, run) == 3
    assert status.planned_cycles(planned, {**run, "seed": 7}) == 0


@pytest.mark.parametrize("below", ["", "runs/alpha-2", "logs/runs"])
def test_without_a_plan_it_says_what_is_there(tmp_path, below):
    tmp_path = tmp_path / below
    write_result(tmp_path, 50.0, strategy="initial", seed=1, cycle=0)
    write_result(tmp_path, 60.0, strategy="random", seed=1, cycle=1)
    [seen] = status.look(tmp_path).runs
    assert (seen.run["strategy"], seen.trained, seen.cycles) == ("random", 2, None)
    assert seen.accuracy == 60.0
    assert seen.run["alpha"] == "0.1"


def test_running_failed_and_killed_jobs(tmp_path):
    status.write_planned(tmp_path, runs())
    Progress(log_of(tmp_path, strategy="random", seed=1, cycle=1), "round", 60, 14)
    failed = log_of(tmp_path, strategy="ifal", seed=2, cycle=1)
    failed.write_text("12:00:01 train_cycle: Error: learning_rate is 50\n")
    log_of(tmp_path, strategy="ifal", seed=1, cycle=1).write_text(
        "12:00:01 train_cycle: done in 3.0 s\n"
    )
    seen = status.look(tmp_path)
    [running], [wrong] = seen.running, seen.failed
    assert running.words == "train cycle 1 of random, seed 1"
    assert running.state.startswith("round 14 of 60, started")
    assert wrong.state.startswith("learning_rate is 50")
    assert wrong.log == failed and str(failed) in status.text(tmp_path, seen)
    assert seen.killed == []


def test_a_job_that_was_killed_is_told(tmp_path):
    log = log_of(tmp_path, strategy="random", seed=1, cycle=1)
    code = (
        "import sys, time; from fal.progress import Progress;"
        "Progress(sys.argv[1], 'round', 60, 7); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, log])
    try:
        deadline = time.monotonic() + 30
        while not Path(f"{log}.progress").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(status.look(tmp_path).running) == 1
        child.send_signal(signal.SIGKILL)
        child.wait()
    finally:
        child.kill()
    seen = status.look(tmp_path)
    assert seen.running == []
    [killed] = seen.killed
    assert killed.state.startswith("killed at round 7 of 60")


def test_a_second_data_set_is_named(tmp_path):
    status.write_planned(tmp_path, [*runs(), *runs(dataset="mine")])
    log_of(tmp_path, strategy="ifal", seed=2, cycle=1).write_text(
        "12:00:01 train_cycle: Error: no\n"
    )
    [failed] = status.look(tmp_path).failed
    assert failed.words == "train cycle 1 of ifal, seed 2, digits"


def test_no_folder_is_one_sentence(tmp_path, capsys):
    with pytest.raises(InputError, match="is no folder"):
        status.look(tmp_path / "nosuch")
    with pytest.raises(SystemExit) as end:
        status.main([str(tmp_path / "nosuch")])
    assert end.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_an_empty_folder(tmp_path, capsys):
    status.main([str(tmp_path)])
    assert "No job runs here now." in capsys.readouterr().out
