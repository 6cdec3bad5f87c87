"""What ``make verify`` finds in a results folder, says and removes."""

import subprocess
import sys

import pytest

from fal.errors import InputError
from fal.integrity import write_record
from fal.verify import main, verify


@pytest.fixture
def results(tmp_path):
    """A results folder of two cycles, a table and a figure, with what lies beside."""
    jobs = {
        "runs/cycle-0/provenance.json": ["global.safetensors", "clients.safetensors"],
        "runs/cycle-1/provenance.json": ["global.safetensors", "clients.safetensors"],
        "tables/.queries_provenance.json": ["queries.csv"],
        "figures/.accuracy_provenance.json": ["accuracy.png", "accuracy.pdf"],
    }
    results = tmp_path / "results"
    for record, names in jobs.items():
        folder = (results / record).parent
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).write_text(f"{folder} {name}")
        outputs = [str(folder / name) for name in names]
        write_record(results / record, {"step": folder.name}, outputs)
    (results / "logs").mkdir()
    for other in ("logs/a.log", "planned.json", "runs/cycle-0/.checkpoint-x", "runs/x.csv.damaged"):
        (results / other).write_text("x")
    (results / "runs" / "cycle-1" / "clients.safetensors").unlink()
    return results


def names(paths, results):
    return [path.relative_to(results).as_posix() for path in paths]


def told(capsys, *arguments):
    """Exit status and what is printed."""
    try:
        main([*map(str, arguments)])
    except SystemExit as end:
        return end.code, capsys.readouterr().out
    return 0, capsys.readouterr().out


def test_a_whole_folder_is_told_so(results, capsys):
    found = verify(results)
    assert len(found.intact) == 6
    assert not found.damaged + found.missing + found.unrecorded
    assert told(capsys, results) == (0, f"{results}: 6 files are what their jobs wrote.\n")


def test_what_is_wrong_is_listed_with_the_command_that_mends_it(results, capsys):
    (results / "runs/cycle-0/global.safetensors").write_text("half")
    (results / "runs/cycle-0/clients.safetensors").write_text("half")
    (results / "figures/accuracy.png").unlink()
    (results / "tables/mine.csv").write_text("x")
    (results / "tables/.queries_provenance.json").write_text("{")
    found = verify(results)
    assert names(found.damaged, results) == [
        "runs/cycle-0/clients.safetensors",
        "runs/cycle-0/global.safetensors",
        "tables/.queries_provenance.json",
        "tables/queries.csv",
    ]
    assert names(found.missing, results) == ["figures/accuracy.png"]
    assert names(found.unrecorded, results) == ["tables/mine.csv"]

    code, text = told(capsys, results)
    assert code == 1
    assert "Damaged, or changed since (4):" in text
    files = ("runs/cycle-0/global.safetensors", "tables/queries.csv", "figures/accuracy.png")
    wanted = f"snakemake --cores all {' '.join(f'{results}/{file}' for file in files)}"
    assert text.splitlines()[-1].strip() == wanted
    assert all(path.exists() for path in found.damaged)

    code, text = told(capsys, results, "--remove")
    assert (code, text.splitlines()[-1].strip()) == (1, wanted)
    assert "Removed 4 damaged files." in text
    assert not any(path.exists() for path in found.damaged)


def test_a_figure_that_was_removed_with_all_its_files_is_not_missed(results):
    for name in ("accuracy.png", "accuracy.pdf"):
        (results / "figures" / name).unlink()
    assert not verify(results).missing


def test_a_long_list_is_cut(results, capsys):
    for number in range(30):
        (results / "tables" / f"{number}.csv").write_text("x")
    code, text = told(capsys, results)
    assert code == 0
    assert "Without a record, so not checked (30):" in text
    assert "and 10 more" in text


def test_no_folder_is_one_sentence(tmp_path, capsys):
    with pytest.raises(InputError, match="is no folder"):
        verify(tmp_path / "nowhere")
    assert told(capsys, tmp_path / "nowhere")[0] == 1


def test_it_loads_neither_torch_nor_pandas(results):
    script = (
        "import sys; from fal.verify import main; main(sys.argv[1:]); "
        "sys.exit(bool({'torch', 'pandas', 'snakemake'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script, results], check=False).returncode == 0
