"""Options: the typed fields of frozen dataclasses, and what is wrong with a value in one sentence.

A class of options derives from ``Options``. Its fields say all there is to know of the
configuration: type and bounds (``Annotated[float, Gt(0)]``), default, and a docstring below each.
``parse`` makes an instance of what a user wrote; ``schema`` gives the class as JSON schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from fal.errors import InputError, suggest

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


@dataclass(frozen=True)
class Words:
    """In a field's annotation: what the value must be, in words, where type and bounds do not say.

    ``Annotated[str, Words("auto or cpu", pattern="^(auto|cpu)$")]``. pattern: of a text.
    """

    text: str
    pattern: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        core_schema = handler(source)
        return {**core_schema, "pattern": self.pattern} if self.pattern else core_schema

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(core_schema), "words": self.text}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Base of all classes whose fields are options.

    Values are as strict as JSON: no number in quotes, no 1 for true, no fraction for a whole
    number. ``__post_init__`` of a subclass may raise InputError for what fields cannot say.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "strict": True,
        "allow_inf_nan": False,
        "use_attribute_docstrings": True,
        "arbitrary_types_allowed": True,
    }


def parse(kind: type[T], given: Mapping[str, Any], owner: str, prefix: str | None = None) -> T:
    """An instance of ``kind`` with the options ``given``.

    owner: who has the options, in words, such as "strategy 'ifal'". prefix: what stands before a
    field's name in a sentence (default: owner and a colon).

    Raises InputError, in one sentence, for the first unknown or missing option or unusable value.
    """
    from pydantic import ValidationError

    prefix = f"{owner}: " if prefix is None else prefix
    try:
        return _adapter(kind).validate_json(json.dumps(given, default=_plain))
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=lambda e: _ORDER.get(e["type"], 1))
        raise InputError(_sentence(kind, dict(first), owner, prefix)) from None


def schema(kind: type) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of the options of ``kind``: types, bounds, defaults, docs."""
    whole = _adapter(kind).json_schema()
    for base in kind.__mro__[1:]:
        if issubclass(base, Options) and base is not Options:
            for name, part in _adapter(base).json_schema().get("properties", {}).items():
                # A subclass may have made a constant of what is an option of its base.
                if name in whole["properties"]:
                    whole["properties"][name] = part | whole["properties"][name]
    return whole


def given_options(instance: Options) -> dict[str, Any]:
    """All options of an instance by name, defaults included."""
    return {option.name: getattr(instance, option.name) for option in fields(instance)}


_ORDER = {"unexpected_keyword_argument": 0, "missing": 2}
_adapters: dict[type, TypeAdapter] = {}


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    from pydantic import TypeAdapter

    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def _plain(value: Any) -> Any:
    """What JSON does not know: numbers of NumPy as numbers, all else (paths, dates) as text."""
    return value.item() if hasattr(value, "item") else str(value)


def _sentence(kind: type, error: dict[str, Any], owner: str, prefix: str) -> str:
    """One sentence for one of pydantic's errors."""
    where, value = _fields(schema(kind), error["loc"]), error["input"]
    if error["type"] == "value_error":
        holder = f"{prefix}{dotted(where)}: " if where else f"{owner}: " if prefix else ""
        return f"{holder}{error['ctx']['error']}"
    if error["type"] == "missing":
        return f"{owner} needs the option '{error['loc'][-1]}'"
    if error["type"] == "unexpected_keyword_argument":
        known = list(_field(schema(kind), where).get("properties", {}))
        hint = suggest(error["loc"][-1], known) if known else "; it has none"
        holder = f"{prefix}{dotted(where)}" if where else owner
        return f"{holder} has no option '{error['loc'][-1]}'{hint}"
    field = _field(schema(kind), where)
    return unusable(f"{prefix}{dotted(where)}", value, field)


