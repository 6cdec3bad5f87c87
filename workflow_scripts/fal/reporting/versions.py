"""Which versions of the code computed the results, and which have changed since.

``python -m fal.reporting.versions [results]`` says what was computed by code that is now another.
"""

import argparse
import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fal.errors import InputError
from fal.provenance import source_digest
from fal.verify import results_folder

SCRIPTS = Path(__file__).resolve().parents[2]

Versions = Mapping[str, Mapping[str, Mapping[str, Mapping[str, int]]]]
"""How many jobs there are: by script, by module that it imported, by digest of the module's source,
and by rule."""


def code_versions(folders: Iterable[str | Path]) -> dict:
    """The versions of the code that computed what lies in the folders: see ``Versions``.

    Every provenance record in them counts. Rules that share a script belong together.
    """
    versions: dict = {}
    for record in _records(folders):
        modules = versions.setdefault(record["script"], {})
        for module, digest in record["modules"].items():
            jobs = modules.setdefault(module, {}).setdefault(digest, {})
            jobs[record["step"]] = jobs.get(record["step"], 0) + 1
    return dict(sorted(versions.items()))


def machine_warning(folders: Iterable[str | Path]) -> str:
    """A sentence that names the kinds of hardware and the versions of torch of what lies in the
    folders, if there are several, or nothing. Jobs that did not compute with torch do not count."""
    machines = {
        f"{record['hardware']}, torch {record['versions']['torch']}"
        for record in _records(folders)
        if record.get("hardware")
    }
    if len(machines) < 2:
        return ""
    return (
        f"These results were computed by different machines ({'; '.join(sorted(machines))}): their "
        "last digits may differ for that alone."
    )


def _records(folders: Iterable[str | Path]) -> Iterator[dict[str, Any]]:
    for folder in dict.fromkeys(map(Path, folders)):
        for path in sorted(folder.glob("*provenance.json")):
            yield json.loads(path.read_text())


def mixture_warning(versions: Versions) -> str:
    """A sentence that names the modules of which a script's jobs had different versions and the
    rules to run again, or nothing."""
    mixed = {
        script: {module: digests for module, digests in modules.items() if len(digests) > 1}
        for script, modules in versions.items()
    }
    if not any(mixed.values()):
        return ""
    return (
        f"These results were computed by several versions of the code ({_named(mixed)}); to "
        f"compute them by one: {_command(mixed)}"
    )


def change_warning(versions: Versions) -> str:
    """A sentence that names the modules that have changed since they computed results, and the
    rules to run again, or nothing."""
    changed = {
        script: {
            module: {digest: jobs for digest, jobs in digests.items() if digest != now}
            for module, digests in modules.items()
            for now in [_present_digest(module)]
            if now is not None and set(digests) != {now}
        }
        for script, modules in versions.items()
    }
    if not any(changed.values()):
        return ""
    return (
        f"Code has changed since these results were computed ({_named(changed)}); to compute them "
        f"anew: {_command(changed)}"
    )


def _named(versions: Versions) -> str:
    parts = []
    for script, modules in versions.items():
        names = sorted(modules)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        parts += [f"{script}: {', '.join(names[:3])}{more}"] if names else []
    return "; ".join(parts)


def _command(versions: Versions) -> str:
    rules = dict.fromkeys(
        rule
        for modules in versions.values()
        for digests in modules.values()
        for jobs in digests.values()
        for rule in jobs
    )
    return f"snakemake --cores all --forcerun {' '.join(rules)}, with the configuration of the run"


def _present_digest(module: str) -> str | None:
    """The digest of a module of this project as it is now; None for users' own files."""
    if module.endswith(".py"):
        script = SCRIPTS / module
        return source_digest(script) if script.is_file() else None
    found = importlib.util.find_spec(module)
    return source_digest(found.origin) if found and found.origin else None


def main(arguments: list[str] | None = None) -> None:
    """Tell which results were computed by code that has changed since."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("results", nargs="?", default="results", help="the folder of a run")
    try:
        results = results_folder(parser.parse_args(arguments).results)
    except InputError as error:
        parser.exit(1, f"Error: {error}\n")
    records = results.rglob("*provenance.json")
    print(
        change_warning(code_versions(path.parent for path in records))
        or f"All of {results} was computed by the code as it is now."
    )


if __name__ == "__main__":
    main()
