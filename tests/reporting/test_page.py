"""The report as its readers see it: in a browser, at two widths, by day and by night."""

import json

import numpy as np
import pytest

from fal.reporting import (
    accuracy_figures,
    catalogue,
    costs,
    difference_figures,
    metrics,
    page,
    partition_figures,
    query_figures,
    query_tables,
    report,
    tables,
    thumbnails,
    verdict_figures,
    verdicts,
    verdicts_across,
)
from fal.reporting.grids import Grid, Panel, overview
from fal.runs import Plan
from reporting import chromium
from reporting.synthetic_costs import cost_records
from reporting.synthetic_queries import write_query
from reporting.synthetic_runs import SETTING, accuracies

pytestmark = pytest.mark.xdist_group("report in a browser")

HOSTILE = "<script>document.title = 'broken'</script>"
CATEGORIES = [
    *(
        "overview",
        "accuracy",
        "verdicts",
        "across",
        "metrics",
        "partition",
        "queries",
        "inconsistency",
        "cost",
        "provenance",
    ),
]
STRATEGIES = ["random", "ifal", "<b>bold", *(f"a-strategy-with-a-long-name-{k}" for k in range(9))]


def contents(folder, clients=(3, 4)):
    """The report's data for made-up runs of two settings, with pictures drawn into ``folder``."""
    accuracy = accuracies(STRATEGIES, [1, 2, 3], range(9), clients=clients)
    labels = np.random.default_rng(0).integers(0, 4, 240)
    classes = ["cat", HOSTILE, "$a$", "d" * 60]
    settings = [{**SETTING, "clients": n} for n in clients]
    own = {"random": (), "ifal": ("inconsistency",)}
    pictures, rows = [], []
    plan = Plan(
        tuple((setting, tuple(own)) for setting in settings), overview(settings, STRATEGIES)
    )
    for picture in catalogue.pictures(plan, [1], own, queried=["digits"]):
        path = folder / f"{picture.stem}.svg"
        figure, _ = draw(picture, plan, accuracy, labels, classes, folder, rows)
        figure.savefig(path)
        pictures.append((picture, path))
    return report.page(
        accuracy=accuracy,
        verdicts=report.Verdicts(
            verdicts.verdict_table(accuracy),
            verdicts.cycle_verdicts(accuracy),
            verdicts.labels_table(accuracy),
            verdicts.sentence_table(accuracy),
            verdicts_across.aggregate_table(accuracy, ["random", "ifal"]),
            verdicts_across.penalty_table(accuracy).rename_axis("strategy").reset_index(),
        ),
        metrics=accuracy.assign(**dict.fromkeys(metrics.SUMMARY, 50.0)),
        queries=query_tables.query_table(rows),
        costs=costs.cost_table(cost_records(folder / "costs")),
        galleries=[
            page.Gallery(
                f"ifal, {n} clients",
                thumbnails.named_thumbnails(
                    range(6), np.zeros((6, 8, 8, 3), np.uint8), np.arange(6) % 4, classes
                ),
                {"strategy": "ifal"},
            )
            for n in clients
        ],
        pictures=pictures,
        datasets=[report.Dataset("digits", classes, 1438, 359, note=HOSTILE)],
        training={"rounds": 10, "local_epochs": 5},
        provenance={
            "config": {"seeds": [1, 2, 3], "datasets": [{HOSTILE: {"path": "x" * 300}}]},
            "versions": {"torch": "2.13.0", "POT": None},
            "python": "3.11",
            "platform": "Linux",
            "code_of": {
                "train_cycle": {"fal.rng": {"a" * 16: {"train_cycle": 3}, "b" * 16: {"train": 1}}}
            },
            "mixture": f"Several versions of {HOSTILE}",
        },
    )


