# Which pictures there are, what they are called and what they are made from.

from dataclasses import asdict

from fal.layout import setting_name, setting_title
from fal.reporting import catalogue
from fal.reporting.grids import Grid, Panel

# What all drawing rules depend on besides the results.
LOOK = {
    "style": given_options(settings.style),
    "scale": settings.scale_note,
    "code": catalogue.drawing_code(),
}


def is_drawn(picture):
    """Whether there is something to draw, which there always is unless the run is partial."""
    if picture.kind == "partition":
        return bool(present([fill(layout.partition("partition.npz"), picture.of)]))
    if picture.kind in ("queries", *catalogue.OWN_KINDS):
        return bool(queries_of(picture, "query.csv"))
    return True


def queries_of(picture, name):
    """The file `name` of the queries that a picture is about."""
    return [cycle_file(name, run) for run in QUERIES if picture.of.items() <= run.items()]


PICTURES = [
    picture
    for picture in catalogue.pictures(
        PLAN,
        settings.seeds,
        {name: strategy.figures for name, strategy in STRATEGIES.items()},
        queried={run["dataset"] for run in QUERIES},
    )
    if is_drawn(picture)
]


def pictures_of(*kinds):
    return [picture for picture in PICTURES if picture.kind in kinds]


def figures_that_show(what):
    """The figures of several panels of one sort, by name."""
    return {name: grid for name, grid in PLAN.grids.items() if grid.shows == what}


def files_of(stems, category):
    """The files of pictures; those in .svg are shown in Snakemake's own report."""
    files = []
    for stem in stems:
        files += [layout.figure(f"{stem}.{s}") for s in catalogue.FILES if s != "svg"]
        svg = layout.figure(f"{stem}.svg")
        files += [report(svg, category=category, labels={"result": stem})]
    return files


def own_grid(setting, strategies):
    """The accuracy curves of one setting as a figure of a single panel."""
    return Grid("accuracy", ((Panel("", setting, strategies),),), setting_title(setting))


ACCURACY_GRIDS = {
    **figures_that_show("accuracy"),
    **{
        f"accuracy_{setting_name(setting)}": own_grid(setting, names)
        for setting, names in PLAN.compared
    },
}
PREDICTION_GRIDS = figures_that_show("predictions")
PREDICTIONS = present(
    cycle_file(
        "predicted_classes.csv",
        panel.setting,
        strategy=panel.strategies[0],
        seed=settings.seeds[0],
        cycle=0,
    )
    for grid in PREDICTION_GRIDS.values()
    for panel in grid.panels
)
QUERY_PICTURES = pictures_of("queries", *catalogue.OWN_KINDS)
ALL_FIGURES = [
    layout.figure(f"{picture.stem}.{suffix}") for picture in PICTURES for suffix in catalogue.FILES
]
