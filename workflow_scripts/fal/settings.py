"""The configuration: defaults filled in, every value checked before any job starts."""

import copy
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from fal.errors import InputError, suggest
from fal.query import strategies

SCHEMA = Path(__file__).parents[2] / "rules" / "config.schema.yaml"

SIZES = {
    "digits": (10, 1797),
    "cifar10": (10, 50_000),
    "cifar100": (100, 50_000),
    "tiny_imagenet": (200, 100_000),
}
"""Classes and training images (digits: all images) of the kinds that are known beforehand."""

NOT_APPLICABLE = {
    "digits": {"path"},
    "cifar10": {"test_fraction"},
    "cifar100": {"test_fraction"},
    "tiny_imagenet": {"test_fraction"},
    "fedavg": {"mu"},
    "scaffold": {"mu"},
}
"""Options that the schema allows but that mean nothing to a data set's kind or an algorithm."""

Options = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """A checked configuration in which every key is present.

    datasets: name -> {kind, path, image_size, train_size, test_fraction, normalization}.
    models, algorithms: name -> {method, ...all options of that method}.
    strategies: name -> {method, ...options as they were given}.
    """

    results: str
    datasets: dict[str, Options]
    models: dict[str, Options]
    algorithms: dict[str, Options]
    strategies: dict[str, Options]
    alphas: tuple[float, ...]
    clients: tuple[int, ...]
    seeds: tuple[int, ...]
    labeling: Options
    training: Options
    distillation: Options
    compute: Options


def resolve(config: Mapping[str, Any]) -> Settings:
    """Check ``config`` (left unchanged) against the schema and against itself.

    Raises InputError, in one sentence, for the first key or value that cannot be used.
    """
    schema = load_schema()
    _check_schema(config, schema)
    config = _with_defaults(config, schema)
    settings = Settings(
        results=config["results"],
        datasets=_datasets(config["datasets"], config["data_path"], schema["$defs"]["dataset"]),
        models=_components("models", config["models"], schema["$defs"]["model"]),
        algorithms=_components("algorithms", config["algorithms"], schema["$defs"]["algorithm"]),
        strategies=_strategies(config["strategies"]),
        alphas=tuple(config["alphas"]),
        clients=tuple(config["clients"]),
        seeds=tuple(config["seeds"]),
        labeling=config["labeling"],
        training=config["training"],
        distillation=config["distillation"],
        compute=config["compute"],
    )
    _check_labeling(settings.labeling)
    for name, options in settings.datasets.items():
        size = _training_size(name, options)
        for clients in settings.clients if size else ():
            check_sizes(settings.labeling, name, size, clients)
    return settings


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


def count(value: float, size: int) -> int:
    """How many of ``size`` images ``value`` means: a fraction of them (rounded half up, at least
    1) where it is below 1, else itself."""
    return max(1, math.floor(value * size + 0.5)) if value < 1 else int(value)


def format_number(value: float) -> str:
    """A number as a path segment: without exponent, and the same for 1 and 1.0."""
    return format(Decimal(repr(value)).normalize(), "f")


def check_sizes(labeling: Mapping[str, Any], dataset: str, num_train: int, clients: int) -> None:
    """Check that ``num_train`` images suffice for ``clients`` equally large clients.

    labeling: initial, budget and cycles, as in Settings.

    Raises InputError for more clients than images, for fewer labeled images than batch norm can
    train on, and for queries beyond a client's images. Rounding a fraction may make the last query
    smaller than the others, but never empty.
    """
    if clients > num_train:
        raise InputError(
            f"clients is {clients}, but data set '{dataset}' has only {num_train} training images; "
            "use fewer clients"
        )
    size = num_train // clients
    initial, budget, cycles = (labeling[key] for key in ("initial", "budget", "cycles"))
    first, query = count(initial, size), count(budget, size)
    if min(first, size) < 2:
        raise InputError(
            f"labeling.initial is {initial}, which labels {min(first, size)} of the {size} images "
            f"of a client ({dataset}, {clients} clients), but batch norm needs at least 2"
        )
    exact = [value * size if value < 1 else value for value in (initial, budget)]
    too_many = exact[0] + cycles * exact[1] > size + 1e-6
    last_query_empty = cycles > 0 and first + (cycles - 1) * query >= size
    if too_many or last_query_empty:
        raise InputError(
            f"labeling asks for {first + cycles * query} images of a client (initial {initial}, "
            f"{cycles} cycles of budget {budget}), but each has only {size} ({dataset}, {clients} "
            "clients); lower initial, budget or cycles"
        )


def _check_labeling(labeling: Options) -> None:
    initial, budget, cycles = (labeling[key] for key in ("initial", "budget", "cycles"))
    share = sum(n * value for n, value in ((1, initial), (cycles, budget)) if value < 1)
    if share > 1 + 1e-9:
        raise InputError(
            f"labeling asks for {100 * share:.4g}% of a client's images (initial {initial}, "
            f"{cycles} cycles of budget {budget}); 100% is the most"
        )


# Entries of the lists: a name, or {name: options}.


def _entries(key: str, items: list) -> Iterator[tuple[str, Options]]:
    seen = set()
    for item in items:
        name, options = (item, {}) if isinstance(item, str) else next(iter(item.items()))
        if name in seen:
            raise InputError(
                f"{key} has two entries named '{name}'; give each a name of its own, as in "
                f"{{{name}-2: {{...}}}}"
            )
        seen.add(name)
        yield name, dict(options)


