"""Draw which classes the models of cycle 0 predict, against what they were trained on."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from fal.job import job
from fal.layout import parse_path, typed
from fal.reporting import drawing, prediction_figures

with job(snakemake) as run:
    params, folder = snakemake.params, Path(snakemake.output[0]).parent
    classes = {
        Path(info).parent.name: json.loads(Path(info).read_text())["classes"]
        for info in snakemake.input.infos
    }
    found = [(parse_path(file), pd.read_csv(file)) for file in snakemake.input.predictions]
    with drawing.look(params.style):
        for name, grid in params.grids.items():
            shown: list[Any] = []
            for panel in grid.panels:
                wanted = {**typed(panel.setting), "strategy": panel.strategies[0]}
                tables = [table for of, table in found if wanted.items() <= of.items()]
                shown += [(tables[0], classes[wanted["dataset"]])] if tables else [None]
                if not tables:
                    run.warn(f"{name}: {panel.title or 'predictions'} missing")
            figure, numbers = prediction_figures.prediction_figure(
                grid, shown, params.style["width"], params.scale
            )
            drawing.save(figure, folder / name, numbers, params.style["dpi"])
