"""The critical-difference diagram, by what it is made of."""

from dataclasses import asdict

import pytest

from fal.reporting import drawing, verdict_figures, verdicts_across
from fal.reporting.options import Style
from reporting.synthetic_runs import in_settings

NAMES = ["random", "ifal", "$a$", "l-entropy", "a-strategy-with-a-rather-long-name (before)"]


@pytest.fixture(scope="module")
def ranked():
    levels = [{name: [10 * k] for k, name in enumerate(NAMES)}] * 9
    return verdicts_across.critical_difference(in_settings(*levels))


def lines(figure, **look):
    """The x of the axes' lines that look so."""
    found = figure.axes[0].lines
    return [
        list(line.get_xdata())
        for line in found
        if all(getattr(line, f"get_{key}")() == value for key, value in look.items())
    ]


def test_markers_are_at_the_ranks_and_bars_join_what_is_not_told_apart(ranked):
    figure = verdict_figures.critical_difference_diagram(ranked, scale="at most 4 rounds")
    assert sorted(x for (x,) in lines(figure, linestyle="None")) == sorted(ranked.ranks)
    ends = [[ranked.ranks[group[0]], ranked.ranks[group[-1]]] for group in ranked.groups]
    assert 1 < len(ends) < 5
    assert lines(figure, linewidth=3.5) == ends
    (scale,) = lines(figure, marker="|")
    assert scale[1] - scale[0] == pytest.approx(ranked.difference)
    assert figure.get_suptitle().endswith("over 9 settings\nat most 4 rounds")


def test_every_name_is_within_the_picture(ranked):
    figure = verdict_figures.critical_difference_diagram(ranked)
    figure.draw_without_rendering()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    assert len(texts) == len(NAMES) + 1
    assert any(r"\$a\$" in text.get_text() for text in texts)
    for text in texts:
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height


def test_a_long_scale_is_told_whole(ranked):
    scale = "scaled down to at most " + ", ".join(f"{n} of the bounds" for n in range(12))
    with drawing.look(asdict(Style())):
        figure = verdict_figures.critical_difference_diagram(ranked, scale=scale)
        figure.draw_without_rendering()
    assert scale in figure.get_suptitle().replace("\n", " ")
    assert figure._suptitle.get_window_extent().x1 <= figure.bbox.width


def test_where_nothing_can_be_ranked_it_says_so():
    figure = verdict_figures.critical_difference_diagram(None)
    assert "no two settings" in figure.texts[0].get_text()
    assert verdict_figures.diagram_numbers(None).empty


def test_numbers_are_what_is_drawn(ranked):
    numbers = verdict_figures.diagram_numbers(ranked)
    assert list(numbers["strategy"]) == NAMES[::-1]
    assert list(numbers["rank"]) == [1, 2, 3, 4, 5]
    assert set(numbers["critical_difference"]) == {ranked.difference}
