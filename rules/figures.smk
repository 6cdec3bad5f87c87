# The pictures of the runs, and the page that shows them beside the tables.

import re
from dataclasses import asdict

from fal.layout import partition_name, setting_name
from fal.reporting import catalogue

SIDE_BY_SIDE = catalogue.figures_or_default(settings.figures, SETTINGS)
SETTING_OF = {setting_name(setting): setting for setting in SETTINGS}
PICTURES = catalogue.pictures(
    SETTINGS,
    settings.seeds,
    {name: strategy.figures for name, strategy in STRATEGIES.items()},
    SIDE_BY_SIDE,
    queried=bool(QUERY_CYCLES),
)


wildcard_constraints:
    setting="|".join(map(re.escape, SETTING_OF)),
    panels="|".join(map(re.escape, SIDE_BY_SIDE)),


def picture_files(stem, category, result):
    """The files of a picture, the last of them shown in Snakemake's own report."""
    png, pdf, svg = (layout.figure(f"{stem}.{suffix}") for suffix in catalogue.SUFFIXES)
    return {
        "png": png,
        "pdf": pdf,
        "svg": report(svg, category=category, labels={"result": result}),
    }


def setting_queries(name):
    """An input function: the file `name` of all queries of a strategy in a setting."""
    return lambda w: [
        cycle_file(name, SETTING_OF[w.setting], strategy=w.strategy, seed=seed, cycle=cycle)
        for seed in settings.seeds
        for cycle in QUERY_CYCLES
    ]


def setting_data(name):
    """An input function: the file `name` of a setting's data set."""
    return lambda w: fill(layout.data(name), SETTING_OF[w.setting])


rule plot_accuracy:
    input:
        table=rules.collect_results.output.runs,
        compared=list(settings.compare.values()),
    output:
        **picture_files("accuracy_{setting}", "Accuracy", "{setting}"),
    log:
        layout.log("plot_accuracy", "{setting}"),
    conda:
        "../envs/fal.yaml"
    params:
        setting=lambda w: SETTING_OF[w.setting],
        compare=dict(settings.compare),
    message:
        "Draw the accuracy curves of {wildcards.setting}"
    script:
        "../workflow_scripts/plot_accuracy.py"


rule plot_side_by_side:
    input:
        table=rules.collect_results.output.runs,
        compared=list(settings.compare.values()),
    output:
        **picture_files("side_by_side_{panels}", "Accuracy", "side by side: {panels}"),
    log:
        layout.log("plot_side_by_side", "{panels}"),
    conda:
        "../envs/fal.yaml"
    params:
        over=lambda w: SIDE_BY_SIDE[w.panels].over,
        rows=lambda w: catalogue.panels(SETTINGS, SIDE_BY_SIDE[w.panels].over),
        strategies=lambda w: SIDE_BY_SIDE[w.panels].strategies,
        compare=dict(settings.compare),
    message:
        "Draw accuracy curves side by side: {wildcards.panels}"
    script:
        "../workflow_scripts/plot_side_by_side.py"


rule plot_partition:
    input:
        partition=layout.partition("partition.npz"),
        labels=layout.data("train_labels.npy"),
        info=layout.data("dataset.json"),
    output:
        **picture_files(f"partition_{partition_name()}", "Partition", partition_name()),
    log:
        layout.log("plot_partition", partition_name()),
    conda:
        "../envs/fal.yaml"
    message:
        "Draw the classes of the {wildcards.clients} clients of {wildcards.dataset}"
        " (alpha {wildcards.alpha}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/plot_partition.py"


rule plot_queries:
    input:
        queries=setting_queries("query.csv"),
        scores=setting_queries("scores.parquet"),
        explanations=setting_queries("explanation.json"),
        labels=setting_data("train_labels.npy"),
        info=setting_data("dataset.json"),
    output:
        **picture_files("queries_{setting}_{strategy}", "Queries", "{setting}, {strategy}"),
    log:
        layout.log("plot_queries", "{setting}_{strategy}"),
    conda:
        "../envs/fal.yaml"
    params:
        setting=lambda w: SETTING_OF[w.setting],
    message:
        "Draw which classes {wildcards.strategy} queried in {wildcards.setting}"
    script:
        "../workflow_scripts/plot_queries.py"


rule plot_inconsistency:
    input:
        queries=setting_queries("query.csv"),
        scores=setting_queries("scores.parquet"),
        explanations=setting_queries("explanation.json"),
    output:
        **picture_files(
            "inconsistency_{setting}_{strategy}", "Inconsistency", "{setting}, {strategy}"
        ),
    log:
        layout.log("plot_inconsistency", "{setting}_{strategy}"),
    conda:
        "../envs/fal.yaml"
    params:
        setting=lambda w: SETTING_OF[w.setting],
    message:
        "Draw the inconsistencies that {wildcards.strategy} found in {wildcards.setting}"
    script:
        "../workflow_scripts/plot_inconsistency.py"


def all_figures():
    """Every file of every picture of the configuration's runs."""
    return [
        layout.figure(f"{picture.stem}.{suffix}")
        for picture in PICTURES
        for suffix in catalogue.SUFFIXES
    ]
