"""Answer all tasks that wait, from a table of true labels: to play a run through without labeling.

python examples/hospitals/annotate.py TRUTH.csv
"""

import argparse
import csv
import sys
from pathlib import Path


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV table."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def answer(tasks: Path, answers: Path, truth: dict[str, str]) -> int:
    """Fill in one task's table; how many images it asks about."""
    rows = [{**row, "label": truth[row["file"]]} for row in rows_of(tasks)]
    with (answers / tasks.name).open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("truth", type=Path, help="CSV table with the columns image,label")
    parser.add_argument("--results", type=Path, default="results", help="folder of the run")
    parser.add_argument("--answers", type=Path, default="answers", help="folder for the answers")
    given = parser.parse_args()
    if not given.truth.is_file():
        parser.error(f"there is no file '{given.truth}'")
    truth = {row["image"]: row["label"] for row in rows_of(given.truth)}
    given.answers.mkdir(exist_ok=True)
    done = {path.stem for path in given.answers.iterdir()}
    tasks = sorted(given.results.glob("**/*tasks/*.csv"))
    waiting = [path for path in tasks if path.stem not in done]
    if not waiting:
        sys.exit(f"No task in {given.results} waits for an answer.")
    images = sum(answer(path, given.answers, truth) for path in waiting)
    print(f"Answered {len(waiting)} tasks about {images} images.")


if __name__ == "__main__":
    main()
