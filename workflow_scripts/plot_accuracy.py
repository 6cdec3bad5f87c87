"""Draw all figures of accuracy curves."""

from pathlib import Path

from fal.job import job
from fal.reporting import accuracy_figures, drawing, tables

with job(snakemake) as run:
    params = snakemake.params
    curves = accuracy_figures.Curves(
        table=tables.read_accuracy(snakemake.input.table),
        strategies=params.strategies,
        seeds=params.seeds,
        cycles=params.cycles,
        compared={label: tables.read_accuracy(path) for label, path in params.compare.items()},
    )
    folder = Path(snakemake.output[0]).parent
    with drawing.look(params.style):
        for name, grid in params.grids.items():
            figure, numbers = accuracy_figures.accuracy_figure(
                grid, curves, params.style["width"], params.scale
            )
            drawing.save(figure, folder / name, numbers, params.style["dpi"])
            for panel in grid.panels:
                if missing := accuracy_figures.missing_results(panel, curves):
                    run.warn(f"{name}: {panel.title or 'results'} missing: {missing}")
