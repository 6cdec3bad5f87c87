"""Where a result came from: settings, seeds, versions, code, device, duration."""

import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fal.integrity import write_record
from fal.registry import OWN

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "POT", "snakemake")


def loaded_code() -> dict[str, str]:
    """The script and every module of this project or of the user that it has imported so far.

    Returns, by name, the first 16 digits of the SHA-256 of the source. What a step did not import
    cannot have had a part in its result.
    """
    code = {}
    for name, module in sorted(sys.modules.items()):
        own = name == "__main__" or name.startswith(OWN)
        file = getattr(module, "__file__", None) if own or name.split(".")[0] == "fal" else None
        if file and Path(file).is_file():
            code[Path(file).name if own else name] = source_digest(file)
    return code


def source_digest(file: str | Path) -> str:
    """The first 16 digits of the SHA-256 of a source file."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]


def code_digest(code: Mapping[str, str]) -> str:
    """One SHA-256 over what ``loaded_code`` returned."""
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def installed(package: str) -> str | None:
    """The version of a package, or None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write(
    path: str | Path,
    *,
    step: str,
    wildcards: Mapping[str, str],
    settings: Mapping[str, object],
    outputs: Iterable[str],
    **found: object,
) -> None:
    """Write a job's record as JSON, with the digests of the files ``outputs``.

    found: what the step itself wants to tell.
    """
    code = loaded_code()
    record: dict[str, Any] = {
        "step": step,
        "script": Path(getattr(sys.modules["__main__"], "__file__", step)).stem,
        "wildcards": dict(wildcards),
        "settings": dict(settings),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {package: installed(package) for package in PACKAGES},
        "code": code_digest(code),
        "modules": code,
        **found,
    }
    write_record(path, record, outputs)
