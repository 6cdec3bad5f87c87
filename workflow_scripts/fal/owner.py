"""One Snakemake at a time works on a results folder, and nothing of a killed one beside it.

The main process leaves word in the folder of who it is. The next one ends what outlived a killed
one on this machine, and names what a Slurm cluster still has of it.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import logging
import os
import platform
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from fal.errors import InputError
from fal.progress import duration
from fal.storage import replacing

MARK = "FAL_OWNER"
"""The environment variable of all processes of a run: its owner's process id, and its folder."""

GRACE = 60.0
"""Seconds in which a process that is told to end can save what it has done."""

AGAIN = "and then run the same command again"
_NAMED = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Owner:
    """Who works on a results folder, or did.

    started: when the process began, in seconds since the epoch: its number may be used again.
    over: it came to an end, or a person said so.
    allocation: the Slurm job that the process runs in. submitted: the name of its own Slurm jobs.
    """

    pid: int
    host: str
    started: float
    over: bool = False
    allocation: str = ""
    submitted: str = ""

    def __str__(self) -> str:
        age = duration(time.time() - self.started)
        return f"snakemake (process {self.pid} on {self.host}, started {age} ago)"

    def here(self) -> bool:
        """Whether it ran on this machine, or in the Slurm job that has been requeued to it."""
        allocation = os.environ.get("SLURM_JOB_ID", "")
        return self.host == platform.node() or self.allocation == allocation != ""

    def alive(self) -> bool:
        """Whether the process still runs on this machine."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 1
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def claim(results: str | Path, submitted: str = "") -> None:
    """Make this process the owner of ``results`` until it ends; warn of what a killed one left.

    submitted: the name under which it submits jobs to Slurm.
    Raises InputError while another owner, or a Slurm job of an earlier one, may still work there.
    """
    me = psutil.Process()
    with _one_at_a_time(results):
        earlier = _read(results)
        if earlier is not None:
            if not earlier.over:
                _refuse_if_at_work(results, earlier)
            _refuse_if_queued(results, earlier)
            if not earlier.over:
                _log.warning("An earlier run was killed: %s. This one goes on from there.", earlier)
        _end_orphans(results)
        slurm_job = os.environ.get("SLURM_JOB_ID", "")
        owner = Owner(me.pid, platform.node(), me.create_time(), False, slurm_job, submitted)
        _write(results, owner)
    folder = Path(results).resolve()
    os.environ[MARK] = f"{me.pid} {folder}"
    atexit.register(_release_at_exit, folder)


@contextlib.contextmanager
def _one_at_a_time(results: str | Path) -> Iterator[None]:
    """Raise InputError while another process is within, as while it ends orphans."""
    path = _path(results).with_suffix(".lock")
    with contextlib.ExitStack() as opened:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = opened.enter_context(path.open("w"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"another snakemake has just begun to work on '{results}'; wait until it ends, or "
                f"stop it, {AGAIN}"
            ) from None
        except OSError as error:  # Some network file systems have no locks.
            _log.debug("no lock on %s (%s)", path, error)
        yield


def unlock(results: str | Path) -> None:
    """Take it that the owner of ``results`` no longer works there, as a person says.

    Raises InputError if it does: it runs on this machine.
    """
    owner = _read(results)
    if owner is not None and not owner.over:
        _refuse_if_alive(results, owner)
    release(results)


def release(results: str | Path) -> None:
    """Leave word that the owner of ``results`` no longer works there."""
    owner = _read(results)
    if owner is not None:
        _write(results, replace(owner, over=True))


def _release_at_exit(results: str | Path) -> None:
    owner = _read(results)
    if owner is not None and (owner.pid, owner.host) == (os.getpid(), platform.node()):
        with contextlib.suppress(OSError):
            release(results)


def _refuse_if_at_work(results: str | Path, owner: Owner) -> None:
    if not owner.here():
        raise InputError(
            f"{owner} works on '{results}', or was killed there; if it no longer runs, run "
            f"snakemake --unlock with the same options {AGAIN}"
        )
    _refuse_if_alive(results, owner)


def _refuse_if_alive(results: str | Path, owner: Owner) -> None:
    if owner.host == platform.node() and owner.alive():
        raise InputError(f"{owner} works on '{results}'; wait until it ends, or stop it, {AGAIN}")


def _refuse_if_queued(results: str | Path, owner: Owner) -> None:
    jobs = _slurm_jobs(owner.submitted) if owner.submitted else []
    if jobs:
        more = f" and {len(jobs) - _NAMED} more" if len(jobs) > _NAMED else ""
        raise InputError(
            f"Slurm still has jobs of an earlier run of '{results}': "
            f"{', '.join(jobs[:_NAMED])}{more}; wait until they end, "
            f"or 'scancel --name {owner.submitted}', {AGAIN}"
        )


def _slurm_jobs(name: str) -> list[str]:
    """The jobs of this name that wait or run: id, state and comment; none where Slurm is not."""
    command = ["squeue", "--noheader", f"--name={name}", "--format=%i (%T, %k)"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    except FileNotFoundError:
        return []
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = str(error.stderr or error).strip()
        raise InputError(
            f"Slurm does not tell whether jobs of an earlier run still run ({said}); "
            "run the same command again when squeue works"
        ) from None
    return asked.stdout.splitlines()


def _end_orphans(results: str | Path) -> None:
    """End what outlived its owner: it could not hand in what it computes."""
    orphans = _orphans(results)
    if orphans:
        numbers = ", ".join(str(process.pid) for process in orphans)
        _log.warning("Ending what still runs of an earlier run: process %s.", numbers)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
                process.resume()
        deadline = time.monotonic() + GRACE
        while any(map(_runs, orphans)) and time.monotonic() < deadline:
            time.sleep(0.05)


def _orphans(results: str | Path) -> list[psutil.Process]:
    """Processes of an earlier run on ``results`` whose owner is gone."""
    me = psutil.Process()
    found = []
    for process in set(psutil.process_iter()) - {me, *me.parents()}:
        with contextlib.suppress(psutil.Error):
            environment = process.environ()
            owner, _, folder = environment.get(MARK, "").partition(" ")
            # What Slurm started elsewhere is Slurm's to end.
            started_here = environment.get("SLURM_JOB_ID") == os.environ.get("SLURM_JOB_ID")
            if not started_here or folder != str(Path(results).resolve()):
                continue
            if int(owner) not in (parent.pid for parent in process.parents()) and _runs(process):
                found.append(process)
    return sorted(found, key=lambda process: process.pid)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _path(results: str | Path) -> Path:
    return Path(results) / "logs" / "owner.json"


def _read(results: str | Path) -> Owner | None:
    try:
        return Owner(**json.loads(_path(results).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _write(results: str | Path, owner: Owner) -> None:
    with replacing(_path(results)) as temporary:
        temporary.write_text(json.dumps(asdict(owner)) + "\n")
