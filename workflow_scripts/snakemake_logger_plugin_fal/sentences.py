"""A mistake of the user in one sentence, in the place of a traceback."""

from __future__ import annotations

import logging
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import NoReturn

from fal.errors import InputError

SNAKEMAKE = logging.getLogger("snakemake.logging")


def sentence_of(error: BaseException) -> str | None:
    """What the user did wrong; None for an error that is not known to be the user's."""
    from snakemake.exceptions import CliException, LockException, MissingRuleException
    from snakemake_interface_common.exceptions import ApiError, WorkflowError

    for cause in _causes(error):
        if (sentence := _sentence_of_cause(cause)) is not None:
            return sentence
    text = str(error).strip()
    if hidden := re.search(r"\bInputError: (.+)", text):
        return hidden[1]
    if isinstance(error, LockException):
        return (
            "this folder is locked by a snakemake that still runs here, or that was killed; "
            "if none runs any more, run 'snakemake --unlock' and then the same command again"
        )
    if isinstance(error, MissingRuleException):
        return text.partition(" (if you use input functions")[0]
    if isinstance(error, ApiError | CliException | WorkflowError):
        return text
    return None


def _sentence_of_cause(cause: BaseException) -> str | None:
    import yaml

    if isinstance(cause, InputError):
        return str(cause)
    if isinstance(cause, yaml.MarkedYAMLError) and cause.problem_mark is not None:
        mark = cause.problem_mark
        where = f"{mark.name}, line {mark.line + 1}, column {mark.column + 1}"
        return f"{where} is no YAML: {cause.problem or cause.context}"
    if isinstance(cause, SyntaxError) and cause.filename:
        return f"{cause.filename}, line {cause.lineno}: {cause.msg}"
    if isinstance(cause, UnicodeDecodeError):
        text = cause.object[max(0, cause.start - 20) : cause.end + 10]
        return f"a configuration file is not UTF-8 text: {text!r}; save it as UTF-8"
    if isinstance(cause, OSError) and cause.filename is not None:
        return f"{cause.strerror}: '{cause.filename}'"
    if isinstance(cause, ValueError) and str(cause).startswith("Invalid config definition"):
        pair = re.search(r"Unparsable value: (.*)\)$", str(cause))
        what = f", and {pair[1]} is not" if pair else ""
        return (
            f"what follows --config must be KEY=VALUE{what}; a value with spaces needs quotes, "
            "as in --config 'training={rounds: 5}'"
        )
    return None


def exception_of(record: logging.LogRecord) -> BaseException | None:
    """The exception during whose handling a record was logged, as ``keep_exception`` found it."""
    return getattr(record, "raised", None)


def keep_exception(record: logging.LogRecord) -> bool:
    """A logging filter that lets everything through and notes the exception being handled."""
    record.raised = sys.exc_info()[1]
    return True


class EarlyErrors(logging.Handler):
    """Tells what goes wrong before Snakemake has set up its logging, which replaces this."""

    def emit(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        sentence = sentence_of(error) if error is not None else None
        if sentence is None and isinstance(error, ValueError):
            sentence = str(error)
        if sentence is None or "--verbose" in sys.argv:
            print(record.getMessage(), file=sys.stderr)
        else:
            print(as_error(sentence), file=sys.stderr)


def as_error(sentence: str) -> str:
    return sentence if sentence.startswith("Error") else f"Error: {sentence}"


def tell_early_errors() -> None:
    """Put errors of the command line and of profiles into one sentence.

    Snakemake's parser of arguments is given another ``error``, because its own prints 115 lines of
    usage before the sentence.
    """
    from snakemake.common import argparse

    argparse.ArgumentParser.error = _usage_error
    if not SNAKEMAKE.handlers:
        SNAKEMAKE.addHandler(EarlyErrors(logging.WARNING))


def _usage_error(parser: ArgumentParser, message: str) -> NoReturn:
    parser.exit(2, f"Error: {' '.join(message.split())} (see snakemake --help)\n")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
