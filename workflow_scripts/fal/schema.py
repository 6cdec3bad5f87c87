"""The configuration as a JSON schema, for editors and for the generated page of all keys."""

from __future__ import annotations

import json
from typing import Any

from fal.configuration import Configuration
from fal.data.kinds import KINDS
from fal.data.oracles import ORACLES
from fal.data.partitions import PARTITIONS
from fal.entries import NAME
from fal.federated.algorithms import ALGORITHMS
from fal.federated.networks import NETWORKS
from fal.options import schema
from fal.query.strategies import STRATEGIES
from fal.registry import Registry

COMPONENTS: tuple[tuple[str, Registry, str], ...] = (
    ("datasets", KINDS, "kind"),
    ("partition", PARTITIONS, "method"),
    ("oracle", ORACLES, "method"),
    ("models", NETWORKS, "method"),
    ("algorithms", ALGORITHMS, "method"),
    ("strategies", STRATEGIES, "method"),
)
"""The components in a configuration, mostly in lists: key, what its names stand for, and the option
that says which of these an entry is."""


def config_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of the configuration, with the options of all components."""
    whole = schema(Configuration)
    for key, registry, word in COMPONENTS:
        described = whole["properties"][key]
        if described.get("type") == "array":
            described["items"] = _entry_schema(registry, word)
        else:
            described.update(_entry_schema(registry, word))
    return json.loads(json.dumps(whole))


def _entry_schema(registry: Registry, word: str) -> dict[str, Any]:
    """JSON schema of an entry: a name, or {name: {options}}."""
    kinds = [
        {
            "type": "object",
            "properties": {word: {"const": name}, **registry.options_of(name)},
            "additionalProperties": False,
        }
        for name in registry
    ]
    own = {"type": "object", "required": [word], "properties": {word: {"pattern": r"\.py:"}}}
    return {
        "anyOf": [
            {"enum": list(registry)},
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "propertyNames": {"pattern": f"^{NAME.pattern}$"},
                "additionalProperties": {"anyOf": [*kinds, own]},
            },
        ]
    }
