"""What surrounds a step: its record, the check of its inputs, and what stops it."""

import json
import logging
import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from fake_snakemake import given
from fal import storage
from fal.errors import InputError
from fal.federated import algorithms
from fal.federated.checkpoint import Checkpoint
from fal.job import SUBMITTED, job
from fal.progress import error_in, warnings_in
from fal.reporting import drawing
from fal.signals import AGAIN, TOLD
from federated.cohorts import equal, fresh, make_cohort, train
from killed_runs import default_signals

QUERY = {"query": "cycle-0/query.csv", "provenance": "cycle-0/query_provenance.json"}
TABLE = {"table": "tables/queries.csv", "html": "tables/queries.html"}


def run(snakemake, step=lambda job: None):
    """Run a job; returns its exit status and what its log says at the end."""
    try:
        with job(snakemake) as running:
            for path in snakemake.output:
                if "provenance" not in path:
                    storage.save_text(path, f"{path}\n" * 50)
            step(running)
    except SystemExit as end:
        return end.code, error_in(snakemake.log[0])
    return 0, error_in(snakemake.log[0])


@pytest.fixture(autouse=True)
def not_ignored():
    """Signals end a test, also where a shell in the background has its children ignore them."""
    before = {number: signal.getsignal(number) for number in TOLD}
    default_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def query(tmp_path):
    """A results folder in which a query was made."""
    assert run(given(tmp_path, "query_clients", outputs=QUERY)) == (0, None)
    return tmp_path / "cycle-0" / "query.csv"


@pytest.fixture
def table(tmp_path):
    return given(tmp_path, "summarize_queries", {"query": QUERY["query"]}, TABLE)