def draw(picture, plan, accuracy, labels, classes, folder, rows):
    if picture.kind in ("figure", "accuracy"):
        one = Grid("accuracy", ((Panel("", picture.of, tuple(STRATEGIES)),),))
        curves = accuracy_figures.Curves(accuracy, STRATEGIES, [1, 2, 3], {"digits": 8})
        return accuracy_figures.accuracy_figure(plan.grids.get(picture.name, one), curves, 7)
    if picture.kind == "differences":
        rows_of = tables.of_setting(accuracy, picture.of)
        numbers = difference_figures.difference_numbers(rows_of, STRATEGIES[0])
        return difference_figures.difference_figure({HOSTILE: numbers}, STRATEGIES, 7), numbers
    if picture.kind == "verdicts":
        ranks = verdicts_across.critical_difference(accuracy)
        return verdict_figures.critical_difference_diagram(ranks), None
    if picture.kind == "partition":
        return partition_figures.partition_histogram(np.full((3, 4), 7), classes, HOSTILE)
    if picture.kind == "inconsistency":
        path = write_query(folder / picture.stem, scored=True, clients=picture.of["clients"])
        return query_figures.inconsistency([query_tables.read_query(path)])
    strategy, clients = picture.of["strategy"], picture.of["clients"]
    path = write_query(
        folder / picture.stem, scored=strategy == "ifal", strategy=strategy, clients=clients
    )
    query = query_tables.read_query(path)
    labels = np.resize(labels, 2 * len(query.pool))
    rows.append(query_tables.query_row(query, labels, 4))
    shares = query_tables.share_tables([query], labels, 4)
    return query_figures.query_histogram(*shares, classes)


