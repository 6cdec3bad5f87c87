"""Pick the images that each client has labeled next, and let the oracle label them."""

from collections import Counter

import numpy as np
import pandas as pd

from fal import rng, settings, storage
from fal.job import job
from fal.query.opening import open_pools, open_strategy

with job(snakemake) as run:
    strategy = open_strategy(snakemake)
    device = run.use_device() if strategy.needs_to_pick else "cpu"
    table = pd.read_parquet(snakemake.input.scores)
    client = storage.load_array(snakemake.input.partition, "client")
    sizes = np.bincount(client[client >= 0])
    settings.check_sizes(
        snakemake.config["labeling"], snakemake.wildcards.dataset, sizes.sum(), len(sizes)
    )
    client_size = int(sizes.min())
    budget = settings.count(snakemake.params.budget, client_size)
    seed = int(snakemake.wildcards.seed)

    queries, routes, thresholds = [], Counter(), {}
    for pool in open_pools(snakemake, strategy.needs_to_pick, device):
        rows = table[table["client"] == pool.client]
        scores = {name: rows[name].to_numpy() for name in rows.columns[2:]}
        own_seed = rng.seed_for(seed, "query", cycle=pool.cycle, client=pool.client)
        chosen = np.asarray(strategy.select(pool, scores, budget, own_seed))
        queries.append(rows.iloc[chosen].reindex(columns=["client", "index", "score"]))
        if hasattr(strategy, "route"):
            routes[strategy.route(scores, budget)] += 1
            thresholds[pool.client] = strategy.threshold(scores)

    query = pd.concat(queries)
    query.to_csv(snakemake.output.query, index=False)
    before = storage.load_array(snakemake.input.labeled, "index")
    after = np.sort(np.concatenate([before, query["index"].to_numpy()]))
    storage.save_array(snakemake.output.labeled, index=after)
    run.log.info("%d images queried, %d labeled now", len(query), len(after))
    run.write_provenance(snakemake.output.provenance, routes=routes, thresholds=thresholds)
