"""The configuration's checks: what passes, what is filled in, what each mistake is told."""

import copy
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from fal.configuration import Configuration
from fal.data.labeling import Labeling
from fal.errors import InputError
from fal.experiment import read, retyped
from fal.reporting.columns import COLUMNS
from fal.resolve import resolve
from fal.runs import plan
from fal.schema import config_schema

ROOT = Path(__file__).parents[1]
EXPERIMENTS = sorted((ROOT / "experiments").rglob("*.yaml"))


def load(path):
    return yaml.safe_load(path.read_text())


def mistake(**config):
    """The one sentence that a mistaken configuration is answered with."""
    with pytest.raises(InputError) as caught:
        resolve(config)
    sentence = str(caught.value)
    assert sentence and "\n" not in sentence
    return sentence


# Files


def test_config_file_is_complete():
    config = load(ROOT / "config.yaml")
    assert config.keys() == {option.name for option in fields(Configuration)}
    for section in ("labeling", "training", "distillation", "compute", "style", "scale"):
        known = {option.name for option in fields(getattr(Configuration(), section))}
        assert config[section].keys() == known
    resolve(config)


def test_defaults_alone_are_a_valid_configuration():
    assert resolve({}) == resolve({"labeling": {}, "data_path": None, "datasets": ["digits"]})
    assert resolve({}).training.rounds > 0


def test_config_is_left_unchanged():
    config = {"labeling": {"cycles": 1}, "strategies": [{"mine": {"method": "random"}}]}
    before = copy.deepcopy(config)
    resolve(config)
    assert config == before


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_experiment_files_resolve(path, tmp_path):
    config = read([ROOT / "config.yaml", path])
    reads_files = config["datasets"] != ["digits"]
    settings = resolve({**config, "data_path": str(tmp_path) if reads_files else None})
    assert settings.strategies
    assert not [sentence for sentence in settings.warnings if "no figure" in sentence]
    assert str(path.relative_to(ROOT)) in path.read_text(), "its own command is at the top"


def test_experiments_that_share_results_share_their_settings():
    def shared(name, *keys):
        config = read([ROOT / "config.yaml", ROOT / "experiments" / name])
        return [config[key] for key in keys]

    training = ("alphas", "clients", "models", "algorithms", "labeling", "training", "distillation")
    base = load(ROOT / "config.yaml")
    keys = ("datasets", "seeds", *training)
    fewer_cycles = {**base, "labeling": {**base["labeling"], "cycles": 2}}
    assert shared("all-strategies.yaml", *keys) == [fewer_cycles[key] for key in keys]
    keys = ("datasets", *training)
    assert shared("all-strategies-cifar10-cpu.yaml", *keys) == shared("cifar10-cpu.yaml", *keys)


def test_the_jobs_environment_has_the_pinned_run_time_packages():
    run_time = (ROOT / "requirements.txt").read_text().split("# Tests and lint.")[0].splitlines()
    *_, packages = load(ROOT / "envs" / "fal.yaml")["dependencies"]
    assert packages["pip"] == [line for line in run_time if not line.startswith("#")]


