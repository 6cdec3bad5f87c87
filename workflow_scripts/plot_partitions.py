"""Draw how many images of each class each client holds."""

import json
from pathlib import Path

import numpy as np

from fal import storage
from fal.data.partition import class_counts
from fal.job import job
from fal.layout import factor_title
from fal.reporting import drawing, partition_figures
from fal.reporting.catalogue import Picture

with job(snakemake):
    params, folder = snakemake.params, Path(snakemake.output[0]).parent
    data = {
        Path(info).parent.name: (np.load(labels), json.loads(Path(info).read_text())["classes"])
        for labels, info in zip(snakemake.input.labels, snakemake.input.infos, strict=True)
    }
    held: dict[tuple[str, ...], partition_figures.Part] = {}
    with drawing.look(params.style):
        for given, file in zip(params.partitions, snakemake.input.partitions, strict=True):
            picture = Picture(**given)
            labels, classes = data[picture.of["dataset"]]
            counts = class_counts(storage.load_array(file, "client"), labels, len(classes))
            first = tuple(str(picture.of[factor]) for factor in ("dataset", "alpha", "clients"))
            held.setdefault(first, (counts, classes))
            title = ", ".join(
                [
                    *(factor_title(f, picture.of[f]) for f in ("dataset", "alpha")),
                    f"seed {picture.of['seed']}",
                ]
            )
            figure, numbers = partition_figures.partition_histogram(
                counts, classes, title, params.scale, int(np.count_nonzero(labels < 0))
            )
            drawing.save(figure, folder / picture.stem, numbers, params.style["dpi"])
        for name, grid in params.grids.items():
            parts = [
                held.get(tuple(str(panel.setting[f]) for f in ("dataset", "alpha", "clients")))
                for panel in grid.panels
            ]
            figure, numbers = partition_figures.partition_grid(
                grid, parts, params.style["width"], params.scale
            )
            drawing.save(figure, folder / name, numbers, params.style["dpi"])
