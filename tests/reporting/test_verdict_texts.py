"""Verdicts as tables to read, from an accuracy.csv on."""

import re

import pytest

from fal.reporting import (
    comparison,
    formats,
    table_page,
    verdict_texts,
    verdicts,
    verdicts_across,
)
from reporting.synthetic_runs import flat, in_settings, run, table_of

TITLE = "digits, cnn, alpha 0.1, 10 clients, fedavg"
LEVELS = {"random": [50, 60, 70], "ifal": [51, 62, 73], "<b>": [49, 59, 69]}


def rows(tables, title):
    return tables[title].texts().to_dict("records")


class TestInASetting:
    def test_comparisons_read_best_first(self):
        tables = verdict_texts.comparisons(verdicts.verdict_table(flat(LEVELS)))
        assert list(tables) == [f"{TITLE}: against random", f"{TITLE}: against ifal"]
        found = rows(tables, f"{TITLE}: against random")
        assert [(row["by"], row["strategy"]) for row in found[:3]] == [
            ("area", "ifal"),
            ("area", "<b>"),
            ("final", "ifal"),
        ]
        assert found[0] == {
            "strategy": "ifal",
            "by": "area",
            "accuracy": "62.00",
            "difference": "+2.00",
            "95 % interval": "[+1.00, +3.00]",
            "decision": "3 seeds can decide nothing: the smallest p is 0.125",
            "Hodges-Lehmann": "+2.00",
            "ahead": "100%",
            "p better": "0.125 (0.25)",
            "p worse": "1 (1)",
            "seeds": "3",
            "smallest p": "0.125 (0.25)",
        }

    def test_after_each_query_a_column(self):
        runs = {
            "random": [[50, 60, 70], [50, 61, 71]],
            "ifal": [[50, 60.5, 70], [50, 62.5, 71]],
            "logo": [[50, 60, 75]],
        }
        table = table_of(
            *(run(name, seed, c) for name, own in runs.items() for seed, c in enumerate(own, 1))
        )
        tables = verdict_texts.after_queries(verdicts.cycle_verdicts(table, ["random"]))
        assert rows(tables, f"{TITLE}: against random, after each query") == [
            {"strategy": "logo", "query 1": "+0.00", "query 2": "+5.00"},
            {
                "strategy": "ifal",
                "query 1": "+1.00 [+0.50, +1.50]",
                "query 2": "+0.00 [+0.00, +0.00]",
            },
        ]

    def test_queries_stand_in_their_order_beyond_the_ninth(self):
        table = table_of(*(run(name, 1, range(12)) for name in ("random", "ifal")))
        tables = verdict_texts.after_queries(verdicts.cycle_verdicts(table, ["random"]))
        (found,) = tables.values()
        assert list(found.cells) == ["strategy", *(f"query {k}" for k in range(1, 12))]

    def test_of_a_single_query_the_end_says_all(self):
        assert verdict_texts.after_queries(verdicts.cycle_verdicts(flat(LEVELS))) == {}

    def test_measures_stand_in_the_order_in_which_docs_name_them(self):
        judged = flat(LEVELS).assign(balanced_accuracy=50.0, macro_f1=40.0, worst_client=30.0)
        (found, _) = verdict_texts.comparisons(verdicts.verdict_table(judged)).values()
        assert list(dict.fromkeys(found.cells["by"])) == [
            *("area", "final", "last five rounds"),
            *("balanced accuracy", "macro F1", "worst client"),
        ]

    def test_what_there_is_not_is_left_empty(self):
        table = flat({"random": [50, None], "kafal": [None, 51], "logo": [52, None]})
        tables = verdict_texts.comparisons(verdicts.verdict_table(table))
        one, none = rows(tables, f"{TITLE}: against random")[:2]
        assert (one["strategy"], one["95 % interval"], one["seeds"]) == ("logo", "", "1")
        assert none["decision"] == "no seed has both kafal and random"
        numbers = ("accuracy", "difference", "p better", "p worse", "smallest p", "ahead")
        assert {none[name] for name in numbers} == {""}

    def test_labels(self):
        tables = verdict_texts.labels(verdicts.labels_table(flat(LEVELS), ["random"]))
        found = {
            row.pop("strategy"): row for row in rows(tables, f"{TITLE}: against random, labels")
        }
        needed = {name: (row["labels needed"], row["reached in"]) for name, row in found.items()}
        assert needed == {
            "random": ("100", "3 of 3"),
            "ifal": ("100", "3 of 3"),
            "<b>": ("", "0 of 3"),
        }

    def test_sentences(self):
        assert verdict_texts.sentences(verdicts.sentence_table(flat({"ifal": [50]}))) == {
            TITLE: "ifal has 50.0 % (area); there is nothing to compare it with."
        }

    def test_nothing_to_compare(self):
        table = flat({"ifal": [50]})
        assert verdict_texts.comparisons(verdicts.verdict_table(table)) == {}


