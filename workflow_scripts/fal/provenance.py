"""Where a result came from: settings, seeds, versions, code, device, duration."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from fal.storage import replacing

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "POT", "snakemake")
CODE = Path(__file__).resolve().parents[1]


def code_digest() -> str:
    """SHA-256 over the names and contents of all step scripts and library files."""
    digest = hashlib.sha256()
    for path in sorted(CODE.rglob("*.py")):
        digest.update(f"{path.relative_to(CODE)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def write(
    path: str | Path,
    *,
    step: str,
    wildcards: Mapping[str, str],
    settings: Mapping[str, object],
    device: str,
    seconds: float,
    **found: object,
) -> None:
    """Write a provenance record as JSON; ``found`` holds what the step itself wants to tell."""
    record = {
        "step": step,
        "wildcards": dict(wildcards),
        "settings": dict(settings),
        "device": device,
        "seconds": round(seconds, 3),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {package: version(package) for package in PACKAGES},
        "code": code_digest(),
        **found,
    }
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, default=str) + "\n")
