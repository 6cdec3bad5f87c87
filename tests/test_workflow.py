"""The workflow as a user runs it: real snakemake runs at miniature size."""

import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from check_results import check

ROOT = Path(__file__).parents[1]
MINIATURE = ["--configfile", str(ROOT / "experiments" / "miniature.yaml")]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), *arguments]


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run snakemake in ``folder`` with the repository's Snakefile and profile.

    All it says is in ``stdout``: a dry run writes there what a run writes to stderr.
    """
    profile = ["--profile", str(ROOT / "profiles" / "default")]
    return subprocess.run(
        command("--directory", str(folder), *profile, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        check=False,
    )


def tables(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((folder / "results" / "tables").iterdir())}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder in which the miniature has run on two cores."""
    folder = tmp_path_factory.mktemp("two_cores")
    run = snakemake(folder, "--cores", "2", *MINIATURE)
    assert run.returncode == 0, run.stdout
    return folder


def test_a_finished_run_keeps_the_contract(finished):
    check(finished / "results")


def test_nothing_is_left_to_do(finished):
    run = snakemake(finished, "--dry-run", *MINIATURE)
    assert "Nothing to be done" in run.stdout


def kill_when(folder: Path, pattern: str, *arguments: str) -> None:
    """Run snakemake in ``folder``; kill it and its jobs once there is a file like ``pattern``."""
    profile = ["--profile", str(ROOT / "profiles" / "default")]
    started = subprocess.Popen(
        command("--directory", str(folder), *profile, "--cores", "1", *arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(folder.glob(pattern)) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    assert list(folder.glob(pattern))


def test_one_core_gives_the_same_bytes_and_so_does_a_killed_and_resumed_run(
    finished, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("one_core")
    kill_when(folder, "results/runs/**/result.json", *MINIATURE)
    assert not (folder / "results" / "tables").exists()
    assert snakemake(folder, "--unlock", *MINIATURE).returncode == 0
    run = snakemake(folder, "--cores", "1", *MINIATURE)
    assert run.returncode == 0, run.stdout
    assert tables(folder) == tables(finished)


def test_a_training_killed_in_the_middle_goes_on_from_its_checkpoint(tmp_path):
    cycle = "digits/alpha-0.1/clients-4/seed-1/cnn/fedavg/initial/cycle-0"
    target = f"results/runs/{cycle}/result.json"
    options = [*MINIATURE, "--config", "compute={checkpoint_seconds: 0}"]
    options += ["training={rounds: 60, local_epochs: 1, evaluate_every: 1}"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    kill_when(killed, f"results/runs/{cycle}/.checkpoint-*", target, *options)
    assert snakemake(killed, "--unlock", *options).returncode == 0
    for folder in (killed, whole):
        run = snakemake(folder, "--cores", "1", target, *options)
        assert run.returncode == 0, run.stdout
    log = (killed / "logs" / "train_cycle" / f"{cycle}.log").read_text()
    assert int(re.search(r"(\d+) of 60 rounds are done", log)[1]) > 0
    names = ("metrics.csv", "result.json", "global.safetensors", "clients.safetensors")
    for path in (Path("results", "runs", cycle, name) for name in names):
        assert (killed / path).read_bytes() == (whole / path).read_bytes()
    assert not list(killed.glob(f"results/runs/{cycle}/.checkpoint-*"))


def test_a_new_strategy_computes_only_what_is_missing(finished):
    run = snakemake(
        finished,
        "--dry-run",
        *MINIATURE,
        "--config",
        "strategies=[random, g-entropy, {ifal: {k: 0.2}}, l-entropy]",
    )
    assert run.returncode == 0, run.stdout
    assert re.search(r"^train_cycle +2$", run.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["strategies=[ifl]"], "did you mean 'ifal'"),
        (["datasets=[digit]"], "did you mean 'digits'"),
        (["alphas=[0]"], "alphas"),
        (["clients=[5000]"], "clients"),
        (["labeling={cycles: 30}"], "100%"),
        (["traning={}"], "did you mean 'training'"),
        (["training={batch_size: 0}"], "batch_size"),
        (["strategies=[{ifal: {k: 0}}]"], "k "),
        (["strategies=[{ifal: {kk: 5}}]"], "did you mean 'k'"),
        (["datasets=[{mine: {kind: image_folder, path: /nowhere/at/all}}]"], "/nowhere/at/all"),
    ],
)
def test_a_bad_configuration_is_one_sentence(tmp_path, options, sentence):
    run = snakemake(tmp_path, "--dry-run", *MINIATURE, "--config", *options)
    assert run.returncode != 0
    [line] = [line for line in run.stdout.splitlines() if line.startswith("Configuration: ")]
    assert sentence in line


def test_a_damaged_archive_is_one_sentence(tmp_path):
    archive = tmp_path / "images.tar"
    with tarfile.open(archive, "w"):
        pass
    archive.write_bytes(archive.read_bytes()[:100])
    mine = "datasets=[{mine: {kind: image_folder}}]"
    run = snakemake(tmp_path, "--cores", "1", *MINIATURE, "--config", mine, f"data_path={archive}")
    assert run.returncode != 0
    assert any("Error: " in line and "images.tar" in line for line in run.stdout.splitlines())
    assert "Traceback" not in run.stdout.split("Error in rule")[0]
