"""Draw the accuracy curves of all strategies of a setting."""

from pathlib import Path

from fal.job import job
from fal.reporting import accuracy_figures, drawing, tables

with job(snakemake) as run:
    setting = snakemake.params.setting
    own = tables.of_setting(tables.read_accuracy(snakemake.input.table), setting)
    others = tables.compared(snakemake.params.compare, setting)
    for label in others.keys() ^ snakemake.params.compare:
        run.log.info("%s has no such setting", label)
    figure = accuracy_figures.accuracy_curves(own, tables.setting_title(setting), others)
    drawing.save(figure, Path(snakemake.output.png).with_suffix(""))
