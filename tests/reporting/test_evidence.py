"""Tables are kept whole and without this machine's folders, and the document says the same."""

import json
import shutil

import pandas as pd
import pytest
import yaml

from fal.errors import InputError
from fal.integrity import DamagedError, write_record
from fal.layout import RUN
from fal.options import given_options
from fal.reporting import (
    agreement,
    evidence,
    formats,
    kept,
    kept_texts,
    metrics,
    query_tables,
    status,
)
from fal.reporting.options import Style
from fal.scale import Scale
from reporting.synthetic_runs import accuracies

CONFIG = {
    "results": "/home/somebody/results-7",
    "data_path": "/home/somebody/images.tar.xz",
    "datasets": ["digits"],
    "compare": {"before": "~/before/accuracy.csv"},
    "partition": "dirichlet",
    "alphas": [0.1],
    "clients": [10],
    "models": ["cnn"],
    "algorithms": ["fedavg"],
    "strategies": ["random", {"ifal": {"k": 0.2}}],
    "seeds": [1, 2, 3],
    "oracle": "simulated",
    "labeling": {"cycles": 1},
    "training": {"rounds": 5},
    "distillation": {},
    "scale": given_options(Scale(rounds=5)),
    "compute": {"threads": 2},
    "references": ["random", "ifal"],
    "style": given_options(Style()),
}


def finished_run(results, strategies=("random", "ifal"), seeds=(1, 2, 3), **config):
    """A results folder as a run of synthetic accuracies leaves it."""
    accuracy = accuracies(strategies, seeds, (0, 1))
    accuracy.loc[accuracy["cycle"] == 0, "accuracy"] = 60.0
    status.write_planned(results, accuracy[list(RUN)].to_dict("records"))
    measured = accuracy[list(RUN)].assign(**dict.fromkeys(metrics.SUMMARY, 50.0))
    costs = accuracy[list(RUN)].assign(step="train_cycle", seconds=90.0, peak_memory_mb=300)
    asked = accuracy[accuracy["cycle"] == 0][list(RUN)].assign(queried=10)
    queries = query_tables.query_table(
        asked.assign(effective_classes=range(len(asked)), coverage=0.5).to_dict("records")
    )
    pairs = [
        {**run, "other": "ifal", "overlap": 0.25}
        for run in asked[asked["strategy"] != "ifal"].to_dict("records")
    ]
    found = {
        "accuracy": accuracy,
        "metrics": measured,
        "queries": queries,
        "agreement": agreement.agreement_table(pairs),
        "costs": costs,
    }
    folder = results / "tables"
    folder.mkdir()
    for name, table in found.items():
        (folder / f"{name}.csv").write_text(formats.to_csv(table))
    record = {
        "step": "collect_results",
        "python": "3.11.7",
        "versions": {"torch": "2.13.0", "POT": None},
        "mixture": "",
        "config": {**CONFIG, "strategies": list(strategies), "seeds": list(seeds), **config},
    }
    write_record(results / "provenance.json", record, [str(folder / "accuracy.csv")])
    return results


def page_of(docs, kept_runs=None):
    """The document as ``make evidence`` writes it."""
    kept_runs = kept_runs or evidence.sections(docs)
    return evidence.page(kept_runs, *evidence.judged(kept_runs.values(), docs), docs)


CLAIMS = """\
- {id: one, claim: it leads, source: Figure 3, by: final, strategies: [ifal], than: [random],
   expects: above, data: [digits, other], remark: hard}
"""


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    return finished_run(folder)


@pytest.fixture
def docs(tmp_path):
    return documents(tmp_path / "docs", "digits")


def test_the_document_says_what_the_runs_say_to_the_claims(results, docs):
    kept.keep(results, docs / "data", "digits")
    page = docs / evidence.DOCUMENT
    page.write_text(page.read_text() + "<!-- claims -->\nold\n<!-- end of claims -->\n")
    text = page_of(docs)
    rows = [line for line in text.splitlines() if line.startswith("| one ")]
    assert "digits 36 min 0 s" in rows[0] and rows[0].rstrip(" |").endswith("hard")
    assert "ifal against random" in rows[1] and rows[1].rstrip(" |").endswith("open")
    assert "other" in rows[2] and rows[2].rstrip(" |").endswith("not run")
    page.write_text(text)
    assert page_of(docs) == text


def documents(folder, *names):
    folder.mkdir(exist_ok=True)
    marked = [f"<!-- evidence: {name} -->\nold\n<!-- end of evidence -->\n" for name in names]
    (folder / evidence.DOCUMENT).write_text(
        "Before.\n\n" + "\nBetween.\n".join(marked) + "After.\n"
    )
    (folder / evidence.CLAIMS).write_text(CLAIMS)
    return folder


def another(tmp_path, **changed):
    folder = tmp_path / "another"
    folder.mkdir()
    return finished_run(folder, **changed)


