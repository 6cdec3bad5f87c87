"""Who works on a results folder: one at a time, and nothing of a killed one beside it."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fal import owner
from fal.errors import InputError

RECORD = "logs/owner.json"


@pytest.fixture
def claim(caplog):
    """Claim a folder; returns what is told."""

    def claim(*arguments):
        caplog.clear()
        owner.claim(*arguments)
        return [record.getMessage() for record in caplog.records]

    return claim


@pytest.fixture(autouse=True)
def outside_of_slurm(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv(owner.MARK, "")
    monkeypatch.setattr(owner.atexit, "register", lambda *_: None)


@pytest.fixture
def processes():
    """Processes that a test starts, ended with it."""
    started = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def sleep(processes, *, mark="", ignoring=False, slurm=None) -> subprocess.Popen:
    """A shell with a child, which the shell does not replace itself by."""
    environment = {**os.environ, owner.MARK: mark}
    if slurm is not None:
        environment["SLURM_JOB_ID"] = slurm
    trap = "trap '' TERM; " if ignoring else ""
    command = ["bash", "-c", f"{trap}echo; sleep 60; true"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    process.stdout.readline()
    processes.append(process)
    return process


def record(results: Path, **changes) -> None:
    me = psutil.Process()
    written = {"pid": me.pid, "host": platform.node(), "started": me.create_time(), **changes}
    path = results / RECORD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written))


def gone_number() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_folder_belongs_to_one_process_until_it_ends(claim, tmp_path):
    code = (
        "import os, sys; from fal import owner; os.chdir(sys.argv[1]);"
        "owner.claim('.'); print(flush=True); os.chdir('/'); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout.readline() == "\n"
    with pytest.raises(InputError, match=rf"process {first.pid} on .* wait until it ends"):
        claim(tmp_path)
    first.communicate()
    assert claim(tmp_path) == []
    assert json.loads((tmp_path / RECORD).read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("again", [False, True])
def test_a_killed_owner_is_told_of_and_followed(claim, tmp_path, again):
    # The number of a killed process may be that of another one now.
    record(tmp_path, **({"started": 1e9} if again else {"pid": gone_number()}))
    (told,) = claim(tmp_path)
    assert told.startswith("An earlier run was killed: snakemake") and platform.node() in told


def test_a_killed_owner_whose_parent_does_not_look_is_not_alive(claim, tmp_path, processes):
    child = sleep(processes)
    started = psutil.Process(child.pid).create_time()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    record(tmp_path, pid=child.pid, started=started)
    assert len(claim(tmp_path)) == 1


def test_an_owner_on_another_machine_has_to_be_unlocked(claim, tmp_path):
    record(tmp_path, host="elsewhere")
    with pytest.raises(InputError, match=r"on elsewhere, .* snakemake --unlock"):
        claim(tmp_path)
    owner.unlock(tmp_path)
    assert claim(tmp_path) == []


def test_a_folder_whose_owner_lives_is_not_unlocked(claim, tmp_path):
    record(tmp_path)
    with pytest.raises(InputError, match=r"works on .*; wait until it ends, or stop it"):
        owner.unlock(tmp_path)
    assert not json.loads((tmp_path / RECORD).read_text()).get("over")
    owner.release(tmp_path)
    owner.unlock(tmp_path)
    assert claim(tmp_path) == []
    owner.unlock(tmp_path / "empty")


def test_while_one_ends_what_outlived_a_killed_owner_no_other_begins(
    claim, tmp_path, processes, monkeypatch
):
    record(tmp_path, pid=gone_number())
    orphan = sleep(processes, mark=f"{gone_number()} {tmp_path}", ignoring=True)
    monkeypatch.setattr(owner, "GRACE", 1.0)
    code = "import sys; from fal import owner; owner.claim(sys.argv[1])"
    second = []
    stop = owner._end_orphans

    def with_another(results):
        asked = [sys.executable, "-c", code, str(tmp_path)]
        second.append(subprocess.run(asked, capture_output=True, text=True))
        stop(results)

    monkeypatch.setattr(owner, "_end_orphans", with_another)
    claim(tmp_path)
    assert "another snakemake has just begun to work on" in second[0].stderr
    assert json.loads((tmp_path / RECORD).read_text())["pid"] == os.getpid()
    assert orphan.wait(5) == -signal.SIGKILL


def test_a_requeued_allocation_goes_on_on_another_machine(claim, tmp_path, monkeypatch):
    record(tmp_path, host="elsewhere", allocation="7")
    monkeypatch.setenv("SLURM_JOB_ID", "8")
    with pytest.raises(InputError, match="on elsewhere"):
        claim(tmp_path)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert len(claim(tmp_path)) == 1


def test_a_folder_that_cannot_be_written_is_one_sentence(claim, tmp_path):
    (tmp_path / "logs").touch()
    with pytest.raises(InputError, match=r"owner.json' cannot be written \(File exists\)"):
        claim(tmp_path)


def test_half_a_record_is_none(claim, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / RECORD).write_text('{"pid": 1, "ho')
    assert claim(tmp_path) == []


def test_what_was_stopped_is_ended_at_once(claim, tmp_path, processes):
    orphan = sleep(processes, mark=f"{gone_number()} {tmp_path}")
    orphan.send_signal(signal.SIGSTOP)
    assert len(claim(tmp_path)) == 1
    assert orphan.wait(1) == -15


def test_what_outlived_its_owner_is_ended_and_all_else_is_left_alone(claim, tmp_path, processes):
    gone = gone_number()
    orphan = sleep(processes, mark=f"{gone} {tmp_path}")
    while not (children := psutil.Process(orphan.pid).children()):
        time.sleep(0.01)
    others = [
        sleep(processes, mark=f"{gone} {tmp_path}-other"),
        sleep(processes, mark=f"{psutil.Process().ppid()} {tmp_path}"),
        sleep(processes, mark=f"{gone} {tmp_path}", slurm="12"),
        sleep(processes),
    ]
    (told,) = claim(tmp_path)
    assert str(orphan.pid) in told and str(children[0].pid) in told
    assert orphan.wait(1) == -15
    assert not children[0].is_running() or children[0].status() == psutil.STATUS_ZOMBIE
    assert [process.poll() for process in others] == [None] * 4


def test_what_does_not_end_is_killed(claim, tmp_path, processes, monkeypatch):
    monkeypatch.setattr(owner, "GRACE", 0.2)
    orphan = sleep(processes, mark=f"{gone_number()} {tmp_path}", ignoring=True)
    started = time.monotonic()
    assert len(claim(tmp_path)) == 1
    assert orphan.wait(1) == -9 and time.monotonic() - started < 5


def squeue(folder: Path, monkeypatch, script: str) -> None:
    program = folder / "bin" / "squeue"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_jobs_that_slurm_still_has_are_named_and_kept(claim, tmp_path, monkeypatch):
    squeue(tmp_path, monkeypatch, '[ "$2" = --name=run-1 ] && echo "12 (RUNNING, train)"; true')
    record(tmp_path, over=True, submitted="run-1")
    with pytest.raises(InputError, match=r"12 \(RUNNING, train\); .*'scancel --name run-1'"):
        claim(tmp_path, "run-2")
    assert json.loads((tmp_path / RECORD).read_text())["submitted"] == "run-1"
    record(tmp_path, over=True, submitted="run-0")
    assert claim(tmp_path, "run-2") == []
    assert json.loads((tmp_path / RECORD).read_text())["submitted"] == "run-2"


def test_nothing_is_submitted_before_slurm_answers(claim, tmp_path, monkeypatch):
    squeue(tmp_path, monkeypatch, "echo 'Unable to contact slurm controller' >&2; exit 1")
    record(tmp_path, over=True, submitted="run-1")
    with pytest.raises(InputError, match="Unable to contact slurm controller"):
        claim(tmp_path)


def test_where_slurm_is_not_installed_no_job_of_it_runs(claim, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    record(tmp_path, over=True, submitted="run-1")
    assert claim(tmp_path) == []
