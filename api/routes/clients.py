"""Clients: stored, shown, removed, their pages' tokens and their webhooks' secrets."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.client_schemas import (
    MAX_BODY,
    ClientRequest,
    ClientsView,
    ClientView,
    TokenRequest,
    TokenView,
    WebhookSecretView,
    client_document,
)
from api.openapi import ClientId
from api.services import Services
from front.body import read_body
from front.openapi import PROBLEMS
from front.webhook_urls import check_webhook_url
from speech.client import check_client_id
from speech.errors import UnknownClient

router = APIRouter(tags=["clients"])
log = logging.getLogger(__name__)

_NO_STORE = {"Cache-Control": "no-store"}


@router.get("/v1/clients", responses={200: {"model": ClientsView}, **PROBLEMS}, summary="List the clients")
async def list_clients(request: Request) -> Response:
    """All clients, by id."""
    clients = await Services.of(request).clients.all()
    return _json({"clients": [client_document(client) for client in clients]})


@router.get("/v1/clients/{id}", responses={200: {"model": ClientView}, **PROBLEMS}, summary="Look at a client")
async def get_client(request: Request, id: ClientId) -> Response:
    """The client's settings, and whether it has an upstream key of its own; the key itself nobody sees again."""
    client = await Services.of(request).clients.get(id)
    if client is None:
        raise UnknownClient
    return _json(client_document(client))


@router.put(
    "/v1/clients/{id}",
    responses={200: {"model": ClientView}, **PROBLEMS},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ClientRequest.model_json_schema()}},
        }
    },
    summary="Store a client",
)
async def put_client(request: Request, id: ClientId) -> Response:
    """Makes the client, or replaces it whole: only `ai_api_key` stays as it is when it is left out.

    With its first `webhook_url` it gets a secret, which is shown in this answer and never again.
    """
    clients = Services.of(request).clients
    check_client_id(id)
    wanted = ClientRequest.read(await read_body(request, limit=MAX_BODY))
    allow_private = Services.of(request).settings.webhooks.allow_private
    check_webhook_url(wanted.webhook_url, allow_private=allow_private)
    secret = await clients.put(wanted.client(id), key=wanted.key)
    log.info("client %s is stored", id)
    client = await clients.get(id)
    if client is None:
        raise UnknownClient
    return _json(client_document(client) | ({"webhook_secret": secret} if secret else {}))


@router.delete("/v1/clients/{id}", status_code=204, responses=dict(PROBLEMS), summary="Remove a client")
async def delete_client(request: Request, id: ClientId) -> Response:
    """Removes the client and its key; its widgets' tokens open nothing any more. Audio stays."""
    if not await Services.of(request).clients.delete(id):
        raise UnknownClient
    log.info("client %s is removed", id)
    return Response(status_code=204)


@router.post(
    "/v1/clients/{id}/widget-token",
    responses={200: {"model": TokenView}, **PROBLEMS},
    openapi_extra={
        "requestBody": {
            "required": False,
            "content": {"application/json": {"schema": TokenRequest.model_json_schema()}},
        }
    },
    summary="Make a token for a page",
)
async def make_widget_token(request: Request, id: ClientId) -> Response:
    """Opens chat, this client's audio and live sessions for a page, for an hour unless `seconds` says otherwise."""
    services = Services.of(request)
    if await services.clients.get(id) is None:
        raise UnknownClient
    wanted = TokenRequest.read(await read_body(request, limit=MAX_BODY))
    token, until = services.tokens.issue(id, seconds=wanted.seconds)
    expires_at = datetime.fromtimestamp(until, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return _json({"token": token, "client_id": id, "expires_at": expires_at})


@router.post(
    "/v1/clients/{id}/webhook-secret",
    responses={200: {"model": WebhookSecretView}, **PROBLEMS},
    summary="Replace the webhook's secret",
)
async def rotate_webhook_secret(request: Request, id: ClientId) -> Response:
    """A new secret, shown here and never again. For 24 hours the one before signs, too, beside it."""
    secret = await Services.of(request).clients.rotate_webhook_secret(id)
    log.info("client %s has a new webhook secret", id)
    return _json({"client_id": id, "webhook_secret": secret})


def _json(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document), headers=_NO_STORE, media_type="application/json")
