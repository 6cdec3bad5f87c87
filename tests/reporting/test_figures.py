from dataclasses import asdict
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import BarContainer
from PIL import Image
from scipy import stats

from fal.reporting import (
    accuracy_figures,
    drawing,
    partition_figures,
    prediction_figures,
    query_figures,
    query_tables,
)
from fal.reporting.accuracy_figures import Curves, accuracy_figure
from fal.reporting.grids import Grid, Panel
from fal.reporting.options import Style
from reporting.synthetic_queries import write_query
from reporting.synthetic_runs import SETTING, accuracies

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


def one_panel(strategies, **labels):
    """A figure of one setting."""
    return Grid("accuracy", ((Panel("", SETTING, tuple(strategies)),),), "digits", labels)


def curves_of(table, strategies, compared=(), seeds=None, cycles=None):
    seeds = table["seed"].unique() if seeds is None else seeds
    cycles = table["cycle"].max() if cycles is None else cycles
    return Curves(table, strategies, seeds, {"digits": cycles}, dict(compared))


def drawn(table, strategies, compared=(), **labels):
    """The accuracy figure of one setting, and its numbers."""
    curves = curves_of(table, strategies, compared)
    return accuracy_figure(one_panel(strategies, **labels), curves, width=7)


def check_image(figure, folder):
    """Save a figure, and look whether the image shows something."""
    drawing.save(figure, folder / "figure")
    assert all((folder / f"figure.{suffix}").stat().st_size for suffix in ("png", "pdf", "svg"))
    with Image.open(folder / "figure.png") as image:
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) > 300
    assert 0.01 < np.mean(pixels < 250) < 0.9


def _with_numbers(drawn, stem):
    figure, numbers = drawn
    return figure, stem, numbers


def check_same_bytes(draw, folder):
    """Draw and save a figure twice."""
    for name in ("first", "second"):
        drawing.save(*_with_numbers(draw(), folder / name))
    for suffix in ("png", "pdf", "svg", "csv"):
        first, second = ((folder / f"{n}.{suffix}").read_bytes() for n in ("first", "second"))
        assert first == second, suffix


def test_forty_strategies_are_all_named_inside_the_figure(tmp_path):
    names = [*PAPER, *(f"ifal-variant-{k}" for k in range(24))]
    figure, _ = drawn(accuracies(names, [1, 2], range(3)), names)
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
    check_image(drawn(accuracies(strategies, seeds, cycles), strategies)[0], tmp_path)


def test_same_table_same_bytes(tmp_path):
    table = accuracies(["random", "ifal"], [1, 2], range(3))
    check_same_bytes(lambda: drawn(table, ["random", "ifal"]), tmp_path)


def test_same_queries_same_bytes(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=True))
    check_same_bytes(lambda: query_figures.inconsistency([query], "digits"), tmp_path)


def test_saving_again_changes_nothing(tmp_path):
    once = partition_figures.partition_histogram(np.arange(9).reshape(3, 3), ["a", "b", "c"])
    check_same_bytes(lambda: once, tmp_path)


def test_curves_show_the_means_and_the_intervals():
    table = accuracies(["random", "ifal"], [1, 2, 3], range(4))
    figure, numbers = drawn(table, ["random", "ifal"])
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines) == {"random", "ifal"}
    bars = dict(zip(lines, axes.collections, strict=True))
    for strategy, line in lines.items():
        rows = table[table["strategy"] == strategy]
        values = [rows.loc[rows["cycle"] == cycle, "accuracy"] for cycle in range(4)]
        np.testing.assert_allclose(line.get_xdata(), [10, 15, 20, 25])
        np.testing.assert_allclose(line.get_ydata(), [np.mean(v) for v in values])
        intervals = [stats.ttest_1samp(v, 0).confidence_interval(0.95) for v in values]
        ends = [segment[:, 1] for segment in bars[strategy].get_segments()]
        np.testing.assert_allclose(ends, intervals)
        own = numbers[numbers["strategy"] == strategy]
        np.testing.assert_allclose(own[["low", "high"]], intervals)
        assert list(own["seeds"]) == [3] * 4 and list(own["cycle"]) == list(range(4))
    assert lines["ifal"].get_zorder() > lines["random"].get_zorder()
    assert lines["ifal"].get_linewidth() > lines["random"].get_linewidth()


