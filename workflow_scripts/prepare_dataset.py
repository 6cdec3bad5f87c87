"""Read a data set and keep it as memory-mapped arrays."""

from pathlib import Path

from fal.data import datasets
from fal.job import job

with job(snakemake) as run:
    options = dict(snakemake.params.options)
    folder = Path(snakemake.output.description).parent
    dataset = datasets.load(
        options.pop("kind"),
        name=snakemake.wildcards.dataset,
        download_dir=folder.parents[1] / datasets.DOWNLOADS,
        **options,
    )
    dataset.save(folder)
    run.log.info(
        "%d training and %d test images of %d classes",
        len(dataset.train_labels),
        len(dataset.test_labels),
        len(dataset.classes),
    )
    run.write_provenance(snakemake.output.provenance)
