"""Collect the accuracy of all runs into tables."""

from pathlib import Path

from fal.job import job
from fal.reporting import formats as table_text
from fal.reporting import tables

NOTE = (
    "Test accuracy in percent by the share of labeled images: mean ± standard deviation over the "
    "seeds. The strategies are ranked by their mean over the cycles that follow a query; the "
    "highest mean of each column is bold."
)

with job(snakemake) as run:
    results = snakemake.input
    table = tables.accuracy_table(map(tables.read_record, results))
    wide = tables.wide_tables(table)
    mixture = tables.mixture_warning(tables.code_digests(results))
    note = f"{NOTE} {mixture}".strip()
    page = table_text.to_html(wide, "Accuracy", note)
    for path, text in (
        (snakemake.output.runs, table_text.to_csv(table)),
        (snakemake.output.summary, table_text.to_csv(tables.summary_table(table))),
        (snakemake.output.wide, table_text.to_csv(tables.stacked(wide))),
        (snakemake.output.markdown, f"{note}\n\n{table_text.to_markdown(wide)}"),
        (snakemake.output.html, page),
    ):
        Path(path).write_text(text, encoding="utf-8")
    if mixture:
        run.log.warning(mixture)
    run.write_provenance(snakemake.output.provenance, config=snakemake.config)
    run.log.info("%d results, %d rows", len(results), len(table))
