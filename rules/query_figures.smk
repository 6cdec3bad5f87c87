# The pictures of what the strategies queried.


rule plot_queries:
    input:
        queries=query_files("query.csv"),
        scores=query_files("scores.parquet"),
        explanations=query_files("explanation.json"),
        labeled=answered_files(),
        labels=prepared_files("train_labels.npy"),
        infos=prepared_files("dataset.json"),
    output:
        files_of([p.stem for p in QUERY_PICTURES], "Queries"),
    log:
        layout.log("plot_queries"),
    conda:
        "../envs/fal.yaml"
    params:
        **LOOK,
        pictures=[asdict(p) for p in QUERY_PICTURES],
    message:
        "Draw which images the strategies queried"
    script:
        "../workflow_scripts/plot_queries.py"
