import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from fal.reporting import formats
from fal.reporting.formats import Measured
from fal.reporting.page import render_tables


def measured(mean, std=None, decimals=None):
    """A table of two rows, a<b> and random, with the columns of ``mean``."""
    index = pd.MultiIndex.from_tuples([("a<b>", 1), ("random", 2)], names=["strategy", "rank"])
    mean = pd.DataFrame(mean, index=index)
    std = pd.DataFrame(std or {}, index=index, columns=mean.columns, dtype=float)
    return Measured(mean, std, decimals or {})


def cells(element):
    """The rows of a table's element: of each cell its classes and text."""
    rows = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag == "tr":
                rows.append([])
            if tag in ("td", "th"):
                rows[-1].append([dict(attributes).get("class", "").split(), ""])

        def handle_data(self, data):
            if rows and rows[-1]:
                rows[-1][-1][1] += data.strip()

    Reader().feed(element)
    return rows


def test_cells_have_spread_and_decimals_where_they_should():
    table = measured(
        {"x": [1.005, np.nan], "y": [12.34, 5.0], "z": [0.5, 0.25]},
        {"x": [0.5, 0.1], "z": [0.04, np.nan]},
        {"y": 0, "z": 1},
    )
    assert table.texts().to_dict("list") == {
        "strategy": ["a<b>", "random"],
        "rank": ["1", "2"],
        "x": ["1.00 ± 0.50", ""],
        "y": ["12", "5"],
        "z": ["0.5 ± 0.0", "0.2"],
    }


def test_the_best_is_judged_by_what_is_shown():
    best = measured({"x": [1.001, 1.002], "y": [1.0, 2.0], "z": [1.0, np.nan]}).best()
    assert not best[["strategy", "rank", "x", "z"]].any().any()
    assert best["y"].tolist() == [False, True]


def test_markdown_marks_the_best():
    lines = formats.to_markdown({"A title": measured({"x": [90.0, 80.0]})}).splitlines()
    assert lines[0] == "### A title"
    rows = [re.split(r"\s*\|\s*", line.strip("| ")) for line in lines[2:]]
    assert rows[0] == ["strategy", "rank", "x"]
    assert rows[2:] == [["a<b>", "1", "**90.00**"], ["random", "2", "80.00"]]


def test_cells_of_markdown_stay_cells():
    name = "a|b\nc"
    cells = pd.DataFrame({name: ["1"], "strategy": [name]})
    lines = formats.markdown(formats.Texts(cells)).splitlines()
    assert len(lines) == 3
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in lines] == [3, 3, 3]


def test_names_of_columns_are_no_formulas():
    assert formats.to_csv(pd.DataFrame({"=1+1": ["x"]})).splitlines() == ["'=1+1", "x"]


def test_who_is_no_contender_is_not_the_best():
    mean = pd.DataFrame({"x": [90.0, 80.0, 70.0]}, index=pd.Index(list("abc"), name="strategy"))
    contenders = pd.Series([False, True, True], index=mean.index)
    best = Measured(mean, mean * np.nan, contenders=contenders).best()
    assert best["x"].tolist() == [False, True, False]


def test_markdown_keeps_every_decimal():
    text = formats.to_markdown({"": measured({"x": [90.0, 90.1]}, {"x": [0.1, 0.0]})})
    assert "90.00 ± 0.10" in text
    assert "**90.10 ± 0.00**" in text


@pytest.mark.parametrize("mark_best", [True, False])
def test_html_escapes_names_and_marks_the_best(mark_best):
    table = measured({"<i>": [90.0, 80.0]})
    element = formats.to_html(table, mark_best)
    assert "<b>" not in element
    assert "<i>" not in element
    head, first, second = cells(element)
    assert [text for _, text in head] == ["strategy", "rank", "<i>"]
    assert [text for _, text in first] == ["a<b>", "1", "90.00"]
    assert [text for _, text in second] == ["random", "2", "80.00"]
    marked = [text for row in (first, second) for classes, text in row if "best" in classes]
    assert marked == (["90.00"] if mark_best else [])


def test_same_table_same_html():
    table = measured({"x": [1.0, 2.0]})
    assert formats.to_html(table) == formats.to_html(table)


def test_a_page_of_tables_needs_nothing_else():
    page = render_tables("A & B", "note <x>", {"t<1>": formats.to_html(measured({"x": [1, 2]}))})
    assert "<title>A &amp; B</title>" in page
    assert "note &lt;x&gt;" in page
    assert "t&lt;1&gt;" in page
    assert "<table" in page
    assert "http" not in page
    assert "src=" not in page