def test_the_interval_of_models_that_strategies_share_is_drawn_once():
    table = accuracies(["random", "logo", "fairfal"], [1, 2, 3], range(2))
    first = table["cycle"] == 0
    shared = table[first & (table["strategy"] == "random")]
    table.loc[first & (table["strategy"] == "logo"), "accuracy"] = shared["accuracy"].to_numpy()
    figure, numbers = drawn(table, ["random", "logo", "fairfal"])
    *own, common = [
        [tuple(segment[:, 1]) for segment in bars.get_segments()]
        for bars in figure.axes[0].collections
    ]
    ends = numbers.set_index(["strategy", "cycle"])[["low", "high"]].apply(tuple, axis=1)
    assert common == pytest.approx([ends["random", 0]])
    assert [len(bars) for bars in own] == [1, 1, 2]
    assert own[1] == pytest.approx([ends["logo", 1]])


def test_one_seed_has_no_interval():
    figure, numbers = drawn(accuracies(["ifal", "random"], [5], range(3)), ["ifal", "random"])
    assert not any(bars.get_segments() for bars in figure.axes[0].collections)
    assert numbers["low"].isna().all() and "one seed" in figure.get_suptitle()


def test_curves_are_means_over_the_seeds_that_all_strategies_have():
    names = ["random", "ifal", "logo"]
    table = accuracies(names, [1, 2, 3, 4], range(2))
    figure, _ = drawn(table, names)
    assert "mean of 4 seeds" in figure.get_suptitle()
    fewer = table[(table["strategy"] != "logo") | (table["seed"] < 3)]
    figure, numbers = drawn(fewer, names)
    assert "mean of 2 seeds" in figure.get_suptitle()
    of_two = table[table["seed"] < 3].groupby(["strategy", "cycle"])["accuracy"].mean()
    drawn_means = numbers.set_index(["strategy", "cycle"])["mean"]
    assert drawn_means.to_dict() == pytest.approx(of_two.to_dict())


def test_of_different_numbers_of_seeds_the_least_and_the_most_are_told():
    table = accuracies(["random", "ifal", "logo"], [1, 2, 3, 4], range(2))
    begun = table[(table["strategy"] != "logo") | ((table["seed"] < 3) & (table["cycle"] == 0))]
    figure, _ = drawn(begun, ["random", "ifal", "logo"])
    assert "mean of 2 to 4 seeds" in figure.get_suptitle()


