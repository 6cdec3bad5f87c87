# The pictures of accuracy and of the partitions.


rule plot_accuracy:
    input:
        table=rules.collect_results.output.runs,
        compared=list(settings.compare.values()),
    output:
        **picture_files("accuracy_{setting}", "Accuracy", "{setting}"),
    log:
        layout.log("plot_accuracy", "{setting}"),
    conda:
        "../envs/fal.yaml"
    params:
        setting=lambda w: SETTING_OF[w.setting],
        compare=dict(settings.compare),
    message:
        "Draw the accuracy curves of {wildcards.setting}"
    script:
        "../workflow_scripts/plot_accuracy.py"


rule plot_side_by_side:
    input:
        table=rules.collect_results.output.runs,
        compared=list(settings.compare.values()),
    output:
        **picture_files("side_by_side_{panels}", "Accuracy", "side by side: {panels}"),
    log:
        layout.log("plot_side_by_side", "{panels}"),
    conda:
        "../envs/fal.yaml"
    params:
        over=lambda w: SIDE_BY_SIDE[w.panels].over,
        rows=lambda w: catalogue.panels(SETTINGS, SIDE_BY_SIDE[w.panels].over),
        strategies=lambda w: SIDE_BY_SIDE[w.panels].strategies,
        compare=dict(settings.compare),
    message:
        "Draw accuracy curves side by side: {wildcards.panels}"
    script:
        "../workflow_scripts/plot_side_by_side.py"


rule plot_partition:
    input:
        partition=layout.partition("partition.npz"),
        labels=layout.data("train_labels.npy"),
        info=layout.data("dataset.json"),
    output:
        **picture_files(f"partition_{partition_name()}", "Partition", partition_name()),
    log:
        layout.log("plot_partition", partition_name()),
    conda:
        "../envs/fal.yaml"
    message:
        "Draw the classes of the {wildcards.clients} clients of {wildcards.dataset}"
        " (alpha {wildcards.alpha}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/plot_partition.py"
