"""Chats as pages and programs have them, and what the upstream got of them."""

from __future__ import annotations

from typing import Any

import httpx

from api.chat_schemas import ChatView
from simulator.stats import text_hash
from tests.fakes.events import Event, read_events
from tests.fakes.stack import Stack

STREAMED = {"Accept": "text/event-stream"}


async def chat(client: httpx.AsyncClient, message: str, **fields: Any) -> dict[str, Any]:
    """The answer in one piece."""
    answer = await client.post("/api/chat", json={"message": message, **fields})
    document: dict[str, Any] = answer.raise_for_status().json()
    ChatView.model_validate(document)
    return document


async def streamed(client: httpx.AsyncClient, message: str, **fields: Any) -> list[Event]:
    """The answer's events."""
    body = {"message": message, **fields}
    async with client.stream("POST", "/api/chat", json=body, headers=STREAMED) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [event async for event in read_events(answer)]


def asked(system: Stack, message: str) -> list[dict[str, Any]]:
    """The completions that ended in this message, as the upstream got them."""
    chats: list[dict[str, Any]] = system.control("GET", "chats")["chats"]
    return [one for one in chats if one["messages"][-1]["text"] == text_hash(message)]


async def put_client(client: httpx.AsyncClient, id: str, **fields: Any) -> None:
    """Stores a client."""
    (await client.put(f"/v1/clients/{id}", json={"name": "A shop", **fields})).raise_for_status()
