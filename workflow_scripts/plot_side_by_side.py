"""Draw the accuracy curves of several settings side by side."""

from pathlib import Path

from fal.job import job
from fal.reporting import accuracy_figures, drawing, tables

with job(snakemake):
    over, rows = snakemake.params.over, snakemake.params.rows
    table = tables.read_accuracy(snakemake.input.table)
    if snakemake.params.strategies:
        table = table[table["strategy"].isin(snakemake.params.strategies)]
    panels = [
        [
            accuracy_figures.Panel(
                tables.panel_title(setting, over, others=len(rows) > 1),
                tables.of_setting(table, setting),
                tables.compared(snakemake.params.compare, setting),
            )
            for setting in row
        ]
        for row in rows
    ]
    figure = accuracy_figures.accuracy_panels(panels, shared_accuracy=over != "dataset")
    drawing.save(figure, Path(snakemake.output.png).with_suffix(""))
