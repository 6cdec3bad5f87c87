"""A mistake of the user in one sentence, in the place of a traceback."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

from fal.errors import InputError

SNAKEMAKE = logging.getLogger("snakemake.logging")


def sentence_of(error: BaseException) -> str | None:
    """What the user did wrong; None for an error that is not known to be the user's."""
    import yaml
    from snakemake.exceptions import CliException, LockException, WorkflowError
    from snakemake_interface_common.exceptions import ApiError

    for cause in _causes(error):
        if isinstance(cause, InputError):
            return str(cause)
        if isinstance(cause, yaml.MarkedYAMLError) and cause.problem_mark is not None:
            mark = cause.problem_mark
            where = f"{mark.name}, line {mark.line + 1}, column {mark.column + 1}"
            return f"{where} is no YAML: {cause.problem or cause.context}"
    if isinstance(error, LockException):
        return (
            "this folder is locked by a snakemake that still runs here, or that was killed; "
            "if none runs any more, run 'snakemake --unlock' and then the same command again"
        )
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.strerror}: '{error.filename}'"
    if isinstance(error, ApiError | CliException | WorkflowError):
        return str(error).strip()
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
        details = "--verbose" in sys.argv or sentence is None
        print(record.getMessage() if details else f"Error: {sentence}", file=sys.stderr)


def tell_early_errors() -> None:
    """Put errors of the command line and of profiles into one sentence."""
    if not SNAKEMAKE.handlers:
        SNAKEMAKE.addHandler(EarlyErrors(logging.WARNING))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
