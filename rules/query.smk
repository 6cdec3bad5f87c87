# From what the models say to the images that the oracle labels next.


rule score_pool:
    input:
        unpack(outputs_input),
    output:
        f"{CYCLE}/scores.parquet",
    log:
        f"logs/score_pool/{LOG}.log",
    conda:
        "../envs/fal.yaml"
    threads: S.compute["threads"]
    params:
        strategy=lambda w: S.strategies[w.strategy],
    message:
        "Score the unlabeled images by {wildcards.strategy} in cycle {wildcards.cycle}"
        " on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/score_pool.py"


rule select_queries:
    input:
        unpack(outputs_input),
        scores=rules.score_pool.output[0],
    output:
        query=f"{CYCLE}/query.csv",
        labeled=f"{CYCLE}/labeled.npz",
        provenance=f"{CYCLE}/query_provenance.json",
    log:
        f"logs/select_queries/{LOG}.log",
    conda:
        "../envs/fal.yaml"
    threads: S.compute["threads"]
    params:
        strategy=lambda w: S.strategies[w.strategy],
        budget=S.labeling["budget"],
    message:
        "Query by {wildcards.strategy} in cycle {wildcards.cycle}"
        " on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/select_queries.py"
