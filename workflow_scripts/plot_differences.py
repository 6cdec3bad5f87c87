"""Draw how far the strategies of each setting are from a reference."""

from pathlib import Path

from fal.job import job
from fal.layout import setting_title
from fal.reporting import comparison, difference_figures, drawing, tables

with job(snakemake):
    params = snakemake.params
    table, _ = comparison.read(snakemake.input.runs, params.compare)
    names = list(dict.fromkeys([*params.strategies, *table["strategy"]]))
    folder = Path(snakemake.output[0]).parent
    with drawing.look(params.style):
        for stem, setting in params.pictures.items():
            rows = tables.of_setting(table, setting)
            numbers = difference_figures.difference_numbers(rows, params.reference)
            figure = difference_figures.difference_figure(
                {setting_title(setting): numbers}, names, params.style["width"], params.scale
            )
            drawing.save(figure, folder / stem, numbers, params.style["dpi"])
