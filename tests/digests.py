"""What two runs must have in common: every result that does not tell of time."""

import hashlib
from pathlib import Path

TELLS_OF_TIME = ("provenance", "costs.csv", "planned.json", "report.html")


def digests(results: Path, pattern: str = "**/*") -> dict[str, str]:
    """SHA-256 of the results below a folder that do not tell of time, by relative path."""
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.glob(pattern))
        if path.is_file()
        and "logs" not in path.relative_to(results).parts
        and not any(name in path.name for name in TELLS_OF_TIME)
    }
