# The page that shows tables and pictures together.


rule write_report:
    input:
        accuracy=rules.collect_results.output.runs,
        verdicts=rules.compare_strategies.output.verdicts,
        by_cycle=rules.compare_strategies.output.by_cycle,
        labels=rules.compare_strategies.output.labels,
        sentences=rules.compare_strategies.output.sentences,
        across=VERDICTS_ACROSS and VERDICTS_ACROSS.across,
        penalties=VERDICTS_ACROSS and VERDICTS_ACROSS.penalties,
        metrics=rules.summarize_predictions.output.table,
        queries=rules.summarize_queries.output.table if QUERIES else [],
        costs=rules.summarize_costs.output[0],
        first_queries=first_query_files("query.csv"),
        provenance=rules.collect_results.output.provenance,
        pictures=[layout.figure(f"{picture.stem}.svg") for picture in PICTURES],
        infos=prepared_files("dataset.json"),
        images=prepared_files("train_images.npy"),
    output:
        layout.report,
    log:
        layout.log("write_report"),
    conda:
        "../envs/fal.yaml"
    params:
        pictures=[asdict(picture) for picture in PICTURES],
        training=TRAINING,
        scale=settings.scale_note,
    message:
        "Write the report {output}"
    script:
        "../workflow_scripts/write_report.py"