class TestOverSettings:
    def test_all_three_tables(self):
        table = in_settings(LEVELS, LEVELS, LEVELS)
        tables = verdict_texts.across(
            verdicts_across.critical_difference(table),
            verdicts_across.aggregate_table(table, ["random"]),
            verdicts_across.penalty_table(table),
        )
        assert rows(tables, "Average ranks")[0] == {"strategy": "ifal", "rank": "1.00"}
        best, worst = rows(tables, "Above random")
        assert best["interquartile mean"] == "+2.00"
        assert (worst["95 % interval"], worst["pairs"]) == ("[-1.00, -1.00]", "9")
        # Both others beat it in every setting; the differences of ifal and random vary too much.
        assert rows(tables, "Penalties")[-1] == {
            "beats": "mean",
            "<b>": "2.00",
            "ifal": "0.00",
            "random": "0.00",
        }

    def test_a_single_setting_has_no_ranks(self):
        table = flat(LEVELS)
        tables = verdict_texts.across(
            verdicts_across.critical_difference(table),
            verdicts_across.aggregate_table(table),
            verdicts_across.penalty_table(table),
        )
        assert list(tables) == ["Above random", "Above ifal", "Penalties"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (1, "There are no two settings"),
        (2, "more than 2.34 apart would differ .* more than 2 apart: so few settings can decide"),
        (30, r"30 settings: .*Friedman's p is 9\.\d+e-14\.$"),
    ],
)
def test_what_ranks_decide_is_said(settings, sentence):
    found = verdicts_across.critical_difference(in_settings(*[LEVELS] * settings))
    assert re.search(sentence, verdicts_across.ranks_sentence(found))


def test_from_accuracy_tables_to_pages(tmp_path):
    own, other, csv = (tmp_path / name for name in ("own.csv", "other.csv", "verdicts.csv"))
    own.write_text(formats.to_csv(flat(LEVELS)))
    other.write_text(formats.to_csv(in_settings(LEVELS).assign(clients=10)))
    table, notes = comparison.read(own, {"A&B": other})
    found = verdicts.verdict_table(table)
    csv.write_text(formats.to_csv(found))
    assert len(found) == 2 * 3 * 5  # References, measures, other strategies of both.
    assert notes == []
    markdown, html = tmp_path / "v.md", tmp_path / "v.html"
    tables = verdict_texts.comparisons(found)
    table_page.write(markdown, html, "Verdicts", ["Note <1>", ""], tables, "at most 10 rounds")
    first, second = markdown.read_text().split("\n\n")[:2]
    assert (first, second) == ("Made smaller: at most 10 rounds.", "Note <1>")
    page = html.read_text()
    assert "<p>Made smaller: at most 10 rounds.</p>" in page
    assert "Note &lt;1&gt;" in page
    assert "ifal (A&amp;B)" in page
    assert "<b>" not in page