def test_a_panel_shows_its_strategies_in_their_order_with_their_labels():
    table = accuracies(["random", "logo", "ifal"], [1, 2], range(3))
    figure, numbers = drawn(table, ["ifal", "random"], ifal="ours")
    assert [line.get_label() for line in figure.axes[0].get_lines()] == ["ifal", "random"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ours", "random"]
    assert list(numbers["strategy"].unique()) == ["ifal", "random"]


def test_what_is_missing_is_named_in_its_panel():
    table = accuracies(["random", "ifal"], [1, 2], range(4))
    partial = table[~((table["strategy"] == "random") & (table["cycle"] > 1))]
    grid = one_panel(["random", "ifal", "logo"])
    curves = curves_of(partial, ["random", "ifal", "logo"], seeds=[1, 2, 3], cycles=3)
    told = accuracy_figures.missing_results(grid.panels[0], curves)
    assert told == "random 8 of 12, ifal 4 of 12, logo all"
    figure, _ = accuracy_figure(grid, curves, width=7)
    assert told in " ".join(text.get_text() for text in figure.axes[0].texts).replace("\n", " ")
    complete = curves_of(table, ["random", "ifal"])
    assert accuracy_figures.missing_results(one_panel(["ifal"]).panels[0], complete) == ""


def test_a_first_cycle_that_nothing_has_followed_is_that_of_all_strategies():
    table = accuracies(["initial"], [1, 2], [0])
    figure, numbers = drawn(table, ["random", "ifal"])
    assert list(numbers["strategy"]) == ["random", "ifal"]
    assert set(numbers["mean"]) == {table["accuracy"].mean()}
    panel = one_panel(["random"]).panels[0]
    told = accuracy_figures.missing_results(panel, curves_of(table, ["random"], cycles=2))
    assert told == "random 4 of 6"
    assert len(figure.axes[0].get_lines()) == 2


def test_a_scale_is_told_in_the_title():
    table = accuracies(["ifal"], [1, 2], range(3))
    curves = curves_of(table, ["ifal"])
    figure, _ = accuracy_figure(one_panel(["ifal"]), curves, 7, "scaled down to at most 2 rounds")
    assert "scaled down to at most 2 rounds" in figure.get_suptitle().replace("\n", " ")


def test_strategies_differ_without_color():
    names = [*PAPER, *(f"mine-{i}" for i in range(10))]
    styles = drawing.strategy_styles(names)
    looks = {
        name: (s["marker"], s["linestyle"], s["markerfacecolor"] == "white")
        for name, s in styles.items()
    }
    assert not [pair for pair in combinations(names, 2) if looks[pair[0]] == looks[pair[1]]]


def test_styles_of_the_paper_do_not_depend_on_the_others():
    alone = drawing.strategy_styles(["ifal", "g-badge", "mine"])
    among = drawing.strategy_styles(["mine", *PAPER])
    assert all(among[name] == style for name, style in alone.items())


@pytest.mark.parametrize(("clients", "classes"), [(1, 1), (10, 10), (30, 20), (100, 200)])
def test_partition_histogram(tmp_path, clients, classes):
    random = np.random.default_rng(2)
    mixes = random.dirichlet(np.full(classes, 0.1), clients)
    counts = np.array([random.multinomial(150, mix) for mix in mixes])
    names = [f"a long name {i}" for i in range(classes)]
    check_image(partition_figures.partition_histogram(counts, names, "digits")[0], tmp_path)


@pytest.mark.parametrize("classes", [2, 10])
def test_a_long_note_is_told_whole_in_the_partition(classes):
    note = "scaled down to at most " + ", ".join(f"{n} of the bounds" for n in range(12))
    names = [f"class {c}" for c in range(classes)]
    counts = np.ones((3, classes), dtype=int)
    with drawing.look(asdict(Style())):
        figure, _ = partition_figures.partition_histogram(counts, names, "digits", note)
        figure.draw_without_rendering()
    axes = figure.axes[0]
    assert note in axes.get_title(loc="left").replace("\n", " ")
    assert axes._left_title.get_window_extent().x1 <= figure.bbox.width
    assert axes.get_window_extent().width > 0.4 * figure.bbox.width


def test_images_without_a_label_are_told_in_the_partition():
    figure, _ = partition_figures.partition_histogram(
        np.array([[3, 1], [0, 2]]), ["cat", "dog"], unlabeled=1234
    )
    told = figure.axes[0].get_title(loc="left")
    assert told == "2 to 4 labeled images per client; 1,234 without a label"


def test_a_query_from_pools_of_unknown_classes_is_drawn_alone(tmp_path):
    rows = pd.MultiIndex.from_tuples([(1, 0), (1, 1)], names=["seed", "cycle"])
    queried = pd.DataFrame([[0.25, 0.75], [np.nan, np.nan]], index=rows)
    figure, numbers = query_figures.query_histogram(queried, queried * np.nan, ["cat", "dog"])
    bars, heat, colors = figure.axes
    assert [patch.get_height() for patch in bars.patches] == [25, 75]
    assert heat.images[0].get_array()[0].tolist() == [25, 75]
    assert colors.get_ylabel() == "queried (%)"
    assert numbers["pool"].isna().all()
    check_image(figure, tmp_path)


def test_partition_of_many_classes_numbers_some_of_them():
    counts = np.ones((100, 200), dtype=int)
    names = [f"class {i}" for i in range(200)]
    axes = partition_figures.partition_histogram(counts, names)[0].axes[0]
    assert len(axes.get_xticks()) <= 20
    assert len(axes.get_yticks()) <= 20
    assert not axes.texts


def test_partition_histogram_writes_the_counts():
    counts = np.array([[3, 0], [12, 7]])
    figure, numbers = partition_figures.partition_histogram(counts, ["cat", "dog"])
    axes = figure.axes[0]
    assert {(*t.get_position(), t.get_text()) for t in axes.texts} == {
        (0, 0, "3"),
        (0, 1, "12"),
        (1, 1, "7"),
    }
    assert "3 to 19 images" in axes.get_title(loc="left")
    assert numbers.to_numpy().tolist() == [
        [0, "cat", 3],
        [0, "dog", 0],
        [1, "cat", 12],
        [1, "dog", 7],
    ]


def test_partitions_stand_side_by_side_by_shares(tmp_path):
    panels = (Panel("five", SETTING, ()), Panel("two", SETTING, ()), Panel("none", SETTING, ()))
    parts = [(np.array([[3, 1]] * 5), ["a", "b"]), (np.array([[8, 0], [1, 1]]), ["a", "b"]), None]
    grid = Grid("partition", (panels,), "clients")
    figure, numbers = partition_figures.partition_grid(grid, parts, width=7)
    first, second, third, _ = figure.axes
    np.testing.assert_allclose(first.images[0].get_array(), [[75, 25]] * 5)
    np.testing.assert_allclose(second.images[0].get_array(), [[100, 0], [50, 50]])
    assert not third.images and third.texts[0].get_text() == "missing"
    assert numbers.groupby("panel")["images"].sum().to_dict() == {"five": 20, "two": 10}
    check_image(figure, tmp_path)


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
    check_image(query_figures.query_histogram(*shares, names, "digits")[0], tmp_path)


def test_query_histogram_shows_the_shares(tmp_path):
    folders = [write_query(tmp_path, scored=False, seed=s, cycle=c) for s in (1, 2) for c in (0, 1)]
    labels = np.random.default_rng(0).integers(0, 4, 240)
    queried, pool = query_tables.share_tables(map(query_tables.read_query, folders), labels, 4)
    figure, numbers = query_figures.query_histogram(queried, pool, list("abcd"))
    bars, heat, _ = figure.axes
    wide = numbers.pivot(index=["seed", "cycle"], columns="class", values="queried")
    np.testing.assert_allclose(wide, queried)
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
    check_image(query_figures.inconsistency(queries, "digits")[0], tmp_path)


def test_inconsistency_shows_points_threshold_and_routes(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=True))
    figure, numbers = query_figures.inconsistency([query])
    scatter, shares, routes = figure.axes
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
    (row,) = numbers.to_dict("records")
    assert row["candidates"] == pytest.approx(0.2)
    assert sum(row[f"clients_{route}"] for route in query_tables.ROUTES) == 3


