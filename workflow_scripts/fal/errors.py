"""Errors that are the user's to mend, told in one sentence."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Unusable input: the message names the key, the value and what would be right."""


def suggest(name: object, known: Iterable[str]) -> str:
    """Tail of an error sentence: the nearest of ``known`` to ``name``, or else the whole list."""
    known = sorted(known)
    if not known:
        return ""
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"
