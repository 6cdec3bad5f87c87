"""Fit a distilled model to every client's labels and to the global model."""

from fal import storage
from fal.federated.distillation import Distillation, distill
from fal.federated.loading import open_federation, pick
from fal.federated.training import SGD
from fal.job import job

with job(snakemake) as run:
    device = run.use_device()
    options = snakemake.params.distillation
    sgd = SGD(
        **pick(options, "learning_rate", "batch_size"),
        **pick(snakemake.params.training, "momentum", "weight_decay", "precision"),
    )
    cohort = open_federation(snakemake, device, sgd).cohort
    weights, epochs = distill(
        cohort,
        storage.load_tensors(snakemake.input.model, device),
        range(len(cohort.examples)),
        Distillation(
            **pick(
                options,
                *("weight", "temperature", "epochs", "decay_after", "decay_factor"),
                *("patience", "restore_best"),
            )
        ),
        run.compute["inference_batch"],
    )
    storage.save_tensors(snakemake.output.models, weights)
    run.log.info("epochs per client: %s", epochs)
    run.write_provenance(snakemake.output.provenance, epochs=epochs)