def test_settings_need_no_torch_and_no_snakemake():
    code = (
        "import sys; from fal.resolve import resolve; "
        "resolve({}); print({'torch', 'snakemake', 'pandas', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


# What is filled in


@pytest.mark.parametrize("results", ["out", "out/", "./out", "out/.", "a/../out"])
def test_the_results_folder_has_one_name(results):
    assert resolve({"results": results}).results == "out"


def test_entries_are_names_or_names_with_options(tmp_path):
    resolved = resolve(
        {
            "datasets": ["digits", {"photos": {"kind": "image_folder", "path": str(tmp_path)}}],
            "models": ["cnn", {"cnn-group": {"method": "cnn", "norm": "group"}}],
            "algorithms": ["fedavg", "fedprox", {"prox": {"method": "fedprox", "mu": 1}}],
            "strategies": ["random", {"second": {"method": "random"}}],
        }
    )
    assert resolved.datasets["digits"]["kind"] == "digits"
    assert resolved.datasets["photos"] == {
        "kind": "image_folder",
        "path": str(tmp_path),
        "image_size": None,
        "train_size": None,
        "imbalance": None,
        "normalization": "own",
        "flip": True,
        "folders": None,
        "test_fraction": 0.2,
    }
    assert resolved.models == {
        "cnn": {"method": "cnn", "norm": "batch"},
        "cnn-group": {"method": "cnn", "norm": "group"},
    }
    assert resolved.algorithms == {
        "fedavg": {"method": "fedavg"},
        "fedprox": {"method": "fedprox", "mu": 0.01},
        "prox": {"method": "fedprox", "mu": 1},
    }
    assert resolved.strategies == {"random": {"method": "random"}, "second": {"method": "random"}}


def test_data_path_serves_data_sets_without_a_path(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    named = {"own": {"kind": "image_folder", "path": str(own)}}
    other = {"other": {"kind": "image_folder"}}
    resolved = resolve(
        {"data_path": str(tmp_path), "datasets": ["digits", "cifar10", named, other]}
    )
    paths = {name: options.get("path") for name, options in resolved.datasets.items()}
    there = str(tmp_path)
    assert paths == {"digits": None, "cifar10": there, "own": str(own), "other": there}


def test_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    resolved = resolve({"data_path": "~", "datasets": ["image_folder"]})
    assert resolved.datasets["image_folder"]["path"] == str(tmp_path)


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1"])
def test_devices(device):
    assert resolve({"compute": {"device": device}}).compute.device == device


@pytest.mark.parametrize("number", [0.01, 0.9, 1, 30])
def test_budgets_are_fractions_or_counts(number):
    labeling = {"initial": 5, "budget": number, "cycles": 1}
    assert resolve({"labeling": labeling}).labeling == Labeling(**labeling)


# Mistakes


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"trainig": {}}, ["trainig", "'training'"]),
        ({"training": {"round": 3}}, ["'round'", "training", "'rounds'"]),
        ({"datasets": ["digit"]}, ["'digit'", "'digits'"]),
        ({"datasets": [{"mine": {"kind": "cifar"}}]}, ["cifar", "'cifar10'"]),
        ({"datasets": [{"digits": {"image_sise": 32}}]}, ["image_sise", "'image_size'"]),
        ({"datasets": [{"digits": {"path": "x"}}]}, ["datasets.digits", "no option 'path'"]),
        ({"datasets": [{"cifar10": {"test_fraction": 0.1}}]}, ["no option 'test_fraction'"]),
        ({"models": ["resnet"]}, ["resnet", "'resnet18'"]),
        ({"models": [{"cnn": {"norm": "grup"}}]}, ["grup", "'group'"]),
        ({"algorithms": ["fedprx"]}, ["fedprx", "'fedprox'"]),
        (
            {"algorithms": [{"fedavg": {"mu": 0.1}}]},
            ["fedavg has no option 'mu'", "has none"],
        ),
        ({"algorithms": [{"fedprox": {"nu": 0.1}}]}, ["'nu'", "known are mu"]),
        ({"algorithms": [{"fedprox": {"mu": -0.1}}]}, ["fedprox.mu", "-0.1", "at least 0"]),
        ({"strategies": ["g-entropi"]}, ["g-entropi", "'g-entropy'"]),
        ({"strategies": [{"x": {"method": "randm"}}]}, ["randm", "'random'"]),
        ({"strategies": [{"random": {"size": 1}}]}, ["strategies.random", "'size'"]),
        ({"strategies": [{"random": {1: 1}}]}, ["strategies.random", "no option '1'"]),
        ({"training": {"precision": "float16"}}, ["training.precision", "float16", "'float32'"]),
        ({"compute": {"device": "gpu"}}, ["compute.device", "gpu", "cuda:N"]),
        ({"compute": {"threads": 0}}, ["compute.threads", "0", "at least 1"]),
    ],
)
def test_unknown_names_get_the_nearest_known_one(config, words):
    sentence = mistake(**config)
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize("section", ["datasets", "models", "algorithms", "strategies"])
def test_a_name_given_twice(section):
    name = getattr(Configuration(), section)[0]
    sentence = mistake(**{section: [name, {name: {}}]})
    assert section in sentence and f"'{name}'" in sentence