def _choose(key: str, name: str, given: Options, field: str, schema: dict) -> str:
    """The kind or method of an entry, its name where it gives none."""
    choice = given.get(field) or name
    known = [value for value in schema["properties"][field]["enum"] if value]
    if choice not in known:
        raise InputError(f"{key}: '{choice}' is not a known {field}{suggest(choice, known)}")
    unused = sorted(NOT_APPLICABLE.get(choice, set()) & given.keys())
    if unused:
        raise InputError(f"{key}.{name}.{unused[0]} has no meaning for '{choice}'; leave it out")
    return choice


def _components(key: str, items: list, schema: dict) -> dict[str, Options]:
    components = {}
    for name, given in _entries(key, items):
        method = _choose(key, name, given, "method", schema)
        options = {**_with_defaults(given, schema), "method": method}
        unused = NOT_APPLICABLE.get(method, set())
        components[name] = {k: value for k, value in options.items() if k not in unused}
    return components


def _datasets(items: list, data_path: str | None, schema: dict) -> dict[str, Options]:
    datasets = {}
    if data_path is not None:
        data_path = _existing("data_path", data_path)
    for name, given in _entries("datasets", items):
        kind = _choose("datasets", name, given, "kind", schema)
        path = None if kind == "digits" else data_path
        if given.get("path"):
            path = _existing(f"datasets.{name}.path", given["path"])
        if path is None and kind == "image_folder":
            raise InputError(
                f"data set '{name}' has no path; give it one, or set data_path (--config "
                "data_path=FOLDER_OR_ARCHIVE)"
            )
        datasets[name] = {**_with_defaults(given, schema), "kind": kind, "path": path}
    return datasets


def _existing(key: str, path: str) -> str:
    found = Path(path).expanduser()
    if not found.exists():
        raise InputError(
            f"{key} is '{path}', which does not exist (looked for from {Path.cwd()}); give the "
            "folder or archive that holds the images"
        )
    return str(found)


def _strategies(items: list) -> dict[str, Options]:
    resolved = {}
    for name, options in _entries("strategies", items):
        if name == "initial":
            raise InputError(
                "strategies: the name 'initial' is reserved for cycle 0; choose another name"
            )
        method = options.pop("method", None) or name
        try:
            strategies.create(method, **options)
        except InputError as error:
            raise InputError(f"strategies.{name}: {error}") from error
        resolved[name] = {"method": method, **options}
    return resolved


def _training_size(name: str, options: Options) -> int | None:
    """Training images of a data set, where that is known without reading it."""
    kind, wanted = options["kind"], options["train_size"]
    if kind not in SIZES:
        return wanted
    classes, size = SIZES[kind]
    if kind == "digits":
        test = round(size * options["test_fraction"])
        size -= min(max(test, classes), size - classes)
    if wanted and not classes <= wanted <= size:
        raise InputError(
            f"datasets.{name}.train_size is {wanted}, but must lie between {classes}, one image "
            f"per class, and {size}, all training images"
        )
    return wanted or size


# The schema: defaults, and its errors as sentences.


@cache
def load_schema() -> dict[str, Any]:
    """The JSON schema of the configuration."""
    import yaml

    return yaml.safe_load(SCHEMA.read_text())


def _with_defaults(value: Any, schema: dict) -> Any:
    """A copy of ``value`` in which every missing key of a mapping has its default."""
    if not isinstance(value, Mapping):
        return copy.deepcopy(value)
    filled = {key: copy.deepcopy(item) for key, item in value.items()}
    for key, part in schema.get("properties", {}).items():
        filled[key] = _with_defaults(filled.get(key, part["default"]), part)
    return filled


def _check_schema(config: Mapping[str, Any], schema: dict) -> None:
    from jsonschema import Draft202012Validator, validators

    checker = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, x: isinstance(x, int) and not isinstance(x, bool),
            "number": lambda _, x: (
                isinstance(x, int | float) and not isinstance(x, bool) and math.isfinite(x)
            ),
        }
    )
    validator = validators.extend(Draft202012Validator, type_checker=checker)(schema)
    error = next(validator.iter_errors(dict(config)), None)
    if error:
        raise InputError(_sentence(error))


def _sentence(error: Any) -> str:
    """One sentence for a jsonschema ValidationError."""
    key = _dotted(error.absolute_path)
    if error.validator == "anyOf" and isinstance(error.instance, Mapping):
        inner = [e for e in error.context if e.validator != "type" or e.relative_path]
        if inner:
            return _sentence(inner[0])
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        unknown = next(name for name in error.instance if name not in known)
        where = f"in {key} " if key else ""
        return f"the key '{unknown}' {where}is unknown{suggest(unknown, known)}"
    if error.validator == "uniqueItems":
        items = error.instance
        twice = next(x for i, x in enumerate(items) if x in items[:i])
        return f"{key} has {twice} more than once; list every value once"
    shown = _shown(error.instance)
    if error.validator == "enum":
        known = [value for value in error.schema["enum"] if value]
        return f"{key} is {shown}, which is unknown{suggest(error.instance, known)}"
    hint = ""
    if isinstance(error.instance, str) and _is_number(error.instance):
        hint = "; write a number without quotes and with a point, as in 1.0e-5"
    return f"{key} is {shown}, but must be {requirement(error.schema)}{hint}"


def _dotted(path: Any) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def requirement(schema: Mapping[str, Any]) -> str:
    """What a value must be, in words: the schema's title, or else its type and bounds."""
    if "title" in schema:
        return schema["title"]
    words = {
        "exclusiveMinimum": "above",
        "minimum": "of at least",
        "exclusiveMaximum": "below",
        "maximum": "at most",
    }
    bounds = [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    noun = {"integer": "a whole number", "number": "a number"}.get(schema["type"], "a text")
    return " ".join([noun, " and ".join(bounds)]).strip()