def test_the_document_is_in_step_with_the_tables():
    text = (evidence.DOCS / evidence.DOCUMENT).read_text(encoding="utf-8")
    kept_runs = evidence.sections()
    assert text == page_of(evidence.DOCS, kept_runs), "run make evidence"
    assert (evidence.DOCS / "figures" / "claims.png").is_file(), "run make evidence"
    for own in kept_runs.values():
        for name in (own.name, f"{own.name}_differences"):
            assert (evidence.DOCS / "figures" / f"{name}.png").is_file(), "run make evidence"
        page = evidence.DOCS / "data" / own.name / kept_texts.PAGE
        assert page.read_text(encoding="utf-8") == kept_texts.page(own), "run make evidence"


def test_tables_that_were_kept_before_there_was_one_of_them_are_named(results, docs):
    kept.keep(results, docs / "data", "digits")
    (docs / "data" / "digits" / "agreement.csv").unlink()
    record = docs / "data" / "digits" / kept.PROVENANCE
    told = json.loads(record.read_text())
    told.pop("seal")
    outputs = [record.with_name(n) for n in told.pop("outputs") if n != "agreement.csv"]
    write_record(record, told, list(map(str, outputs)))
    with pytest.raises(InputError, match=r"'.*digits' has no agreement\.csv: keep the run again"):
        evidence.sections(docs)


def test_what_is_kept_names_no_folder_of_this_machine():
    for path in (evidence.DOCS / "data").rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert not [root for root in ("/home/", "/tmp/", "/root/", "/work/") if root in text], path


def test_keep_copies_tables_and_strips_folders(results, docs):
    kept.keep(results, docs / "data", "digits")
    folder = docs / "data" / "digits"
    for table in kept.TABLES:
        assert (folder / table).read_bytes() == (results / "tables" / table).read_bytes()
    config = yaml.safe_load((folder / kept.CONFIG).read_text())
    changed = {
        "results": "results-7",
        "data_path": "images.tar.xz",
        "compare": {"before": "accuracy.csv"},
        "strategies": ["random", "ifal"],
    }
    assert config == {**CONFIG, **changed}
    assert "config" not in json.loads((folder / kept.PROVENANCE).read_text())
    assert "/home" not in "".join(path.read_text() for path in folder.iterdir())


def test_the_document_shows_what_was_kept_and_twice_is_once(results, docs):
    kept.keep(results, docs / "data", "digits")
    text = page_of(docs)
    assert text.startswith("Before.") and text.endswith("<!-- end of evidence -->\nAfter.\n")
    assert "old" not in text
    assert "`snakemake --cores 2 --configfile docs/data/digits/config.yaml`, seeds 1, 2, 3." in text
    assert "torch 2.13.0" in text and "POT" not in text
    assert "Scaled down to at most 5 rounds" in text
    assert "12 jobs, 18 min 0 s of wall time" in text and "at most 36 min 0 s of CPU" in text
    assert "Area, against `random`:" in text and "Area, against `ifal`:" not in text
    assert "[data/digits](data/digits/README.md)" in text
    (docs / evidence.DOCUMENT).write_text(text)
    assert page_of(docs) == text


def test_of_three_strategies_each_reference_has_its_table(tmp_path, docs):
    kept.keep(another(tmp_path, strategies=("random", "ifal", "logo")), docs / "data", "digits")
    text = page_of(docs)
    assert "Area, against `random`:" in text and "Area, against `ifal`:" in text


def test_the_page_of_a_run_has_all_its_tables(results, docs):
    kept.keep(results, docs / "data", "digits")
    (own,) = evidence.sections(docs).values()
    text = kept_texts.page(own)
    titles = [line for line in text.splitlines() if line.startswith("#")]
    setting = "digits, cnn, alpha 0.1, 10 clients, fedavg"
    assert titles == [
        "# digits",
        f"### Accuracy: {setting}",
        f"### Last models: {setting}",
        f"### Differences: {setting}: against random",
        f"### Differences: {setting}: against ifal",
        f"### Queries: {setting}",
        f"### Agreement in cycle 0: {setting}",
    ]
    assert "seeds 1, 2, 3." in text and "| overlap with ifal |" in text.replace("  ", "")
    assert "worst client" in text and "final" in text


def test_hospitals_are_kept_and_shown_by_name(tmp_path, docs):
    results = another(tmp_path, clients={"from": "table"})
    with pytest.raises(InputError, match=r"client_metrics\.csv' is missing"):
        kept.keep(results, docs / "data", "digits")
    runs = kept.tables.read_names(results / "tables" / "metrics.csv")[list(RUN)]
    clients = [
        runs.assign(client=k, name=name, images=5, accuracy=10.0 * k + runs["seed"])
        for k, name in enumerate(["north", "south"])
    ]
    text = formats.to_csv(pd.concat(clients))
    (results / "tables" / kept.BY_SITE).write_text(text)
    kept.keep(results, docs / "data", "digits")
    (own,) = evidence.sections(docs).values()
    found = " ".join(kept_texts.page(own).split())
    assert "| random | 2.00 ± 1.00 | 12.00 ± 1.00 |" in found


@pytest.mark.parametrize("draw", [evidence.draw_curves, evidence.draw_differences])
def test_the_figures_are_the_same_each_time(results, docs, draw):
    kept.keep(results, docs / "data", "digits")
    (own,) = evidence.sections(docs).values()
    pictures = []
    for name in ("one.png", "other.png"):
        draw(own, docs / name)
        pictures.append((docs / name).read_bytes())
    assert pictures[0] == pictures[1] and pictures[0].startswith(b"\x89PNG")


