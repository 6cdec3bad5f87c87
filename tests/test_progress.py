"""A job's progress file, what its log says at its end, and the job that writes both."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fake_snakemake import given
from fal import progress
from fal.errors import InputError
from fal.job import job
from fal.progress import Progress, describe, duration, standing

CYCLE = {
    "dataset": "digits",
    "model": "cnn",
    "alpha": "0.1",
    "clients": "10",
    "algorithm": "fedavg",
    "seed": "2",
    "strategy": "random",
    "cycle": "1",
}


def test_a_progress_file_tells_how_far_a_job_is_until_it_is_closed(tmp_path):
    log = tmp_path / "train.log"
    watched = Progress(log, "round", 60, done=3)
    assert standing(log).words == "round 3 of 60"
    watched.update(60, loss=0.81284)
    seen = standing(log)
    assert seen.words == "round 60 of 60, loss 0.813"
    assert seen.pid == os.getpid() and seen.alive()
    watched.close()
    assert standing(log) is None


def test_a_progress_file_is_written_once_a_second_at_most(tmp_path, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    watched = Progress(tmp_path / "log", "round", 10)
    clock[0] += 0.5
    watched.update(1)
    assert standing(tmp_path / "log").done == 0
    clock[0] += 0.6
    watched.update(2)
    assert standing(tmp_path / "log").done == 2


def test_half_a_progress_file_is_none(tmp_path):
    (tmp_path / "log.progress").write_text('{"pid": 1, "ho')
    assert standing(tmp_path / "log") is None


def test_a_job_whose_process_was_killed_is_not_alive(tmp_path):
    code = "from fal.progress import Progress; Progress(__import__('sys').argv[1], 'round', 9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "log")], check=True)
    assert standing(tmp_path / "log").alive() is False


def test_a_job_elsewhere_is_alive_while_it_writes(tmp_path, monkeypatch):
    Progress(tmp_path / "log", "round", 9)
    seen = standing(tmp_path / "log")
    monkeypatch.setattr(progress.platform, "node", lambda: "another-machine")
    assert seen.alive()
    monkeypatch.setattr(progress.time, "time", lambda: seen.updated + progress.SILENT + 1)
    assert not seen.alive()


@pytest.mark.parametrize(
    "rule, factors, named, words",
    [
        ("train_cycle", CYCLE, (), "train cycle 1 of random, seed 2"),
        (
            "train_cycle",
            {**CYCLE, "strategy": "initial", "cycle": "0"},
            (),
            "train cycle 0 of all strategies, seed 2",
        ),
        ("distill_clients", CYCLE, (), "distill clients, cycle 1 of random, seed 2"),
        (
            "train_cycle",
            CYCLE,
            ("dataset", "alpha"),
            "train cycle 1 of random, seed 2, digits, alpha 0.1",
        ),
        ("extract_features", {"cycle": 1, "strategy": "a", "role": "kd"}, (), None),
        ("collect_results", {}, (), "collect results"),
        ("prepare_dataset", {"dataset": "digits"}, ("dataset",), "prepare dataset, digits"),
    ],
)
def test_jobs_are_described_in_words(rule, factors, named, words):
    assert describe(rule, factors, named) == (words or "extract features, cycle 1 of a, kd")


@pytest.mark.parametrize(
    "seconds, words",
    [(0.2, "0 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (11400, "3 h 10 min")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


@pytest.fixture
def snakemake(tmp_path):
    return given(tmp_path, "train_cycle", outputs={"result": "result.json"})


def test_all_that_a_job_prints_goes_to_its_log(snakemake, capfd):
    with job(snakemake) as run:
        os.write(1, b"from this process\n")
        os.system("echo from a child >&2")
        run.warn("k is more than the pool")
        assert standing(snakemake.log[0]).alive()
        Path(snakemake.output.result).touch()
    print("afterwards")
    assert capfd.readouterr() == ("afterwards\n", "")
    log = Path(snakemake.log[0]).read_text()
    assert "from a child" in log and "from this process" in log
    assert progress.warnings_in(snakemake.log[0]) == ["k is more than the pool"]
    assert progress.error_in(snakemake.log[0]) is None
    assert standing(snakemake.log[0]) is None


@pytest.mark.parametrize(
    "error, sentence, traceback",
    [
        (InputError("seeds is [],\n but must not be"), "seeds is [], but must not be", False),
        (RuntimeError("shapes differ:\n3 and 4"), "RuntimeError: shapes differ:", True),
    ],
)
def test_a_failed_job_says_why_on_its_logs_last_line(snakemake, capfd, error, sentence, traceback):
    with pytest.raises(SystemExit) as end, job(snakemake) as run:
        run.progress("round", 10)
        raise error
    assert end.value.code == 1
    assert capfd.readouterr() == ("", "")
    assert progress.error_in(snakemake.log[0]) == sentence
    assert progress.last_line(snakemake.log[0]).endswith(sentence)
    assert ("Traceback" in Path(snakemake.log[0]).read_text()) is traceback
    assert standing(snakemake.log[0]) is None
