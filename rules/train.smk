# Federated training of one cycle, and the clients' distilled models.


rule train_cycle:
    input:
        unpack(clients_input),
    output:
        model=layout.cycle("global.safetensors"),
        clients=layout.cycle("clients.safetensors"),
        metrics=layout.cycle("metrics.csv"),
        predictions=layout.cycle("predictions.npz"),
        result=layout.cycle("result.json"),
        provenance=layout.cycle("provenance.json"),
    log:
        layout.log("train_cycle", "cycle"),
    benchmark:
        layout.log("train_cycle", "cycle", ".benchmark.tsv")
    wildcard_constraints:
        cycle=cycles_where(kept=True),
    # All strategies wait for the first cycle: it goes first, so that no long chain is begun last.
    priority: lambda w: int(w.cycle == "0")
    conda:
        "../envs/fal.yaml"
    threads: settings.compute.threads
    resources:
        **DEVICE,
    params:
        training=TRAINING,
        loss=lambda w: objective_of(w.strategy),
        model=lambda w: settings.models[w.model],
        algorithm=lambda w: settings.algorithms[w.algorithm],
    message:
        "Train cycle {wildcards.cycle} of {wildcards.strategy} with {wildcards.algorithm}"
        " on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/train_cycle.py"


use rule train_cycle as train_middle_cycle with:
    output:
        model=layout.cycle("global.safetensors"),
        clients=temp(layout.cycle("clients.safetensors")),
        metrics=layout.cycle("metrics.csv"),
        predictions=layout.cycle("predictions.npz"),
        result=layout.cycle("result.json"),
        provenance=layout.cycle("provenance.json"),
    wildcard_constraints:
        cycle=cycles_where(kept=False),


rule distill_clients:
    input:
        unpack(clients_input),
        model=rules.train_cycle.output.model,
    output:
        models=layout.cycle("kd.safetensors"),
        provenance=layout.cycle("kd_provenance.json"),
    log:
        layout.log("distill_clients", "cycle"),
    benchmark:
        layout.log("distill_clients", "cycle", ".benchmark.tsv")
    wildcard_constraints:
        cycle=cycles_where(kept=True),
    conda:
        "../envs/fal.yaml"
    threads: settings.compute.threads
    resources:
        **DEVICE,
    params:
        distillation=DISTILLATION,
        training={key: TRAINING[key] for key in ("momentum", "weight_decay", "precision")},
        model=lambda w: settings.models[w.model],
    message:
        "Distill the model of every client in cycle {wildcards.cycle} of {wildcards.strategy}"
        " on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/distill_clients.py"


use rule distill_clients as distill_middle_cycle with:
    output:
        models=temp(layout.cycle("kd.safetensors")),
        provenance=layout.cycle("kd_provenance.json"),
    wildcard_constraints:
        cycle=cycles_where(kept=False),
