"""The page ``report.html``: one file that holds all it shows, from data and a template."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import PIL.Image

from fal.templating import render as render_template

TEMPLATES = Path(__file__).parent / "templates"
SMALL_WIDTH, SMALL_COLORS = 1000, 48
_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True)
class Image:
    """A picture in the page.

    data: a ``data:`` URI. file: where the same picture lies. of: what readers may choose it by,
    such as its setting and strategy.
    """

    title: str
    data: str
    file: str = ""
    of: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table in the page; element: HTML, names escaped, as ``formats.to_html`` makes it."""

    title: str
    element: str
    of: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Chart:
    """A chart that answers to its reader; spec: in Vega-Lite."""

    title: str
    spec: Mapping[str, Any]
    of: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gallery:
    """Small pictures side by side. thumbnails: what each is called, and its ``data:`` URI."""

    title: str
    thumbnails: Sequence[tuple[str, str]]
    of: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """One category of the page, which its navigation leads to.

    facts: terms and what they are. verdicts: what came out, by setting. blocks: texts that keep
    their lines, by title.
    """

    name: str
    title: str
    text: str = ""
    verdicts: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    charts: Sequence[Chart] = ()
    images: Sequence[Image] = ()
    galleries: Sequence[Gallery] = ()
    tables: Sequence[Table] = ()
    blocks: Mapping[str, str] = field(default_factory=dict)

    def choices(self) -> dict[str, list[str]]:
        """What the parts can be chosen by: each key that has several values."""
        found: dict[str, dict[str, None]] = {}
        groups: Sequence[Sequence[Chart | Image | Gallery | Table]] = (
            self.charts,
            self.images,
            self.galleries,
            self.tables,
        )
        for item in chain.from_iterable(groups):
            for key, value in item.of.items():
                found.setdefault(key, {})[value] = None
        return {key: list(values) for key, values in found.items() if len(values) > 1}


@dataclass(frozen=True)
class Page:
    """The whole page; warning: what throws doubt on all of it, or nothing."""

    title: str
    lead: str
    sections: Sequence[Section]
    warning: str = ""


def data_uri(path: str | Path) -> str:
    """A picture (.svg or .png) as the text that stands for it in a page."""
    path = Path(path)
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{_TYPES[path.suffix]};base64,{content}"


def small_data_uri(path: str | Path) -> str:
    """As ``data_uri``, of a .png with fewer pixels and colors."""
    picture = PIL.Image.open(path).convert("RGB")
    picture.thumbnail((SMALL_WIDTH, SMALL_WIDTH))
    file = BytesIO()
    picture.quantize(SMALL_COLORS).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def render(page: Page) -> str:
    """The page as HTML. All texts are escaped; only elements of tables are taken as they are."""
    library = chart_library() if any(section.charts for section in page.sections) else ""
    return render_template(TEMPLATES, "report.html.j2", page=page, chart_library=library)


def chart_library() -> str:
    """Vega-Embed with Vega and Vega-Lite as one script, which needs no network."""
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", r"<\/script")


def render_tables(title: str, note: str, tables: Mapping[str, str]) -> str:
    """A page of tables (elements by title) alone, as HTML."""
    return render_template(TEMPLATES, "tables.html.j2", title=title, note=note, tables=tables)
