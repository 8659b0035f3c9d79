"""All calls of the system at once: none breaks whatever it is sent, and no secret is left anywhere afterwards."""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.fakes.programs import SECRET
from tests.fakes.relays import made, talking
from tests.fakes.services import LOOPBACK, free_port
from tests.fakes.stack import Stack, stack

pytestmark = pytest.mark.integration

CALLERS = {right: f"testing-{right}-key-that-must-not-show" for right in ("admin", "submit", "read")}
KEY, OWN_KEY = "testing-caller-key-that-must-not-show", "xai-own-key-that-must-not-show"
REFUSED_KEY = "bad-own-key-that-must-not-show"
# No other test says these.
WORDS = ("Zanzibar", "quartz", "umbrella", "Zansibar", "perhapsprivate")
SAID = "Zanzibar sells a quartz umbrella."
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
_WRAPPED = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")


@pytest.fixture(scope="module")
def whole() -> Iterator[Stack]:
    """Everything, behind keys."""
    keys = [KEY, *(f"{right}:{key}" for right, key in CALLERS.items())]
    with stack(RECITE_API_KEYS=",".join(keys), PORT=str(free_port())) as running:
        running.start("relay", "relay")
        running.wait(lambda: httpx.get(f"{relay_of(running)}/health").status_code == 200)
        yield running


def relay_of(system: Stack) -> str:
    return f"http://{LOOPBACK}:{system.settings['PORT']}"


@pytest.mark.parametrize("program", ["api", "relay"])
def test_no_call_breaks_whatever_it_is_sent(whole: Stack, program: str) -> None:
    url = whole.api if program == "api" else relay_of(whole)
    options = {
        "header": f"Authorization: Bearer {KEY}",
        "phases": "coverage,fuzzing",
        "checks": ",".join(_CHECKS),
        "max-examples": 3,
        "request-timeout": 40,
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    flags += ["--generation-deterministic", "--no-shrink", "--continue-on-failure"]
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *flags],
        cwd=whole.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    # It did not just look and go home.
    assert int(re.findall(r"(\d+) generated", done.stdout)[0]) > (500 if program == "api" else 50)


async def test_no_secret_is_left_anywhere(whole: Stack) -> None:
    answers: list[bytes] = []

    async def keep(answer: httpx.Response) -> None:
        answers.append(str(answer.headers.raw).encode() + await answer.aread())

    headers = {"Authorization": f"Bearer {KEY}"}
    async with whole.client(headers=headers, event_hooks={"response": [keep]}) as client:
        await speak(client)
        await chat(whole, client)
        await fail(whole, client)
    tokens = await as_widget(whole, client_id="careful")
    whole.wait(lambda: not ledger_is_late(whole))
    places = {**left_behind(whole), "answers": b"\n".join(answers)}
    for place, mark in (
        *(("redis", b"recite:conversation:"), ("bucket", b"sealed_key"), ("answers", b"chat_key_rejected")),
        *(("logs", b"client careful is stored"), ("names", b"recite:"), ("cards", b'"word_error_rate"')),
    ):
        assert mark in places[place]
    secrets = [SECRET, KEY, OWN_KEY, REFUSED_KEY, *CALLERS.values(), whole.settings["XAI_API_KEY"]]
    found = {(place, secret) for place, held in places.items() for secret in secrets if secret.encode() in held}
    assert not found
    assert not [token for token in tokens if token.encode() in places["logs"] + places["names"]]
    quiet = places["logs"] + places["names"] + places["cards"]
    assert not [word for word in WORDS if word.encode() in quiet]


async def speak(client: httpx.AsyncClient) -> None:
    """Clients of every kind, and all that speaks."""
    careful = {"ai_api_key": OWN_KEY, "cache": "private", "pronunciations": {"Zanzibar": "Zansibar"}}
    for id, fields in (("careful", careful), ("open", {"ai_api_key": OWN_KEY}), ("keyless", {})):
        (await client.put(f"/v1/clients/{id}", json=fields)).raise_for_status()
    for client_id in ("careful", "open", None):
        job = {"text": SAID, "client_id": client_id, "metadata": {"note": "perhapsprivate"}}
        answer = await client.post("/v1/jobs", json=job, headers={"Prefer": "wait=30", "Idempotency-Key": "once"})
        document = answer.json()
        assert document["status"] == "ready", document
        (await client.get(document["audio_url"])).raise_for_status()
        (await client.get(f"/v1/jobs/{document['id']}/events")).raise_for_status()
    for fields in ({"response_format": "wav"}, {"stream_format": "sse"}, {"instructions": "Whisper, Zanzibar."}):
        (await client.post("/v1/audio/speech", json={"input": SAID, **fields})).raise_for_status()


