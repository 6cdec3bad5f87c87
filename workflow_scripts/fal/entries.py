"""Entries of the configuration: a name, or {name: {options}}, and the components they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fal.errors import InputError, suggest
from fal.options import given_options, shown
from fal.registry import Registry

NAME = re.compile(r"(?!\.)[A-Za-z0-9_.]+(-[A-Za-z0-9_.]+)*")
"""What the name of an entry, and of a figure, looks like: it becomes part of paths."""


def entries(key: str, items: tuple[Any, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name and options of each entry of the list ``key``.

    Raises InputError if one is no entry, or two have the same name.
    """
    seen = set()
    for position, item in enumerate(items):
        name: Any = item
        options: Any = {}
        if isinstance(item, Mapping) and len(item) == 1:
            name, options = next(iter(item.items()))
        if not (isinstance(name, str) and NAME.fullmatch(name) and isinstance(options, Mapping)):
            raise InputError(
                f"{key}[{position}] is {shown(item)}, but must be a name of letters, digits, '_', "
                f"'.' and '-', or {{name: {{options}}}}{_indented_as_its_name(item)}"
            )
        if name in seen:
            raise InputError(
                f"{key} has two entries named '{name}'; give each a name of its own, as in "
                f"{{{name}-2: {{...}}}}"
            )
        seen.add(name)
        yield name, dict(options)


def _indented_as_its_name(item: Any) -> str:
    """A hint at options that stand right below their name in YAML, and so beside it."""
    given = item if isinstance(item, Mapping) else {}
    names = [name for name, value in given.items() if value is None]
    if len(names) != 1 or len(given) == 1:
        return ""
    return f"; indent the options below '{names[0]}:' by two more"


def choice(key: str, name: str, options: dict[str, Any], word: str, known: Registry) -> str:
    """Takes the method (or kind) of an entry out of ``options``: its name where it gives none.

    Raises InputError if it is no text, or the name none of ``known``.
    """
    given = options.pop(word, None)
    if given is not None and not isinstance(given, str):
        raise InputError(f"{key}.{name}.{word} is {shown(given)}, but must be a text")
    if given is None and name not in known:
        raise InputError(
            f"{key}: '{name}' is no {known.noun}{suggest(name, known)} (a name of your own needs a "
            f"{word}, as in {{{name}: {{{word}: {next(iter(known))}}}}})"
        )
    return given or name


def create(registry: Registry, owner: str, options: Mapping[str, Any], word: str) -> Any:
    """The component that resolved ``options`` describe; raises InputError as a registry does.

    owner: the key of the options. word: the option that says which component it is.
    """
    own = {key: value for key, value in options.items() if key != word}
    return registry.parse(options[word], own, owner, prefix=f"{owner}.")


def components(key: str, items: tuple[Any, ...], registry: Registry) -> dict[str, dict[str, Any]]:
    """The method and all options of each entry of the list ``key``, by name.

    Raises InputError as ``entries``, ``choice`` and ``create`` do.
    """
    found = {}
    for name, options in entries(key, items):
        method = choice(key, name, options, "method", registry)
        made = create(registry, f"{key}.{name}", {"method": method, **options}, "method")
        found[name] = {"method": method, **given_options(made)}
    return found


def component(key: str, item: Any, registry: Registry) -> tuple[str, dict[str, Any]]:
    """Name and options of a component of which there is only one; raises as ``components``."""
    try:
        ((name, options),) = components(key, (item,), registry).items()
    except InputError as error:
        raise InputError(str(error).replace(f"{key}[0]", key, 1)) from None
    return name, options