@pytest.mark.parametrize("section", ["datasets", "models", "algorithms", "strategies"])
@pytest.mark.parametrize("name", ["a/b", "a b", "", "..", ".hidden", "-a", "a-", "a\n", "ä", "{a}"])
def test_names_that_are_no_folder_names(section, name):
    assert f"{section}[0]" in mistake(**{section: [name]})
    assert f"{section}[0]" in mistake(**{section: [{name: {}}]})


@pytest.mark.parametrize("item", [3, True, None, [], {}, {"a": {}, "b": {}}, {"random": None}])
def test_items_that_are_no_entries(item):
    assert "strategies[0]" in mistake(strategies=[item])


@pytest.mark.parametrize("name", ["strategy", "model", "dataset", "cycle"])
def test_names_of_columns_are_no_names_of_strategies(name):
    sentence = f"strategies: the name '{name}' is that of a column of the tables"
    assert sentence in mistake(strategies=[{name: {"method": "random"}}])


def test_reserved_strategy_name():
    assert "reserved" in mistake(strategies=[{"initial": {"method": "random"}}])


@pytest.mark.parametrize(
    "key", ["datasets", "models", "algorithms", "strategies", "alphas", "clients", "seeds"]
)
def test_lists_hold_something(key):
    assert key in mistake(**{key: []})
    assert key in mistake(**{key: None})
    assert key in mistake(**{key: "digits"})


@pytest.mark.parametrize(
    ("key", "values"), [("seeds", [1, 2, 1]), ("alphas", [1, 1.0]), ("clients", [5, 5])]
)
def test_values_listed_twice(key, values):
    assert f"{key} has 1" in mistake(**{key: values}) or f"{key} has 5" in mistake(**{key: values})


BAD_NUMBERS = {
    "alphas[0]": [0, -1, True, "0.1", None, float("nan"), float("inf")],
    "clients[0]": [0, -1, 2.5, 10.0, True, "10"],
    "seeds[0]": [-1, 0.5, False, "1"],
    "labeling.initial": [0, -1, 1.0, 1.5, True, "0.1", None, float("nan")],
    "labeling.budget": [0, -0.1, 1.0, 2.5, True, "5%"],
    "labeling.cycles": [-1, 1.5, True],
    "training.rounds": [0, -3, 1.5, True, "10"],
    "training.local_epochs": [0, 0.5],
    "training.batch_size": [1, 0, -64, 64.0],
    "training.learning_rate": [0, -0.1, "1e-2", True, float("inf")],
    "training.momentum": [1, -0.1, True],
    "training.weight_decay": [-1e-5, "1e-5"],
    "training.decay_after": [0, 1.1],
    "training.decay_factor": [0, 1.1],
    "training.participation": [0, 1.01, True],
    "training.evaluate_every": [-1, 0.5],
    "distillation.weight": [-0.1, 1.1],
    "distillation.temperature": [0],
    "distillation.epochs": [0],
    "distillation.learning_rate": [0],
    "distillation.decay_after": [0],
    "distillation.patience": [0],
    "distillation.batch_size": [1],
    "style.width": [3, -1, True],
    "style.font_size": [0, "8"],
    "style.dpi": [49, 72.5],
    "compute.threads": [0, True, 1.5],
    "compute.inference_batch": [0],
    "compute.checkpoint_seconds": [-1, True, "300"],
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in BAD_NUMBERS.items() for value in values]
)
def test_numbers_out_of_range(key, value):
    head, _, tail = key.partition(".")
    config = {head: {tail: value}} if tail else {head.removesuffix("[0]"): [value]}
    assert mistake(**config).startswith(f"{key} is ")


def test_every_number_has_a_bound():
    parts = config_schema()["$defs"].values()
    options = {key: part for section in parts for key, part in section["properties"].items()}
    numbers = {key for key, part in options.items() if part.get("type") in ("integer", "number")}
    of_figures = {"client"}  # See test_grids.py.
    assert numbers <= {key.rpartition(".")[2] for key in BAD_NUMBERS} | of_figures


