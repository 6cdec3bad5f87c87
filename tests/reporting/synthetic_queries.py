"""Made-up queries, written as the workflow writes them."""

import json

import numpy as np
import pandas as pd


def write_query(root, *, scored, strategy="ifal", seed=1, cycle=0, clients=3, size=40, budget=4):
    """Write one cycle's files for clients of ``size`` unlabeled images; returns the folder.

    scored: with IFAL's columns, thresholds and routes (of which client 0's is a fall-back).
    """
    random = np.random.default_rng([seed, cycle])
    folder = (
        root / f"runs/digits/alpha-0.1/clients-{clients}/seed-{seed}/cnn/fedavg/{strategy}"
        f"/cycle-{cycle}"
    )
    folder.mkdir(parents=True)
    count = clients * size
    client = np.repeat(np.arange(clients), size)
    pool = pd.DataFrame({"client": client, "index": random.permutation(2 * count)[:count]})
    explained = {}
    score = random.random(count)
    if scored:
        pool["inter"] = random.lognormal(-3, 1, count) * (random.random(count) > 0.1)
        pool["intra"] = random.lognormal(-2, 0.5, count)
        pool["d_local_kd"] = random.random(count)
        pool["d_global_kd"] = random.random(count)
        pool["total"] = score = pool["inter"] * pool["intra"]
        thresholds = pool.groupby("client")["total"].quantile(0.8)
        pool["candidate"] = pool["total"] > pool["client"].map(thresholds)
        explained = {
            str(k): {"route": "otsu" if k else "inter", "threshold": tau}
            for k, tau in thresholds.items()
        }
    best_first = pool.assign(score=score).sort_values("score", ascending=False)
    queried = best_first.groupby("client").head(budget)[["client", "index"]]
    pool.to_parquet(folder / "scores.parquet", index=False)
    queried.assign(score="").to_csv(folder / "query.csv", index=False)
    (folder / "explanation.json").write_text(json.dumps({"clients": explained}))
    return folder
