# Federated training of one cycle, and what its models say of the clients' images.


rule train_cycle:
    input:
        unpack(clients_input),
    output:
        model=f"{CYCLE}/global.safetensors",
        clients=f"{CYCLE}/clients.safetensors",
        metrics=f"{CYCLE}/metrics.csv",
        result=f"{CYCLE}/result.json",
        provenance=f"{CYCLE}/provenance.json",
    log:
        f"logs/train_cycle/{LOG}.log",
    benchmark:
        f"logs/train_cycle/{LOG}.benchmark.tsv"
    conda:
        "../envs/fal.yaml"
    threads: S.compute["threads"]
    params:
        training=S.training,
        loss=lambda w: training_of(w.strategy),
        model=lambda w: S.models[w.model],
        algorithm=lambda w: S.algorithms[w.algorithm],
    message:
        "Train cycle {wildcards.cycle} of {wildcards.strategy} with {wildcards.algorithm}"
        " on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/train_cycle.py"


rule distill_clients:
    input:
        unpack(clients_input),
        model=rules.train_cycle.output.model,
    output:
        models=f"{CYCLE}/kd.safetensors",
        provenance=f"{CYCLE}/kd_provenance.json",
    log:
        f"logs/distill_clients/{LOG}.log",
    benchmark:
        f"logs/distill_clients/{LOG}.benchmark.tsv"
    conda:
        "../envs/fal.yaml"
    threads: S.compute["threads"]
    params:
        distillation=S.distillation,
        training={k: S.training[k] for k in ("momentum", "weight_decay", "precision")},
        model=lambda w: S.models[w.model],
    message:
        "Distill the model of every client in cycle {wildcards.cycle} of {wildcards.strategy}"
        " on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/distill_clients.py"


MODELS_OF_ROLE = {
    "global": rules.train_cycle.output.model,
    "local": rules.train_cycle.output.clients,
    "kd": rules.distill_clients.output.models,
}


rule extract_features:
    input:
        unpack(clients_input),
        models=lambda w: MODELS_OF_ROLE[w.role],
    output:
        f"{CYCLE}/outputs_{{role}}.safetensors",
    log:
        f"logs/extract_features/{LOG}_{{role}}.log",
    conda:
        "../envs/fal.yaml"
    threads: S.compute["threads"]
    params:
        model=lambda w: S.models[w.model],
    message:
        "Look at all images with the {wildcards.role} model of cycle {wildcards.cycle}"
        " of {wildcards.strategy} on {wildcards.dataset} (seed {wildcards.seed})"
    script:
        "../workflow_scripts/extract_features.py"
