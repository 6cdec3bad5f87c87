# From the models of a cycle to the images that the oracle labels next.


rule query_clients:
    input:
        unpack(clients_input),
        unpack(models_input),
        unpack(reports_input),
        **ORACLE_FILES,
    output:
        **({"outputs": layout.cycle("outputs.safetensors")} if "outputs" in settings.keep else {}),
        **({} if ORACLE.asks_people else {"labeled": layout.cycle("labeled.npz")}),
        scores=layout.cycle("scores.parquet"),
        query=layout.cycle("query.csv"),
        explanation=layout.cycle("explanation.json"),
        provenance=layout.cycle("query_provenance.json"),
    log:
        layout.log("query_clients", "cycle"),
    benchmark:
        layout.log("query_clients", "cycle", ".benchmark.tsv")
    conda:
        "../envs/fal.yaml"
    threads: settings.compute.threads
    resources:
        **DEVICE,
    params:
        strategy=lambda w: settings.strategies[w.strategy],
        model=lambda w: settings.models[w.model],
        training={key: TRAINING[key] for key in ("rounds", "participation")},
        budget=settings.labeling.budget,
        oracle=settings.oracle,
    message:
        "Query by {wildcards.strategy} after cycle {wildcards.cycle}"
        " on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/query_clients.py"


rule predict_classes:
    input:
        unpack(clients_input),
        unpack(compared_models),
    output:
        layout.cycle("predicted_classes.csv"),
    log:
        layout.log("predict_classes", "cycle"),
    wildcard_constraints:
        cycle="0",
    conda:
        "../envs/fal.yaml"
    threads: settings.compute.threads
    resources:
        **DEVICE,
    params:
        structure=lambda w: structure_options(w.strategy),
        model=lambda w: settings.models[w.model],
    message:
        "Compare the classes that the first models predict"
        " on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/predict_classes.py"
