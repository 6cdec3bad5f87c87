"""Whether the jobs of one script were computed by several versions of its code."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

Versions = Mapping[str, Mapping[str, Mapping[str, int]]]
"""How many jobs there are, by script, by version (digest) of its code, and by rule."""


def code_versions(folders: Iterable[str | Path]) -> dict[str, dict[str, dict[str, int]]]:
    """The versions of the code that computed what lies in the folders of some cycles.

    Every provenance record in them counts. Rules that share a script belong together; a record
    that names no script counts by its rule.
    """
    versions: dict[str, dict[str, dict[str, int]]] = {}
    for folder in dict.fromkeys(map(Path, folders)):
        for path in sorted(folder.glob("*provenance.json")):
            record = json.loads(path.read_text())
            rule, code = record["step"], record["code"]
            jobs = versions.setdefault(record.get("script", rule), {}).setdefault(code, {})
            jobs[rule] = jobs.get(rule, 0) + 1
    return dict(sorted(versions.items()))


def mixture_warning(versions: Versions) -> str:
    """A sentence that names what differs in code and the rules to run again, or nothing."""
    mixed = {script: codes for script, codes in versions.items() if len(codes) > 1}
    if not mixed:
        return ""
    counts = "; ".join(
        f"{script}: " + ", ".join(f"{sum(jobs.values())} by {code[:8]}" for code, jobs in c.items())
        for script, c in mixed.items()
    )
    rules = dict.fromkeys(
        rule for codes in mixed.values() for jobs in codes.values() for rule in jobs
    )
    return (
        f"These results were computed by several versions of the code ({counts}); "
        f"to compute them by one: snakemake --forcerun {' '.join(rules)}"
    )
