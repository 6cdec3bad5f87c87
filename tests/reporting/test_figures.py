from itertools import combinations

import numpy as np
import pytest
from matplotlib.container import BarContainer
from PIL import Image

from fal.reporting import (
    accuracy_figures,
    drawing,
    partition_figures,
    query_figures,
    query_tables,
)
from reporting.synthetic_queries import write_query
from reporting.synthetic_runs import accuracies

PAPER = [
    "random",
    *(
        f"{model}-{name}"
        for model in "lg"
        for name in ("entropy", "margin", "least-confidence", "coreset", "badge", "gcnal")
    ),
    "kafal",
    "logo",
    "ifal",
]


def check_image(figure, folder):
    """Save a figure, and look whether the image shows something."""
    drawing.save(figure, folder / "figure")
    assert all((folder / f"figure.{suffix}").stat().st_size for suffix in ("png", "pdf", "svg"))
    with Image.open(folder / "figure.png") as image:
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) > 300
    assert 0.01 < np.mean(pixels < 250) < 0.9


def check_same_bytes(draw, folder):
    """Draw and save a figure twice."""
    for name in ("first", "second"):
        drawing.save(draw(), folder / name)
    for suffix in ("png", "pdf", "svg"):
        first, second = ((folder / f"{n}.{suffix}").read_bytes() for n in ("first", "second"))
        assert first == second, suffix


def test_forty_strategies_are_all_named_inside_the_figure(tmp_path):
    names = [*PAPER, *(f"ifal-variant-{k}" for k in range(24))]
    figure = accuracy_figures.accuracy_curves(accuracies(names, [1, 2], range(3)))
    drawing.save(figure, tmp_path / "figure")
    [legend] = figure.legends
    box, page = legend.get_window_extent(), figure.bbox
    assert len(legend.get_texts()) == len(names) == 40
    assert page.x0 <= box.x0 <= box.x1 <= page.x1
    assert page.y0 <= box.y0 <= box.y1 <= page.y1


@pytest.mark.parametrize(
    ("strategies", "seeds", "cycles"),
    [
        (["random", "g-entropy", "ifal"], [1, 2, 3], range(4)),
        (["ifal"], [1], range(4)),
        (["random", "ifal"], [1, 2], [0]),
        ([*PAPER, *(f"ifal-k{k}" for k in range(4))], [1, 2], range(9)),
    ],
    ids=["demo", "one-strategy-one-seed", "one-cycle", "20-strategies"],
)
def test_accuracy_curves(tmp_path, strategies, seeds, cycles):
    table = accuracies(strategies, seeds, cycles)
    check_image(accuracy_figures.accuracy_curves(table, "digits"), tmp_path)


def test_same_table_same_bytes(tmp_path):
    table = accuracies(["random", "ifal"], [1, 2], range(3))
    check_same_bytes(lambda: accuracy_figures.accuracy_curves(table, "digits"), tmp_path)


def test_same_queries_same_bytes(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=True))
    check_same_bytes(lambda: query_figures.inconsistency([query], "digits"), tmp_path)


def test_saving_again_changes_nothing(tmp_path):
    figure = partition_figures.partition_histogram(np.arange(9).reshape(3, 3), ["a", "b", "c"])
    check_same_bytes(lambda: figure, tmp_path)


def test_curves_show_the_means_and_the_spread():
    table = accuracies(["random", "ifal"], [1, 2, 3], range(4))
    (axes,) = accuracy_figures.accuracy_curves(table).axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines) == {"random", "ifal"}
    for strategy, line in lines.items():
        rows = table[table["strategy"] == strategy]
        values = [rows.loc[rows["cycle"] == cycle, "accuracy"] for cycle in range(4)]
        np.testing.assert_allclose(line.get_xdata(), [10, 15, 20, 25])
        np.testing.assert_allclose(line.get_ydata(), [np.mean(v) for v in values])
        color = line.get_color()
        (band,) = (b for b in axes.collections if _hex(b) == color)
        top = max(np.mean(v) + np.std(v, ddof=1) for v in values)
        assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(top)
    assert lines["ifal"].get_zorder() > lines["random"].get_zorder()
    assert lines["ifal"].get_linewidth() > lines["random"].get_linewidth()


def _hex(collection):
    return "#{:02x}{:02x}{:02x}".format(
        *(255 * collection.get_facecolor()[0, :3]).round().astype(int)
    )