def test_command_line_values_get_their_types():
    given = {"training": {"rounds": "5", "momentum": "0.5"}, "seeds": ["1", "2"], "results": "a: ["}
    typed = {"training": {"rounds": 5, "momentum": 0.5}, "seeds": [1, 2], "results": "a: ["}
    assert retyped(given) == typed
    given = {
        "data_path": "null",
        "x": ["true", "2026-01-01", "random", {"ifal": {"k": "0.05"}}],
        "y": 3,
    }
    typed = {"data_path": None, "x": [True, "2026-01-01", "random", {"ifal": {"k": 0.05}}], "y": 3}
    assert retyped(given) == typed


def test_a_number_that_yaml_reads_as_text_is_explained():
    config = yaml.safe_load("training: {weight_decay: 1e-5}")
    assert "1.0e-5" in mistake(**config)


def test_paths():
    assert "data_path" in mistake(datasets=[{"photos": {"kind": "image_folder"}}])
    for name in ("image_folder", "cifar10"):
        assert "does not exist" in mistake(datasets=[name], data_path="no/such/folder")
    named = {"photos": {"kind": "image_folder", "path": "no/such.zip"}}
    assert "datasets.photos.path" in mistake(datasets=[named])
    assert "results" in mistake(results="out/{seed}")


def test_a_data_path_that_nothing_reads(tmp_path):
    sentence = mistake(data_path=str(tmp_path))
    assert "no data set of this run reads files (digits)" in sentence


def test_results_that_are_a_file(tmp_path):
    file = tmp_path / "file"
    file.touch()
    assert f"'{file}' is a file" in mistake(results=str(file))
    assert f"'{file}' is a file" in mistake(results=str(file / "results"))
    resolve({"results": str(tmp_path / "new" / "results")})


def test_results_in_a_home_folder_are_named_in_full():
    sentence = mistake(results="~/runs")
    assert "'~/runs'" in sentence and f"as in '{Path.home()}/runs'" in sentence


def test_options_beside_their_name_are_told():
    hint = "indent the options below 'mine:' by two more"
    assert mistake(strategies=[{"mine": None, "method": "ifal"}]).endswith(hint)
    assert hint not in mistake(strategies=[{"mine": None}])
    assert hint not in mistake(strategies=[{"a": {}, "b": {}}])


def test_a_name_of_ones_own_needs_its_kind():
    sentence = mistake(datasets=[{"mine": {"image_size": 32}}])
    assert "'mine' is no kind of data set" in sentence and "{mine: {kind: digits}}" in sentence


def test_components_of_ones_own_are_found():
    own = {
        "datasets": [{"blobs": {"kind": "examples/own_dataset.py:Blobs"}}],
        "algorithms": [{"fedavgm": {"method": "examples/own_algorithm.py:FedAvgM"}}],
        "models": [{"mlp": {"method": "examples/own_network.py:MLP"}}],
        "strategies": [{"own": {"method": "examples/own_strategy.py:Disagreement"}}],
    }
    resolved = resolve(own)
    assert resolved.algorithms["fedavgm"]["momentum"] == 0.9
    assert "there is no file" in mistake(models=[{"x": {"method": "nowhere.py:X"}}])


# Sizes


def test_more_than_all_images():
    sentence = mistake(labeling={"initial": 0.5, "budget": 0.2, "cycles": 3})
    assert "110%" in sentence
    resolve({"labeling": {"initial": 0.4, "budget": 0.2, "cycles": 3}})


def test_small_counts_are_doubtful():
    [sentence] = resolve({"labeling": {"budget": 5}}).warnings
    assert "labeling.budget is 5" in sentence and "0.05" in sentence
    assert resolve({"labeling": {"initial": 20, "budget": 20}}).warnings == ()


def test_all_images_exactly_is_allowed_whatever_the_rounding():
    labeling = {"initial": 0.1, "budget": 0.1, "cycles": 9}
    for clients in (1, 3, 7, 10, 33, 70):
        resolve({"labeling": labeling, "clients": [clients]})


def test_more_clients_than_examples():
    assert "clients is 2000" in mistake(clients=[10, 2000])


