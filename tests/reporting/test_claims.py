"""Claims on made-up runs whose verdict is known."""

from pathlib import Path

import numpy as np
import pytest

from fal.errors import InputError
from fal.experiment import read
from fal.query.strategies import STRATEGIES
from fal.reporting.claims import Claim, judge, outcome_table, outcomes, plan_table, read_claims
from fal.reporting.verdicts import verdict_table
from reporting.synthetic_runs import flat, in_settings

ROOT = Path(__file__).parents[2]
CLAIMS = ROOT / "docs" / "claims.yaml"
EXPERIMENTS = ROOT / "experiments"
BASE = np.array([50.0, 52.0, 51.0, 53.0, 49.0, 50.5])


def claim(**other):
    given = {"strategies": ("ifal",), "than": ("random", "logo"), "expects": "above"}
    names = {"id": "c", "claim": "it is so", "source": "Figure 3", "by": "final", "data": ("run",)}
    names["remark"] = "easy"
    return Claim(**(names | given | other))


def verdict(levels, **other):
    one = claim(**other)
    return judge(
        one,
        verdict_table(flat(levels), one.than)
        .query("strategy == 'ifal'")
        .query(f"measure == '{one.by}'"),
    )


@pytest.mark.parametrize(
    ("ifal", "logo", "expects", "expected"),
    [
        (BASE + 2, BASE + 1, "above", "holds"),
        (BASE + 2, BASE + 3, "above", "contradicted"),
        (BASE - 2, BASE - 1, "below", "holds"),
        (BASE - 2, BASE - 1, "above", "contradicted"),
        (BASE + 2, BASE + 2 + np.array([1, -1, 1, -1, 1, -1]), "above", "open"),
        (BASE + 0.1 * BASE % 1, BASE, "equal", "holds"),
        (BASE + 5, BASE, "equal", "contradicted"),
        (BASE + np.array([5, -5, 4, -4, 6, -6]), BASE, "equal", "open"),
    ],
)
def test_the_verdict_follows_from_every_comparison(ifal, logo, expects, expected):
    levels = {"ifal": list(ifal), "logo": list(logo), "random": list(BASE)}
    assert verdict(levels, expects=expects)["verdict"] == expected


def test_few_seeds_decide_nothing():
    levels = {name: list(BASE[:3] + up) for name, up in (("ifal", 9), ("logo", 1), ("random", 0))}
    found = verdict(levels)
    assert found["verdict"] == "open"
    assert (found["p"], found["seeds"]) == (0.125, 3)


@pytest.mark.parametrize(("up", "of_five"), [(0.1, "holds"), (9, "contradicted")])
def test_few_seeds_do_not_decide_whether_two_are_equal(up, of_five):
    for seeds, expected in ((2, "open"), (4, "open"), (5, of_five)):
        levels = {"ifal": list(BASE[:seeds] + up), "random": list(BASE[:seeds])}
        found = verdict(levels, expects="equal", than=("random",))
        assert found["verdict"] == expected


def test_the_comparison_least_in_favor_is_named():
    levels = {name: list(BASE + up) for name, up in (("ifal", 2), ("logo", 1.5), ("random", 0))}
    found = verdict(levels)
    assert (found["strategy"], found["reference"], found["by"]) == ("ifal", "logo", "final")
    assert found["difference"] == pytest.approx(0.5)


def test_what_was_not_run_is_told():
    levels = {"ifal": list(BASE + 2), "random": list(BASE)}
    found = outcomes([claim(data=("other", "run", "more"))], {"run": flat(levels)})
    cells = outcome_table(found).texts()
    assert cells["runs"].tolist() == ["run", "other, more"]
    assert cells["verdict"].tolist() == ["open; 1 of 2 comparisons not run", "not run"]


def test_each_claim_tells_its_test_and_what_it_has_cost():
    claims = [claim(data=("run", "absent", "more")), claim(expects="equal", than=("logo",))]
    cells = plan_table(claims, {"run": "3 h", "more": "5 min"}).texts()
    assert cells["test"].tolist() == [
        "ifal above random, logo, by final",
        "ifal within ±1 point of logo, by final",
    ]
    assert cells["cost"].tolist() == ["run 3 h; more 5 min", "run 3 h"]
    assert cells["easy or hard"].tolist() == ["easy", "easy"]


def test_each_setting_has_a_row():
    better, worse = ({"ifal": list(BASE + up), "random": list(BASE)} for up in (1, -1))
    found = outcomes([claim(than=("random",))], {"run": in_settings(better, worse)})
    assert found["verdict"].tolist() == ["holds", "contradicted"]
    assert found["runs"].tolist() == ["run: 2 clients", "run: 3 clients"]


def test_a_row_is_told_in_words():
    levels = {name: list(BASE + up) for name, up in (("ifal", 2), ("logo", 1.5), ("random", 0))}
    claims = [claim(), claim(expects="equal", than=("logo",), data=("run", "more"))]
    cells = outcome_table(outcomes(claims, {"run": flat(levels)})).texts()
    assert cells["comparison"].tolist()[:2] == ["ifal against logo, final"] * 2
    assert cells["difference"].tolist()[:2] == ["+0.50"] * 2
    assert cells["95 % interval"].tolist()[:2] == ["[+0.50, +0.50]"] * 2
    assert cells["p"].tolist()[0] == "0.0156"
    assert cells["verdict"].tolist() == ["holds", "holds", "not run"]
    assert set(cells.iloc[2, 2:7]) == {""}


def test_the_papers_claims_can_be_tested():
    claims = read_claims(CLAIMS)
    assert len({one.id for one in claims}) == len(claims) >= 8
    registered = {name for one in claims for name in (*one.strategies, *one.than)} & set(STRATEGIES)
    assert {"ifal", "random", "kafal", "logo", "g-entropy", "l-entropy"} <= registered


@pytest.mark.parametrize("one", read_claims(CLAIMS), ids=lambda one: one.id)
def test_an_experiment_runs_what_a_claim_compares(one):
    for name in one.data:
        (path,) = EXPERIMENTS.rglob(f"{name}.yaml")
        config = read([ROOT / "config.yaml", path])
        entries = config["strategies"]
        given = {n for e in entries for n in ([e] if isinstance(e, str) else e)}
        assert given >= {*one.strategies, *one.than}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1", "must be a list of claims"),
        ("- {id: x}", "claim 'x' of"),
        ("- {id: x, expcts: above}", "did you mean 'expects'"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, text, message):
    (tmp_path / "claims.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_claims(tmp_path / "claims.yaml")
