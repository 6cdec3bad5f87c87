"""What all step scripts share: the log, the number of threads, the device, the user's errors."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import threadpool_limits

from fal import provenance
from fal.errors import InputError


class Step:
    """A running step script: its logger, its start, its device."""

    def __init__(self, snakemake):
        self.job = snakemake
        self.log = logging.getLogger(snakemake.rule)
        self.started = time.monotonic()
        self.compute = snakemake.config["compute"]
        self.device = "cpu"

    def use_device(self) -> str:
        """The torch device that ``compute.device`` asks for; raises InputError if it is missing."""
        import torch

        wanted = self.compute["device"]
        available = torch.cuda.is_available()
        if wanted.startswith("cuda") and not available:
            raise InputError(f"compute.device is '{wanted}' but torch sees no GPU; use cpu or auto")
        torch.set_num_threads(self.compute["threads"])
        torch.backends.cudnn.allow_tf32 = False
        self.device = ("cuda" if available else "cpu") if wanted == "auto" else wanted
        return self.device

    def write_provenance(self, path: str, **found: object) -> None:
        """Record what this job was given, and ``found``, with the time since it started."""
        provenance.write(
            path,
            step=self.job.rule,
            wildcards=dict(self.job.wildcards.items()),
            settings=dict(self.job.params.items()),
            device=self.device,
            seconds=time.monotonic() - self.started,
            **found,
        )


@contextmanager
def step(snakemake) -> Iterator[Step]:
    """Run the body of a step script with its log open and its threads bounded.

    An InputError becomes one sentence on stderr and in the log, and exit status 1.
    """
    Path(snakemake.log[0]).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        handlers=[logging.FileHandler(snakemake.log[0], mode="w"), logging.StreamHandler()],
    )
    running = Step(snakemake)
    threads = running.compute["threads"]
    try:
        with threadpool_limits(threads):
            yield running
    except InputError as error:
        running.log.error("Error: %s", error)
        sys.exit(1)
    except Exception:
        running.log.exception("%s failed", snakemake.rule)
        raise
    running.log.info("done in %.1f s", time.monotonic() - running.started)