def test_inconsistency_without_a_single_positive_point(tmp_path):
    query = query_tables.read_query(write_query(tmp_path, scored=True))
    query.pool["inter"] = 0.0
    query.pool["candidate"] = False
    check_image(query_figures.inconsistency([query])[0], tmp_path)


def test_names_with_dollars_are_no_mathematics(tmp_path):
    figure, _ = partition_figures.partition_histogram(np.ones((2, 2), int), ["$x$", r"$\frac$"])
    check_image(figure, tmp_path)
    shown = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert shown == [r"\$x\$", r"\$\frac\$"]


def test_other_results_have_lines_of_their_own(tmp_path):
    own, other = (accuracies(["random", "ifal"], seeds, range(4)) for seeds in ([1, 2], [7]))
    figure, numbers = drawn(own, ["random", "ifal"], {"before": other})
    (axes,) = figure.axes
    lines = axes.get_lines()
    assert len(lines) == 4
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 4
    others = {line.get_color(): line for line in lines if line.get_label().startswith("_")}
    for line in lines[:2]:
        strategy = line.get_label()
        rows = other[other["strategy"] == strategy].sort_values("cycle")
        np.testing.assert_allclose(others[line.get_color()].get_ydata(), rows["accuracy"])
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["random", "ifal", "this run", "before"]
    assert set(numbers["result"]) == {"this run", "before"}
    check_image(figure, tmp_path)


