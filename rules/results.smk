# From the results of all runs to tables and figures.


include: "results_common.smk"


rule collect_results:
    input:
        cycle_files("result.json", TRAININGS),
    output:
        runs=f"{R}/tables/accuracy.csv",
        summary=f"{R}/tables/accuracy_summary.csv",
        wide=f"{R}/tables/accuracy_wide.csv",
        markdown=f"{R}/tables/accuracy_summary.md",
        provenance=f"{R}/provenance.json",
        html=report(
            f"{R}/tables/accuracy_summary.html",
            caption="../report/accuracy_table.rst",
            category="Accuracy",
            labels={"setting": "all settings", "shows": "table"},
        ),
    log:
        "logs/collect_results.log",
    conda:
        "../envs/fal.yaml"
    message:
        "Collect the accuracy of all runs"
    script:
        "../workflow_scripts/collect_results.py"


rule plot_accuracy:
    input:
        table=rules.collect_results.output.runs,
    output:
        png=f"{R}/figures/accuracy_{{setting}}.png",
        pdf=f"{R}/figures/accuracy_{{setting}}.pdf",
        svg=report(
            f"{R}/figures/accuracy_{{setting}}.svg",
            caption="../report/accuracy.rst",
            category="Accuracy",
            labels={"setting": "{setting}", "shows": "curves"},
        ),
    log:
        "logs/plot_accuracy/{setting}.log",
    conda:
        "../envs/fal.yaml"
    params:
        setting=lambda w: SETTING_OF[w.setting],
    message:
        "Draw the accuracy curves of {wildcards.setting}"
    script:
        "../workflow_scripts/plot_accuracy.py"


rule plot_partition:
    input:
        partition=f"{SPLIT}/partition.npz",
        labels=f"{DATA}/train_labels.npy",
        info=f"{DATA}/dataset.json",
    output:
        png=f"{R}/figures/partition_{SPLIT_NAME}.png",
        pdf=f"{R}/figures/partition_{SPLIT_NAME}.pdf",
        svg=report(
            f"{R}/figures/partition_{SPLIT_NAME}.svg",
            caption="../report/partition.rst",
            category="Partition",
            labels={
                "data set": "{dataset}",
                "alpha": "{alpha}",
                "clients": "{clients}",
                "seed": "{seed}",
            },
        ),
    log:
        f"logs/plot_partition/{SPLIT_NAME}.log",
    conda:
        "../envs/fal.yaml"
    message:
        "Draw the classes of the {wildcards.clients} clients of {wildcards.dataset}"
        " (alpha {wildcards.alpha}, seed {wildcards.seed})"
    script:
        "../workflow_scripts/plot_partition.py"


include: "query_results.smk"
