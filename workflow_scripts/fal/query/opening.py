"""The clients' pools, as a score or select step sees them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fal import outputs, storage
from fal.data.datasets import Dataset
from fal.query.pool import Pool, build_pools
from fal.query.strategies import Strategy, create


def open_strategy(job) -> Strategy:
    """The strategy that the job's params describe."""
    options = dict(job.params.strategy)
    return create(options.pop("method"), **options)


def open_pools(job, roles: tuple[str, ...], device: str = "cpu") -> Iterator[Pool]:
    """One pool per client, with the outputs of the models of ``roles``."""
    dataset = Dataset.open(Path(job.input.dataset).parent)
    return build_pools(
        client=storage.load_array(job.input.partition, "client"),
        labeled_index=storage.load_array(job.input.labeled, "index"),
        labels=np.asarray(dataset.train_labels),
        num_classes=len(dataset.classes),
        cycle=int(job.wildcards.cycle),
        outputs={role: outputs.load(job.input[role], device) for role in roles},
    )
