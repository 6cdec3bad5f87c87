"""What of a configuration has to fit together, and with what is there, key by key.

The checks raise InputError; those that yield sentences tell what is doubtful.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fal.data.kinds import KINDS
from fal.data.oracles import ORACLES
from fal.data.partitions import PARTITIONS
from fal.entries import NAME, create
from fal.errors import InputError, suggest
from fal.federated.networks import NETWORKS
from fal.options import shown
from fal.reporting.columns import check_columns
from fal.reporting.options import REFERENCES
from fal.runs import Plan, unshown
from fal.settings import SITES, Settings


def existing(key: str, path: str, what: str = "the folder or archive with the images") -> str:
    """The path of a key, with ~ as it is meant; raises InputError if there is nothing."""
    found = Path(path).expanduser()
    if not found.exists():
        raise InputError(
            f"{key} is '{path}', which does not exist (looked for from {Path.cwd()}); give {what}"
        )
    return str(found)


def results_folder(results: str) -> None:
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


def figure_names(settings: Settings) -> None:
    """Refuse names of figures that are none for files."""
    for name in settings.figures:
        if not NAME.fullmatch(name):
            raise InputError(
                f"figures has the name {shown(name)}, but a name consists of letters, digits, "
                "'_', '.' and '-'"
            )


def compared(compare: Mapping[str, str]) -> dict[str, str]:
    """The paths of other runs' tables; refuse those that are not there, or none of accuracies."""
    found = {}
    for label, path in compare.items():
        found[label] = existing(f"compare.{label}", path, "the accuracy.csv of another run")
        try:
            check_columns(found[label])
        except InputError as error:
            raise InputError(f"compare.{label}: {error}") from None
    return found


def oracle(options: Mapping[str, Any]) -> dict[str, Any]:
    """An oracle's options with the paths of its files, of which those that it reads must exist."""
    paths = {
        key: existing(f"oracle.{options['method']}.{key}", options[key], what)
        for key, what in create(ORACLES, "oracle", options, "method").reads.items()
        if options.get(key) is not None
    }
    if "answers" in options:
        paths["answers"] = str(Path(options["answers"]).expanduser())
    return {**options, **paths}


def vectors(settings: Settings) -> None:
    """Refuse people and networks for images where a data set holds vectors of features."""
    for name, options in settings.datasets.items():
        if not create(KINDS, f"datasets.{name}", options, "kind").vectors:
            continue
        if settings.keep_unlabeled:
            raise InputError(
                f"data set '{name}' holds vectors of features, which cannot be shown to people; "
                "take the oracle simulated, or a data set of images"
            )
        for model, chosen in settings.models.items():
            if create(NETWORKS, f"models.{model}", chosen, "method").least_size > 1:
                raise InputError(
                    f"data set '{name}' holds vectors of features, which the network '{model}' "
                    "does not take; name one that does, as in models: [linear] or [mlp]"
                )


def clients_from(settings: Settings) -> None:
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
        kind = create(KINDS, f"datasets.{name}", options, "kind")
        if kind.clients_from != source:
            hint = f"it has {{from: {kind.clients_from}}}" if kind.clients_from else "it has none"
            raise InputError(
                f"clients is {{from: {source}}}, but data set '{name}' is of the kind "
                f"{options['kind']}, which does not tell of sites so; {hint}"
            )


def cycles_of(settings: Settings) -> None:
    """An experiment may be narrowed to some of its data sets, so every kind's name passes."""
    known = {**settings.datasets, **dict.fromkeys(KINDS)}
    for name in settings.labeling.cycles_of:
        if name not in known:
            raise InputError(
                f"labeling.cycles_of names '{name}', which is no data set{suggest(name, known)}"
            )


def references(settings: Settings) -> None:
    """Refuse references that are no strategy of this run or of those that it is compared with."""
    others = tuple(f" ({label})" for label in settings.compare)
    known = {*settings.strategies, *REFERENCES}
    for name in settings.references:
        if name not in known and not name.endswith(others):
            raise InputError(
                f"references has '{name}', which is no strategy of this run{suggest(name, known)}"
            )


def sizes(settings: Settings, plan: Plan) -> Iterator[str]:
    """Check partition and labeling against all data sets whose size is known; yield doubts."""
    if settings.clients_from:
        return
    partition = create(PARTITIONS, "partition", settings.partition, "method")
    for name, options in settings.datasets.items():
        source = create(KINDS, f"datasets.{name}", options, "kind")
        try:
            size = source.size()
        except InputError as error:
            raise InputError(f"datasets.{name}.{error}") from None
        held = [part["clients"] for part in plan.partitions if part["dataset"] == name]
        for clients in dict.fromkeys(held) if size else ():
            try:
                if partition.equal_sizes:
                    settings.labeling.check(name, size[1], clients)
                partition.check(size[1], clients)
            except InputError as error:
                where = "" if clients in settings.clients else "figures: "
                raise InputError(f"{where}{error}") from None
            if partition.equal_sizes:
                yield from settings.labeling.warnings(name, size[1], clients)


def not_run(settings: Settings, plan: Plan) -> Iterator[str]:
    """What the configuration lists and no figure shows, in sentences."""
    for key, names in unshown(settings, plan).items():
        if names:
            yield (
                f"{key} has {', '.join(names)}, which no figure shows and which is therefore not "
                "run; name it in a figure, or take a configuration without figures"
            )