def test_settings_stand_side_by_side(tmp_path):
    table = accuracies(PAPER, [1, 2], range(4), clients=[5, 10, 20])
    panels = tuple(
        Panel(f"{n} clients", {**SETTING, "clients": n}, tuple(PAPER)) for n in (5, 10, 20)
    )
    figure, numbers = accuracy_figure(
        Grid("accuracy", (panels,), "digits"), curves_of(table, PAPER), width=7
    )
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["(a) 5 clients", "(b) 10 clients", "(c) 20 clients"]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    for axes, panel in zip(figure.axes, panels, strict=True):
        assert len(axes.get_lines()) == len(PAPER)
        rows = table[table["clients"] == panel.setting["clients"]]
        for line in axes.get_lines():
            means = rows[rows["strategy"] == line.get_label()].groupby("cycle")["accuracy"].mean()
            np.testing.assert_allclose(line.get_ydata(), means)
    assert numbers.groupby("panel").size().to_dict() == dict.fromkeys(
        ["5 clients", "10 clients", "20 clients"], 4 * len(PAPER)
    )
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == set(PAPER)
    check_image(figure, tmp_path)
    box, whole = legend.get_window_extent(), figure.bbox
    assert box.y0 >= whole.y0
    assert box.y1 <= whole.y1
    assert whole.width / figure.dpi == pytest.approx(7)


def predictions():
    shares = {
        (0, "local", "training"): [1, 0, 0],
        (0, "local", "learning-based"): [0.8, 0.2, 0],
        (0, "local", "structural"): [0.5, 0.5, 0],
        (0, "global", "training"): [0.5, 0.25, 0.25],
        (0, "global", "learning-based"): [0.5, 0.25, 0.25],
        (0, "global", "structural"): [0, 0, 1],
    }
    names = ["client", "model", "source"]
    keys = pd.DataFrame(list(shares), columns=names)
    return pd.concat([keys, pd.DataFrame(list(shares.values()))], axis=1)


def test_distances_of_predictions():
    found = prediction_figures.distances(predictions())
    expected = {
        ("local", "learning-based"): (0.2, 0.3),
        ("local", "structural"): (0.5, 0.25),
        ("global", "learning-based"): (0.5, 0),
        ("global", "structural"): (1, 0.75),
    }
    rows = found.set_index(["model", "source"])[["to_client", "to_all"]]
    assert {key: pytest.approx(tuple(row)) for key, row in rows.iterrows()} == expected


def test_predictions_show_the_shares(tmp_path):
    grid = Grid("predictions", ((Panel("digits", SETTING, ("ifal",)),),), "predicted")
    figure, numbers = prediction_figures.prediction_figure(
        grid, [(predictions(), ["cat", "dog", "cow"])], width=7
    )
    local, world = figure.axes
    heights = [bar.get_height() for bar in local.patches[:6]]
    np.testing.assert_allclose(heights, [80, 20, 0, 50, 50, 0])
    np.testing.assert_allclose([b.get_height() for b in world.patches[3:6]], [0, 0, 100])
    assert "learning-based: 0.20 (0.20)" in local.texts[0].get_text()
    assert local.get_ylim() == world.get_ylim()
    own = numbers[(numbers["model"] == "local") & (numbers["source"] == "structural")]
    assert dict(zip(own["class"], own["share"], strict=True)) == {"cat": 0.5, "dog": 0.5, "cow": 0}
    assert (own["to_all"] == 0.25).all()
    check_image(figure, tmp_path)


@pytest.mark.parametrize("there", [[False, True], [False, False]])
def test_predictions_that_are_not_there_yet_are_named_in_their_panels(tmp_path, there):
    panels = [Panel(title, SETTING, ("ifal",)) for title in ("first", "second")]
    grid = Grid("predictions", tuple((panel,) for panel in panels), "predicted")
    shown = [(predictions(), ["cat", "dog", "cow"]) if is_there else None for is_there in there]
    figure, numbers = prediction_figures.prediction_figure(grid, shown, width=7)
    missing = ["missing" in [t.get_text() for t in axes.texts] for axes in figure.axes]
    assert missing == [not is_there for is_there in there for _ in range(2)]
    assert set(numbers["panel"]) == ({"second"} if any(there) else set())
    assert list(numbers)[:2] == ["panel", "client"]
    check_image(figure, tmp_path)
