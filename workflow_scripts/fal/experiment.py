"""Configurations that say only what differs from those below them: files, and ``--config``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fal.errors import InputError

if TYPE_CHECKING:
    import yaml

EXTENDS = "extends"


def read(files: Iterable[str | Path]) -> dict[str, Any]:
    """The configuration that several files make together, each over those before it.

    A file that ``extends`` another, named by its path from its own folder, comes right after that
    one; a file that several extend is read once, where it is first needed. Mappings are merged key
    by key, everything else is replaced.

    Raises InputError if a file cannot be read, is no mapping, or extends itself.
    """
    whole: dict[str, Any] = {}
    for path in dict.fromkeys(path for file in files for path in _lineage(Path(file).resolve())):
        whole = merge(whole, _mapping(path))
    whole.pop(EXTENDS, None)
    return whole


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the values of ``over``; mappings that both have are merged likewise."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def retyped(value: Any) -> Any:
    """A copy of ``value`` in which texts that YAML reads as a number, truth value or null are one.

    For what was given as ``--config``.
    """
    if isinstance(value, Mapping):
        return {key: retyped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [retyped(item) for item in value]
    if not isinstance(value, str):
        return value
    import yaml

    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        return value
    return read if read is None or isinstance(read, int | float) else value


def _lineage(path: Path, above: tuple[Path, ...] = ()) -> list[Path]:
    """What a file extends, the most general first, and the file itself."""
    extended = _mapping(path).get(EXTENDS)
    if extended is None:
        return [path]
    if not isinstance(extended, str):
        raise InputError(
            f"extends in '{path}' is {extended}, but must be the path of another configuration"
        )
    parent = (path.parent / extended).resolve()
    if parent in (path, *above):
        raise InputError(f"'{path}' extends '{extended}', which extends it in turn")
    if not parent.is_file():
        raise InputError(f"'{path}' extends '{extended}', but there is no file '{parent}'")
    return [*_lineage(parent, (path, *above)), path]


def _refuse_doubled(path: Path, node: yaml.Node | None) -> None:
    """Raise InputError if a mapping has a key twice, of which YAML would take the last."""
    import yaml

    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_doubled(path, item)
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line = key.start_mark.line + 1
        if lines.setdefault(key.value, line) != line:
            raise InputError(
                f"'{path}' has '{key.value}' twice, in lines {lines[key.value]} and {line}; make "
                "one of them"
            )
        _refuse_doubled(path, value)


def _mapping(path: Path) -> dict[str, Any]:
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        _refuse_doubled(path, yaml.compose(text, Loader=yaml.SafeLoader))
        found = yaml.safe_load(text)
    except InputError:
        raise
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise InputError(f"'{path}' cannot be read as a configuration ({why})") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InputError(f"'{path}' is no configuration: it must be a mapping of keys to values")
    return found
