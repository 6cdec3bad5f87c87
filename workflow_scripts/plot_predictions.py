"""Draw which classes the models of cycle 0 predict, against what they were trained on."""

import json
from pathlib import Path

import pandas as pd

from fal.job import job
from fal.layout import parse_path, typed
from fal.reporting import drawing, prediction_figures

with job(snakemake):
    params, folder = snakemake.params, Path(snakemake.output[0]).parent
    classes = {
        Path(info).parent.name: json.loads(Path(info).read_text())["classes"]
        for info in snakemake.input.infos
    }
    found = [(parse_path(file), pd.read_csv(file)) for file in snakemake.input.predictions]
    with drawing.look(params.style):
        for name, grid in params.grids.items():
            tables = [
                next(
                    table
                    for run, table in found
                    if typed(panel.setting).items() <= run.items()
                    and run["strategy"] == panel.strategies[0]
                )
                for panel in grid.panels
            ]
            named = [classes[panel.setting["dataset"]] for panel in grid.panels]
            figure, numbers = prediction_figures.prediction_figure(
                grid, tables, named, params.style["width"], params.scale
            )
            drawing.save(figure, folder / name, numbers, params.style["dpi"])
