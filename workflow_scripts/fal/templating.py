"""Pages from templates, with every value escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


def render(folder: str | Path, template: str, **values: Any) -> str:
    """The HTML that a template of a folder makes of ``values``.

    All texts are escaped but those that the template passes through the filter ``element``.
    """
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["element"] = Markup
    return environment.get_template(template).render(**values) + "\n"
