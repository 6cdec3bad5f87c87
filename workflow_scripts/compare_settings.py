"""Compare the strategies over all settings together."""

from pathlib import Path

from fal import storage
from fal.job import job
from fal.reporting import (
    comparison,
    drawing,
    formats,
    table_page,
    verdict_figures,
    verdict_texts,
    verdicts_across,
)

with job(snakemake) as run:
    params, output = snakemake.params, snakemake.output
    table, notes = comparison.read(snakemake.input.runs, params.compare)
    ranks = verdicts_across.critical_difference(table)
    aggregates = verdicts_across.aggregate_table(table, params.references)
    penalties = verdicts_across.penalty_table(table)
    sentence = verdicts_across.ranks_sentence(ranks)
    run.tell(sentence)
    storage.save_text(output.across, formats.to_csv(aggregates))
    beats = penalties.rename_axis("strategy").reset_index()
    storage.save_text(output.penalties, formats.to_csv(beats))
    table_page.write(
        output.markdown,
        output.html,
        "Verdicts over all settings",
        [sentence, verdict_texts.ACROSS_NOTE, *notes],
        verdict_texts.across(ranks, aggregates, penalties),
        params.scale,
    )
    with drawing.look(params.style):
        width = params.style["width"]
        figure = verdict_figures.critical_difference_diagram(ranks, width, params.scale)
        numbers = verdict_figures.diagram_numbers(ranks)
        drawing.save(figure, Path(output.png).with_suffix(""), numbers, params.style["dpi"])
