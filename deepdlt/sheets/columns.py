"""The parts of a sheet's declaration: columns, derived columns, labels, field of view."""

import re
import unicodedata
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal["number", "integer", "category"]
ColumnName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="our name, with its unit as suffix")]


class Declaration(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnSpec(Declaration):
    """One column of the sheet: what it is called there and here, and what may stand in it."""

    header: str = Field(min_length=1, description="what the sheet's header says; blanks at the ends do not count")
    name: ColumnName
    kind: Kind = Field(description="number, integer, or category: one of a few words")
    unit: str | None = Field(default=None, pattern=r"^[a-z0-9_]+$", description="as the name spells it: um, uj, deg")
    required: bool = Field(default=False, description="a row with a blank here is rejected")
    above: float | None = Field(default=None, description="greater than this, in the column's unit")
    at_least: float | None = Field(default=None, description="this or greater, in the column's unit")
    below: float | None = Field(default=None, description="less than this, in the column's unit")
    at_most: float | None = Field(default=None, description="this or less, in the column's unit")
    allowed: tuple[str, ...] = Field(default=(), description="words of a category; empty: any")
    none_value: str | None = Field(default=None, description="what a category's cell says for 'there is none'")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        bounds = (self.above, self.at_least, self.below, self.at_most)
        if self.kind == "category" and any(bound is not None for bound in bounds):
            raise ValueError(f"{self.name} is a category and has no bounds")
        if self.kind != "category" and (self.allowed or self.none_value is not None):
            raise ValueError(f"{self.name} is a number: `allowed` and `none_value` are for categories")
        if self.unit is not None and not self.name.endswith(f"_{self.unit}"):
            raise ValueError(f"{self.name} must end with its unit, _{self.unit}")
        return self


class DerivedSpec(Declaration):
    """A column of ours that is the first of several sheet columns that says something."""

    name: ColumnName
    first_of: tuple[str, ...] = Field(min_length=2, description="names of columns of one kind, in order")
    required: bool = Field(default=False, description="a row in which all of them say nothing is rejected")


class LabelSpec(Declaration):
    """A label that folds are stratified by and metrics are told apart by."""

    column: str = Field(description="name of a required column")
    kind: Literal["number", "category"] = Field(description="number: strata are quantiles; category: one a value")
    meaning: str = Field(
        default="",
        exclude=True,  # no digest of the declaration holds it: other words ask nothing anew
        description="what it is, in words, for people",
    )


class FieldOfViewSpec(Declaration):
    """Where the sheet says how much of the surface a picture shows."""

    x: str = Field(description="column with the width; pixel size = width / image width")
    y: str | None = Field(default=None, description="column with the height; only checked against the width")
    tolerance: float = Field(
        default=0.01, gt=0, lt=1, description="relative misfit of the height that is not warned of"
    )


def normal_header(text: str) -> str:
    """Return a header in the form in which headers are compared.

    Parameters
    ----------
    text : str
        As the sheet writes it.

    Returns
    -------
    str
        Compatible Unicode (NFKC, so that the micro sign equals the Greek letter), single blanks.
    """
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()
