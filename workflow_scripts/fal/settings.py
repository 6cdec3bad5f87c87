"""The configuration of a run: defaults filled in, every value checked before any job starts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, MinLen

from fal.data.kinds import KINDS
from fal.data.kinds.base import DatasetKind
from fal.data.labeling import Labeling
from fal.data.oracles import ORACLES
from fal.data.partitions import PARTITIONS
from fal.data.prepared import settled_fingerprint
from fal.data.sites import number_of_sites
from fal.errors import InputError, suggest
from fal.federated.algorithms import ALGORITHMS
from fal.federated.networks import NETWORKS
from fal.federated.options import Distillation, Training
from fal.layout import SHARED, Layout, fill
from fal.options import Options, Words, given_options, parse, shown
from fal.query.strategies import STRATEGIES
from fal.registry import Registry
from fal.reporting.columns import check_columns
from fal.reporting.options import REFERENCES, Compare, Figure, Style
from fal.runs import Plan, plan, unshown
from fal.scale import Scale, shrink

Entries = Annotated[tuple[Any, ...], MinLen(1), Words("a list of names, or of {name: {options}}")]
Entry = Annotated[Any, Words("a name, or {name: {options}}")]
Clients = Annotated[
    Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)]
    | Annotated[Mapping[Literal["from"], Literal["table", "folder", "features"]], MinLen(1)],
    Words("a list of numbers of at least 1, or {from: table}, {from: folder} or {from: features}"),
]
SITES = {"method": "sites"}
"""The partition where each site is a client."""
NAME = re.compile(r"(?!\.)[A-Za-z0-9_.]+(-[A-Za-z0-9_.]+)*")


@dataclass(frozen=True, kw_only=True)
class Compute(Options):
    """Where and how jobs compute. None of it makes anything run again."""

    device: Annotated[
        str, Words("auto, cpu, cuda or cuda:N", pattern="^(auto|cpu|cuda|cuda:[0-9]+)$")
    ] = "auto"
    """Device of the jobs; auto is the GPU where there is one."""
    threads: Annotated[int, Ge(1)] = 1
    """CPU threads of a job; on the CPU the last digits of a result depend on it."""
    inference_batch: Annotated[int, Ge(1)] = 64
    """Images per forward pass when nothing is trained. Beyond 64 of 32x32 pixels a CPU gets slower:
    each pass then asks the system for its memory anew."""
    checkpoint_seconds: Annotated[float, Ge(0)] = 60
    """Least time between two savings of a training's state, from which a killed job goes on."""


@dataclass(frozen=True, kw_only=True)
class Configuration(Options):
    """All keys of a configuration. Every combination of datasets, alphas, clients, models,
    algorithms, strategies and seeds is run, or, where there are figures of accuracy or
    predictions, what these show, with every seed."""

    extends: Annotated[str, MinLen(1)] | None = None
    """Another configuration file, by its path from this one, which this one changes."""
    results: Annotated[str, Words("a path, not empty and without braces", pattern="^[^{}]+$")] = (
        "results"
    )
    """Folder that everything of a run is written to."""
    data_path: Annotated[str, MinLen(1)] | None = None
    """Folder or archive of the data sets that name no path of their own; the embedded digits need
    none. CIFAR and Tiny-ImageNet are looked for in the folder, or downloaded if there is none."""
    datasets: Entries = ("digits",)
    """Data sets, each a name or a mapping of one name to its options."""
    partition: Entry = "dirichlet"
    """How the training images are divided among the clients: a name or a mapping of one name to
    its options."""
    alphas: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1)] = (0.1,)
    """Concentrations of the Dirichlet distribution of classes over clients, for the partitions that
    are one; the smaller, the more the clients differ."""
    clients: Clients = (10,)
    """Numbers of clients that the training images are divided among, or where the data sets tell
    which site (such as a hospital) each image is from: {from: table}, {from: folder} or
    {from: features}; then each site is a client, and neither partition nor alphas are asked."""
    models: Entries = ("cnn",)
    """Networks, each a name or a mapping of one name to its options."""
    algorithms: Entries = ("fedavg",)
    """Federated learning algorithms, each a name or a mapping of one name to its options."""
    strategies: Entries = ("random", "g-entropy", "ifal")
    """Query strategies, each a name or a mapping of one name to its options."""
    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(1)] = (1, 2, 3)
    """Seeds; everything is repeated for each of them."""
    oracle: Entry = "simulated"
    """Who labels the queried images: a name, or a mapping of one name to its options."""
    labeling: Labeling = field(default_factory=Labeling)
    """How many images are labeled, per client."""
    training: Training = field(default_factory=Training)
    """Federated training in each cycle, from a fresh model."""
    distillation: Distillation = field(default_factory=Distillation)
    """Training of the clients' distilled models, for the strategies that need them."""
    compute: Compute = field(default_factory=Compute)
    """Where and how jobs compute."""
    keep: tuple[Literal["outputs", "clients"], ...] = ()
    """Large files to keep that are otherwise removed once they were used: outputs, the features
    and logits of all images; clients, the local and distilled models of queried cycles."""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    """Figures of several panels, by name. Without any, all settings are shown in one."""
    style: Style = field(default_factory=Style)
    """How all pictures look."""
    scale: Scale = field(default_factory=Scale)
    """What is made smaller, so that an experiment runs on a small machine; every figure and table
    says so."""
    partial: bool = False
    """Draw what is there, name what is missing and compute nothing, while a run goes on."""
    compare: Compare = field(default_factory=dict)
    """Accuracy tables of other runs, by the label that they get in figures and verdicts."""
    references: Annotated[tuple[str, ...], MinLen(1)] = REFERENCES
    """Strategies that all others are compared with in the verdicts, the first also in the sentence
    on each setting; random and ifal need not be there. Those of other runs are called by their
    label too: ifal (before)."""

    def __post_init__(self) -> None:
        for key in ("alphas", "clients", "seeds"):
            given = getattr(self, key)
            values = [] if isinstance(given, Mapping) else list(given)
            for position, value in enumerate(values):
                if value in values[:position]:
                    raise InputError(f"{key} has {value:g} more than once; list every value once")


