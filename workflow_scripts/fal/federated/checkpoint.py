"""Where an unfinished training stands, so that a killed job goes on from there."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fal import integrity, provenance, storage
from fal.errors import InputError
from fal.signals import Stopping

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from fal.job import Job

    State = Mapping[str, Mapping[str, Tensor]]

log = logging.getLogger(__name__)

_PREFIX = ".checkpoint-"


class Checkpoint:
    """The last saved state of one training and a record of it, in a file of its own.

    depends_on: all that the training depends on, by name; files, given as Paths, count by their
    contents. What was saved where any of it was another is never loaded. every: seconds between two
    savings. hardware: what computes; where that has changed, it is told, as last digits may differ.
    stopping: whether the job was told to stop, which it does after the next saving. warn: tells of
    what a person should know.
    """

    def __init__(
        self,
        path: str | Path,
        depends_on: Mapping[str, object],
        every: float = 60,
        hardware: str | None = None,
        stopping: Stopping | None = None,
        warn: Callable[[str], None] = log.warning,
    ):
        self.path, self.every, self.hardware, self.warn = Path(path), every, hardware, warn
        self.stopping = stopping or Stopping()
        self.fingerprint = {name: _fingerprint(part) for name, part in depends_on.items()}
        self.last = time.monotonic()

    @classmethod
    def of_job(cls, job: Job, result: str | Path) -> Checkpoint:
        """The checkpoint beside ``result`` of a job, which depends on all that the job is given.

        It is removed when the job's outputs are there. That of a job that was submitted stays until
        ``forget_finished``: if another job of the submission fails, the outputs are taken back.
        From now on the job stops after a saving, and not at once. Ask for it when the training is
        ready to begin: the code that counts is what is imported.
        """
        import torch

        given, result = job.snakemake, Path(result)
        compute = {k: value for k, value in job.compute.items() if k != "checkpoint_seconds"}
        depends_on = {
            "settings": (dict(given.params.items()), dict(given.wildcards.items())),
            "compute": (compute, job.device),
            "torch": torch.__version__,
            "code": provenance.loaded_code(),
            **{Path(path).name: Path(path) for path in given.input},
            **{f"the files of {Path(p).name}": integrity.recorded(p) for p in given.input},
        }
        made = cls(
            result.with_name(f"{_PREFIX}{result.stem}.safetensors"),
            depends_on,
            job.compute["checkpoint_seconds"],
            job.hardware,
            job.stopping,
            job.warn,
        )
        job.stopping.has_safe_points = True
        if not job.submitted:
            job.afterwards(made.remove)
        return made

    @property
    def due(self) -> bool:
        """Whether it is time to save, or the job is to stop."""
        return bool(self.stopping.signal) or time.monotonic() - self.last >= self.every

    def save(self, state: State, record: Any, after: str) -> None:
        """Keep the state, tensors by part and name, and what else JSON can tell of the training.

        after: what is done, such as "round 14 of 60". A state that cannot be written, as on a full
        disk, is told: the training goes on. Raises Stopped if the job is to stop.
        """
        told = {
            "record": record,
            "fingerprint": self.fingerprint,
            "hardware": self.hardware,
            "digest": _digest(state),
        }
        try:
            metadata = {"told": json.dumps(told), "seal": _fingerprint(json.dumps(told))}
            storage.save_state(self.path, state, metadata)
        except InputError as error:
            self.warn(f"no checkpoint after {after}: {error}")
        self.last = time.monotonic()
        self.stopping.safe_point(after)

    def load(
        self, device: str | torch.device = "cpu"
    ) -> tuple[dict[str, dict[str, Tensor]], Any] | None:
        """The state and the record that ``save`` was last given.

        None if there are none, or, with a warning, if the file is damaged or another training's.
        """
        if not self.path.exists():
            return None
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, "pt") as file:
                metadata = file.metadata()
            told = json.loads(metadata["told"])
            state = storage.load_state(self.path)
            if metadata["seal"] != _fingerprint(metadata["told"]) or told["digest"] != _digest(
                state
            ):
                raise ValueError("its content has changed since it was written")
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            self.disregard(f"it is damaged: {error}")
            return None
        names = self.fingerprint.keys() | told["fingerprint"].keys()
        if other := [n for n in names if self.fingerprint.get(n) != told["fingerprint"].get(n)]:
            self.disregard(f"it was saved with other {', '.join(sorted(other))}")
            return None
        if self.hardware != told["hardware"]:
            self.warn(
                f"this goes on from a checkpoint of other hardware ({told['hardware']}, now "
                f"{self.hardware}): the last digits may differ from those of one machine alone"
            )
        moved = {
            part: {name: tensor.to(device) for name, tensor in named.items()}
            for part, named in state.items()
        }
        return moved, told["record"]

    def disregard(self, reason: str) -> None:
        """Tell that what was saved is of no use."""
        self.warn(f"the checkpoint {self.path} is not used ({reason}): starting anew")

    def remove(self) -> None:
        """Forget it: the results are there."""
        _remove(self.path)


def forget_finished(folder: str | Path) -> None:
    """Remove the checkpoints in a folder, and in all below it, whose results are there."""
    for path in Path(folder).rglob(f"{_PREFIX}*.safetensors"):
        if any(path.parent.glob(f"{path.stem.removeprefix(_PREFIX)}.*")):
            _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    storage.remove_leftovers(path)


def _fingerprint(part: object) -> str:
    content = part.read_bytes() if isinstance(part, Path) else repr(part).encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _digest(state: State) -> str:
    """One digest of all names, shapes, types and numbers of a state."""
    import torch

    digest = hashlib.blake2b(digest_size=16)
    for part, named in sorted(state.items()):
        for name, tensor in sorted(named.items()):
            digest.update(repr((part, name, tensor.dtype, tuple(tensor.shape))).encode())
            digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def like(state: State, expected: State) -> bool:
    """Whether two states have the same parts, names, shapes and types."""

    def form(of: State) -> dict[str, dict[str, tuple[object, ...]]]:
        return {
            part: {name: (t.shape, t.dtype) for name, t in named.items()}
            for part, named in of.items()
        }

    return form(state) == form(expected)
