# The pictures of accuracy, of the partitions, and of what the models of cycle 0 predict.


rule plot_accuracy:
    input:
        table=rules.collect_results.output.runs,
        compared=list(settings.compare.values()),
    output:
        files_of(ACCURACY_GRIDS, "Accuracy"),
    log:
        layout.log("plot_accuracy"),
    conda:
        "../envs/fal.yaml"
    params:
        **LOOK,
        grids=ACCURACY_GRIDS,
        strategies=list(settings.strategies),
        compare=dict(settings.compare),
        seeds=list(settings.seeds),
        cycles={d: settings.labeling.cycles_on(d) for d in settings.datasets},
    message:
        "Draw the accuracy curves"
    script:
        "../workflow_scripts/plot_accuracy.py"


rule plot_partitions:
    input:
        partitions=[fill(layout.partition("partition.npz"), p.of) for p in pictures_of("partition")],
        labels=prepared_files("train_labels.npy"),
        infos=prepared_files("dataset.json"),
    output:
        files_of(
            [*figures_that_show("partition"), *(p.stem for p in pictures_of("partition"))],
            "Partition",
        ),
    log:
        layout.log("plot_partitions"),
    conda:
        "../envs/fal.yaml"
    params:
        **LOOK,
        grids=figures_that_show("partition"),
        partitions=[asdict(p) for p in pictures_of("partition")],
    message:
        "Draw which classes the clients hold"
    script:
        "../workflow_scripts/plot_partitions.py"


rule plot_predictions:
    input:
        predictions=PREDICTIONS,
        infos=prepared_files("dataset.json"),
    output:
        files_of(PREDICTION_GRIDS, "Predictions"),
    log:
        layout.log("plot_predictions"),
    conda:
        "../envs/fal.yaml"
    params:
        **LOOK,
        grids=PREDICTION_GRIDS,
    message:
        "Draw which classes the models predict"
    script:
        "../workflow_scripts/plot_predictions.py"