def test_one_seed_has_no_band():
    (axes,) = accuracy_figures.accuracy_curves(accuracies(["ifal", "random"], [5], range(3))).axes
    assert not axes.collections


def test_strategies_differ_without_color():
    names = [*PAPER, *(f"mine-{i}" for i in range(10))]
    styles = drawing.strategy_styles(names)
    looks = {
        name: (s["marker"], s["linestyle"], s["markerfacecolor"] == "white")
        for name, s in styles.items()
    }
    assert not [pair for pair in combinations(names, 2) if looks[pair[0]] == looks[pair[1]]]


def test_styles_of_the_paper_do_not_depend_on_the_others():
    alone = drawing.strategy_styles(["ifal", "g-badge"])
    among = drawing.strategy_styles(["a-new-one", *PAPER])
    assert all(among[name] == style for name, style in alone.items())


@pytest.mark.parametrize(("clients", "classes"), [(1, 1), (10, 10), (30, 20), (100, 200)])
def test_partition_histogram(tmp_path, clients, classes):
    random = np.random.default_rng(2)
    mixes = random.dirichlet(np.full(classes, 0.1), clients)
    counts = np.array([random.multinomial(150, mix) for mix in mixes])
    names = [f"a long name {i}" for i in range(classes)]
    check_image(partition_figures.partition_histogram(counts, names, "digits"), tmp_path)


def test_partition_of_many_classes_numbers_some_of_them():
    counts = np.ones((100, 200), dtype=int)
    axes = partition_figures.partition_histogram(counts, [f"class {i}" for i in range(200)]).axes[0]
    assert len(axes.get_xticks()) <= 20
    assert len(axes.get_yticks()) <= 20
    assert not axes.texts


def test_partition_histogram_writes_the_counts():
    counts = np.array([[3, 0], [12, 7]])
    axes = partition_figures.partition_histogram(counts, ["cat", "dog"]).axes[0]
    assert {(*t.get_position(), t.get_text()) for t in axes.texts} == {
        (0, 0, "3"),
        (0, 1, "12"),
        (1, 1, "7"),
    }
    assert "3 to 19 images" in axes.get_title(loc="left")


@pytest.mark.parametrize(
    ("seeds", "cycles", "classes"), [([1], 1, 1), ([1, 2], 3, 10), ([1, 2], 8, 200)]
)
def test_query_histogram(tmp_path, seeds, cycles, classes):
    folders = [
        write_query(tmp_path, scored=False, seed=seed, cycle=cycle)
        for seed in seeds
        for cycle in range(cycles)
    ]
    labels = np.random.default_rng(0).integers(0, classes, 240)
    queries = map(query_tables.read_query, folders)
    shares = query_tables.share_tables(queries, labels, classes)
    names = [str(i) for i in range(classes)]
    check_image(query_figures.query_histogram(*shares, names, "digits"), tmp_path)


def test_query_histogram_shows_the_shares(tmp_path):
    folders = [write_query(tmp_path, scored=False, seed=s, cycle=c) for s in (1, 2) for c in (0, 1)]
    labels = np.random.default_rng(0).integers(0, 4, 240)
    queried, pool = query_tables.share_tables(map(query_tables.read_query, folders), labels, 4)
    bars, heat, _ = query_figures.query_histogram(queried, pool, list("abcd")).axes
    grey, orange = (
        [bar.get_height() for bar in group]
        for group in bars.containers
        if isinstance(group, BarContainer)
    )
    np.testing.assert_allclose(grey, 100 * pool.to_numpy().mean(0))
    np.testing.assert_allclose(orange, 100 * queried.to_numpy().mean(0))
    difference = 100 * (queried - pool)
    expected = [difference.xs(c, level="cycle").to_numpy().mean(0) for c in (0, 1)]
    np.testing.assert_allclose(heat.images[0].get_array(), expected)


@pytest.mark.parametrize(("seeds", "cycles"), [([1], 1), ([1, 2, 3], 3), ([4, 5], 8)])
def test_inconsistency(tmp_path, seeds, cycles):
    queries = [
        query_tables.read_query(write_query(tmp_path, scored=True, seed=seed, cycle=cycle))
        for seed in seeds
        for cycle in range(cycles)
    ]
    check_image(query_figures.inconsistency(queries, "digits"), tmp_path)


