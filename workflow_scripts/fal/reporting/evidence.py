"""What long runs found, kept in the repository, and the document that is made from it.

``python -m fal.reporting.evidence keep RESULTS NAME`` keeps the tables of a finished run in
docs/data/NAME. ``python -m fal.reporting.evidence`` makes from them the page
docs/data/NAME/README.md, the figures of docs/reproduction.md and what stands there between the
markers ``<!-- evidence: NAME -->`` and ``<!-- end of evidence -->``. A marker may name several
folders, whose runs add up; their page is in the first. Between
``<!-- claims -->`` and ``<!-- end of claims -->`` stands what all of them say to docs/claims.yaml.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from matplotlib.figure import Figure

from fal import progress
from fal.errors import InputError
from fal.layout import setting_title
from fal.options import given_options
from fal.reporting import (
    claim_figures,
    claims,
    difference_figures,
    drawing,
    formats,
    kept_texts,
    tables,
)
from fal.reporting.accuracy_figures import Curves, accuracy_figure
from fal.reporting.claims import Claim
from fal.reporting.grids import Grid, Panel
from fal.reporting.kept import Kept, keep, read
from fal.reporting.options import Style
from fal.scale import Scale
from fal.storage import replacing, save_text

DOCS = Path(__file__).resolve().parents[3] / "docs"
DOCUMENT = "reproduction.md"
CLAIMS = "claims.yaml"

_END = "<!-- end of evidence -->"
_SECTION = re.compile(rf"^<!-- evidence: ([^\n]*\S[^\n]*) -->\n(?s:.*?)^{_END}", re.MULTILINE)
_CLAIMS = re.compile(r"^<!-- claims -->\n(?s:.*?)^<!-- end of claims -->", re.MULTILINE)
_MARKER = re.compile(r"^<!-- (?:evidence:|end of evidence)", re.MULTILINE)


def judged(kept: Iterable[Kept], docs: Path = DOCS) -> tuple[list[Claim], pd.DataFrame]:
    """The claims, and what the runs say to them; raises InputError as ``read_claims`` does."""
    listed = claims.read_claims(docs / CLAIMS)
    return listed, claims.outcomes(listed, {run.name: run.accuracy for run in kept})


def claims_section(listed: list[Claim], found: pd.DataFrame, kept: Iterable[Kept]) -> str:
    """The claims ``listed`` and what the runs ``kept`` say to them, ``found``, as Markdown."""
    costs = {run.name: progress.duration(kept_texts.cpu_seconds(run)) for run in kept}
    told = {
        "The claims, their tests, and the CPU time of their runs": claims.plan_table(listed, costs),
        "What the runs say": claims.outcome_table(found),
    }
    return f"{claims.NOTE}\n\n{formats.to_markdown(told).rstrip()}\n\n"


def draw_claims(listed: list[Claim], found: pd.DataFrame, path: Path) -> None:
    """Draw what the runs say to the claims, as PNG."""
    style = given_options(Style())
    with drawing.look(style):
        figure = claim_figures.claims_figure(listed, found, style["width"])
        _save_png(figure, path, style["dpi"])


def draw_curves(kept: Kept, path: Path) -> None:
    """Draw the accuracy curves of a section, a panel for each setting, as PNG.

    That some strategies have fewer seeds is planned, and not told as missing.
    """
    table, style = kept.accuracy, kept.config["style"]
    strategies = tuple(sorted(table["strategy"].unique()))
    settings = [setting for setting, _ in tables.by_setting(table)]
    grid = Grid("accuracy", tuple((Panel(setting_title(s), s, strategies),) for s in settings))
    cycles = {str(name): int(rows["cycle"].max()) for name, rows in table.groupby("dataset")}
    common = set.intersection(*(set(rows["seed"]) for _, rows in table.groupby("strategy")))
    curves = Curves(table, strategies, common, cycles)
    words = Scale(**kept.config["scale"]).words
    with drawing.look(style):
        figure, _ = accuracy_figure(grid, curves, style["width"], words)
        _save_png(figure, path, style["dpi"])


def draw_differences(kept: Kept, path: Path) -> None:
    """Draw how far the strategies of a section are from the first reference, as PNG."""
    style, reference = kept.config["style"], kept.config["references"][0]
    numbers = {
        setting_title(setting): difference_figures.difference_numbers(rows, reference)
        for setting, rows in tables.by_setting(kept.accuracy)
    }
    strategies = sorted(kept.accuracy["strategy"].unique())
    words = Scale(**kept.config["scale"]).words
    with drawing.look(style):
        figure = difference_figures.difference_figure(numbers, strategies, style["width"], words)
        _save_png(figure, path, style["dpi"])


def _save_png(figure: Figure, path: Path, dpi: int) -> None:
    with TemporaryDirectory() as folder, replacing(path) as temporary:
        drawing.save(figure, Path(folder, path.stem), dpi=dpi)
        shutil.copyfile(Path(folder, path.name), temporary)


def sections(docs: Path = DOCS) -> dict[str, Kept]:
    """What the markers of the document name, by their names.

    Raises InputError if a marker has no end or no tables, or tables have no marker.
    """
    text = (docs / DOCUMENT).read_text(encoding="utf-8")
    named = _SECTION.findall(text)
    if len(_MARKER.findall(text)) != 2 * len(named):
        raise InputError(
            f"a marker '<!-- evidence: NAME -->' in {DOCUMENT} has no '{_END}', or there is one "
            "without a marker"
        )
    kept = {names: read([docs / "data" / name for name in names.split()]) for names in named}
    shown = [name for names in named for name in names.split()]
    for folder in sorted((docs / "data").glob("*/")):
        if shown.count(folder.name) != 1:
            raise InputError(
                f"'{folder}' has {shown.count(folder.name)} markers in {DOCUMENT}, but must have "
                f"one: '<!-- evidence: {folder.name} -->' and '{_END}'"
            )
    return kept


def page(
    kept: Mapping[str, Kept], listed: list[Claim], found: pd.DataFrame, docs: Path = DOCS
) -> str:
    """The document with what its markers name, ``kept``, between them.

    listed, found: as ``judged`` gives them.
    """
    text = (docs / DOCUMENT).read_text(encoding="utf-8")
    told = f"<!-- claims -->\n{claims_section(listed, found, kept.values())}<!-- end of claims -->"
    text = _CLAIMS.sub(lambda _: told, text)
    return _SECTION.sub(
        lambda m: f"<!-- evidence: {m[1]} -->\n{kept_texts.summary(kept[m[1]])}{_END}", text
    )


def main(arguments: list[str] | None = None) -> None:
    """Keep a run's tables, or make the document and its figures from all that are kept."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    commands = parser.add_subparsers(dest="command")
    keeping = commands.add_parser("keep", help="keep the tables of a finished run in docs/data")
    keeping.add_argument("results", help="the folder that the run wrote to")
    keeping.add_argument("name", help="what the tables are to be called")
    given = parser.parse_args(arguments)
    try:
        if given.command == "keep":
            return keep(given.results, DOCS / "data", given.name)
        kept = sections()
        listed, found = judged(kept.values())
        text = page(kept, listed, found)
        for one in kept.values():
            draw_curves(one, DOCS / "figures" / f"{one.name}.png")
            draw_differences(one, DOCS / "figures" / f"{one.name}_differences.png")
            save_text(DOCS / "data" / one.name / kept_texts.PAGE, kept_texts.page(one))
        draw_claims(listed, found, DOCS / "figures" / "claims.png")
        save_text(DOCS / DOCUMENT, text)
    except InputError as error:
        parser.exit(1, f"Error: {error}\n")


if __name__ == "__main__":
    main()
