import json

import pytest

from fal.provenance import source_digest
from fal.reporting import versions
from fal.reporting.versions import (
    change_warning,
    code_versions,
    machine_warning,
    mixture_warning,
)


def write_record(folder, name, step, modules, script=None):
    folder.mkdir(parents=True, exist_ok=True)
    record = {"step": step, "script": script or step, "modules": modules}
    (folder / name).write_text(json.dumps(record))


def test_versions_are_counted_by_script_also_in_folders_of_queries_alone(tmp_path):
    shared, own, later = (tmp_path / name for name in ("initial/cycle-0", "ifal/cycle-0", "ifal/1"))
    write_record(shared, "provenance.json", "train_cycle", {"fal.rng": "a", "fal.x": "c"})
    write_record(own, "query_provenance.json", "query_clients", {"fal.rng": "a"})
    later_modules = {"fal.rng": "b", "fal.x": "c"}
    write_record(later, "provenance.json", "train_middle_cycle", later_modules, "train_cycle")
    write_record(later, "query_provenance.json", "query_clients", {"fal.rng": "a", "fal.y": "d"})
    found = code_versions([shared, own, later, own])
    assert found == {
        "query_clients": {
            "fal.rng": {"a": {"query_clients": 2}},
            "fal.y": {"d": {"query_clients": 1}},
        },
        "train_cycle": {
            "fal.rng": {"a": {"train_cycle": 1}, "b": {"train_middle_cycle": 1}},
            "fal.x": {"c": {"train_cycle": 1, "train_middle_cycle": 1}},
        },
    }
    warning = mixture_warning(found)
    assert "(train_cycle: fal.rng)" in warning
    assert warning.endswith("train_cycle train_middle_cycle, with the configuration of the run")


def test_jobs_that_import_different_modules_are_no_mixture(tmp_path):
    write_record(tmp_path / "1", "provenance.json", "query_clients", {"fal.a": "1", "fal.b": "2"})
    write_record(tmp_path / "2", "provenance.json", "query_clients", {"fal.a": "1", "fal.c": "3"})
    assert mixture_warning(code_versions([tmp_path / "1", tmp_path / "2"])) == ""
    assert mixture_warning({}) == ""


def test_many_modules_are_counted():
    digests = {"a": {"train_cycle": 1}, "b": {"train_cycle": 1}}
    warning = mixture_warning({"train_cycle": {f"fal.m{i}": digests for i in range(5)}})
    assert "fal.m0, fal.m1, fal.m2 and 2 more" in warning


def test_code_that_has_changed_since(tmp_path):
    present = {"fal.reporting.versions": source_digest(versions.__file__), "own.py": "any"}
    write_record(tmp_path, "provenance.json", "train_cycle", present)
    assert change_warning(code_versions([tmp_path])) == ""
    write_record(tmp_path, "provenance.json", "train_cycle", {**present, "fal.rng": "old"})
    warning = change_warning(code_versions([tmp_path]))
    assert "(train_cycle: fal.rng)" in warning
    assert warning.endswith(
        "snakemake --cores all --forcerun train_cycle, with the configuration of the run"
    )


def test_different_machines_are_told(tmp_path):
    def record(name, hardware, torch="2.13.0"):
        (tmp_path / name).mkdir()
        told = {"hardware": hardware, "versions": {"torch": torch}}
        (tmp_path / name / "provenance.json").write_text(json.dumps(told))

    record("a", "NVIDIA H100")
    record("b", "NVIDIA H100")
    record("c", None, "2.12.0")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "provenance.json").write_text(json.dumps({"device": "cpu"}))
    assert machine_warning(tmp_path / name for name in "abcd") == ""
    record("e", "CPU with AVX2")
    record("f", "NVIDIA H100", "2.12.0")
    machines = "CPU with AVX2, torch 2.13.0; NVIDIA H100, torch 2.12.0; NVIDIA H100, torch 2.13.0"
    assert f"({machines})" in machine_warning(tmp_path / name for name in "aef")


def test_a_folder_that_is_none_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        versions.main([str(tmp_path / "typo")])
    assert ended.value.code == 1
    assert "typo' is no folder; give the folder that a run writes to" in capsys.readouterr().err
    versions.main([str(tmp_path)])
    assert "was computed by the code as it is now" in capsys.readouterr().out
