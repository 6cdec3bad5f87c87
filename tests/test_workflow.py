"""The workflow as a user runs it: real snakemake runs at miniature size."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

import snakemake_runs
from check_results import check
from digests import digests
from fal.verify import verify

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("workflow")]

ROOT = Path(__file__).parents[1]
MINIATURE = ["--configfile", str(ROOT / "experiments" / "miniature.yaml")]
PROFILE = ["--profile", str(ROOT / "profiles" / "default")]
CYCLE = "digits/alpha-0.1/clients-4/seed-1/cnn/fedavg"
FIRST_TRAINING = f"results/runs/{CYCLE}/initial/cycle-0/result.json"


def command(folder: Path, *arguments: str) -> list[str]:
    snakefile = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return [sys.executable, "-m", "snakemake", *snakefile, *PROFILE, *arguments]


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run snakemake in ``folder`` with the repository's Snakefile and profile.

    All it says is in ``stdout``: a dry run writes there what a run writes to stderr.
    """
    _, _, _, *given = command(folder, *arguments)
    return subprocess.CompletedProcess(given, *snakemake_runs.run(*given))


def jobs(folder: Path, *arguments: str) -> dict[str, int]:
    """How many jobs of each rule a dry run would do."""
    run = snakemake(folder, "--dry-run", *arguments)
    assert run.returncode == 0, run.stdout
    counts = dict(re.findall(r"^(\w+) +(\d+)$", run.stdout, re.MULTILINE))
    counts.pop("total", None)
    return {rule: int(count) for rule, count in counts.items()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder in which the miniature has run on two cores."""
    folder = tmp_path_factory.mktemp("two_cores")
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": ROOT}
    run = subprocess.run(command(folder, "--cores", "2", *MINIATURE), check=False, **options)
    assert run.returncode == 0, run.stdout
    return folder


def test_a_finished_run_keeps_the_contract(finished):
    check(finished / "results")


def test_all_that_a_run_writes_lies_below_its_results(finished):
    assert {path.name for path in finished.iterdir()} == {".snakemake", "results"}


def test_nothing_is_left_to_do(finished):
    run = snakemake(finished, "--dry-run", *MINIATURE)
    assert "Nothing to be done" in run.stdout


def test_the_recorded_configuration_can_be_given_again(finished, tmp_path):
    recorded = json.loads((finished / "results" / "provenance.json").read_text())["config"]
    (tmp_path / "recorded.yaml").write_text(yaml.safe_dump(recorded))
    run = snakemake(finished, "--dry-run", "--configfile", str(tmp_path / "recorded.yaml"))
    assert "Nothing to be done" in run.stdout


def test_a_run_killed_in_a_training_goes_on_from_its_checkpoint_to_the_same_bytes(
    finished, tmp_path
):
    options = [*MINIATURE, "--config", "compute={checkpoint_seconds: 0}"]
    started = subprocess.Popen(
        command(tmp_path, "--cores", "1", FIRST_TRAINING, *options),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        start_new_session=True,
    )
    cycle = tmp_path / "results" / "runs" / CYCLE / "initial" / "cycle-0"
    deadline = time.monotonic() + 120
    while not list(cycle.glob(".checkpoint-*")) and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    assert list(cycle.glob(".checkpoint-*"))
    assert not (cycle / "result.json").exists()

    run = snakemake(tmp_path, "--cores", "1", FIRST_TRAINING, *options)
    assert run.returncode == 0, run.stdout
    assert "An earlier run was killed" in run.stdout
    log = tmp_path / "results" / "logs" / "train_cycle" / CYCLE / "initial" / "cycle-0.log"
    assert int(re.search(r"(\d+) of \d+ rounds were done", log.read_text())[1]) > 0
    assert not list(tmp_path.glob("results/runs/**/.checkpoint-*"))
    for pattern in (f"runs/{CYCLE}/initial/**/*", "partitions/**/*", "data/**/*"):
        killed, whole = (digests(folder / "results", pattern) for folder in (tmp_path, finished))
        both = killed.keys() & whole.keys()
        assert both and all(killed[name] == whole[name] for name in both)


def test_a_folder_that_was_moved_goes_on_and_one_that_was_copied_after_touch(finished, tmp_path):
    moved = ["tables", *MINIATURE, "--config", f"results={tmp_path / 'kept'}"]
    shutil.copytree(finished / "results", tmp_path / "kept")
    assert "Nothing to be done" in snakemake(tmp_path, "--dry-run", *moved).stdout
    more = [*moved, "labeling={cycles: 3}"]
    assert "train_cycle" not in jobs(tmp_path, *more)
    told = "no record here of how 5 of the trainings"
    assert told in snakemake(tmp_path, "--dry-run", *more).stdout
    recall = snakemake(tmp_path, "--touch", "--forceall", "--cores", "1", *moved)
    assert recall.returncode == 0 and told not in recall.stdout
    assert jobs(tmp_path, *more)["train_cycle"] == 2
    assert told not in snakemake(tmp_path, "--dry-run", *more).stdout
    assert told not in snakemake(finished, "--dry-run", *MINIATURE).stdout

    copied = ["tables", *MINIATURE, "--config", "results=copied"]
    for path in sorted(path for path in (finished / "results").rglob("*") if path.is_file()):
        copy = tmp_path / "copied" / path.relative_to(finished / "results")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    assert "train_cycle" in jobs(tmp_path, *copied)
    before = digests(tmp_path, "copied/**/*")
    assert snakemake(tmp_path, "--touch", "--cores", "1", *copied).returncode == 0
    assert "Nothing to be done" in snakemake(tmp_path, "--dry-run", *copied).stdout
    assert digests(tmp_path, "copied/**/*") == before


def reruns():
    """The changes that docs/figures.md tells of, and how many jobs of each rule they make run."""
    row = re.compile(
        r"^\| (?P<what>[^|]+) \| `(?P<config>[^`]+)` \| (?P<runs>.+) \|$", re.MULTILINE
    )
    page = (ROOT / "docs" / "figures.md").read_text().partition("## What runs again")[2]
    for found in row.finditer(page):
        rules = re.findall(r"(?:(\d+) )?`(\w+)`", found["runs"])
        runs = {rule: int(count or 1) for count, rule in rules}
        tables = {"tables": 1} if ", tables" in found["runs"] else {}
        yield pytest.param(found["config"], runs | tables, id=found["what"])


@pytest.mark.parametrize(("config", "expected"), list(reruns()))
def test_a_change_makes_run_what_the_page_says(finished, config, expected):
    planned = jobs(finished, *MINIATURE, "--config", config)
    tables = {rule for rule in planned if rule.startswith(("collect_", "summarize_", "compare_"))}
    others = {rule: count for rule, count in planned.items() if rule not in {*tables, "all"}}
    assert others | ({"tables": 1} if tables else {}) == expected


def test_a_partial_run_draws_what_is_there_and_computes_nothing(finished):
    more = ["strategies=[random, {ifal: {k: 0.2}}, l-entropy]", "seeds=[1, 2]", "partial=true"]
    planned = jobs(finished, "figures", *MINIATURE, "--config", *more)
    assert planned == {"plot_accuracy": 1, "plot_differences": 1, "figures": 1}


def test_what_was_deleted_is_made_again(finished):
    figures = finished / "results" / "figures"
    for name in ("accuracy_*.svg", "partition_*.pdf"):
        next(figures.glob(name)).unlink()
    (finished / "results" / "tables" / "accuracy_summary.md").unlink()
    planned = jobs(finished, *MINIATURE)
    assert "compare_strategies" in planned
    assert not {"train_cycle", "query_clients"} & planned.keys()
    run = snakemake(finished, "--cores", "2", *MINIATURE)
    assert run.returncode == 0, run.stdout
    check(finished / "results")


def damage(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file's content and keep its time stamp."""
    before = path.stat()
    path.write_bytes(change(path.read_bytes()))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def one_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def test_any_damaged_file_of_a_results_folder_is_found(finished, tmp_path):
    whole = verify(finished / "results")
    assert not whole.damaged + whole.missing + whole.unrecorded
    kinds = {path.suffix for path in whole.intact}
    assert kinds >= {".npy", ".npz", ".csv", ".parquet", ".safetensors", ".json", ".png", ".html"}
    copied = tmp_path / "results"
    shutil.copytree(finished / "results", copied)
    content = [path for path in whole.intact if path.stat().st_size]
    damaged = {copied / path.relative_to(finished / "results") for path in content}
    for change in (one_bit, half):
        for path in damaged:
            damage(path, change)
        assert set(verify(copied).damaged) == damaged
    records = set(copied.rglob("*provenance.json"))
    for path in records:
        damage(path, one_bit)
    found = set(verify(copied).damaged)
    assert found >= records
    # Tables and pictures have records of their own, and nothing else vouches for them.
    assert {path.parent.name for path in found - records} == {"tables", "figures"}
    assert all(p.with_name(f".{p.stem}_provenance.json") in records for p in found - records)


def test_a_damaged_file_is_refused_and_then_made_anew_to_the_same_bytes(finished):
    results = finished / "results"
    before = digests(results)
    damage(results / "runs" / CYCLE / "random/cycle-1/query.csv", one_bit)
    (results / "tables" / "queries.csv").unlink()
    wanted = ["results/tables/queries.csv", "--cores", "1", *MINIATURE]
    refused = snakemake(finished, *wanted)
    assert refused.returncode != 0
    last = refused.stdout.strip().splitlines()[-1]
    assert "random/cycle-1/query.csv' is not what query_clients wrote" in last
    assert "the same command makes it anew" in last
    again = snakemake(finished, *wanted)
    assert again.returncode == 0, again.stdout
    (results / "runs" / CYCLE / "random/cycle-1/query.csv.damaged").unlink()
    assert digests(results) == before
    assert not verify(results).damaged


def test_a_data_set_is_read_again_when_its_images_change_not_when_they_are_copied(tmp_path):
    rng = np.random.default_rng(0)

    def write(name):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(256, size=(8, 8, 3), dtype=np.uint8)).save(path)

    for k in range(20):
        write(f"cat/{k}.png")
        write(f"dog/{k}.png")
    target = "results/data/mine/dataset.json"
    mine = ["--config", f"datasets=[{{mine: {{kind: image_folder, path: {tmp_path / 'images'}}}}}]"]
    run = snakemake(tmp_path, "--cores", "1", target, *MINIATURE, *mine)
    assert run.returncode == 0, run.stdout
    assert jobs(tmp_path, target, *MINIATURE, *mine) == {}
    first = tmp_path / "images" / "cat" / "0.png"
    os.utime(first)
    assert jobs(tmp_path, target, *MINIATURE, *mine) == {}
    content = first.read_bytes()
    damage(first, one_bit)
    os.utime(first)
    assert jobs(tmp_path, target, *MINIATURE, *mine) == {"prepare_dataset": 1}
    first.write_bytes(content)
    assert jobs(tmp_path, target, *MINIATURE, *mine) == {}
    (tmp_path / "images").rename(tmp_path / "moved")
    moved = ["--config", mine[1].replace("images}", "moved}")]
    assert jobs(tmp_path, target, *MINIATURE, *moved) == {}
    (tmp_path / "moved").rename(tmp_path / "images")
    write("dog/deep/new.png")
    assert jobs(tmp_path, target, *MINIATURE, *mine) == {"prepare_dataset": 1}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["strategies=[ifl]"], "did you mean 'ifal'"),
        (["training={batch_size: 0}"], "training.batch_size is 0, but must be"),
    ],
)
def test_a_bad_configuration_is_one_sentence(tmp_path, options, sentence):
    run = snakemake(tmp_path, "--dry-run", *MINIATURE, "--config", *options)
    assert run.returncode != 0
    line = run.stdout.strip().splitlines()[-1]
    assert line.startswith("Error: ") and sentence in line
    assert run.stdout.count("Error") == 1 and "Traceback" not in run.stdout


