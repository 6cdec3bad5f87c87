"""Draw the accuracy curves of all strategies of a setting."""

from pathlib import Path

from fal.job import job
from fal.reporting import figures, tables

with job(snakemake):
    setting = snakemake.params.setting
    table = tables.of_setting(tables.read_accuracy(snakemake.input.table), setting)
    figure = figures.accuracy_curves(table, tables.setting_title(setting))
    figures.save(figure, Path(snakemake.output.png).with_suffix(""))
