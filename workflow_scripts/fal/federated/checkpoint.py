"""Where an unfinished training stands, so that a killed job goes on from there."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fal import provenance, storage

if TYPE_CHECKING:
    from torch import Tensor

    from fal.job import Job

    State = Mapping[str, Mapping[str, Tensor]]

log = logging.getLogger(__name__)


class Checkpoint:
    """The last saved state of one training and a record of it, in a hidden file beside its results.

    key: all that the training depends on; files, given as Paths, count by their contents. What
    was saved under another key is never loaded. every: seconds between two savings.
    """

    def __init__(self, folder: str | Path, key: Iterable[object], every: float):
        digest = hashlib.blake2b(digest_size=16)
        for part in key:
            digest.update(part.read_bytes() if isinstance(part, Path) else repr(part).encode())
            digest.update(b"\0")
        self.folder, self.every = Path(folder), every
        self.path = self.folder / f".checkpoint-{digest.hexdigest()}.safetensors"
        self.last = time.monotonic()

    @classmethod
    def of_job(cls, job: Job, result: str | Path) -> Checkpoint:
        """The checkpoint beside ``result`` of a job, which depends on all that the job is given.

        Ask for it when the training is ready to begin: the code that counts is what is imported.
        """
        import torch

        given = job.snakemake
        key = [
            *(dict(given.params.items()), dict(given.wildcards.items())),
            *map(Path, given.input),
            *(job.device, job.compute["threads"], torch.__version__, provenance.loaded_code()),
        ]
        return cls(Path(result).parent, key, job.compute["checkpoint_seconds"])

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self.last >= self.every

    def save(self, state: State, record: Any) -> None:
        """Keep the state, tensors by part and name, and what else JSON can tell of the training."""
        from safetensors.torch import save_file

        tensors = {
            f"{part}/{name}": tensor.cpu().contiguous()
            for part, named in state.items()
            for name, tensor in named.items()
        }
        with storage.replacing(self.path) as temporary:
            save_file(tensors, temporary, {"record": json.dumps(record)})
        self.last = time.monotonic()

    def load(self, device: str | object = "cpu") -> tuple[dict[str, dict[str, Tensor]], Any] | None:
        """The state and the record that ``save`` was last given.

        None if there are none, or, with a line in the log, if the file is damaged.
        """
        if not self.path.exists():
            return None
        from safetensors import SafetensorError, safe_open

        state: dict[str, dict[str, Tensor]] = {}
        try:
            with safe_open(self.path, "pt", device=str(device)) as file:
                record = json.loads(file.metadata()["record"])
                for key in file.keys():  # noqa: SIM118
                    part, _, name = key.partition("/")
                    state.setdefault(part, {})[name] = file.get_tensor(key)
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            self.disregard(str(error))
            return None
        return state, record

    def disregard(self, reason: str) -> None:
        """Tell the log that what was loaded is of no use."""
        log.warning("The checkpoint %s is not used (%s): starting anew", self.path, reason)

    def remove(self) -> None:
        """Forget this and all other checkpoints of the folder: the results are there."""
        for path in self.folder.glob(".*checkpoint-*"):
            path.unlink(missing_ok=True)


def like(state: State, expected: State) -> bool:
    """Whether two states have the same parts, names, shapes and types."""

    def form(of: State) -> dict[str, dict[str, tuple[object, ...]]]:
        return {
            part: {name: (t.shape, t.dtype) for name, t in named.items()}
            for part, named in of.items()
        }

    return form(state) == form(expected)
