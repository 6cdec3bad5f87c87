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


def all_figures():
    """Every file of every picture of the configuration's runs."""
    return [
        layout.figure(f"{picture.stem}.{suffix}")
        for picture in PICTURES
        for suffix in catalogue.SUFFIXES
    ]
