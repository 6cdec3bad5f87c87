"""Whether the steps of one rule were computed by several versions of its code."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path


def code_digests(folders: Iterable[str | Path]) -> dict[str, Counter[str]]:
    """Per rule, how many of its jobs each version (digest) of its code has computed.

    folders: those of cycles, in which every provenance record counts.
    """
    digests: dict[str, Counter[str]] = defaultdict(Counter)
    for folder in dict.fromkeys(map(Path, folders)):
        for path in sorted(folder.glob("*provenance.json")):
            record = json.loads(path.read_text())
            digests[record["step"]][record["code"]] += 1
    return dict(sorted(digests.items()))


def mixture_warning(digests: Mapping[str, Mapping[str, int]]) -> str:
    """A sentence that names the rules whose jobs differ in code, or nothing."""
    mixed = {rule: versions for rule, versions in digests.items() if len(versions) > 1}
    if not mixed:
        return ""
    counts = "; ".join(
        f"{rule}: " + ", ".join(f"{count} by {code[:8]}" for code, count in versions.items())
        for rule, versions in mixed.items()
    )
    return (
        f"These results were computed by several versions of the code ({counts}); "
        f"to compute them by one: snakemake --forcerun {' '.join(mixed)}"
    )
