"""A running job of the workflow: its log, its device and threads, its warnings, its provenance."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from fal import provenance
from fal.errors import InputError
from fal.progress import Progress


class Job:
    """What a step script works with.

    snakemake: the object that Snakemake gives to scripts (rule, input, output, params, ...).
    log: its logger. device: the torch device, once ``use_device`` was called.
    """

    def __init__(self, snakemake: Any):
        self.snakemake = snakemake
        self.log = logging.getLogger(snakemake.rule)
        self.started = time.monotonic()
        self.compute = snakemake.config["compute"]
        self.device = "cpu"

    def use_device(self) -> str:
        """The torch device that ``compute.device`` asks for; raises InputError if it is missing."""
        import torch

        wanted = self.compute["device"]
        check_device(wanted)
        torch.set_num_threads(self.compute["threads"])
        torch.backends.cudnn.allow_tf32 = False
        available = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = available if wanted == "auto" else wanted
        return self.device

    def progress(self, unit: str, total: int, done: int = 0) -> Progress:
        """What a person who watches is told: how many of ``total`` units are done."""
        return Progress(self.snakemake.log[0], unit, total, done)

    def warn(self, sentence: str) -> None:
        """Tell of something doubtful: in the log now, and again at the end of the whole run."""
        self.log.warning("Warning: %s", sentence)

    def code_digest(self) -> str:
        """Digest of the script and of all modules that it has imported so far."""
        return provenance.code_digest(provenance.loaded_code())

    def tell(self, sentence: str) -> None:
        """Tell of something that whoever watches should know: when the job is done."""
        self.log.info("Note: %s", sentence)

    def write_provenance(self, path: str, **found: object) -> None:
        """Record what this job was given, and ``found``, with the time since it started."""
        provenance.write(
            path,
            step=self.snakemake.rule,
            wildcards=dict(self.snakemake.wildcards.items()),
            settings=dict(self.snakemake.params.items()),
            device=self.device,
            seconds=time.monotonic() - self.started,
            **found,
        )


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
    last line, from where the display reads it, and exit status 1. A script ends with this block.
    """
    log = snakemake.log[0]
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    running = Job(snakemake)
    watched = Progress(log)
    with _logging_to(log):
        try:
            with threadpool_limits(running.compute["threads"]):
                yield running
        except InputError as error:
            _fail(running, str(error))
        except KeyboardInterrupt:
            _fail(running, "stopped by the user")
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


def _fail(running: Job, sentence: str) -> None:
    running.log.error("Error: %s", " ".join(sentence.split()))
    sys.exit(1)


@contextmanager
def _logging_to(log: str) -> Iterator[None]:
    """Send log records and both output streams, also those of libraries in C, to a new file."""
    with Path(log).open("w") as file:
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
