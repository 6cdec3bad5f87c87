# The pictures of what the strategies queried.


rule plot_queries:
    input:
        queries=setting_queries("query.csv"),
        scores=setting_queries("scores.parquet"),
        explanations=setting_queries("explanation.json"),
        labels=setting_data("train_labels.npy"),
        info=setting_data("dataset.json"),
    output:
        **picture_files("queries_{setting}_{strategy}", "Queries", "{setting}, {strategy}"),
    log:
        layout.log("plot_queries", "{setting}_{strategy}"),
    conda:
        "../envs/fal.yaml"
    params:
        setting=lambda w: SETTING_OF[w.setting],
    message:
        "Draw which classes {wildcards.strategy} queried in {wildcards.setting}"
    script:
        "../workflow_scripts/plot_queries.py"


rule plot_inconsistency:
    input:
        queries=setting_queries("query.csv"),
        scores=setting_queries("scores.parquet"),
        explanations=setting_queries("explanation.json"),
    output:
        **picture_files(
            "inconsistency_{setting}_{strategy}", "Inconsistency", "{setting}, {strategy}"
        ),
    log:
        layout.log("plot_inconsistency", "{setting}_{strategy}"),
    conda:
        "../envs/fal.yaml"
    params:
        setting=lambda w: SETTING_OF[w.setting],
    message:
        "Draw the inconsistencies that {wildcards.strategy} found in {wildcards.setting}"
    script:
        "../workflow_scripts/plot_inconsistency.py"
