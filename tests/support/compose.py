"""deployments/compose.yaml as an engine reads it: merged, its variables replaced."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from stacks import ROOT

FOLDER = ROOT / "deployments"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<sign>[-?])(?P<rest>[^}]*))?\}")


class VariableMissing(Exception):
    """Raised where a variable without a default is not set."""


@dataclass(frozen=True)
class Service:
    """What a service is started with."""

    command: list[str]
    environment: dict[str, str]


def read(name: str = "compose.yaml") -> dict[str, Any]:
    """Return a compose file as it is written, anchors resolved."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def replaced(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with the values of variables in it."""

    def value(found: re.Match[str]) -> str:
        told = variables.get(found["name"])
        if told or not found["sign"]:
            return told or ""
        if found["sign"] == "?":
            raise VariableMissing(f"{found['name']}: {found['rest']}")
        return str(found["rest"])

    return VARIABLE.sub(value, text)


def service(name: str, variables: Mapping[str, str], *more: str) -> Service:
    """Return a service of ours as it is started, with what further files change of it."""
    first, *others = [read(file)["services"].get(name, {}) for file in ("compose.yaml", *more)]
    declared = dict(first["environment"])
    for other in others:
        declared |= other.get("environment", {})
    environment = {key: replaced(str(value), variables) for key, value in declared.items()}
    return Service([replaced(one, variables) for one in first["command"]], environment)
