"""Which GPU of a machine a job computes on, so that jobs which run at once are spread over all."""

import fcntl
import itertools
import os
import tempfile
from pathlib import Path

_taken: list[int] = []


def take(count: int) -> int:
    """The index of one of ``count`` visible GPUs, of those with the fewest jobs the first.

    It is the caller's until its process ends, in whatever way.
    """
    names = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    names = names if len(names) == count else [str(index) for index in range(count)]
    return next(
        index
        for place in itertools.count()
        for index, name in enumerate(names)
        if _lock(_folder() / f"{name}.{place}")
    )


def _lock(path: Path) -> bool:
    """Whether nobody else holds the file; it is held from now on."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _taken.append(file)
    return True


def _folder() -> Path:
    """On this machine, of this user."""
    folder = Path(tempfile.gettempdir()) / f"fal-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