def test_runs_of_two_folders_add_up(tmp_path, results):
    docs = documents(tmp_path / "docs", "digits digits-more")
    kept.keep(results, docs / "data", "digits")
    kept.keep(another(tmp_path, seeds=(4, 5)), docs / "data", "digits-more")
    (own,) = evidence.sections(docs).values()
    for _, runs in own.accuracy.groupby("strategy"):
        assert runs["seed"].unique().tolist() == [1, 2, 3, 4, 5]
    text = page_of(docs)
    assert "seeds 1, 2, 3." in text and "digits-more/config.yaml`, seeds 4, 5." in text


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "share the cycle"),
        ({"seeds": (4,), "training": {"rounds": 6}}, "differ in training"),
        ({"seeds": (4,), "strategies": ["random", "ifal"], "alphas": [1]}, "differ in alphas"),
    ],
)
def test_runs_that_do_not_add_up_are_refused(tmp_path, results, changed, told):
    docs = documents(tmp_path / "docs", "digits digits-more")
    kept.keep(results, docs / "data", "digits")
    kept.keep(another(tmp_path, **changed), docs / "data", "digits-more")
    with pytest.raises(InputError, match=f"do not add up: .*{told}"):
        evidence.sections(docs)


def test_a_strategy_has_the_same_options_in_runs_that_add_up():
    first, second = (
        {**CONFIG, "strategies": strategies}
        for strategies in (["random", {"ifal": {"k": 0.2}}], ["logo", {"random": {}}, "ifal"])
    )
    assert kept._differing(first, second) == ["ifal"]


def test_an_unfinished_run_is_not_kept(results, docs):
    planned = status.read_planned(results)
    status.write_planned(results, [*planned, {**planned[0], "strategy": "logo"}])
    told = r"has 12 of the run's 13 cycles: it is not finished; .* add --forcerun collect_results"
    with pytest.raises(InputError, match=told):
        kept.keep(results, docs / "data", "digits")


@pytest.mark.parametrize(
    "name", ["planned.json", "provenance.json", "tables/costs.csv", "tables/queries.csv"]
)
def test_a_missing_file_is_named(results, docs, name):
    (results / name).unlink()
    with pytest.raises(InputError, match=rf"{name}' is missing: the run is not finished"):
        kept.keep(results, docs / "data", "digits")
    assert not (docs / "data").exists()


def test_a_damaged_table_is_not_kept(results, docs):
    path = results / "tables" / "accuracy.csv"
    path.write_text(path.read_text().replace("0.1000", "0.2000"))
    with pytest.raises(DamagedError, match=r"accuracy\.csv' is not what collect_results wrote"):
        kept.keep(results, docs / "data", "digits")


def test_tables_that_are_too_large_are_not_kept(results, docs, monkeypatch):
    monkeypatch.setattr(kept, "LARGEST", 1000)
    with pytest.raises(InputError, match="at most 1000 are kept"):
        kept.keep(results, docs / "data", "digits")


@pytest.mark.parametrize("name", ["", "..", "a/b", "Two words", "-x"])
def test_a_name_that_is_none_is_refused(results, docs, name):
    with pytest.raises(InputError, match="NAME is"):
        kept.keep(results, docs / "data", name)


def test_a_table_that_was_changed_by_hand_is_refused(results, docs):
    kept.keep(results, docs / "data", "digits")
    path = docs / "data" / "digits" / "accuracy.csv"
    path.write_text(path.read_text().replace("ifal", "best"))
    with pytest.raises(DamagedError, match=r"accuracy\.csv' is not what collect_results wrote"):
        evidence.sections(docs)


def test_markers_and_tables_need_each_other(results, docs):
    with pytest.raises(InputError, match="digits' has no tables; make keep"):
        evidence.sections(docs)
    kept.keep(results, docs / "data", "digits")
    shutil.copytree(docs / "data" / "digits", docs / "data" / "more")
    with pytest.raises(InputError, match=r"more' has 0 markers in reproduction\.md, but must have"):
        evidence.sections(docs)
    documents(docs, "digits", "more", "digits")
    with pytest.raises(InputError, match="digits' has 2 markers"):
        evidence.sections(docs)


@pytest.mark.parametrize(
    "text",
    [
        "<!-- evidence: digits -->\n",
        "<!-- end of evidence -->\n",
        "<!-- evidence:  -->\n<!-- end of evidence -->\n",
        "<!-- evidence: digits -->\n<!-- evidence: digits -->\n<!-- end of evidence -->\n",
    ],
)
def test_markers_come_in_pairs(docs, text):
    (docs / evidence.DOCUMENT).write_text(text)
    with pytest.raises(InputError, match="has no '<!-- end of evidence -->', or there is one"):
        evidence.sections(docs)


def test_a_mistake_is_one_sentence_and_exit_status_1(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        evidence.main(["keep", str(tmp_path / "nothing"), "digits"])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: '") and said.count("\n") == 1
