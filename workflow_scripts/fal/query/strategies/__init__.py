"""Query strategies: the registry, and how to make one from its name and options."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from fal.errors import InputError, suggest
from fal.query.strategies.base import Strategy

_EITHER_MODEL = {
    "entropy": ("uncertainty", "Entropy"),
    "margin": ("uncertainty", "Margin"),
    "least-confidence": ("uncertainty", "LeastConfidence"),
    "coreset": ("coreset", "Coreset"),
    "badge": ("badge", "Badge"),
    "gcnal": ("gcnal", "GCNAL"),
}

METHODS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "random": ("uniform", "Random", {}),
    **{
        f"{role[0]}-{name}": (*where, {"role": role})
        for name, where in _EITHER_MODEL.items()
        for role in ("local", "global")
    },
    "kafal": ("kafal", "KAFAL", {}),
    "logo": ("logo", "LoGo", {}),
    "ifal": ("ifal", "IFAL", {}),
}
"""Name -> (module, class, the options that the name fixes)."""


def create(name: str, **options: Any) -> Strategy:
    """The strategy ``name`` with ``options``.

    name: a key of METHODS, or ``path/to/file.py:Class`` for a user's own subclass of Strategy.

    Raises InputError if the name or an option is unknown or a value will not do.
    """
    kind, fixed = _find(name)
    known = [field.name for field in fields(kind) if field.name not in fixed]
    for option in options:
        if option not in known:
            hint = suggest(option, known) if known else "; it has none"
            raise InputError(f"strategy '{name}' has no option '{option}'{hint}")
    missing = [f.name for f in fields(kind) if f.default is f.default_factory is MISSING]
    for option in missing:
        if option not in (options | fixed):
            raise InputError(f"strategy '{name}' needs the option '{option}'")
    try:
        return kind(**fixed, **options)
    except InputError as error:
        raise InputError(f"strategy '{name}': {error}") from None


def _find(name: str) -> tuple[type[Strategy], dict[str, Any]]:
    """The class of the strategy ``name`` and the options that the name fixes."""
    if ".py:" in str(name):
        return _load(name), {}
    if name not in METHODS:
        raise InputError(f"strategy '{name}' is unknown{suggest(name, METHODS)}")
    module, kind, fixed = METHODS[name]
    return getattr(importlib.import_module(f"fal.query.strategies.{module}"), kind), fixed


def _load(name: str) -> type[Strategy]:
    """The class that ``path/to/file.py:Class`` names."""
    file, _, kind = name.rpartition(":")
    path = Path(file).resolve()
    if not path.is_file():
        raise InputError(f"strategy '{name}': there is no file '{path}'")
    module_name = f"strategy_{hashlib.blake2b(bytes(path), digest_size=8).hexdigest()}"
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, path)
        module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            raise InputError(
                f"strategy '{name}': '{path}' cannot be loaded ({type(error).__name__}: {error})"
            ) from error
    found = getattr(sys.modules[module_name], kind, None)
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise InputError(f"strategy '{name}': '{path}' has no class '{kind}' made from Strategy")
    return found
