"""The picture of the claims, by what it is made of."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from fal.reporting import claim_figures, claims
from reporting.synthetic_runs import flat, in_settings
from reporting.test_claims import BASE, claim

LONG = "most often, whatever is compared and however it may be looked at, these are better"
CLAIMS = [
    claim(id="ahead", claim=LONG),
    claim(id="equal", claim="it costs $5", expects="equal", than=("logo",)),
    claim(id="absent", data=("elsewhere",)),
    claim(id="below", expects="below", than=("random",), data=("run", "settings")),
]
NOISE = np.array([0.3, -0.2, 0.1, 0.4, -0.1, 0.2])


@pytest.fixture(scope="module")
def outcomes():
    one = {"ifal": BASE + 2 + NOISE, "logo": BASE + 1.5, "random": BASE}
    other = {"ifal": BASE - 2 + NOISE, "random": BASE}
    levels = [{name: list(values) for name, values in level.items()} for level in (one, other)]
    kept = {"run": flat(levels[0]), "settings": in_settings(*levels)}
    return claims.outcomes(CLAIMS, kept)


@pytest.fixture(scope="module")
def panels(outcomes):
    figure = claim_figures.claims_figure(CLAIMS, outcomes, width=7.2)
    figure.draw_without_rendering()
    return [axes for axes in figure.axes if axes.get_visible()]


def labels(axes):
    return [text.get_text().replace("\n", " ") for text in axes.get_yticklabels()]


def test_each_claim_that_was_tested_has_a_panel_and_each_run_a_row(panels):
    titles = [axes.get_title(loc="left").replace("\n", " ") for axes in panels]
    assert [title.partition(" (by")[0] for title in titles] == [LONG, r"it costs \$5", "it is so"]
    assert labels(panels[0]) == ["run (logo)"]
    assert labels(panels[2]) == ["run", "settings: 2 clients", "settings: 3 clients"]


@pytest.mark.parametrize(
    ("seeds", "label"), [(1, "run (logo, 1 seed)"), (4, "run (logo, 4 seeds)"), (5, "run (logo)")]
)
def test_seeds_are_told_where_so_few_can_decide_nothing(seeds, label):
    levels = {
        "ifal": list(BASE[:seeds] + 2),
        "logo": list(BASE[:seeds]),
        "random": list(BASE[:seeds] - 1),
    }
    found = claims.outcomes(CLAIMS[:1], {"run": flat(levels)})
    figure = claim_figures.claims_figure(CLAIMS[:1], found, width=7.2)
    assert labels(figure.axes[0]) == [label]


def test_markers_and_lines_are_the_differences_and_their_intervals(panels, outcomes):
    rows = outcomes[outcomes["id"] == "below"].reset_index()
    drawn = panels[2].lines[1:]
    for (place, row), line in zip(rows.iterrows(), drawn, strict=True):
        assert list(line.get_xdata()) == [row["low"], row["difference"], row["high"]]
        assert line.get_markevery() == [1]
        assert set(line.get_ydata()) == {place}


def test_a_verdict_has_a_color_and_a_marker(panels, outcomes):
    verdicts = outcomes.loc[outcomes["id"] == "below", "verdict"].tolist()
    assert verdicts == ["contradicted", "contradicted", "holds"]
    looks = [(to_hex(line.get_color()), line.get_marker()) for line in panels[2].lines[1:]]
    assert looks[0] == looks[1] != looks[2]
    assert len({part for look in looks for part in look}) == 4


def test_what_is_claimed_is_shaded(panels):
    shaded = []
    for axes in panels:
        (band,) = axes.patches
        box, (low, high) = band.get_extents(), axes.get_xlim()
        left, right = axes.transData.inverted().transform(box)[:, 0]
        shaded.append((max(left, low), min(right, high)))
    low, high = panels[0].get_xlim()
    assert np.allclose(shaded, [(0, high), (-claims.MARGIN, claims.MARGIN), (low, 0)])


def test_all_words_are_within_the_picture(panels):
    figure = panels[0].figure
    for axes in panels:
        titles = [text for text in axes.get_children() if isinstance(text, Text)]
        assert any(text.get_text() for text in titles)
        for text in (*axes.get_yticklabels(), *titles):
            box = text.get_window_extent()
            assert 0 <= box.x0 <= box.x1 <= figure.bbox.width
            assert 0 <= box.y0 <= box.y1 <= figure.bbox.height