def damage(path):
    """Flip one bit and keep the time stamp."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[10] ^= 4
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_job_leaves_a_record_of_what_it_wrote(tmp_path):
    snakemake = given(tmp_path, "query_clients", outputs=QUERY, wildcards={"seed": "1"})
    assert run(snakemake, lambda job: job.record(routes=3)) == (0, None)
    record = json.loads((tmp_path / "cycle-0" / "query_provenance.json").read_text())
    assert record["step"] == "query_clients"
    assert record["wildcards"] == {"seed": "1"}
    assert record["routes"] == 3
    assert record["device"] is None
    assert list(record["outputs"]) == ["query.csv"]


def test_a_job_whose_rule_names_no_record_leaves_a_hidden_one(tmp_path, query, table):
    assert run(table) == (0, None)
    record = json.loads((tmp_path / "tables" / ".queries_provenance.json").read_text())
    assert list(record["outputs"]) == ["queries.csv", "queries.html"]
    damage(tmp_path / "tables" / "queries.csv")
    report = given(tmp_path, "write_report", {"queries": TABLE["table"]}, {"page": "report.html"})
    code, sentence = run(report)
    assert code == 1
    assert "queries.csv' is not what summarize_queries wrote" in sentence


def test_names_that_are_no_text_can_be_told(tmp_path, monkeypatch):
    # What pytest captures could not be sent between its processes.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])

    def fail(job):
        job.tell("the folder M\udcfcller")
        raise InputError("'M\udcfcller' is not readable")

    snakemake = given(tmp_path, "query_clients", outputs=QUERY)
    assert run(snakemake, fail) == (1, r"'M\udcfcller' is not readable")
    assert r"Note: the folder M\udcfcller" in Path(snakemake.log[0]).read_text()


def test_a_damaged_input_is_named_and_set_aside_before_the_step_begins(tmp_path, query, table):
    damage(query)
    begun = []
    code, sentence = run(table, begun.append)
    assert code == 1
    assert not begun
    assert sentence == (
        f"'{query}' is not what query_clients wrote; it is set aside as .damaged, and the same "
        "command makes it anew"
    )
    assert not query.exists()
    assert query.with_name("query.csv.damaged").exists()
    assert run(table)[1] == (
        f"'{query}' is missing, though query_clients wrote it; the same command makes it anew"
    )
    assert run(given(tmp_path, "query_clients", outputs=QUERY)) == (0, None)
    assert run(table) == (0, None)


def test_files_of_another_results_folder_are_left_alone(tmp_path, query):
    damage(query)
    others = given(tmp_path / "mine", "plot", {}, {"png": "figures/a.png"})
    others.input.append(str(query))
    assert "made elsewhere" in run(others)[1]
    assert query.exists()


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def last_pixel(path):
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")


@pytest.mark.parametrize("harm", [damage, cut, last_pixel])
def test_damage_found_by_a_reader_takes_the_input_away_that_came_with_it(tmp_path, harm):
    from fal.data import kinds
    from fal.data.dataset import Dataset
    from fal.data.images import Images

    names = ("dataset.json", "train_images.npy", "train_labels.npy", "test_images.npy")
    outputs = {name.replace(".", "_"): f"data/digits/{name}" for name in names}
    outputs["provenance"] = "data/digits/provenance.json"
    with job(given(tmp_path, "prepare_dataset", outputs=outputs)):
        kinds.create("digits").load("digits").save(tmp_path / "data" / "digits")
    images = tmp_path / "data" / "digits" / "train_images.npy"
    training = given(tmp_path, "train", {"dataset": "data/digits/dataset.json"}, {"a": "a"})

    def read(running):
        Images.of(Dataset.open(images.parent), "train", "cpu")

    assert run(training, read) == (0, None)
    harm(images)
    code, sentence = run(training, read)
    assert code == 1
    assert "train_images.npy' is not what prepare_dataset wrote" in sentence
    gone = {path.name for path in images.parent.glob("*.damaged")}
    assert gone == {"train_images.npy.damaged", "dataset.json.damaged"}


def test_what_a_kill_left_of_an_output_is_removed(tmp_path):
    (tmp_path / "cycle-0").mkdir()
    for name in (".query.csv.123", ".query.csv.note"):
        (tmp_path / "cycle-0" / name).touch()
    run(given(tmp_path, "query_clients", outputs=QUERY))
    left = {path.name for path in (tmp_path / "cycle-0").iterdir()}
    assert left == {".query.csv.note", "query.csv", "query_provenance.json"}


@pytest.mark.parametrize("number", TOLD)
def test_a_step_without_checkpoints_stops_at_once_and_leaves_nothing_half(tmp_path, number):
    def interrupted(running):
        with storage.replacing(tmp_path / "cycle-0" / "query.csv") as path:
            path.write_text("half")
            os.kill(os.getpid(), number)
            raise AssertionError

    before = signal.getsignal(number)
    code, sentence = run(given(tmp_path, "query", outputs=QUERY), interrupted)
    assert code == AGAIN == 75
    assert sentence == f"stopped by {number.name}: the next call does it again"
    assert [path.name for path in (tmp_path / "cycle-0").iterdir()] == ["query.csv"]
    assert "half" not in (tmp_path / "cycle-0" / "query.csv").read_text()
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_as_under_nohup_stays_so(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        killed = run(given(tmp_path, "a", outputs=QUERY), lambda _: os.kill(os.getpid(), 1))
        assert killed == (0, None)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_training_saves_and_stops_after_its_round_and_goes_on_from_there(tmp_path):
    outputs = {"result": "cycle-0/result.json", "provenance": "cycle-0/provenance.json"}
    snakemake = given(tmp_path, "train_cycle", outputs=outputs)
    whole = train(algorithms.create("scaffold"), make_cohort(), 4)
    found = []

    class Interrupting:
        def __init__(self, after):
            self.after, self.rounds = after, []

        def __call__(self, unit, total, done):
            return self

        def update(self, done, **numbers):
            self.rounds.append(done)
            if done == self.after:
                os.kill(os.getpid(), signal.SIGTERM)

        def close(self):
            pass

    def training(progress):
        def step(running):
            running.use_device()
            checkpoint = Checkpoint.of_job(running, snakemake.output.result)
            checkpoint.every = 3600
            scaffold = algorithms.create("scaffold")
            found[:] = train(scaffold, make_cohort(), 4, checkpoint=checkpoint, progress=progress)

        return run(snakemake, step)

    assert training(Interrupting(2)) == (
        AGAIN,
        "stopped by SIGTERM after round 3 of 4: the next call goes on from there",
    )
    resumed = Interrupting(None)
    assert training(resumed) == (0, None)
    assert resumed.rounds == [4]
    assert str(found[1]) == str(whole[1])
    assert all(equal(found[0][part], whole[0][part]) for part in whole[0])
    assert not list((tmp_path / "cycle-0").glob(".checkpoint*"))
    record = json.loads((tmp_path / "cycle-0" / "provenance.json").read_text())
    assert record["device"] == "cpu"
    assert record["hardware"].startswith("CPU with ")


def test_a_training_whose_submission_fails_is_not_done_again(tmp_path, monkeypatch):
    outputs = {"result": "cycle-0/result.json", "provenance": "cycle-0/provenance.json"}
    snakemake = given(tmp_path, "train_cycle", outputs=outputs)
    found = []

    def step(running):
        running.use_device()
        checkpoint = Checkpoint.of_job(running, snakemake.output.result)
        known = checkpoint.load()
        found.append(known and known[1])
        if not known:
            checkpoint.save({"a": fresh(make_cohort())}, "round 4 of 4", "")

    monkeypatch.setenv(SUBMITTED, "1")
    for _ in range(2):
        assert run(snakemake, step) == (0, None)
        for path in snakemake.output:
            Path(path).unlink()
    assert found == [None, "round 4 of 4"]


def test_a_second_ctrl_c_does_not_wait(tmp_path):
    def impatient(running):
        running.stopping.has_safe_points = True
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError

    code, sentence = run(given(tmp_path, "train", outputs=QUERY), impatient)
    assert code == AGAIN
    assert sentence.startswith("stopped at once by a second SIGINT")


def test_a_checkpoint_of_other_code_or_inputs_is_told_at_the_end_of_the_run(
    tmp_path, query, monkeypatch
):
    inputs = {"query": QUERY["query"]}
    outputs = {"result": "cycle-1/result.json", "provenance": "cycle-1/provenance.json"}
    snakemake = given(tmp_path, "train_cycle", inputs, outputs)

    state = {"a": fresh(make_cohort())}

    def save(running):
        running.use_device()
        Checkpoint.of_job(running, snakemake.output.result).save(state, 1, "")
        raise KeyError("killed")

    def load(running):
        running.use_device()
        loaded.append(Checkpoint.of_job(running, snakemake.output.result).load())
        raise KeyError("killed again")

    loaded = []
    run(snakemake, save)
    run(snakemake, load)
    assert loaded.pop() is not None
    monkeypatch.setattr("fal.provenance.loaded_code", lambda: {"fal.rng": "another"})
    run(snakemake, load)
    assert loaded.pop() is None
    assert "(it was saved with other code): starting anew" in warnings_in(snakemake.log[0])[0]


@pytest.fixture
def small_disk():
    """Files of more than 64 kB cannot be written: the kernel says so as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".json", ".png"])
def test_a_full_disk_is_one_sentence_and_what_was_there_stays(tmp_path, small_disk, suffix):
    noise = np.random.default_rng(0).normal(size=(100, 300))

    def draw(path):
        figure = Figure(figsize=(9, 9))
        figure.subplots().imshow(noise)
        drawing.save(figure, path.with_suffix(""))

    write = {
        ".npz": lambda path: storage.save_array(path, a=noise),
        ".safetensors": lambda path: storage.save_tensors(path, {"a": torch.from_numpy(noise)}),
        ".json": lambda path: storage.save_text(path, "x" * 99_999),
        ".png": draw,
    }[suffix]
    path = tmp_path / f"a{suffix}"
    path.write_text("before")
    with pytest.raises(InputError) as error:
        write(path)
    assert str(error.value) == f"'{path}' cannot be written (File too large); what was there stays"
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