def unusable(key: str, value: object, field: Mapping[str, Any]) -> str:
    """The sentence for a value of ``key`` that does not meet the JSON schema ``field``."""
    known = field.get("enum")
    if known and isinstance(value, str):
        return f"{key} is {shown(value)}, which is unknown{suggest(value, known)}"
    hint = ""
    is_list = field.get("type") == "array"
    if isinstance(value, str) and not is_list and (number := _number_in(value)):
        hint = f"; write {number}, without quotes and with a point"
    return f"{key} is {shown(value)}, but must be {requirement(field)}{hint}"


def _fields(node: dict[str, Any], where: Iterable[str | int]) -> list[str | int]:
    """The part of pydantic's location that names fields, keys and positions, and no type in a
    union."""
    path: list[str | int] = []
    for step in where:
        inside = _field(node, path)
        named = step in inside.get("properties", {}) or _values(inside)
        if isinstance(step, int) or named:
            path.append(step)
    return path


def _values(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The JSON schema of the values of a mapping with keys of the user's."""
    values = node.get("additionalProperties")
    return values if isinstance(values, dict) else None


def _field(node: Mapping[str, Any], where: Iterable[str | int]) -> Mapping[str, Any]:
    """The part of a JSON schema that describes the value at ``where``."""
    definitions = node.get("$defs", {})
    for step in where:
        node = _resolved(node, definitions)
        if isinstance(step, int):
            lists = [part for part in node.get("anyOf", []) if part.get("type") == "array"]
            node = dict(lists[0]) if lists else node
            node = node.get("items") or (node.get("prefixItems") or [{}])[0]
        else:
            node = node.get("properties", {}).get(step) or _values(node) or node
    return _resolved(node, definitions)


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in node:
        return {**definitions[node["$ref"].rsplit("/", 1)[1]], "words": node.get("words")}
    return node


def requirement(field: Mapping[str, Any]) -> str:
    """What a value must be, in words, from its JSON schema."""
    if field.get("words"):
        return field["words"]
    if "anyOf" in field:
        *parts, last = dict.fromkeys(map(requirement, field["anyOf"]))
        return f"{' or '.join(parts)}{',' if last == 'null' else ''} or {last}" if parts else last
    if "enum" in field:
        return f"one of {', '.join(map(str, field['enum']))}"
    bounds = [
        f"{word} {plain(field[key])}"
        for key, word in {
            "exclusiveMinimum": "above",
            "minimum": "of at least",
            "exclusiveMaximum": "below",
            "maximum": "at most",
        }.items()
        if key in field
    ]
    noun = _NOUNS.get(field.get("type", ""), "a value of the right type")
    if "$ref" in field:
        return "a mapping of options"
    if field.get("type") == "array":
        least = field.get("minItems", 0)
        filled = ", not empty" if least == 1 else f" of at least {least}" if least else ""
        return f"a list{filled}, each {requirement(field.get('items', {}))}"
    return " ".join([noun, " and ".join(bounds)]).strip()


_NOUNS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping of options",
}


def plain(number: float) -> str:
    """A number as a user would write it: 1, not 1.0."""
    return str(int(number)) if float(number).is_integer() else str(number)


def shown(value: object) -> str:
    """A value as a user would write it in YAML, cut where it is long."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    if isinstance(value, float):
        text = _number_in(text) or text
    return text if len(text) <= 80 else f"{text[:77]}..."


def dotted(where: Iterable[str | int]) -> str:
    """A path into the configuration as text: ``datasets[0].path``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return "".join(parts).removeprefix(".")


def _number_in(text: str) -> str | None:
    """The number that a text was meant to be, also where a comma stands for the point."""
    candidate = text.strip().replace(",", ".")
    try:
        float(candidate)
    except ValueError:
        return None
    mantissa, exponent, power = candidate.replace("E", "e").partition("e")
    if exponent and not power.startswith("-"):
        return plain(float(candidate))
    return (
        candidate if "." in mantissa else f"{mantissa}{'.0' if exponent else ''}{exponent}{power}"
    )