def test_a_damaged_archive_is_one_sentence(tmp_path):
    archive = tmp_path / "images.tar"
    archive.write_bytes(b"\0" * 100)
    mine = ["--config", "datasets=[{mine: {kind: image_folder}}]", f"data_path={archive}"]
    run = snakemake(tmp_path, "--cores", "1", *MINIATURE, *mine)
    assert run.returncode != 0
    assert "images.tar" in run.stdout.strip().splitlines()[-1]
    assert "Traceback" not in run.stdout


def test_each_site_is_a_client(tmp_path):
    """From arrays with sites of one, three and thirty examples to labeled clients."""
    sites = np.repeat(["one", "three", "thirty"], [1, 3, 30])
    labels = np.arange(34) % 2
    arrays = {"features": np.eye(34), "labels": labels, "sites": sites}
    (tmp_path / "set").mkdir()
    for name, array in arrays.items():
        np.save(tmp_path / "set" / f"{name}.npy", array)
    for part in ("features", "labels", "sites"):
        np.save(tmp_path / "set" / f"test_{part}.npy", arrays[part][:4])
    options = ["--config", f"datasets=[{{mine: {{kind: features, path: {tmp_path}/set}}}}]"]
    options += ["clients={from: features}", "models=[linear]", "seeds=[1]"]
    initial = "results/partitions/mine/alpha-none/clients-3/seed-1/initial.npz"
    table = "results/tables/clients.csv"
    run = snakemake(tmp_path, "--cores", "1", initial, table, *options)
    assert run.returncode == 0, run.stdout
    assert "client 0 has a single labeled image" in run.stdout
    rows = pd.read_csv(tmp_path / table)
    assert rows["site"].tolist() == ["one", "thirty", "three"]
    assert rows["images"].tolist() == [1, 30, 3]
    assert rows["initial"].tolist() == [1, 3, 2]
    with np.load(tmp_path / initial) as file:
        assert np.bincount(np.repeat([0, 2, 1], [1, 3, 30])[file["index"]]).tolist() == [1, 3, 2]