def test_too_few_labeled_images_for_batch_norm():
    assert "batch norm" in mistake(labeling={"initial": 1})
    assert "batch norm" in mistake(labeling={"initial": 0.01}, clients=[100])
    resolve({"labeling": {"initial": 2}, "clients": [100]})


def test_queries_beyond_a_clients_images():
    sentence = mistake(labeling={"initial": 20, "budget": 50, "cycles": 3})
    assert "170" in sentence and "143" in sentence
    resolve({"labeling": {"initial": 20, "budget": 41, "cycles": 3}})
    assert "labeling" in mistake(labeling={"initial": 0.5, "budget": 36, "cycles": 2})
    assert "labeling" in mistake(labeling={"initial": 2, "budget": 0.001, "cycles": 200})


def test_sizes_known_without_reading_the_data(tmp_path):
    counts = {"initial": 5, "budget": 5001, "cycles": 1}
    assert "5000" in mistake(datasets=["cifar10"], labeling=counts)
    assert "10000" in mistake(datasets=["tiny_imagenet"], labeling={**counts, "budget": 10_001})
    photos = {"kind": "image_folder", "path": str(tmp_path), "train_size": 40}
    assert "only 4 " in mistake(datasets=[{"photos": photos}], labeling={"initial": 2, "budget": 3})
    del photos["train_size"]
    resolve({"datasets": [{"photos": photos}], "labeling": {"initial": 2, "budget": 3}})


def test_train_size_beyond_the_data_set():
    assert "50000" in mistake(datasets=[{"cifar10": {"train_size": 60_000}}])
    assert "one image per class" in mistake(datasets=[{"tiny_imagenet": {"train_size": 199}}])


# The partition


def test_settings_of_partitions_with_and_without_alpha():
    both = {"alphas": [0.1, 1], "clients": [5, 10]}
    assert resolve(both).spreads("digits") == [(0.1, 5), (0.1, 10), (1, 5), (1, 10)]
    assert resolve({"partition": "iid", "clients": [5, 10]}).spreads("digits") == [
        (None, 5),
        (None, 10),
    ]
    mine = resolve({"partition": {"two": {"method": "shards", "shards_per_client": 3}}})
    assert mine.partition == {"method": "shards", "shards_per_client": 3}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"partition": "dirichelt"}, "partition: 'dirichelt' is no partition; did you mean 'dir"),
        ({"partition": ["iid"]}, 'partition is ["iid"], but must be a name'),
        ({"partition": {"shards": {"shard": 1}}}, "no option 'shard'; known are shards_per_client"),
        ({"partition": "iid", "alphas": [0.1, 1]}, "alphas has 2 values, but the partition 'iid'"),
    ],
)
def test_mistaken_partitions(config, sentence):
    assert sentence in mistake(**config)


def test_sizes_are_checked_before_the_run_only_where_they_are_known():
    few = {"clients": [1000], "labeling": {"initial": 0.5, "budget": 0.5, "cycles": 1}}
    assert "labels 1 of the 1 images" in mistake(**few)
    resolve({**few, "partition": {"plain-dirichlet": {"min_partition_size": 1}}})


@pytest.mark.parametrize(
    ("partition", "sentence"),
    [
        ({"shards": {"shards_per_client": 200}}, "shards_per_client is 200, which makes 2000 sha"),
        ({"plain-dirichlet": {"min_partition_size": 144}}, "min_partition_size is 144, but 1438 i"),
        ({"log-normal": {"min_partition_size": 144}}, "min_partition_size is 144, but 1438 images"),
    ],
)
def test_partitions_that_cannot_be_are_told_before_the_run(partition, sentence):
    assert sentence in mistake(partition=partition)


# Sites as clients


@pytest.fixture
def hospitals(tmp_path):
    for site, count in (("Süd", 3), ("Nord", 2)):
        for label in ("a", "b"):
            (tmp_path / site / label).mkdir(parents=True)
            for i in range(count):
                (tmp_path / site / label / f"{i}.png").touch()
    return {"hospitals": {"kind": "image_folder", "path": str(tmp_path)}}


