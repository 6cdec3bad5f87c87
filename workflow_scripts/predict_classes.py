"""Compare the classes that the models of cycle 0 predict with those that they were trained on."""

from pathlib import Path

from fal import storage
from fal.data.dataset import Dataset
from fal.data.labeled import Labeled
from fal.federated.evaluation import open_outputs
from fal.job import job
from fal.query.pool import open_pools
from fal.query.predictions import ROLES, class_predictions

with job(snakemake) as run:
    dataset = Dataset.open(Path(snakemake.input.dataset).parent)
    client = storage.load_array(snakemake.input.partition, "client")
    labeled = Labeled.open(snakemake.input.labeled)
    seen = open_outputs(
        dataset,
        client,
        snakemake.params.model,
        {role: snakemake.input[role] for role in ROLES},
        run.use_device(),
        run.compute["inference_batch"],
    )
    pools = open_pools(dataset, client, labeled, 0, seen)
    table = class_predictions(pools, **snakemake.params.structure)
    text = storage.without_formulas(table).to_csv(index=False, float_format="%.6g")
    storage.save_text(snakemake.output[0], text)
