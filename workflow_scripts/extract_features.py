"""Features and logits that one role's models give for all examples of their clients."""

from pathlib import Path

from fal import outputs, storage
from fal.data.dataset import Dataset
from fal.data.images import Images
from fal.federated import evaluation
from fal.federated.cohort import open_stacks
from fal.job import job

with job(snakemake) as run:
    device = run.use_device()
    dataset = Dataset.open(Path(snakemake.input.dataset).parent)
    images, _ = Images.of(dataset, "train", device)
    found = evaluation.outputs_of_clients(
        open_stacks(dataset, images, snakemake.params.model).get(1),
        storage.load_tensors(snakemake.input.models, device),
        images,
        storage.load_array(snakemake.input.partition, "client"),
        run.compute["inference_batch"],
    )
    outputs.save(snakemake.output[0], found)