@pytest.fixture(scope="module")
def report_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    path = folder / "report.html"
    path.write_text(page.render(contents(folder)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if chromium.PROGRAM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with chromium.started(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(
    params=[(1366, False), (1366, True), (390, False), (390, True)],
    ids=["wide-light", "wide-dark", "narrow-light", "narrow-dark"],
)
def opened(request, browser, report_file):
    """The report, open in the browser; nothing may go wrong while a test looks at it."""
    width, dark = request.param
    browser.errors.clear()
    browser.requests.clear()
    browser.look_like(width, dark=dark)
    browser.open(report_file)
    yield browser
    assert browser.errors == []
    leaving = {url for url in browser.requests if not url.startswith("data:")}
    assert {url.partition("#")[0] for url in leaving} == {report_file.as_uri()}


def click(browser, category):
    """Click a category's link and wait until the address has changed, if it does."""
    browser.evaluate(
        "new Promise(done => {"
        f"  const link = document.querySelector('nav a[href=\"#{category}\"]');"
        "  if (link.ariaCurrent) return done();"
        "  const painted = () => requestAnimationFrame(done);"
        "  addEventListener('hashchange', painted, { once: true });"
        "  link.click();"
        "})"
    )


def visible(browser, selector, what):
    """A JavaScript expression of ``e`` for each visible element."""
    return browser.evaluate(
        f"[...document.querySelectorAll('{selector}')].filter(e => e.offsetParent).map(e => {what})"
    )


def test_every_category_shows_itself_whole(opened):
    links = visible(opened, "nav a", "e.hash.slice(1)")
    assert links == CATEGORIES
    for category in [*links[1:], links[0]]:
        click(opened, category)
        assert visible(opened, "section", "e.id") == [category]
        assert visible(opened, "nav a[aria-current]", "e.hash") == [f"#{category}"]
        (text,) = visible(opened, "section", "e.innerText")
        assert len(text) > 100
        large_enough = "e.naturalWidth > (e.closest('.gallery') ? 0 : 100)"
        pictures = visible(opened, "section img", f"[e.complete, {large_enough}]")
        assert all(picture == [True, True] for picture in pictures)
        assert bool(pictures) == (category not in ("metrics", "cost", "provenance"))
        assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), category


def test_nothing_covers_the_pictures_and_tables_scroll_in_their_box(opened):
    for category in CATEGORIES:
        click(opened, category)
        seen = visible(
            opened,
            "section img",
            "(e.scrollIntoView({ block: 'center' }), ((b) => [.02, .5, .98].every("
            "(x) => document.elementFromPoint(b.x + x * b.width, b.y + b.height / 2) === e))"
            "(e.getBoundingClientRect()))",
        )
        assert all(seen), category
        for box, inside in visible(
            opened,
            "section table, section pre",
            "[e.closest('.scroll').getBoundingClientRect().right,"
            " getComputedStyle(e.closest('.scroll')).overflowX]",
        ):
            assert box <= opened.evaluate("innerWidth")
            assert inside == "auto"


def test_pictures_are_chosen_by_setting_and_strategy(opened):
    click(opened, "queries")
    every = visible(opened, "figure", "e.dataset.of")
    opened.evaluate(
        "(s => { s.value = 'ifal'; s.dispatchEvent(new Event('change', { bubbles: true })) })"
        "(document.querySelector('#queries select[data-key=strategy]'))"
    )
    chosen = visible(opened, "figure", "e.dataset.of")
    assert {json.loads(of)["strategy"] for of in chosen} == {"ifal"}
    assert len(every) == 4
    assert len(chosen) == 2
    assert len(visible(opened, "#queries table", "1")) == 2


def test_curves_answer_to_their_reader(opened):
    click(opened, "accuracy")
    waiting = "new Promise(done => setTimeout(done, 300))"
    opened.evaluate(waiting)
    chart = "document.querySelector('#accuracy .chart')"
    lines = f"{chart}.querySelectorAll('g.mark-line path[stroke]').length"
    entries = f"{chart}.querySelectorAll('g.role-legend-symbol path')"
    every = opened.evaluate(lines)
    assert every >= len(STRATEGIES)
    assert opened.evaluate(f"{entries}.length") == len(STRATEGIES)
    assert opened.evaluate(f"{chart}.querySelector('input[type=checkbox]').checked") is False
    opened.evaluate(
        f"{entries}[0].dispatchEvent(new MouseEvent('click', {{ bubbles: true }})); {waiting}"
    )
    assert 0 < opened.evaluate(lines) < every


def test_tables_are_sorted_by_any_column(opened):
    click(opened, "cost")
    head = "[...document.querySelectorAll('#cost th')].find(e => e.innerText.includes('seconds'))"
    column = (
        f"[...{head}.closest('table').tBodies[0].rows]"
        f".map(row => Number.parseFloat(row.cells[{head}.cellIndex].innerText))"
    )
    values = opened.evaluate(column)
    assert len(set(values)) > 2
    for direction, expected in (
        ("descending", sorted(values, reverse=True)),
        ("ascending", sorted(values)),
    ):
        opened.evaluate(f"{head}.click()")
        assert opened.evaluate(column) == expected
        assert opened.evaluate(f"{head}.ariaSort") == direction
    steps = column.replace("Number.parseFloat(row.cells[", "(row.cells[").replace(
        f"{head}.cellIndex", "0"
    )
    for direction, reverse in (("ascending", False), ("descending", True)):
        opened.evaluate(f"{head}.closest('tr').cells[0].click()")
        names = opened.evaluate(steps)
        assert names == sorted(names, key=str.casefold, reverse=reverse) and len(set(names)) > 1
        assert opened.evaluate(f"{head}.closest('tr').cells[0].ariaSort") == direction


def test_names_are_shown_as_they_are(opened):
    assert opened.evaluate("document.title") == "Federated active learning on digits"
    assert HOSTILE in opened.evaluate("document.querySelector('header').innerText")
    click(opened, "overview")
    assert HOSTILE in visible(opened, "section", "e.innerText")[0]
    click(opened, "accuracy")
    assert "<b>bold" in visible(opened, "td", "e.innerText")
    click(opened, "provenance")
    assert HOSTILE in visible(opened, "pre", "e.innerText")[0]


def test_night_is_dark(opened, request):
    dark = "dark" in request.node.callspec.id
    ground = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = [int(level) for level in ground.removeprefix("rgb(").removesuffix(")").split(",")]
    assert (max(levels) < 60) == dark


def test_an_address_leads_to_its_category(opened, report_file):
    opened.open(report_file)
    opened.evaluate(
        "new Promise(done => { addEventListener('hashchange', () => requestAnimationFrame(done));"
        " location.hash = 'partition' })"
    )
    assert visible(opened, "section", "e.id") == ["partition"]


def test_the_page_needs_nothing_else(report_file):
    text = report_file.read_text(encoding="utf-8").replace(page.chart_library(), "")
    assert "http:" not in text.replace("http://www.w3.org", "")
    assert "https:" not in text
    assert HOSTILE not in text
    assert text.count("<script>") == 2
