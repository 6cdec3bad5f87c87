"""Collect the accuracy of all runs into tables."""

from pathlib import Path

from fal.job import job
from fal.reporting import formats, tables, versions
from fal.reporting.page import render_tables

NOTE = (
    "Test accuracy in percent by the share of labeled images: mean ± standard deviation over the "
    "seeds. The strategies are ranked by their mean over the cycles that follow a query; the "
    "highest mean of each column is bold."
)

with job(snakemake) as run:
    results = snakemake.input.results
    table = tables.accuracy_table(map(tables.read_record, results))
    wide = tables.wide_tables(table)
    code_of = versions.code_versions(Path(path).parent for path in snakemake.input)
    mixture = versions.mixture_warning(code_of)
    note = f"{NOTE} {mixture}".strip()
    elements = {title: formats.to_html(measured) for title, measured in wide.items()}
    for path, text in (
        (snakemake.output.runs, formats.to_csv(table)),
        (snakemake.output.summary, formats.to_csv(tables.summary_table(table))),
        (snakemake.output.wide, formats.to_csv(tables.stacked(wide))),
        (snakemake.output.markdown, f"{note}\n\n{formats.to_markdown(wide)}"),
        (snakemake.output.html, render_tables("Accuracy", note, elements)),
    ):
        Path(path).write_text(text, encoding="utf-8")
    if mixture:
        run.warn(mixture)
    run.write_provenance(
        snakemake.output.provenance, config=snakemake.config, code_of=code_of, mixture=mixture
    )
    run.log.info("%d results, %d rows", len(results), len(table))