@dataclass(frozen=True)
class Settings(Configuration):
    """A checked configuration. Entries are resolved to name -> options.

    datasets: {kind, ...all options of the kind}. partition, oracle: {method, ...all options}.
    models, algorithms: the same by name. strategies: {method, ...options as they were given}. All
    of it is as small as ``scale`` says. warnings: what is doubtful, in sentences.
    """

    datasets: dict[str, dict[str, Any]]  # type: ignore[assignment]
    partition: dict[str, Any]
    oracle: dict[str, Any]
    models: dict[str, dict[str, Any]]  # type: ignore[assignment]
    algorithms: dict[str, dict[str, Any]]  # type: ignore[assignment]
    strategies: dict[str, dict[str, Any]]  # type: ignore[assignment]
    warnings: tuple[str, ...] = ()

    @cached_property
    def plan(self) -> Plan:
        """Which runs there are, and which figures of several panels."""
        return plan(self)

    @property
    def scale_note(self) -> str:
        """What was made smaller, for every title; empty where nothing was."""
        return self.scale.words

    def spreads(self, dataset: str) -> list[tuple[float | None, int]]:
        """Concentration (None: the partition needs none) and number of clients of all settings of a
        data set."""
        if isinstance(self.clients, Mapping):
            return [(None, self._number_of_sites(dataset))]
        needs_alpha = _create(PARTITIONS, "partition", self.partition, "method").needs_alpha
        return list(product(self.alphas if needs_alpha else [None], self.clients))

    @property
    def clients_from(self) -> str | None:
        """Where the data sets tell of their sites, which are the clients; None: they do not."""
        return self.clients["from"] if isinstance(self.clients, Mapping) else None

    @property
    def keep_unlabeled(self) -> bool:
        """Whether images that have no label are of use."""
        return bool(_create(ORACLES, "oracle", self.oracle, "method").asks_people)

    def fingerprint(self, dataset: str) -> str:
        """What a data set's files are known by: what is added or changed makes it anew."""
        return settled_fingerprint(*self._kind_and_folder(dataset))

    def _number_of_sites(self, dataset: str) -> int:
        try:
            return number_of_sites(*self._kind_and_folder(dataset), self.keep_unlabeled)
        except InputError as error:
            raise InputError(f"datasets.{dataset}: {error}") from None

    def _kind_and_folder(self, dataset: str) -> tuple[DatasetKind, Path]:
        """A data set as its options describe it, and the folder that it is prepared in."""
        kind = _create(KINDS, f"datasets.{dataset}", self.datasets[dataset], "kind")
        prepared = fill(Layout(self.results).data("dataset.json"), {"dataset": dataset})
        return kind, Path(prepared).parent


