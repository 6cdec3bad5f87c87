# From a data set to clients with a few labels each.


rule prepare_dataset:
    input:
        source=lambda w: S.datasets[w.dataset]["path"] or [],
    output:
        description=f"{DATA}/dataset.json",
        images=f"{DATA}/train_images.npy",
        labels=f"{DATA}/train_labels.npy",
        test_images=f"{DATA}/test_images.npy",
        test_labels=f"{DATA}/test_labels.npy",
        provenance=f"{DATA}/provenance.json",
    log:
        "logs/prepare_dataset/{dataset}.log",
    benchmark:
        "logs/prepare_dataset/{dataset}.benchmark.tsv"
    priority: 100
    conda:
        "../envs/fal.yaml"
    params:
        options=lambda w: S.datasets[w.dataset],
    message:
        "Read the images of {wildcards.dataset}"
    script:
        "../workflow_scripts/prepare_dataset.py"


rule partition_clients:
    input:
        labels=rules.prepare_dataset.output.labels,
    output:
        partition=f"{SPLIT}/partition.npz",
        provenance=f"{SPLIT}/provenance.json",
    log:
        "logs/partition_clients/{dataset}/alpha-{alpha}_clients-{clients}_seed-{seed}.log",
    priority: 100
    conda:
        "../envs/fal.yaml"
    message:
        "Divide {wildcards.dataset} among {wildcards.clients} clients"
        " (alpha {wildcards.alpha}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/partition_clients.py"


rule label_initial:
    input:
        partition=rules.partition_clients.output.partition,
    output:
        labeled=f"{SPLIT}/initial.npz",
        provenance=f"{SPLIT}/initial_provenance.json",
    log:
        "logs/label_initial/{dataset}/alpha-{alpha}_clients-{clients}_seed-{seed}.log",
    priority: 100
    conda:
        "../envs/fal.yaml"
    params:
        initial=S.labeling["initial"],
    message:
        "Label the first images of {wildcards.dataset}'s {wildcards.clients} clients"
        " (alpha {wildcards.alpha}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/label_initial.py"