async def chat(system: Stack, client: httpx.AsyncClient) -> None:
    """Whole and streamed, with each key; and what may go wrong with one."""
    for client_id in ("careful", "open", "keyless", None):
        for accept in ("application/json", "text/event-stream"):
            body = {"client_id": client_id, "message": f"say exactly: {SAID}", "audio": "data"}
            (await client.post("/api/chat", json=body, headers={"Accept": accept})).raise_for_status()
    (await client.put("/v1/clients/refused", json={"ai_api_key": REFUSED_KEY})).raise_for_status()
    refused = await client.post("/api/chat", json={"client_id": "refused", "message": SAID})
    assert refused.json()["code"] == "chat_key_rejected"
    for fault in ("chat_400_key", "chat_401", "chat_404", "chat_429", "chat_500", "chat_cut", "chat_empty"):
        for accept in ("application/json", "text/event-stream"):
            system.control("POST", "faults", fault=fault, times=1)
            body = {"client_id": "open", "message": f"{SAID} {fault}"}
            answer = await client.post("/api/chat", json=body, headers={"Accept": accept})
            assert answer.status_code >= 400 or "event: error" in answer.text


async def fail(system: Stack, client: httpx.AsyncClient) -> None:
    """Renders that fail, and calls that are refused in every way."""
    for fault in ("refuse_400_key", "paraphrase", "no_audio"):
        text = f"{SAID} {fault}"
        system.control("POST", "faults", fault=fault, times=4, text=None if fault.startswith("refuse") else text)
        await client.post("/v1/jobs", json={"text": text, "voice": "leo"}, headers={"Prefer": "wait=30"})
    system.control("POST", "reset")
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", "/v1/clients/open", {"json": {"ai_api_key": f"{OWN_KEY} {OWN_KEY}"}}),
        ("PUT", "/v1/clients/open", {"content": f'{{"ai_api_key": "{OWN_KEY}'}),
        ("PUT", "/v1/clients/open", {"json": {"name": [OWN_KEY], "voice": OWN_KEY}}),
        ("POST", "/v1/jobs", {"json": {"text": SAID, "speed": OWN_KEY}}),
        ("POST", "/v1/jobs", {"headers": {"Authorization": f"Bearer {KEY}x"}}),
        ("POST", "/v1/jobs", {"headers": {"Authorization": f"Basic {KEY}"}}),
        ("PUT", "/v1/clients/open", {"headers": {"Authorization": f"Bearer {CALLERS['read']}"}}),
        ("POST", "/api/chat", {"headers": {"Authorization": f"Bearer rwt_{KEY}"}}),
        ("POST", "/api/chat", {"headers": {"Origin": "https://evil.example"}}),
        ("POST", "/v1/audio/speech", {"json": {"input": SAID, "voice": OWN_KEY}}),
    ]
    for method, path, options in wrong:
        answer = await client.request(method, path, **options)
        assert 400 <= answer.status_code < 500


async def as_widget(system: Stack, *, client_id: str) -> list[str]:
    """A page's visit: the tokens and signatures that it was given."""
    async with system.client(headers={"Authorization": f"Bearer {CALLERS['admin']}"}) as admin:
        token = (await admin.post(f"/v1/clients/{client_id}/widget-token")).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    async with system.client(headers=headers) as page:
        reply = await page.post("/api/chat", json={"message": f"say exactly: {SAID}", "audio": "url"})
        url = reply.json()["audio_url"]
        (await page.get(url)).raise_for_status()
        assert (await page.get("/v1/clients")).status_code == 403
    async with httpx.AsyncClient(base_url=relay_of(system), headers=headers) as page:
        session = await made(page)
    async with talking(relay_of(system), session["websocket_url"]) as talk:
        await talk.ask(SAID)
        resume_token = talk.resume_token
    return [token, url.partition("signature=")[2], session["websocket_url"].partition("token=")[2], resume_token]


def ledger_is_late(system: Stack) -> bool:
    """Whether the bucket doesn't have yet what was counted."""
    with Redis.from_url(system.redis.url) as redis:
        return bool(redis.zcard("recite:accounts:dirty"))


def left_behind(system: Stack) -> dict[str, bytes]:
    """All that was ever written to Redis, as its append-only file has it, all objects, and all logs."""
    folder = Path(system.redis.command[system.redis.command.index("--dir") + 1])
    keys = system.keys("")
    # The ledger's pages come and go.
    bodies = {key: system.body(key) for key in keys if not key.startswith("ledger/")}
    with Redis.from_url(system.redis.url) as redis:
        names = [*redis.scan_iter("*"), *(key.encode() for key in keys)]
    return {
        "redis": unwrapped(b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())),
        "bucket": unwrapped(b"".join(bodies.values())),
        "names": b"\n".join(names),
        "cards": b"".join(body for key, body in bodies.items() if key.startswith("cards/")),
        "logs": "".join(program.said() for program in system.programs.values()).encode(),
    }


def unwrapped(held: bytes) -> bytes:
    """With what stands in it as base64, such as a queue's messages."""
    return b"\n".join([held, *map(_decoded, _WRAPPED.findall(held))])


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"==")
    except binascii.Error:
        return b""
