"""Score every client's unlabeled examples with a query strategy."""

import pandas as pd

from fal.job import job
from fal.query.opening import open_pools, open_strategy
from fal.query.strategies.base import to_host

with job(snakemake) as run:
    strategy = open_strategy(snakemake)
    device = run.use_device() if strategy.needs else "cpu"
    tables = []
    for pool in open_pools(snakemake, strategy.needs, device):
        columns = {name: to_host(values) for name, values in strategy.score(pool).items()}
        tables.append(pd.DataFrame({"client": pool.client, "index": pool.index, **columns}))
    pd.concat(tables).to_parquet(snakemake.output[0], index=False)
