import json

import pytest

from fal.reporting.versions import code_versions, mixture_warning

A, B, C, D, E = (letter * 64 for letter in "abcde")


def write_record(folder, name, step, code, **more):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps({"step": step, "code": code, **more}))


def test_versions_are_counted_by_script_also_in_folders_of_queries_alone(tmp_path):
    shared, own, later = (tmp_path / name for name in ("initial/cycle-0", "ifal/cycle-0", "ifal/1"))
    write_record(shared, "provenance.json", "train_cycle", A)
    write_record(own, "query_provenance.json", "query_clients", D)
    write_record(later, "provenance.json", "train_middle_cycle", B, script="train_cycle")
    write_record(later, "query_provenance.json", "query_clients", C)
    assert code_versions([shared, own, later, own]) == {
        "query_clients": {C: {"query_clients": 1}, D: {"query_clients": 1}},
        "train_cycle": {A: {"train_cycle": 1}, B: {"train_middle_cycle": 1}},
    }


@pytest.mark.parametrize(
    "versions",
    [{}, {"train_cycle": {A: {"train_cycle": 30}}, "query_clients": {B: {"query_clients": 27}}}],
)
def test_scripts_that_differ_from_each_other_are_no_mixture(versions):
    assert mixture_warning(versions) == ""


def test_the_warning_names_the_rules_that_differ_and_the_command():
    warning = mixture_warning(
        {
            "distill_clients": {C: {"distill_clients": 2}},
            "query_clients": {D: {"query_clients": 1}, E: {"query_clients": 1}},
            "train_cycle": {A: {"train_cycle": 3, "train_middle_cycle": 2}, B: {"train_cycle": 1}},
        }
    )
    assert "train_cycle: 5 by aaaaaaaa, 1 by bbbbbbbb" in warning
    assert "distill_clients" not in warning
    assert warning.endswith("snakemake --forcerun query_clients train_cycle train_middle_cycle")
