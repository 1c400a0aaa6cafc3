"""The automations that watch: declared in a file, made by the step that deploys, known by their names."""

import os
from http import HTTPStatus
from typing import Any

import yaml

from deployments.errors import ServerRefused
from deployments.server_api import Json, ServerApi
from deployments.settings import PROJECT

FILE = PROJECT / "deployments" / "automations.yaml"
WEBHOOK = "DEEPDLT_WEBHOOK"
"""Address that is told; kept as a secret by the server from then on."""

BLOCK = "deepdlt-webhook"
BLOCK_TYPE = "webhook"
PAYLOAD = '{"text": {{ (automation.name ~ ", " ~ (event.event if event else "nothing heard")) | tojson }}}'
"""What most chat programs take."""


def declared() -> list[dict[str, Any]]:
    """Return the declared automations, without what they do."""
    found: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["automations"]
    return found


def ensure_automation(api: ServerApi, automation: dict[str, Any]) -> None:
    """Make an automation, or bring the one of that name to what it should be."""
    wanted = {"automations": {"name": {"any_": [automation["name"]]}}}
    have = api.ask("POST", "automations/filter", wanted)
    if have:
        api.ask("PUT", f"automations/{have[0]['id']}", automation)
    else:
        api.ask("POST", "automations/", automation)


def ensure_watching(api: ServerApi, webhook: str | None = None) -> None:
    """Make what is declared; done twice, it stands once.

    Parameters
    ----------
    api : ServerApi
    webhook : str, optional
        Address to tell; without it that of `WEBHOOK`, else the one that the server keeps from before, else none.
    """
    block_id = ensure_webhook(api, webhook or os.environ.get(WEBHOOK))
    tell = {"type": "call-webhook", "block_document_id": block_id, "payload": PAYLOAD}
    actions = [tell if block_id else {"type": "do-nothing"}]
    for automation in declared():
        ensure_automation(api, automation | {"enabled": True, "actions": actions})


def ensure_webhook(api: ServerApi, url: str | None) -> str | None:
    """Have the server keep the address, and return the id that it goes by; None where there is none."""
    kept = kept_webhook(api)
    if not url:
        return None if kept is None else str(kept["id"])
    data = {"method": "POST", "url": url, "headers": {"Content-Type": "application/json"}}
    if kept is not None:
        api.ask("PATCH", f"block_documents/{kept['id']}", {"data": data, "merge_existing_data": False})
        return str(kept["id"])
    kind = api.ask("GET", f"block_types/slug/{BLOCK_TYPE}")["id"]
    schemas = api.ask(
        "POST", "block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind]}}, "limit": 1}
    )
    body = {"name": BLOCK, "data": data, "block_type_id": kind, "block_schema_id": schemas[0]["id"]}
    return str(api.ask("POST", "block_documents/", body)["id"])


def kept_webhook(api: ServerApi) -> Json | None:
    """Return the block that the server has of our webhook."""
    try:
        found: Json = api.ask("GET", f"block_types/slug/{BLOCK_TYPE}/block_documents/name/{BLOCK}")
    except ServerRefused as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
    return found
