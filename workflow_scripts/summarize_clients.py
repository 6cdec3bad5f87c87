"""Collect how many images each client has, and how many of them are labeled, into a table."""

from pathlib import Path
from typing import Any

from fal import storage
from fal.data.dataset import Dataset
from fal.data.labeling import Labeling
from fal.job import job
from fal.layout import parse_partition
from fal.reporting import client_table, formats

with job(snakemake) as run:
    datasets = {
        Path(info).parent.name: Dataset.open(Path(info).parent) for info in snakemake.input.infos
    }
    labeling = Labeling(**{**snakemake.config["labeling"], **snakemake.params.labeling})
    rows: list[dict[str, Any]] = []
    for path in snakemake.input.partitions:
        factors = parse_partition(path)
        client = storage.load_array(path, "client")
        rows += client_table.client_rows(factors, client, datasets[factors["dataset"]], labeling)
    table = client_table.client_table(rows)
    storage.save_text(snakemake.output[0], formats.to_csv(table))
    for sentence in client_table.spreads(table):
        run.log.info("%s", sentence)
