"""Compare the strategies of each setting: accuracy over the seeds, and verdicts."""

import json
from pathlib import Path

from fal import storage
from fal.job import job
from fal.reporting import comparison, formats, table_page, tables, verdict_texts, verdicts
from fal.reporting.ranking import with_metrics

NOTE = (
    "Test accuracy in percent by the share of labeled images: mean ± standard deviation over the "
    "seeds that all strategies have (where there is none, over each one's own). They are ranked by "
    "the area under their curves, the mean height of the lines from point to point; the highest "
    "mean of each column is bold."
)

with job(snakemake) as run:
    params, output = snakemake.params, snakemake.output
    table, notes = comparison.read(snakemake.input.runs, params.compare)
    table = with_metrics(table, tables.read_names(snakemake.input.metrics))
    for note in notes:
        run.tell(note)
    notes.append(json.loads(Path(snakemake.input.provenance).read_text())["mixture"])
    wide = tables.wide_tables(table)
    compared = verdicts.verdict_table(table, params.references)
    by_cycle = verdicts.cycle_verdicts(table, params.references)
    saved = verdicts.labels_table(table, params.references)
    sentences = verdicts.sentence_table(table, params.references[0])
    spoken = [f"{setting}: {text}" for setting, text in verdict_texts.sentences(sentences).items()]
    for path, numbers in (
        (output.summary, tables.summary_table(table)),
        (output.wide, tables.stacked(wide)),
        (output.verdicts, compared),
        (output.by_cycle, by_cycle),
        (output.labels, saved),
        (output.sentences, sentences),
    ):
        storage.save_text(path, formats.to_csv(numbers))
    table_page.write(output.markdown, output.html, "Accuracy", [NOTE, *notes], wide, params.scale)
    table_page.write(
        output.verdicts_markdown,
        output.verdicts_html,
        "Verdicts",
        [*spoken, verdict_texts.NOTE, *notes],
        verdict_texts.every_comparison(compared, by_cycle, saved),
        params.scale,
    )
