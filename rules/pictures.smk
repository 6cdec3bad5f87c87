# Which pictures there are, what they are called and what they are made from.

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


ALL_FIGURES = [
    layout.figure(f"{picture.stem}.{suffix}")
    for picture in PICTURES
    for suffix in catalogue.SUFFIXES
]