def test_the_sites_of_a_folder_are_counted_before_anything_is_read(hospitals):
    settings = resolve({"datasets": [hospitals], "clients": {"from": "folder"}})
    assert settings.spreads("hospitals") == [(None, 2)]
    assert settings.datasets["hospitals"]["folders"] == "sites"
    assert settings.partition == {"method": "sites"}
    assert {(s["alpha"], s["clients"]) for s in plan(settings).settings} == {("none", 2)}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"clients": {"from": "tabel"}}, "or {from: table}, {from: folder} or {from: features}"),
        ({"clients": {}}, "but must be a list, not empty, of numbers of at least 1, or {from: t"),
        ({"clients": [0]}, "clients[0] is 0, but must be a whole number of at least 1"),
        ({"clients": {"from": "table"}}, "'hospitals' is of the kind image_folder"),
        ({"clients": {"from": "table"}}, "does not tell of sites so; it has {from: folder}"),
        (
            {"clients": {"from": "folder"}, "partition": "iid"},
            "each site is one, and the partition 'iid' has nothing to divide",
        ),
        (
            {"clients": {"from": "folder"}, "alphas": [0.1, 1]},
            "alphas has 2 values, but clients that are sites depend on none",
        ),
        (
            {"clients": {"from": "folder"}, "figures": {"mine": {"columns": [{"alpha": 3}]}}},
            "figures.mine.columns[0].alpha is 3, but the partition (clients that are sites) dep",
        ),
        (
            {"clients": {"from": "folder"}, "figures": {"mine": {"columns": [{"clients": 3}]}}},
            "figures.mine.columns[0].clients is 3, but each site of a data set is a client",
        ),
    ],
)
def test_mistaken_sites(hospitals, config, sentence):
    assert sentence in mistake(**config, datasets=[hospitals])


def test_tables_of_others_are_looked_at_beforehand(tmp_path):
    assert "compare.before is 'no.csv', which does not" in mistake(compare={"before": "no.csv"})
    other = tmp_path / "other.csv"
    other.write_text("dataset,alpha,clients,algorithm,seed,cycle,labeled,accuracy,model\n")
    sentence = mistake(compare={"before": str(other)})
    assert sentence.startswith(f"compare.before: '{other}' is no accuracy table")
    assert sentence.endswith("it has no column strategy, labeled_fraction")
    other.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as an accuracy table" in mistake(compare={"before": str(other)})


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "other.csv").write_text(",".join(COLUMNS))
    given = {"compare": {"before": "~/other.csv"}, "oracle": {"human": {"answers": "~/mine"}}}
    settings = resolve(given)
    assert settings.compare == {"before": str(tmp_path / "other.csv")}
    assert settings.oracle["answers"] == str(tmp_path / "mine")


def test_confusions_have_to_be_there(tmp_path):
    sentence = mistake(oracle={"noisy": {"confusion": str(tmp_path / "no.csv")}})
    assert sentence.startswith("oracle.noisy.confusion is '")
    assert "which does not exist" in sentence and "give the CSV file of confusions" in sentence


def test_references_are_strategies_of_this_run_or_of_another(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text(",".join(COLUMNS))
    assert "did you mean 'random'" in mistake(references=["randon"])
    assert "references has 'ifal (befor)'" in mistake(references=["ifal (befor)"])
    resolve({"strategies": ["g-entropy"]})
    resolve({"references": ["g-entropy", "ifal (before)"], "compare": {"before": str(other)}})


def test_vectors_need_a_network_that_takes_them(tmp_path):
    features = {"mine": {"kind": "features", "path": str(tmp_path)}}
    assert resolve({"datasets": [features], "models": ["linear", "mlp"]})
    sentence = mistake(datasets=[features], models=["mlp", "cnn"])
    assert "'mine' holds vectors of features, which the network 'cnn' does not take" in sentence


def test_people_are_not_asked_about_vectors(tmp_path):
    features = {"mine": {"kind": "features", "path": str(tmp_path)}}
    sentence = mistake(datasets=[features], models=["linear"], oracle="human")
    assert "'mine' holds vectors of features, which cannot be shown to people" in sentence
