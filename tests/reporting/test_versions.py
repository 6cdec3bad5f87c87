import json

from fal.reporting.versions import code_digests, mixture_warning


def write_record(folder, name, step, code):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps({"step": step, "code": code}))


def test_versions_are_counted_by_rule(tmp_path):
    shared, own = tmp_path / "initial/cycle-0", tmp_path / "ifal/cycle-0"
    write_record(shared, "provenance.json", "train_cycle", "aa")
    write_record(tmp_path / "ifal/cycle-1", "provenance.json", "train_cycle", "bb")
    write_record(tmp_path / "ifal/cycle-1", "query_provenance.json", "query_clients", "cc")
    write_record(own, "query_provenance.json", "query_clients", "dd")
    folders = [shared, own, tmp_path / "ifal/cycle-1", own]
    assert code_digests(folders) == {
        "query_clients": {"cc": 1, "dd": 1},
        "train_cycle": {"aa": 1, "bb": 1},
    }


def test_rules_that_differ_from_each_other_are_no_mixture():
    assert mixture_warning({"train_cycle": {"a" * 64: 30}, "query_clients": {"b" * 64: 27}}) == ""
    assert mixture_warning({}) == ""


def test_the_warning_names_the_rules_that_differ_and_the_command():
    warning = mixture_warning(
        {
            "train_cycle": {"a" * 64: 3, "b" * 64: 1},
            "distill_clients": {"c" * 64: 2},
            "query_clients": {"d" * 64: 1, "e" * 64: 1},
        }
    )
    assert "train_cycle: 3 by aaaaaaaa, 1 by bbbbbbbb" in warning
    assert "distill_clients" not in warning
    assert warning.endswith("snakemake --forcerun train_cycle query_clients")
