# From the queries of all runs to tables and figures of what the strategies asked for.


rule summarize_queries:
    input:
        queries=cycle_files("query.csv", QUERIES),
        scores=cycle_files("scores.parquet", QUERIES),
        provenance=cycle_files("query_provenance.json", QUERIES),
        labels=expand(f"{DATA}/train_labels.npy", dataset=S.datasets),
        infos=expand(f"{DATA}/dataset.json", dataset=S.datasets),
    output:
        table=f"{R}/tables/queries.csv",
        html=report(
            f"{R}/tables/queries.html",
            caption="../report/query_table.rst",
            category="Queries",
            labels={"setting": "all settings", "strategy": "all", "shows": "table"},
        ),
    log:
        "logs/summarize_queries.log",
    conda:
        "../envs/fal.yaml"
    message:
        "Collect what the strategies asked for"
    script:
        "../workflow_scripts/summarize_queries.py"


rule plot_queries:
    input:
        queries=query_files("query.csv"),
        scores=query_files("scores.parquet"),
        provenance=query_files("query_provenance.json"),
        labels=data_file("train_labels.npy"),
        info=data_file("dataset.json"),
    output:
        png=f"{R}/figures/queries_{{setting}}_{{strategy}}.png",
        pdf=f"{R}/figures/queries_{{setting}}_{{strategy}}.pdf",
        svg=report(
            f"{R}/figures/queries_{{setting}}_{{strategy}}.svg",
            caption="../report/queries.rst",
            category="Queries",
            labels={"setting": "{setting}", "strategy": "{strategy}", "shows": "classes"},
        ),
    log:
        "logs/plot_queries/{setting}_{strategy}.log",
    conda:
        "../envs/fal.yaml"
    params:
        setting=lambda w: SETTING_OF[w.setting],
    message:
        "Draw which classes {wildcards.strategy} asked for in {wildcards.setting}"
    script:
        "../workflow_scripts/plot_queries.py"


rule plot_inconsistency:
    input:
        queries=query_files("query.csv"),
        scores=query_files("scores.parquet"),
        provenance=query_files("query_provenance.json"),
    output:
        png=f"{R}/figures/inconsistency_{{setting}}_{{strategy}}.png",
        pdf=f"{R}/figures/inconsistency_{{setting}}_{{strategy}}.pdf",
        svg=report(
            f"{R}/figures/inconsistency_{{setting}}_{{strategy}}.svg",
            caption="../report/inconsistency.rst",
            category="Queries",
            labels={"setting": "{setting}", "strategy": "{strategy}", "shows": "inconsistency"},
        ),
    log:
        "logs/plot_inconsistency/{setting}_{strategy}.log",
    conda:
        "../envs/fal.yaml"
    params:
        setting=lambda w: SETTING_OF[w.setting],
    message:
        "Draw the inconsistencies that {wildcards.strategy} found in {wildcards.setting}"
    script:
        "../workflow_scripts/plot_inconsistency.py"
