"""Names in the configuration and the classes that they stand for, a user's own among them."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from fal.errors import InputError, suggest
from fal.options import Options, parse, schema

T = TypeVar("T", bound=Options)

OWN = "own_"
"""What the names of modules loaded from users' files begin with."""


class Entry(NamedTuple):
    """Where a class is (imported when it is first asked for), and the options a name fixes."""

    module: str
    name: str
    fixed: Mapping[str, Any] = {}


class Registry(Generic[T]):
    """The classes of one sort by name: a name of ``entries``, or ``path/to/file.py:Class``.

    noun: what such a thing is called in a sentence. base: what every class derives from.
    """

    def __init__(self, noun: str, base: type[T], entries: Mapping[str, Entry]):
        self.noun, self.base, self.entries = noun, base, dict(entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def create(self, name: str, /, **options: Any) -> T:
        """An instance of what ``name`` stands for, with ``options``.

        Raises InputError if the name or an option is unknown or a value will not do.
        """
        return self.parse(name, options, f"{self.noun} '{name}'")

    def parse(
        self, name: str, options: Mapping[str, Any], owner: str, prefix: str | None = None
    ) -> T:
        """As ``create``; ``owner`` and ``prefix`` as in ``fal.options.parse``."""
        kind, fixed = self.find(name)
        for option in fixed:
            if option in options:
                known = self.options_of(name)
                hint = suggest(option, known) if known else "; it has none"
                raise InputError(f"{owner} has no option '{option}'{hint}")
        return parse(kind, {**fixed, **options}, owner, prefix)

    def find(self, name: str) -> tuple[type[T], Mapping[str, Any]]:
        """The class that ``name`` stands for and the options that the name fixes.

        Raises InputError if there is none, or if a user's file cannot be loaded.
        """
        if ".py:" in str(name):
            return self._load(name), {}
        if str(name).endswith(".py"):
            raise InputError(
                f"{self.noun} '{name}' is a file; name its class too: '{name}:ClassName'"
            )
        if name not in self.entries:
            raise InputError(f"{self.noun} '{name}' is unknown{suggest(name, self.entries)}")
        module, kind, fixed = self.entries[name]
        return getattr(importlib.import_module(module), kind), fixed

    def options_of(self, name: str) -> dict[str, dict[str, Any]]:
        """The options that a user may give, each as JSON schema."""
        kind, fixed = self.find(name)
        properties = schema(kind).get("properties", {})
        return {option: part for option, part in properties.items() if option not in fixed}

    def _load(self, name: str) -> type[T]:
        file, _, kind = name.rpartition(":")
        path = Path(file).expanduser().resolve()
        owner = f"{self.noun} '{name}'"
        if not path.is_file():
            raise InputError(f"{owner}: there is no file '{path}'")
        module_name = f"{OWN}{hashlib.blake2b(bytes(path), digest_size=8).hexdigest()}"
        if module_name not in sys.modules:
            spec = importlib.util.spec_from_file_location(module_name, path)
            assert spec and spec.loader
            module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except Exception as error:
                del sys.modules[module_name]
                raise InputError(
                    f"{owner}: '{path}' cannot be loaded ({type(error).__name__}: {error})"
                ) from error
        found = getattr(sys.modules[module_name], kind, None)
        if not (isinstance(found, type) and issubclass(found, self.base)):
            raise InputError(
                f"{owner}: '{path}' has no class '{kind}' made from {self.base.__name__}"
            )
        return found
