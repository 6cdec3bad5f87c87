"""Federated active learning: the methods, free of any workflow engine.

Submodules load on first use (``import fal; fal.structure.arrow_counts(...)``), so that code which
only asks a strategy what it needs never pays for importing torch.
"""

import importlib
import pkgutil

__all__ = sorted(module.name for module in pkgutil.iter_modules(__path__))


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
