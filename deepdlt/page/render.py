"""Turn what is known of a night into one HTML file that opens from disk, without a network."""

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import polars as pl
from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup

from deepdlt.config import PROFILES
from deepdlt.page.answers import answers_of, facts_of
from deepdlt.page.numbers import show_number
from deepdlt.page.parts import Picture
from deepdlt.page.sections import TERMS, glossary_of, sections_of
from deepdlt.sheets.meanings import LabelMeaning

__all__ = ["Picture", "render_index", "render_night"]


class _Beside(BaseLoader):
    """Finds templates beside this module, also inside a wheel."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, None]:  # noqa: ARG002
        """Return the text of a template."""
        found = files("deepdlt.page").joinpath(template)
        if not found.is_file():
            raise TemplateNotFound(template)
        return found.read_text(encoding="utf-8"), None, None


def render_night(
    night: Mapping[str, Any],
    frames: Mapping[str, pl.DataFrame],
    pictures: Sequence[Picture] = (),
    *,
    n_left_out: int = 0,
    is_synthetic: bool = False,
    labels: Mapping[str, LabelMeaning] = MappingProxyType({}),
) -> str:
    """Return the page of a night.

    Parameters
    ----------
    night : mapping
        Row of the table `nights`.
    frames : mapping of polars.DataFrame
        By name, as `tasks.page` gathers them; what is missing or empty is said to be so.
    pictures : sequence of Picture
    n_left_out : int
        Pictures that there is no room for.
    is_synthetic : bool
        Whether the night's images were drawn by this program.
    labels : mapping of LabelMeaning
        What the labels of the sheet are, by people's key.

    Returns
    -------
    str
        A whole HTML document. Every value is escaped: names come from sheets and are not trusted.
    """
    profile = PROFILES.get(night["profile"])
    sections = sections_of(night, frames, pictures, n_left_out=n_left_out, is_synthetic=is_synthetic, labels=labels)
    return (
        _environment()
        .get_template("night.html.j2")
        .render(
            night=night,
            profile_text=profile.description if profile else "",
            is_quick=night["profile"] == "quick",
            is_synthetic=is_synthetic,
            answers=answers_of(frames, is_synthetic=is_synthetic),
            facts=facts_of(night),
            sections=sections,
            glossary=glossary_of(sections),
            words={key: label.text for key, label in labels.items()} | TERMS,
        )
    )


def render_index(nights: Sequence[Mapping[str, Any]], synthetic: Collection[str] = ()) -> str:
    """Return the list of nights that have a page.

    Parameters
    ----------
    nights : sequence of mapping
        Rows of the table `nights`, newest first; each page lies in a folder named by its ``sequence``.
    synthetic : collection of str
        Sources whose images were drawn by this program.
    """
    return _environment().get_template("index.html.j2").render(nights=nights, synthetic=synthetic)


@cache
def _environment() -> Environment:
    """Return the templates, with escaping on and nothing undefined let through."""
    environment = Environment(
        loader=_Beside(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = _text("page.css"), _text("page.js")
    environment.globals["style"] = Markup(style)  # noqa: S704 - our own file
    environment.globals["script"] = Markup(script)  # noqa: S704 - our own file
    # Nothing but these very texts runs or styles, whatever else got into the page.
    environment.globals["policy"] = Markup(  # noqa: S704 - made of digests
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )
    environment.filters["number"] = show_number
    environment.filters["uri"] = Markup  # data: URIs are base64 of our own: nothing in them needs escaping
    return environment


def _text(name: str) -> str:
    """Return a file that lies beside this module."""
    return files("deepdlt.page").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return the digest that a content security policy knows a text by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
