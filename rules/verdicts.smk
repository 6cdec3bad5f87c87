# Which strategy is better, by how much, and whether the seeds can tell.


rule compare_strategies:
    input:
        runs=rules.collect_results.output.runs,
        metrics=rules.summarize_predictions.output.table,
        provenance=rules.collect_results.output.provenance,
        compared=list(settings.compare.values()),
    output:
        summary=layout.table("accuracy_summary.csv"),
        wide=layout.table("accuracy_wide.csv"),
        markdown=layout.table("accuracy_summary.md"),
        html=report(
            layout.table("accuracy_summary.html"), category="Accuracy", labels={"result": "table"}
        ),
        verdicts=layout.table("verdicts.csv"),
        by_cycle=layout.table("verdicts_by_cycle.csv"),
        labels=layout.table("labels_saved.csv"),
        sentences=layout.table("verdict_sentences.csv"),
        verdicts_markdown=layout.table("verdicts.md"),
        verdicts_html=report(
            layout.table("verdicts.html"),
            category="Verdicts",
            labels={"result": "in each setting"},
        ),
    log:
        layout.log("compare_strategies"),
    conda:
        "../envs/fal.yaml"
    params:
        compare=dict(settings.compare),
        references=list(settings.references),
        scale=settings.scale_note,
    message:
        "Compare the strategies in each setting"
    script:
        "../workflow_scripts/compare_strategies.py"


rule plot_differences:
    input:
        runs=rules.collect_results.output.runs,
        compared=list(settings.compare.values()),
    output:
        files_of([picture.stem for picture in pictures_of("differences")], "Verdicts"),
    log:
        layout.log("plot_differences"),
    conda:
        "../envs/fal.yaml"
    params:
        **LOOK,
        compare=dict(settings.compare),
        reference=settings.references[0],
        strategies=list(settings.strategies),
        pictures={picture.stem: dict(picture.of) for picture in pictures_of("differences")},
    message:
        "Draw how far the strategies are from {params.reference}"
    script:
        "../workflow_scripts/plot_differences.py"


rule compare_settings:
    input:
        runs=rules.collect_results.output.runs,
        compared=list(settings.compare.values()),
    output:
        across=layout.table("verdicts_across.csv"),
        penalties=layout.table("penalty_matrix.csv"),
        markdown=layout.table("verdicts_across.md"),
        html=report(
            layout.table("verdicts_across.html"),
            category="Verdicts",
            labels={"result": "over all settings"},
        ),
        png=layout.figure("verdicts_critical-difference.png"),
        pdf=layout.figure("verdicts_critical-difference.pdf"),
        csv=layout.figure("verdicts_critical-difference.csv"),
        svg=report(
            layout.figure("verdicts_critical-difference.svg"),
            category="Verdicts",
            labels={"result": "critical difference"},
        ),
    log:
        layout.log("compare_settings"),
    conda:
        "../envs/fal.yaml"
    params:
        **LOOK,
        compare=dict(settings.compare),
        references=list(settings.references),
    message:
        "Compare the strategies over all settings"
    script:
        "../workflow_scripts/compare_settings.py"


VERDICTS_ACROSS = rules.compare_settings.output if len(PLAN.settings) > 1 else []
ALL_VERDICTS = [*rules.compare_strategies.output, *VERDICTS_ACROSS]