def resolve(config: Mapping[str, Any]) -> Settings:
    """Check ``config`` (left unchanged) and fill in the defaults.

    Raises InputError, in one sentence, for the first key or value that cannot be used.
    """
    given = parse(Configuration, config, "the configuration", prefix="")
    if given.extends is not None:
        raise InputError("extends has its place in a configuration file, not on the command line")
    _check_results(given.results)
    settings = Settings(
        **{
            **given_options(given),
            "datasets": _datasets(given),
            "partition": _partition(given),
            "oracle": _component("oracle", given.oracle, ORACLES)[1],
            "models": _components("models", given.models, NETWORKS),
            "algorithms": _components("algorithms", given.algorithms, ALGORITHMS),
            "strategies": _strategies(given.strategies),
        }
    )
    for name in settings.figures:
        if not NAME.fullmatch(name):
            raise InputError(
                f"figures has the name {shown(name)}, but a name consists of letters, digits, "
                "'_', '.' and '-'"
            )
    _check_clients_from(settings)
    _check_vectors(settings)
    _check_cycles_of(settings)
    settings = shrink(settings)
    for label, path in settings.compare.items():
        path = _existing(f"compare.{label}", path, "the accuracy.csv of another run")
        try:
            check_columns(path)
        except InputError as error:
            raise InputError(f"compare.{label}: {error}") from None
    _check_references(settings)
    doubtful = (*_check_sizes(settings), *_not_run(settings))
    return replace(settings, warnings=doubtful)


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


def _check_results(results: str) -> None:
    """Refuse a results folder that begins with ~, is a file, or lies in one."""
    if results.startswith("~"):
        raise InputError(
            f"results is '{results}', where ~ would be the name of a folder; write the whole path, "
            f"as in '{Path(results).expanduser()}'"
        )
    for path in (Path(results), *Path(results).parents):
        if path.exists():
            if not path.is_dir():
                raise InputError(
                    f"results is '{results}', but '{path}' is a file; name a folder for the results"
                )
            return


def _partition(given: Configuration) -> dict[str, Any]:
    if isinstance(given.clients, Mapping) and given.partition == Configuration.partition:
        return SITES
    name, partition = _component("partition", given.partition, PARTITIONS)
    needs_alpha = _create(PARTITIONS, f"partition.{name}", partition, "method").needs_alpha
    if len(given.alphas) > 1 and not needs_alpha:
        raise InputError(
            f"alphas has {len(given.alphas)} values, but the partition '{name}' depends on none; "
            "give one, or take the partition dirichlet"
        )
    return partition


def _check_vectors(settings: Settings) -> None:
    """Refuse people and networks for images where a data set holds vectors of features."""
    for name, options in settings.datasets.items():
        if not _create(KINDS, f"datasets.{name}", options, "kind").vectors:
            continue
        if settings.keep_unlabeled:
            raise InputError(
                f"data set '{name}' holds vectors of features, which cannot be shown to people; "
                "take the oracle simulated, or a data set of images"
            )
        for model, chosen in settings.models.items():
            if _create(NETWORKS, f"models.{model}", chosen, "method").least_size > 1:
                raise InputError(
                    f"data set '{name}' holds vectors of features, which the network '{model}' "
                    "does not take; name one that does, as in models: [linear] or [mlp]"
                )


def _check_clients_from(settings: Settings) -> None:
    """Refuse data sets that tell of no sites, and a partition beside sites."""
    source = settings.clients_from
    if source is None:
        return
    if settings.partition != SITES:
        raise InputError(
            f"clients come from {source}, so that each site is one, and the partition "
            f"'{settings.partition['method']}' has nothing to divide; leave one of the two out"
        )
    for name, options in settings.datasets.items():
        kind = _create(KINDS, f"datasets.{name}", options, "kind")
        if kind.clients_from != source:
            hint = f"it has {{from: {kind.clients_from}}}" if kind.clients_from else "it has none"
            raise InputError(
                f"clients is {{from: {source}}}, but data set '{name}' is of the kind "
                f"{options['kind']}, which does not tell of sites so; {hint}"
            )


def _check_references(settings: Settings) -> None:
    """Refuse references that are no strategy of this run or of those that it is compared with."""
    others = tuple(f" ({label})" for label in settings.compare)
    known = {*settings.strategies, *REFERENCES}
    for name in settings.references:
        if name not in known and not name.endswith(others):
            raise InputError(
                f"references has '{name}', which is no strategy of this run{suggest(name, known)}"
            )


def _check_sizes(settings: Settings) -> Iterator[str]:
    """Check the labeling against all data sets whose size is known; yield what is doubtful."""
    if settings.clients_from:
        return
    partition = _create(PARTITIONS, "partition", settings.partition, "method")
    for name, options in settings.datasets.items():
        source = _create(KINDS, f"datasets.{name}", options, "kind")
        try:
            size = source.size()
        except InputError as error:
            raise InputError(f"datasets.{name}.{error}") from None
        held = [part["clients"] for part in settings.plan.partitions if part["dataset"] == name]
        for clients in dict.fromkeys(held) if size and partition.equal_sizes else ():
            settings.labeling.check(name, size[1], clients)
            yield from settings.labeling.warnings(name, size[1], clients)


