"""A running job of the workflow: its files, its log, its device, its warnings, its record."""

import logging
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from fal import gpus, integrity, provenance, storage
from fal.errors import InputError
from fal.memory import keep_freed_memory
from fal.progress import Progress
from fal.signals import AGAIN, Stopped, Stopping

SUBMITTED = "FAL_SUBMITTED"
"""The environment variable of jobs that are part of a submission to a cluster."""


class Job:
    """What a step script works with.

    snakemake: the object that Snakemake gives to scripts (rule, input, output, params, ...).
    log: its logger. stopping: whether it was told to stop. device: the torch device, and hardware:
    what computes there, once ``use_device`` was called.
    """

    def __init__(self, snakemake: Any):
        self.snakemake = snakemake
        self.log = logging.getLogger(snakemake.rule)
        self.started = time.monotonic()
        self.compute = snakemake.config["compute"]
        self.stopping = Stopping()
        self.device: str | None = None
        self.hardware: str | None = None
        self._found: dict[str, object] = {}
        self._afterwards: list[Callable[[], None]] = []

    @property
    def submitted(self) -> bool:
        """Whether it is part of a submission to a cluster, which fails as a whole."""
        return SUBMITTED in os.environ

    def use_device(self) -> str:
        """The torch device that ``compute.device`` asks for; raises InputError if it is missing."""
        import torch

        wanted = self.compute["device"]
        check_device(wanted)
        keep_freed_memory()
        torch.set_num_threads(self.compute["threads"])
        torch.backends.cudnn.allow_tf32 = False
        available = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = available if wanted == "auto" else wanted
        if self.device == "cuda":
            torch.cuda.set_device(gpus.take(torch.cuda.device_count()))
        self.hardware = (
            torch.cuda.get_device_name(self.device)
            if self.device.startswith("cuda")
            else f"CPU with {torch.backends.cpu.get_cpu_capability()}"
        )
        return self.device

    def progress(self, unit: str, total: int, done: int = 0) -> Progress:
        """What a person who watches is told: how many of ``total`` units are done."""
        return Progress(self.snakemake.log[0], unit, total, done)

    def warn(self, sentence: str) -> None:
        """Tell of something doubtful: in the log now, and again at the end of the whole run."""
        self.log.warning("Warning: %s", sentence)

    def tell(self, sentence: str) -> None:
        """Tell of something that whoever watches should know: when the job is done."""
        self.log.info("Note: %s", sentence)

    def record(self, **found: object) -> None:
        """Have ``found`` stand in the job's record too."""
        self._found |= found

    def afterwards(self, do: Callable[[], None]) -> None:
        """Have ``do`` called when the outputs and the record are written."""
        self._afterwards.append(do)

    def begin(self) -> None:
        """Raise DamagedError if an input is not what its job wrote; remove what kills have left."""
        integrity.check(self.snakemake.input)
        for path in self.snakemake.output:
            storage.remove_leftovers(path)

    def finish(self) -> None:
        """Write the record: what this job was given, what it used, wrote and ``found``."""
        given = self.snakemake
        path = given.output.get("provenance") or _hidden_record(given.output)
        provenance.write(
            path,
            step=given.rule,
            wildcards=dict(given.wildcards.items()),
            settings=dict(given.params.items()),
            outputs=[output for output in given.output if output != path],
            device=self.device,
            hardware=self.hardware,
            seconds=round(time.monotonic() - self.started, 3),
            peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            **self._found,
        )
        for do in self._afterwards:
            do()

    def set_aside(self, error: integrity.DamagedError) -> str:
        """Move damaged files away, so that the same command makes them anew; says so.

        Where the job has none of them among its inputs, which is what Snakemake looks at, the
        inputs that came with them go too. What is not this run's own is left alone.
        """
        inputs = [Path(path) for path in self.snakemake.input]
        moved = [*error.paths]
        if not {*inputs} & {*moved}:
            moved += error.siblings.intersection(inputs)
        results = Path(self.snakemake.config["results"]).resolve()
        if not all(path.resolve().is_relative_to(results) for path in moved):
            return f"{error}; it was made elsewhere: have it made anew there"
        there = [path for path in moved if path.exists()]
        try:
            for path in there:
                path.replace(f"{path}.damaged")
        except OSError:
            return f"{error}; remove it, and the same command makes it anew"
        aside = "it is set aside as .damaged, and " if there else ""
        return f"{error}; {aside}the same command makes it anew"


def _hidden_record(outputs: Sequence[str]) -> str:
    """Where the record of a job lies whose rule names none: in its outputs' folder."""
    folder = os.path.commonpath([Path(output).parent for output in outputs])
    return str(Path(folder, integrity.hidden_record(outputs[0])))


def check_device(wanted: str) -> None:
    """Raise InputError if ``wanted`` is a GPU that torch does not see."""
    if not wanted.startswith("cuda"):
        return
    import torch

    count = torch.cuda.device_count()
    number = int(wanted.partition(":")[2] or 0)
    if number >= count:
        seen = f"{count} GPU{'s' if count > 1 else ''}" if count else "no GPU"
        raise InputError(f"compute.device is '{wanted}', but torch sees {seen}; use cpu or auto")


@contextmanager
def job(snakemake: Any) -> Iterator[Job]:
    """Run the body of a step script with its log open and its threads bounded.

    All that the job prints goes to its log and nothing to the terminal, which belongs to the
    workflow's own display. Whatever ends it becomes one sentence, ``Error: ...``, on the log's
    last line, from where the display reads it, and exit status 1, or ``AGAIN`` where a signal told
    it to stop. Inputs are compared with the records of the jobs that wrote them before it begins,
    and its own record is written at its end. A script ends with this block.
    """
    log = snakemake.log[0]
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    running = Job(snakemake)
    watched = Progress(log)
    with _logging_to(log):
        try:
            with running.stopping.listening(), threadpool_limits(running.compute["threads"]):
                running.begin()
                yield running
                running.finish()
        except integrity.DamagedError as error:
            _fail(running, running.set_aside(error))
        except InputError as error:
            _fail(running, str(error))
        except Stopped as stopped:
            _fail(running, str(stopped), AGAIN)
        except Exception as error:
            running.log.exception("%s failed", snakemake.rule)
            first, _, _ = str(error).strip().partition("\n")
            _fail(running, f"{type(error).__name__}: {first}")
        finally:
            watched.close()
        running.log.info("done in %.1f s", time.monotonic() - running.started)
    if getattr(sys.modules["__main__"], "snakemake", None) is snakemake:
        # The script is over and its outputs are written; taking torch apart would cost 0.7 s.
        os._exit(0)


def _fail(running: Job, sentence: str, status: int = 1) -> None:
    running.log.error("Error: %s", " ".join(sentence.split()))
    sys.exit(status)


@contextmanager
def _logging_to(log: str) -> Iterator[None]:
    """Send log records and both output streams, also those of libraries in C, to a new file."""
    # Names of files may hold bytes that are no UTF-8.
    with Path(log).open("w", encoding="utf-8", errors="backslashreplace") as file:
        handler = logging.StreamHandler(file)
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        streams = {number: os.dup(number) for number in (1, 2)}
        for number in streams:
            os.dup2(file.fileno(), number)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, stream in streams.items():
                os.dup2(stream, number)
                os.close(stream)
            root.setLevel(level)
            root.removeHandler(handler)