def test_inconsistency_shows_points_threshold_and_routes(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=True))
    scatter, shares, routes = query_figures.inconsistency([query]).axes
    points = {c.get_label(): len(c.get_offsets()) for c in scatter.collections}
    positive = query.pool["inter"] > 0
    queried = query.pool["index"].isin(query.queried["index"])
    assert points["queried"] == (positive & queried).sum()
    assert points["candidate"] == (positive & query.pool["candidate"] & ~queried).sum()
    assert points["other"] == (positive & ~query.pool["candidate"] & ~queried).sum()
    assert f"({(~positive).sum()} with a zero left out)" in scatter.get_title(loc="left")
    (line,) = scatter.get_lines()
    tau = np.median(list(query.thresholds.values()))
    np.testing.assert_allclose(line.get_xdata() * line.get_ydata(), tau)
    np.testing.assert_allclose(shares.get_lines()[0].get_ydata(), [20])
    assert [bar.get_height() for bar in routes.patches] == pytest.approx([200 / 3, 100 / 3])


def test_inconsistency_without_a_single_positive_point(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=True))
    query.pool["inter"] = 0.0
    query.pool["candidate"] = False
    check_image(query_figures.inconsistency([query]), tmp_path)


def test_names_with_dollars_are_no_mathematics(tmp_path):
    figure = partition_figures.partition_histogram(np.ones((2, 2), int), ["$x$", r"$\frac$"])
    check_image(figure, tmp_path)
    shown = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert shown == [r"\$x\$", r"\$\frac\$"]


def curves(axes):
    """What is drawn, by (label, line, color): x and y."""
    return {(line.get_label(), line.get_color()): line.get_xydata() for line in axes.get_lines()}


def test_other_results_have_lines_of_their_own(tmp_path):
    own, other = (accuracies(["random", "ifal"], seeds, range(4)) for seeds in ([1, 2], [7]))
    figure = accuracy_figures.accuracy_curves(own, "digits", {"before": other})
    (axes,) = figure.axes
    lines = axes.get_lines()
    assert len(lines) == 4
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 4
    drawn = {line.get_color(): line for line in lines if line.get_label().startswith("_")}
    for line in lines[:2]:
        strategy = line.get_label()
        rows = other[other["strategy"] == strategy].sort_values("cycle")
        np.testing.assert_allclose(drawn[line.get_color()].get_ydata(), rows["accuracy"])
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sorted(names) == ["before", "ifal", "random", "this run"]
    assert {len(line.get_xdata()) for line in lines} == {4}
    check_image(figure, tmp_path)


def test_a_strategy_that_only_other_results_have_is_drawn_and_named():
    own, other = accuracies(["ifal"], [1], range(3)), accuracies(["kafal"], [1], range(3))
    figure = accuracy_figures.accuracy_curves(own, compared={"before": other})
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert sorted(names) == ["before", "ifal", "kafal", "this run"]


@pytest.mark.parametrize("strategies", [["random", "ifal"], PAPER], ids=["two", "all"])
def test_settings_stand_side_by_side(tmp_path, strategies):
    table = accuracies(strategies, [1, 2], range(4), clients=[5, 10, 20])
    panels = [accuracy_figures.Panel(f"{n} clients", t) for n, t in table.groupby("clients")]
    figure = accuracy_figures.accuracy_panels([panels], "digits")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [p.title for p in panels]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    for axes, panel in zip(figure.axes, panels, strict=True):
        assert len(axes.get_lines()) == len(strategies)
        for line in axes.get_lines():
            rows = panel.table[panel.table["strategy"] == line.get_label()]
            means = rows.groupby("cycle")["accuracy"].mean()
            np.testing.assert_allclose(line.get_ydata(), means)
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == set(strategies)
    check_image(figure, tmp_path)
    box, whole = legend.get_window_extent(), figure.bbox
    assert box.y0 >= whole.y0
    assert box.y1 <= whole.y1


def test_rows_of_panels_share_their_accuracy_axis_unless_data_sets_differ():
    table = accuracies(["ifal"], [1], range(3), clients=[5, 10, 20, 40])
    panels = [accuracy_figures.Panel(str(n), t) for n, t in table.groupby("clients")]
    rows = [panels[:2], panels[2:]]
    shared = accuracy_figures.accuracy_panels(rows).axes
    assert shared[0].get_ylim() == shared[1].get_ylim()
    apart = accuracy_figures.accuracy_panels(rows, shared_accuracy=False).axes
    assert len({axes.get_ylim() for axes in apart}) == 4
