"""From a configuration to settings: defaults filled in, all values checked before any job runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from fal import checks
from fal.configuration import Configuration
from fal.data.kinds import KINDS
from fal.data.oracles import ORACLES
from fal.data.partitions import PARTITIONS
from fal.entries import choice, component, components, create, entries
from fal.errors import InputError
from fal.federated.algorithms import ALGORITHMS
from fal.federated.networks import NETWORKS
from fal.layout import RUN, SHARED
from fal.options import given_options, parse
from fal.query.strategies import STRATEGIES
from fal.runs import plan
from fal.settings import SITES, Settings
from fal.shrink import shrink


def resolve(config: Mapping[str, Any]) -> Settings:
    """Check ``config`` (left unchanged) and fill in the defaults.

    Raises InputError, in one sentence, for the first key or value that cannot be used.
    """
    given = parse(Configuration, config, "the configuration", prefix="")
    if given.extends is not None:
        raise InputError("extends has its place in a configuration file, not on the command line")
    checks.results_folder(given.results)
    settings = Settings(
        **{
            **given_options(given),
            # Snakemake takes a path that is written in two ways for two.
            "results": os.path.normpath(given.results),
            "datasets": _datasets(given),
            "partition": _partition(given),
            "oracle": checks.oracle(component("oracle", given.oracle, ORACLES)[1]),
            "compare": checks.compared(given.compare),
            "models": components("models", given.models, NETWORKS),
            "algorithms": components("algorithms", given.algorithms, ALGORITHMS),
            "strategies": _strategies(given.strategies),
        }
    )
    checks.figure_names(settings)
    checks.clients_from(settings)
    checks.vectors(settings)
    checks.cycles_of(settings)
    settings = shrink(settings)
    checks.references(settings)
    return replace(settings, warnings=_doubtful(settings))


def _doubtful(settings: Settings) -> tuple[str, ...]:
    """What is doubtful about the runs. Without figures sites leave nothing to check, and it may
    take a while to count them."""
    if settings.clients_from and not settings.figures:
        return ()
    runs = plan(settings)
    return (*checks.sizes(settings, runs), *checks.not_run(settings, runs))


def _partition(given: Configuration) -> dict[str, Any]:
    if isinstance(given.clients, Mapping) and given.partition == Configuration.partition:
        _check_alphas(given.alphas, "clients that are sites depend")
        return SITES
    name, partition = component("partition", given.partition, PARTITIONS)
    needs_alpha = create(PARTITIONS, f"partition.{name}", partition, "method").needs_alpha
    if not needs_alpha:
        _check_alphas(given.alphas, f"the partition '{name}' depends")
    return partition


def _check_alphas(alphas: Sequence[float], what: str) -> None:
    if len(alphas) > 1:
        raise InputError(
            f"alphas has {len(alphas)} values, but {what} on none; give one, or take the partition "
            "dirichlet"
        )


def _strategies(items: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
    strategies = {}
    for name, options in entries("strategies", items):
        if name == SHARED:
            raise InputError(
                f"strategies: the name '{SHARED}' is reserved for cycle 0; choose another name"
            )
        if name in RUN:
            raise InputError(
                f"strategies: the name '{name}' is that of a column of the tables; choose another"
            )
        method = choice("strategies", name, options, "method", STRATEGIES)
        strategies[name] = {"method": method, **options}
        create(STRATEGIES, f"strategies.{name}", strategies[name], "method")
    return strategies


def _datasets(given: Configuration) -> dict[str, dict[str, Any]]:
    datasets = {}
    data_path = given.data_path
    folders_are_sites = given.clients == {"from": "folder"}
    if data_path is not None:
        data_path = checks.existing("data_path", data_path)
    for name, options in entries("datasets", given.datasets):
        kind = choice("datasets", name, options, "kind", KINDS)
        takes_path = any(option.name == "path" for option in fields(KINDS.find(kind)[0]))
        if takes_path and isinstance(options.get("path"), str):
            options["path"] = checks.existing(f"datasets.{name}.path", options["path"])
        elif takes_path and data_path is not None:
            options["path"] = data_path
        if folders_are_sites and any(o.name == "folders" for o in fields(KINDS.find(kind)[0])):
            options.setdefault("folders", "sites")
        source = create(KINDS, f"datasets.{name}", {"kind": kind, **options}, "kind")
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
