"""Features and logits that one role's models give all examples of their clients."""

import torch

from fal import outputs, storage
from fal.federated import evaluation, models
from fal.federated.loading import open_federation
from fal.job import job
from fal.outputs import Outputs

with job(snakemake) as run:
    device = run.use_device()
    federation = open_federation(snakemake, device)
    net = federation.cohort.stack(1)
    weights = storage.load_tensors(snakemake.input.models, device)
    models_in_file = len(next(iter(weights.values())))

    parts = []
    for k in range(federation.client.max() + 1):
        models.write(net, models.row(weights, k % models_in_file))
        index = torch.from_numpy((federation.client == k).nonzero()[0]).to(device)
        batch_size = run.compute["inference_batch"]
        parts.append(evaluation.outputs(net, federation.images, index, batch_size))
    outputs.save(
        snakemake.output[0],
        Outputs(torch.cat([p.features for p in parts]), torch.cat([p.logits for p in parts])),
    )
