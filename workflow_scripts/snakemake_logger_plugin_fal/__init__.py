"""What a run of the workflow says: one live panel on a terminal, short lines elsewhere.

Snakemake finds this package by its name; ``logger: fal`` in a profile switches it on. It is
imported with Snakemake's argument parser, and so it can put mistakes that are made before the
workflow is read into one sentence, too.
"""

from snakemake_logger_plugin_fal.handler import LogHandler
from snakemake_logger_plugin_fal.sentences import tell_early_errors

__all__ = ["LogHandler"]

tell_early_errors()