def _not_run(settings: Settings) -> Iterator[str]:
    for key, names in unshown(settings).items():
        if names:
            yield (
                f"{key} has {', '.join(names)}, which no figure shows and which is therefore not "
                "run; name it in a figure, or take a configuration without figures"
            )


def _check_cycles_of(settings: Settings) -> None:
    """An experiment may be narrowed to some of its data sets, so every kind's name passes."""
    known = {**settings.datasets, **dict.fromkeys(KINDS)}
    for name in settings.labeling.cycles_of:
        if name not in known:
            raise InputError(
                f"labeling.cycles_of names '{name}', which is no data set{suggest(name, known)}"
            )


# Entries of the lists: a name, or {name: {options}}.


def _entries(key: str, items: tuple[Any, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
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


def _choice(key: str, name: str, options: dict[str, Any], word: str, known: Registry) -> str:
    """Takes the method (or kind) of an entry out of ``options``: its name where it gives none."""
    choice = options.pop(word, None)
    if choice is not None and not isinstance(choice, str):
        raise InputError(f"{key}.{name}.{word} is {shown(choice)}, but must be a text")
    if choice is None and name not in known:
        raise InputError(
            f"{key}: '{name}' is no {known.noun}{suggest(name, known)} (a name of your own needs a "
            f"{word}, as in {{{name}: {{{word}: {next(iter(known))}}}}})"
        )
    return choice or name


def _create(registry: Registry, owner: str, options: Mapping[str, Any], word: str) -> Any:
    """The component that resolved ``options`` describe."""
    own = {key: value for key, value in options.items() if key != word}
    return registry.parse(options[word], own, owner, prefix=f"{owner}.")


def _components(key: str, items: tuple[Any, ...], registry: Registry) -> dict[str, dict[str, Any]]:
    components = {}
    for name, options in _entries(key, items):
        method = _choice(key, name, options, "method", registry)
        component = _create(registry, f"{key}.{name}", {"method": method, **options}, "method")
        components[name] = {"method": method, **given_options(component)}
    return components


def _component(key: str, item: Any, registry: Registry) -> tuple[str, dict[str, Any]]:
    """Name and options of a component of which there is only one."""
    try:
        ((name, component),) = _components(key, (item,), registry).items()
    except InputError as error:
        raise InputError(str(error).replace(f"{key}[0]", key, 1)) from None
    return name, component


def _strategies(items: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
    strategies = {}
    for name, options in _entries("strategies", items):
        if name == SHARED:
            raise InputError(
                f"strategies: the name '{SHARED}' is reserved for cycle 0; choose another name"
            )
        method = _choice("strategies", name, options, "method", STRATEGIES)
        strategies[name] = {"method": method, **options}
        _create(STRATEGIES, f"strategies.{name}", strategies[name], "method")
    return strategies


def _datasets(given: Configuration) -> dict[str, dict[str, Any]]:
    datasets = {}
    data_path = given.data_path
    folders_are_sites = given.clients == {"from": "folder"}
    if data_path is not None:
        data_path = _existing("data_path", data_path)
    for name, options in _entries("datasets", given.datasets):
        kind = _choice("datasets", name, options, "kind", KINDS)
        takes_path = any(option.name == "path" for option in fields(KINDS.find(kind)[0]))
        if takes_path and isinstance(options.get("path"), str):
            options["path"] = _existing(f"datasets.{name}.path", options["path"])
        elif takes_path and data_path is not None:
            options["path"] = data_path
        if folders_are_sites and any(o.name == "folders" for o in fields(KINDS.find(kind)[0])):
            options.setdefault("folders", "sites")
        source = _create(KINDS, f"datasets.{name}", {"kind": kind, **options}, "kind")
        if takes_path and source.needs_path and source.path is None:
            raise InputError(
                f"datasets.{name} has no path; give it one, or set data_path (--config "
                "data_path=FOLDER_OR_ARCHIVE)"
            )
        datasets[name] = {"kind": kind, **given_options(source)}
    if data_path is not None and not any("path" in options for options in datasets.values()):
        raise InputError(
            f"data_path is '{data_path}', but no data set of this run reads files "
            f"({', '.join(datasets)}); name one that does, as in --config "
            "'datasets=[{mine: {kind: image_folder}}]'"
        )
    return datasets


def _existing(key: str, path: str, what: str = "the folder or archive with the images") -> str:
    found = Path(path).expanduser()
    if not found.exists():
        raise InputError(
            f"{key} is '{path}', which does not exist (looked for from {Path.cwd()}); give {what}"
        )
    return str(found)


# The configuration as a JSON schema, for editors and for the generated page of all keys.


def config_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of the configuration, with the options of all components."""
    from fal.options import schema

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
