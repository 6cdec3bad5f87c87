"""Fit a distilled model to every client's labels and to the global model."""

from pathlib import Path

from fal import storage
from fal.data.dataset import Dataset
from fal.federated.checkpoint import Checkpoint
from fal.federated.cohort import open_cohort
from fal.federated.distillation import distill
from fal.federated.options import Distillation
from fal.job import job

with job(snakemake) as run:
    device = run.use_device()
    options = Distillation(**snakemake.params.distillation)
    cohort = open_cohort(
        Dataset.open(Path(snakemake.input.dataset).parent),
        partition=snakemake.input.partition,
        labeled=snakemake.input.labeled,
        model=snakemake.params.model,
        local=options.local(**snakemake.params.training),
        seed=int(snakemake.wildcards.seed),
        cycle=int(snakemake.wildcards.cycle),
        device=device,
    )
    teacher = storage.load_tensors(snakemake.input.model, device)
    checkpoint = Checkpoint.of_job(run, snakemake.output.models)
    weights, epochs = distill(
        cohort,
        teacher,
        range(len(cohort.examples)),
        options,
        run.compute["inference_batch"],
        checkpoint,
        run.progress,
    )
    storage.save_tensors(snakemake.output.models, weights)
    run.log.info("epochs per client: %s", epochs)
    run.record(epochs=epochs)
