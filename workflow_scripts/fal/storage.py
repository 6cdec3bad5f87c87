"""Reading and writing what passes between the steps: no pickle, and never half a file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fal.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

NOT_UTF8 = "surrogateescape"
"""How names of files and classes are kept that are no valid UTF-8."""

_FORMULA = re.compile(r"[=+\-@\t\r].", re.DOTALL)
_NUMBERS = re.compile(r"[-+\d.,±%()\[\] ]+")


@contextmanager
def replacing(path: str | Path, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends without error.

    durable: see that all of it is on the disk before it does, so that a crash of the machine leaves
    the old file or the new one.
    Raises InputError if it cannot be written (full disk, folder without permission): what was there
    stays.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if durable:
            _sync(temporary)
        temporary.replace(path)
        if durable:
            with suppress(OSError):  # Some file systems do not know this for folders.
                _sync(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"'{path}' cannot be written ({reason}); what was there stays") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(path: str | Path) -> None:
    """Remove what killed jobs have left of their attempts to write ``path``."""
    path = Path(path)
    for leftover in path.parent.glob(f".{path.name}.*"):
        if leftover.suffix[1:].isdigit():
            leftover.unlink(missing_ok=True)


def save_text(path: str | Path, text: str) -> None:
    """Write a text as UTF-8, with line breaks as they are; what came in as no UTF-8 goes out so."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors=NOT_UTF8, newline="\n")


def save_array(path: str | Path, **arrays: np.ndarray) -> None:
    """Write arrays to an .npz file."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_array(path: str | Path, key: str) -> np.ndarray:
    """Read one array of an .npz file."""
    with np.load(path, allow_pickle=False) as file:
        return file[key]


def save_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write tensors of any device, and texts that tell of them, to a .safetensors file."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        try:
            save_file({n: t.cpu().contiguous() for n, t in tensors.items()}, temporary, metadata)
        except SafetensorError as error:
            number = re.search(r"os error (\d+)", str(error))
            if number is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def load_tensors(path: str | Path, device: str | object = "cpu") -> dict[str, Tensor]:
    """Read a .safetensors file."""
    from safetensors.torch import load_file

    return load_file(path, device=str(device))


def save_state(
    path: str | Path,
    state: Mapping[str, Mapping[str, Tensor]],
    metadata: dict[str, str] | None = None,
) -> None:
    """Write a training's state, tensors by part and name, to a .safetensors file."""
    save_tensors(
        path,
        {f"{part}/{name}": t for part, named in state.items() for name, t in named.items()},
        metadata,
    )


def load_state(path: str | Path, device: str | object = "cpu") -> dict[str, dict[str, Tensor]]:
    """What save_state wrote."""
    state: dict[str, dict[str, Tensor]] = {}
    for key, tensor in load_tensors(path, device).items():
        part, _, name = key.partition("/")
        state.setdefault(part, {})[name] = tensor
    return state


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before each text that a spreadsheet would take for a formula.

    Such texts, in cells or names of columns, begin with ``=``, ``+``, ``-``, ``@``, a tab or a
    carriage return and are not made of numbers alone, as ``-1.50 ± 0.20`` is. Numbers and all
    other texts are left alone.
    """
    table = table.copy()
    for name, texts in table.select_dtypes(["object", "string"]).items():
        # As map would infer a type that has no place for names that are no valid UTF-8.
        table[name] = type(texts)(map(_harmless, texts), texts.index, texts.dtype)
    return table.rename(columns=_harmless)


def _harmless(cell: object) -> object:
    text = isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBERS.fullmatch(cell)
    return f"'{cell}" if text else cell
