# From a data set to clients with a few labels each.


rule prepare_dataset:
    output:
        **({"sites": layout.data("sites.npz")} if settings.clients_from else {}),
        description=layout.data("dataset.json"),
        images=layout.data("train_images.npy"),
        labels=layout.data("train_labels.npy"),
        files=layout.data("train_files.txt"),
        test_images=layout.data("test_images.npy"),
        test_labels=layout.data("test_labels.npy"),
        provenance=layout.data("provenance.json"),
    log:
        layout.log("prepare_dataset", "data"),
    benchmark:
        layout.log("prepare_dataset", "data", ".benchmark.tsv")
    priority: 100
    conda:
        "../envs/fal.yaml"
    params:
        **({"keep_unlabeled": True} if settings.keep_unlabeled else {}),
        options=lambda w: settings.prepared_by(w.dataset),
        fingerprint=lambda w: settings.fingerprint(w.dataset),
    message:
        "Read the images of {wildcards.dataset}"
    script:
        "../workflow_scripts/prepare_dataset.py"


rule partition_clients:
    input:
        **({"sites": rules.prepare_dataset.output.sites} if settings.clients_from else {}),
        labels=rules.prepare_dataset.output.labels,
    output:
        partition=layout.partition("partition.npz"),
        provenance=layout.partition("provenance.json"),
    log:
        layout.log("partition_clients", "partition"),
    benchmark:
        layout.log("partition_clients", "partition", ".benchmark.tsv")
    priority: 100
    conda:
        "../envs/fal.yaml"
    params:
        partition=settings.partition,
    message:
        "Divide {wildcards.dataset} among {wildcards.clients} clients"
        " (alpha {wildcards.alpha}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/partition_clients.py"


rule label_initial:
    input:
        **ORACLE_FILES,
        partition=rules.partition_clients.output.partition,
        labels=rules.prepare_dataset.output.labels,
        dataset=rules.prepare_dataset.output.description,
    output:
        **(
            {"query": layout.partition("initial_query.csv")}
            if ORACLE.asks_people
            else {"labeled": layout.partition("initial.npz")}
        ),
        provenance=layout.partition("initial_provenance.json"),
    log:
        layout.log("label_initial", "partition"),
    benchmark:
        layout.log("label_initial", "partition", ".benchmark.tsv")
    priority: 100
    conda:
        "../envs/fal.yaml"
    params:
        initial=settings.labeling.initial,
        oracle=settings.oracle,
    message:
        "Label the first images of {wildcards.dataset}'s {wildcards.clients} clients"
        " (alpha {wildcards.alpha}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/label_initial.py"
