"""Which classes models predict for clients' unlabeled images, against what they were trained on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fal.query.pool import Pool

ROLES = ("local", "global")
SOURCES = ("learning-based", "structural")


def class_predictions(pools: Iterable[Pool], k: float, smoothing: float) -> pd.DataFrame:
    """Distributions of classes that local and global model predict for each client.

    pools: with the outputs of the models ``ROLES``. k, smoothing: of the structural probabilities
    (Eq. 1-4), which take each model's own features and pseudo-labels.

    Returns columns client, model (local, global), source and one for each class, 0, 1, ...: the
    share that it has. Sources: training, what the model was trained on, which is the labels of the
    client or of all clients; learning-based, the mean softmax output on the client's unlabeled
    images; structural, the mean structural probability. NaN where a client has no such images.
    """
    from fal.query.structure import arrow_counts, structural_probabilities

    known = {}
    rows: list[tuple[int, str, str, np.ndarray]] = []
    for pool in pools:
        known[pool.client] = np.bincount(pool.labels, minlength=pool.num_classes)
        for role in ROLES:
            arrows = arrow_counts(
                pool.labeled_features(role),
                pool.features(role),
                pool.labels_with_pseudo(role),
                pool.num_classes,
                k,
            )
            for source, probabilities in (
                ("learning-based", pool.probabilities(role)),
                ("structural", structural_probabilities(arrows, smoothing)),
            ):
                mean = probabilities.double().mean(0).cpu().numpy()
                rows.append((pool.client, role, source, mean))
    everybody = np.sum(list(known.values()), axis=0)
    rows += [
        (client, role, "training", labels / (labels.sum() or np.nan))
        for client, own in known.items()
        for role, labels in (("local", own), ("global", everybody))
    ]
    shares = pd.DataFrame(np.stack([row[3] for row in rows]))
    named = pd.DataFrame([row[:3] for row in rows], columns=["client", "model", "source"])
    table = pd.concat([named, shares], axis=1)
    return table.sort_values(["client", "model", "source"], ignore_index=True)
