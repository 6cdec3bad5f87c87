"""Read a data set and keep it as memory-mapped arrays."""

from pathlib import Path

from fal.data import kinds
from fal.data.download import DOWNLOADS
from fal.entries import entries
from fal.job import job

with job(snakemake) as run:
    datasets = dict(entries("datasets", snakemake.config["datasets"]))
    options = datasets[snakemake.wildcards.dataset]
    folder = Path(snakemake.output.description).parent
    kind = kinds.create(options.pop("kind"), **options)
    run.record(content=kind.content_digest())
    dataset = kind.load(
        snakemake.wildcards.dataset,
        folder.parents[1] / DOWNLOADS,
        keep_unlabeled=snakemake.params.get("keep_unlabeled", False),
    )
    run.tell(dataset.describe())
    for sentence in dataset.warnings:
        run.warn(sentence)
    dataset.save(folder)
