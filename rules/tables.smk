# From the results and queries of all runs to tables.


rule collect_results:
    input:
        results=trained_files("result.json"),
        queries=query_files("query_provenance.json"),
    output:
        runs=layout.table("accuracy.csv"),
        provenance=layout.provenance,
    log:
        layout.log("collect_results"),
    conda:
        "../envs/fal.yaml"
    params:
        compared=[settings.references, settings.compare],
    message:
        "Collect the accuracy of all runs"
    script:
        "../workflow_scripts/collect_results.py"


rule summarize_queries:
    input:
        queries=query_files("query.csv"),
        scores=query_files("scores.parquet"),
        explanations=query_files("explanation.json"),
        labeled=answered_files(),
        labels=prepared_files("train_labels.npy"),
        infos=prepared_files("dataset.json"),
    output:
        table=layout.table("queries.csv"),
        agreement=layout.table("agreement.csv"),
        html=report(layout.table("queries.html"), category="Queries", labels={"result": "table"}),
    log:
        layout.log("summarize_queries"),
    conda:
        "../envs/fal.yaml"
    params:
        references=settings.references,
    message:
        "Collect what the strategies queried"
    script:
        "../workflow_scripts/summarize_queries.py"


rule summarize_predictions:
    input:
        **({"sites": prepared_files("sites.npz")} if settings.clients_from else {}),
        predictions=trained_files("predictions.npz"),
        partitions=partition_files("partition.npz"),
        train_labels=prepared_files("train_labels.npy"),
        test_labels=prepared_files("test_labels.npy"),
        infos=prepared_files("dataset.json"),
    output:
        table=layout.table("metrics.csv"),
        by_class=layout.table("class_metrics.csv"),
        by_client=layout.table("client_metrics.csv"),
    log:
        layout.log("summarize_predictions"),
    conda:
        "../envs/fal.yaml"
    message:
        "Collect the metrics of all models' predictions"
    script:
        "../workflow_scripts/summarize_predictions.py"


rule summarize_clients:
    input:
        **({"sites": prepared_files("sites.npz")} if settings.clients_from else {}),
        partitions=partition_files("partition.npz"),
        labels=prepared_files("train_labels.npy"),
        infos=prepared_files("dataset.json"),
    output:
        layout.table("clients.csv"),
    log:
        layout.log("summarize_clients"),
    conda:
        "../envs/fal.yaml"
    params:
        labeling={key: getattr(settings.labeling, key) for key in ("initial", "budget")},
    message:
        "Collect how many images the clients have"
    script:
        "../workflow_scripts/summarize_clients.py"


rule summarize_costs:
    input:
        cost_files(),
    output:
        layout.table("costs.csv"),
    log:
        layout.log("summarize_costs"),
    conda:
        "../envs/fal.yaml"
    message:
        "Collect what the steps have cost"
    script:
        "../workflow_scripts/summarize_costs.py"


ALL_TABLES = [
    *rules.collect_results.output,
    *rules.summarize_predictions.output,
    *rules.summarize_clients.output,
    *rules.summarize_costs.output,
    *(rules.summarize_queries.output if QUERIES else []),
]
