"""Draw which images the strategies queried, and IFAL's inconsistencies."""

import json
from itertools import groupby
from pathlib import Path

import numpy as np

from fal.job import job
from fal.layout import parse_path, setting_title, typed
from fal.reporting import drawing, query_figures, query_tables
from fal.reporting.catalogue import Picture

with job(snakemake):
    params, folder = snakemake.params, Path(snakemake.output[0]).parent
    data = {
        Path(info).parent.name: (np.load(labels), json.loads(Path(info).read_text())["classes"])
        for labels, info in zip(snakemake.input.labels, snakemake.input.infos, strict=True)
    }
    runs = [(Path(file).parent, parse_path(file)) for file in snakemake.input.queries]
    pictures = [Picture(**given) for given in params.pictures]
    with drawing.look(params.style):
        for of, same in groupby(pictures, key=lambda picture: picture.of):
            own = [path for path, run in runs if typed(of).items() <= run.items()]
            queries = list(map(query_tables.read_query, own))
            labels, classes = data[of["dataset"]]
            title = ", ".join(filter(None, [setting_title(of), of["strategy"], params.scale]))
            for picture in same:
                if picture.kind == "queries":
                    shares = query_tables.share_tables(queries, labels, len(classes))
                    figure, numbers = query_figures.query_histogram(*shares, classes, title)
                else:
                    figure, numbers = query_figures.inconsistency(queries, title)
                drawing.save(figure, folder / picture.stem, numbers, params.style["dpi"])
