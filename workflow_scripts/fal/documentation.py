"""docs/configuration.md and the JSON schema for editors, from the classes of options themselves.

``python -m fal.documentation`` writes both; a test sees to it that they are up to date.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fal import experiment
from fal.options import requirement, shown
from fal.schema import COMPONENTS, config_schema

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "configuration.md"
SCHEMA = ROOT / "rules" / "config.schema.yaml"

HEAD = """# All keys of the configuration

Generated from the code by `make docs`; every mistake in a value is told in one sentence before
anything runs. [config.yaml](../config.yaml), the default run, lies below every configuration file,
which says only what differs from it; on the command line it is
`--config 'training={{rounds: 20}}' seeds=[1]`. config.yaml has these defaults but for {changed}.
"""

NOUNS = {
    "datasets": "Kinds of data sets",
    "partition": "Partitions",
    "oracle": "Oracles",
    "models": "Networks",
    "algorithms": "Federated learning algorithms",
    "strategies": "Query strategies",
}


def page() -> str:
    """The text of docs/configuration.md."""
    schema = config_schema()
    definitions = schema["$defs"]
    sections = {
        key: definitions[part["$ref"].rsplit("/", 1)[1]]
        for key, part in schema["properties"].items()
        if "$ref" in part
    }
    flat = {key: part for key, part in schema["properties"].items() if key not in sections}
    head = HEAD.format(changed=" and ".join(_changed(flat, sections)))
    parts = [head, "## The run\n", *_table(flat)]
    for key, section in sections.items():
        summary = section["description"].split("\n\n")[0]
        parts += [f"\n## {key}\n", f"{_line(summary)}\n", *_table(section["properties"])]
    for keys, section in _entries(schema["properties"], definitions).items():
        parts += [f"\n## {keys}\n", f"{_line(section['description'])}\n"]
        parts += _table(section["properties"])
    for key, registry, word in COMPONENTS:
        parts += [
            f"\n## {NOUNS[key]} (`{key}`)\n",
            f"An entry is a name, `{{name: {{options}}}}`, or a name of your own with its {word}: "
            f"`{{mine: {{{word}: {next(iter(registry))}}}}}`. A class of your own is "
            f"`{word}: file.py:Class` ([extending.md](extending.md)).\n",
        ]
        for names, summary, options in _members(registry):
            parts.append(f"**{', '.join(f'`{name}`' for name in names)}**: {summary}\n")
            parts += [*_table(options), ""] if options else []
    return "\n".join(parts).rstrip() + "\n"


def _changed(flat: Mapping[str, Any], sections: Mapping[str, Any]) -> Iterator[str]:
    """What config.yaml, which lies below every configuration file, sets to other than defaults."""
    given = experiment.read([ROOT / "config.yaml"])
    values = [(key, part, given) for key, part in flat.items()]
    for key, section in sections.items():
        values += [(f"{key}.{n}", part, given[key]) for n, part in section["properties"].items()]
    for key, part, owner in values:
        value = owner.get(key.rpartition(".")[2])
        if value and value != part.get("default"):
            yield f"`{key}: {shown(value)}`"


def _entries(
    properties: Mapping[str, Any], definitions: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The options of what mappings and lists consist of, by the keys of these."""
    keys: dict[str, list[str]] = {}
    for key, part in properties.items():
        inside = part.get("additionalProperties") or part.get("items")
        if isinstance(inside, dict) and "$ref" in inside:
            keys.setdefault(inside["$ref"].rsplit("/", 1)[1], []).append(key)
    found = {}
    for kind, named in keys.items():
        found[f"Each of {' and '.join(named)}"] = definitions[kind]
        found |= _entries(definitions[kind]["properties"], definitions)
    return found


def _members(registry: Any) -> Iterator[tuple[list[str], str, dict[str, Any]]]:
    """Per class of a registry: the names that it has, what it is, and its options."""
    names: dict[type, list[str]] = {}
    for name in registry:
        names.setdefault(registry.find(name)[0], []).append(name)
    for kind, its_names in names.items():
        summary = _line((kind.__doc__ or "").split("\n\n")[0])
        yield its_names, summary, registry.options_of(its_names[0])


def _table(options: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | default | must be | meaning |"
    yield "|---|---|---|---|"
    for key, part in options.items():
        missing = "{}" if part.get("type") == "object" else "(to be given)"
        default = shown(part["default"]) if "default" in part else missing
        cells = (f"`{key}`", f"`{default}`", requirement(part), _line(part.get("description", "")))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def schema_text() -> str:
    """The text of the JSON schema, as YAML."""
    import yaml

    head = "# Generated from the code by `make docs`: for editors that check YAML files.\n"
    return head + yaml.safe_dump(config_schema(), sort_keys=False, allow_unicode=True, width=100)


def main(arguments: list[str] | None = None) -> None:
    """Write docs/configuration.md and rules/config.schema.yaml anew, from the code."""
    argparse.ArgumentParser(description=main.__doc__).parse_args(arguments)
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
