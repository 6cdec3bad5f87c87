"""The configuration's checks: what passes, what is filled in, what each mistake is told."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fal import settings
from fal.data import datasets
from fal.errors import InputError
from fal.settings import check_sizes, count, format_number, load_schema, resolve

ROOT = Path(__file__).parents[1]
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.yaml"))


def load(path):
    return yaml.safe_load(path.read_text())


def merge(base, over):
    """As Snakemake merges config files: mappings key by key, everything else is replaced."""
    merged = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def sections(schema):
    """Every property of the schema with the mapping that holds it."""
    for part in (schema, *schema["$defs"].values()):
        for key, inner in part.get("properties", {}).items():
            yield key, inner
            yield from inner.get("properties", {}).items()


def mistake(**config):
    """The one sentence that a mistaken configuration is answered with."""
    with pytest.raises(InputError) as caught:
        resolve(config)
    sentence = str(caught.value)
    assert sentence and "\n" not in sentence
    return sentence


# Schema and files


def test_schema_is_valid_and_complete():
    schema = load_schema()
    Draft202012Validator.check_schema(schema)
    for key, part in sections(schema):
        assert part.get("description"), key
        assert "default" in part, key
        if part.get("type") == "object":
            assert part["additionalProperties"] is False, key
    closed = [schema, *(schema["$defs"][name] for name in ("dataset", "model", "algorithm"))]
    assert all(part["additionalProperties"] is False for part in closed)


def test_snakemake_accepts_the_schema():
    validate = pytest.importorskip("snakemake.utils").validate
    config = load(ROOT / "config.yaml")
    validate(config, str(settings.SCHEMA))
    assert resolve(config) == resolve(load(ROOT / "config.yaml"))


def test_config_file_is_complete():
    config, schema = load(ROOT / "config.yaml"), load_schema()
    assert config.keys() == schema["properties"].keys()
    for key, part in schema["properties"].items():
        if "properties" in part:
            assert config[key].keys() == part["properties"].keys()
    resolve(config)


def test_defaults_alone_are_a_valid_configuration():
    assert resolve({}) == resolve({"labeling": {}, "data_path": None})
    assert resolve({}).training["rounds"] > 0


def test_config_is_left_unchanged():
    config = {"labeling": {"cycles": 1}, "strategies": [{"mine": {"method": "random"}}]}
    before = copy.deepcopy(config)
    resolve(config)
    assert config == before


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_experiment_files_resolve(path, tmp_path):
    config = merge(load(ROOT / "config.yaml"), load(path))
    resolved = resolve({**config, "data_path": str(tmp_path)})
    assert resolved.strategies
    assert f"experiments/{path.name}" in path.read_text(), "its own command is at the top"


def test_experiments_that_share_results_share_their_settings():
    def shared(name, *keys):
        config = merge(load(ROOT / "config.yaml"), load(ROOT / "experiments" / name))
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
        "import sys; from fal.settings import resolve; "
        "resolve({}); print({'torch', 'snakemake', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


# What is filled in


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
        "normalization": "own",
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
    paths = {name: options["path"] for name, options in resolved.datasets.items()}
    there = str(tmp_path)
    assert paths == {"digits": None, "cifar10": there, "own": str(own), "other": there}


def test_home_folder_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    resolved = resolve({"data_path": "~", "datasets": ["image_folder"]})
    assert resolved.datasets["image_folder"]["path"] == str(tmp_path)


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1"])
def test_devices(device):
    assert resolve({"compute": {"device": device}}).compute["device"] == device


@pytest.mark.parametrize("number", [0.01, 0.9, 1, 30])
def test_budgets_are_fractions_or_counts(number):
    labeling = {"initial": 5, "budget": number, "cycles": 1}
    assert resolve({"labeling": labeling}).labeling == labeling


# Mistakes


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"trainig": {}}, ["trainig", "'training'"]),
        ({"training": {"round": 3}}, ["'round'", "training", "'rounds'"]),
        ({"datasets": ["digit"]}, ["'digit'", "'digits'"]),
        ({"datasets": [{"mine": {"kind": "cifar"}}]}, ["cifar", "'cifar10'"]),
        ({"datasets": [{"digits": {"image_sise": 32}}]}, ["image_sise", "'image_size'"]),
        ({"datasets": [{"digits": {"path": "x"}}]}, ["datasets.digits.path", "no meaning"]),
        ({"datasets": [{"cifar10": {"test_fraction": 0.1}}]}, ["test_fraction", "no meaning"]),
        ({"models": ["resnet"]}, ["resnet", "'resnet18'"]),
        ({"models": [{"cnn": {"norm": "grup"}}]}, ["grup", "'group'"]),
        ({"algorithms": ["fedprx"]}, ["fedprx", "'fedprox'"]),
        ({"algorithms": [{"fedavg": {"mu": 0.1}}]}, ["algorithms.fedavg.mu", "no meaning"]),
        ({"algorithms": [{"fedprox": {"nu": 0.1}}]}, ["'nu'", "method, mu"]),
        ({"algorithms": [{"fedprox": {"mu": -0.1}}]}, ["fedprox.mu", "-0.1", "at least 0"]),
        ({"strategies": ["g-entropi"]}, ["g-entropi", "'g-entropy'"]),
        ({"strategies": [{"x": {"method": "randm"}}]}, ["strategies.x", "'random'"]),
        ({"strategies": [{"random": {"size": 1}}]}, ["strategies.random", "'size'"]),
        ({"strategies": [{"random": {1: 1}}]}, ["strategies[0].random", "name of an option"]),
        ({"training": {"precision": "float16"}}, ["precision", "float16", "'float32'"]),
        ({"compute": {"device": "gpu"}}, ["compute.device", "gpu", "cuda:N"]),
        ({"compute": {"threads": 0}}, ["compute.threads", "0", "at least 1"]),
    ],
)
def test_unknown_names_get_the_nearest_known_one(config, words):
    sentence = mistake(**config)
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize("section", ["datasets", "models", "algorithms", "strategies"])
def test_a_name_given_twice(section):
    name = load_schema()["properties"][section]["default"][0]
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


def test_every_number_of_the_schema_has_a_bound():
    numbers = {key for key, part in sections(load_schema()) if part.get("type") == "integer"}
    assert numbers <= {key.rpartition(".")[2] for key in BAD_NUMBERS}


def test_command_line_values_get_their_types():
    given = {"training": {"rounds": "5", "momentum": "0.5"}, "seeds": ["1", "2"], "results": "a: ["}
    typed = {"training": {"rounds": 5, "momentum": 0.5}, "seeds": [1, 2], "results": "a: ["}
    assert settings.retyped(given) == typed
    given = {
        "data_path": "null",
        "x": ["true", "2026-01-01", "random", {"ifal": {"k": "0.05"}}],
        "y": 3,
    }
    typed = {"data_path": None, "x": [True, "2026-01-01", "random", {"ifal": {"k": 0.05}}], "y": 3}
    assert settings.retyped(given) == typed


def test_a_number_that_yaml_reads_as_text_is_explained():
    config = yaml.safe_load("training: {weight_decay: 1e-5}")
    assert "1.0e-5" in mistake(**config)


def test_paths():
    assert "data_path" in mistake(datasets=[{"photos": {"kind": "image_folder"}}])
    for name in ("image_folder", "cifar10", "digits"):
        assert "does not exist" in mistake(datasets=[name], data_path="no/such/folder")
    named = {"photos": {"kind": "image_folder", "path": "no/such.zip"}}
    assert "datasets.photos.path" in mistake(datasets=[named])
    assert "results" in mistake(results="out/{seed}")


# Sizes


def test_more_than_all_images():
    sentence = mistake(labeling={"initial": 0.5, "budget": 0.2, "cycles": 3})
    assert "110%" in sentence
    resolve({"labeling": {"initial": 0.4, "budget": 0.2, "cycles": 3}})


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
    unknown = resolve({"datasets": [{"photos": photos}], "labeling": {"initial": 2, "budget": 3}})
    with pytest.raises(InputError, match="photos"):
        check_sizes(unknown.labeling, "photos", num_train=40, clients=10)
    check_sizes(unknown.labeling, "photos", num_train=400, clients=10)


def test_train_size_beyond_the_data_set():
    assert "50000" in mistake(datasets=[{"cifar10": {"train_size": 60_000}}])
    assert "one image per class" in mistake(datasets=[{"tiny_imagenet": {"train_size": 199}}])


@pytest.mark.parametrize("fraction", [0.0001, 0.2, 0.35, 0.9999])
def test_size_of_the_digits(fraction):
    size = len(datasets.load("digits", test_fraction=fraction).train_labels)
    digits = {"train_size": size, "test_fraction": fraction}
    labeling = {"initial": 0.5, "budget": 0.5, "cycles": 0}
    resolve({"datasets": [{"digits": digits}], "labeling": labeling, "clients": [2]})
    assert str(size) in mistake(datasets=[{"digits": {**digits, "train_size": size + 1}}])


@given(st.floats(0, 1, exclude_min=True, exclude_max=True), st.integers(1, 10**6))
def test_count_of_a_fraction(fraction, size):
    chosen = count(fraction, size)
    assert isinstance(chosen, int)
    assert 1 <= chosen <= size
    assert chosen == 1 or abs(chosen - fraction * size) <= 0.5 + 1e-9


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_count_of_a_count(number, size):
    assert count(number, size) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (1, "1"), (1.0, "1"), (100, "100"), (1e-5, "0.00001"), (2.50, "2.5")],
)
def test_format_number(value, text):
    assert format_number(value) == text


@given(st.floats(1e-6, 1e6))
def test_format_number_loses_nothing(value):
    text = format_number(value)
    assert float(text) == value
    assert set(text) <= set("0123456789.")
