"""Webhooks of a whole system, as a receiver on a socket sees them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from redis import Redis
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from tests.fakes.polling import until
from tests.fakes.receivers import Receiver, receiver
from tests.fakes.stack import Stack, stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

SERVICE_SECRET = "whsec_c2VydmljZS1zZWNyZXQtdGhhdC1tdXN0LW5vdC1zaG93"
TOKEN = "url-token-that-must-not-show"


@pytest.fixture(scope="module")
def telling() -> Iterator[Stack]:
    """A system that may reach this machine, and tries again soon."""
    with stack(
        WEBHOOK_ALLOW_PRIVATE="true",
        WEBHOOK_SECRET=SERVICE_SECRET,
        WEBHOOK_FIRST_RETRY="0.2",
        WEBHOOK_TIMEOUT="15",
    ) as running:
        yield running


@pytest.fixture
async def client(telling: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with telling.client() as opened:
        yield opened


@pytest.fixture
async def hooks() -> AsyncIterator[Receiver]:
    async with receiver() as found:
        yield found


async def post(client: httpx.AsyncClient, text: str, *, wait: int = 30, **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/jobs", json={"text": text, **more}, headers={"Prefer": f"wait={wait}"})
    assert answer.status_code in (200, 202), answer.text
    document: dict[str, Any] = answer.json()
    return document


async def shown(client: httpx.AsyncClient, **wanted: str) -> list[dict[str, Any]]:
    """What the log says."""
    answer = await client.get("/v1/webhooks/deliveries", params=wanted)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["deliveries"]
    return found


async def stands(client: httpx.AsyncClient, status: str, **wanted: str) -> dict[str, Any]:
    """The newest delivery of these, once it stands so."""

    async def is_so() -> bool:
        found = await shown(client, **wanted)
        return bool(found) and found[0]["status"] == status

    await until(is_so, seconds=30)
    return (await shown(client, **wanted))[0]


async def test_every_caller_is_told_with_what_is_its_own(client: httpx.AsyncClient, hooks: Receiver) -> None:
    await client.put("/v1/clients/shop", json={"webhook_url": f"{hooks.url}/standing"})
    secret = (await client.post("/v1/clients/shop/webhook-secret")).json()["webhook_secret"]
    text = "Everybody hears of this."
    ada, job = await asyncio.gather(
        post(client, text, client_id="ada", webhook_url=f"{hooks.url}/ada", metadata={"order": "1"}),
        post(client, text, client_id="shop", webhook_url=f"{hooks.url}/shop", metadata={"order": "2"}),
    )
    [to_ada], [to_shop], [standing] = [await hooks.wait(path) for path in ("/ada", "/shop", "/standing")]
    shared = (await client.get(f"/v1/jobs/{job['id']}")).json()
    told = to_ada.verified(SERVICE_SECRET)
    assert told == {"type": "job.ready", "timestamp": told["timestamp"], "data": {**shared, "metadata": {"order": "1"}}}
    own = {**shared, "metadata": {"order": "2"}}
    assert to_shop.verified(secret)["data"] == standing.verified(secret)["data"] == own
    with pytest.raises(WebhookVerificationError):
        to_shop.verified(SERVICE_SECRET)
    assert to_ada.headers["content-type"] == "application/json"
    assert len({one.id for one in hooks.got}) == len(hooks.got) == 3
    assert ada["id"] == job["id"]
    # A hit tells as well, each time that it is asked for; the same request sent again doesn't.
    for _ in range(2):
        await client.post(
            "/v1/jobs",
            json={"text": text, "webhook_url": f"{hooks.url}/hit"},
            headers={"Idempotency-Key": "once"},
        )
    await post(client, text, webhook_url=f"{hooks.url}/hit", metadata={"order": "3"})
    told_again = [one.verified(SERVICE_SECRET)["data"] for one in await hooks.wait("/hit", count=2)]
    assert [data["metadata"] for data in told_again if "metadata" in data] == [{"order": "3"}]
    await stands(client, "delivered", subject=job["id"])
    assert len(hooks.at("/hit")) == 2


async def test_a_failure_is_told(telling: Stack, client: httpx.AsyncClient, hooks: Receiver) -> None:
    text = "This can't be said."
    telling.control("POST", "faults", fault="no_audio", times=3, text=text)
    job = await post(client, text, webhook_url=f"{hooks.url}/failed")
    [told] = await hooks.wait("/failed")
    assert told.document["type"] == "job.failed"
    assert told.document["data"]["error"] == job["error"]
    assert job["error"] is not None


async def test_the_end_of_a_batch_is_told_once(client: httpx.AsyncClient, hooks: Receiver) -> None:
    body = {"webhook_url": f"{hooks.url}/clients"}
    secret = (await client.put("/v1/clients/preparing", json=body)).json()["webhook_secret"]
    query = {"client_id": "preparing", "webhook_url": f"{hooks.url}/batch", "metadata": '{"of": "tests"}'}
    lines = "text\nPrepared for later.\nAnd this one as well.\n"
    answer = await client.post("/v1/batches", params=query, content=lines, headers={"Content-Type": "text/csv"})
    [own], [standing] = [await hooks.wait(path) for path in ("/batch", "/clients")]
    batch = (await client.get(f"/v1/batches/{answer.json()['id']}")).json()
    told = own.verified(secret)
    assert (told["type"], told["data"]) == ("batch.completed", batch)
    assert (batch["status"], batch["metadata"]) == ("completed", {"of": "tests"})
    assert standing.verified(secret) == told
    # Its lines are nobody's own request.
    assert len(await shown(client, client_id="preparing")) == len(hooks.got) == 2


async def test_a_receiver_that_fails_is_told_the_same_again(client: httpx.AsyncClient, hooks: Receiver) -> None:
    hooks.answers["/flaky"] = [500, 503, 204]
    job = await post(client, "Third time lucky.", webhook_url=f"{hooks.url}/flaky")
    tries = await hooks.wait("/flaky", count=3)
    assert len({one.id for one in tries}) == len({one.body for one in tries}) == 1
    assert all(one.verified(SERVICE_SECRET) for one in tries)
    entry = await stands(client, "delivered", subject=job["id"])
    assert (entry["id"], entry["attempts"], entry["response_status"], entry["problem"]) == (tries[0].id, 3, 204, None)
    assert entry["next_attempt_at"] is None
    # By hand once more: the same webhook.
    answer = await client.post(f"/v1/webhooks/deliveries/{entry['id']}/redeliver")
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    [*_, again] = await hooks.wait("/flaky", count=4)
    assert (again.id, again.body) == (tries[0].id, tries[0].body)
    check_problem(await client.post(f"/v1/webhooks/deliveries/msg_{'0' * 32}/redeliver"), 404, "unknown_delivery")


async def test_one_that_is_gone_switches_the_clients_webhook_off(client: httpx.AsyncClient, hooks: Receiver) -> None:
    hooks.answers["/gone"] = [410]
    body = {"webhook_url": f"{hooks.url}/gone"}
    first = (await client.put("/v1/clients/closed", json=body)).json()
    assert first["webhook_secret"].startswith("whsec_")
    assert (first["has_webhook_secret"], first["webhook_disabled"]) == (True, False)
    job = await post(client, "Is anybody there?", client_id="closed")
    entry = await stands(client, "failed", client_id="closed")
    assert (entry["problem"], entry["response_status"], entry["attempts"], entry["standing"]) == ("gone", 410, 1, True)
    stored = (await client.get("/v1/clients/closed")).json()
    assert stored["webhook_disabled"] is True
    assert "webhook_secret" not in stored
    await post(client, "Is anybody there?", client_id="closed")
    assert [one["subject"] for one in await shown(client, client_id="closed")] == [job["id"]]
    again = (await client.put("/v1/clients/closed", json=body)).json()
    assert (again["webhook_disabled"], "webhook_secret" in again) == (False, False)


async def test_both_secrets_sign_after_a_rotation(client: httpx.AsyncClient, hooks: Receiver) -> None:
    old = (await client.put("/v1/clients/turning", json={"webhook_url": f"{hooks.url}/turn"})).json()["webhook_secret"]
    new = (await client.post("/v1/clients/turning/webhook-secret")).json()["webhook_secret"]
    # What else is stored of the client leaves them alone.
    await client.put("/v1/clients/turning", json={"webhook_url": f"{hooks.url}/turn", "cache": "private"})
    await post(client, "Which key is it?", client_id="turning")
    [told] = await hooks.wait("/turn")
    assert told.verified(new) == told.verified(old)
    # What is private comes with a link that opens it.
    assert (await client.get(told.document["data"]["audio_url"])).status_code == 200
    assert len(told.headers["webhook-signature"].split()) == 2


async def test_a_receiver_that_hangs_keeps_nobody_waiting(client: httpx.AsyncClient, hooks: Receiver) -> None:
    hooks.answers["/hangs"] = [0]
    jobs = [await post(client, f"Number {n} will hang.", webhook_url=f"{hooks.url}/hangs") for n in range(6)]
    # A host and port has four at once: this is another.
    async with receiver() as other:
        await hooks.wait("/hangs", count=4)
        await post(client, "And this will not.", webhook_url=f"{other.url}/well")
        await other.wait("/well")
        assert len(hooks.at("/hangs")) == 4
    hooks.answers["/hangs"] = [200]
    hooks.let_go()
    attempts = [(await stands(client, "delivered", subject=job["id"]))["attempts"] for job in jobs]
    assert sorted(attempts) == [1, 1, 2, 2, 2, 2]


async def test_who_leaves_is_not_told(telling: Stack, client: httpx.AsyncClient, hooks: Receiver) -> None:
    worker = telling.programs["worker"].process
    assert worker is not None
    worker.send_signal(signal.SIGSTOP)
    try:
        text = "Somebody may change his mind about this."
        job = await post(client, text, wait=0, client_id="staying", webhook_url=f"{hooks.url}/staying")
        await post(client, text, wait=0, client_id="leaving", webhook_url=f"{hooks.url}/leaving")
        await client.delete(f"/v1/jobs/{job['id']}", params={"client_id": "leaving"})
    finally:
        worker.send_signal(signal.SIGCONT)
    await hooks.wait("/staying")
    [entry] = await shown(client, client_id="leaving")
    assert (entry["status"], entry["problem"], entry["attempts"]) == ("dropped", "withdrawn", 0)
    check_problem(await client.post(f"/v1/webhooks/deliveries/{entry['id']}/redeliver"), 409, "nothing_to_send")
    assert hooks.at("/leaving") == []


async def test_a_worker_that_is_killed_while_it_sends_loses_nothing(
    telling: Stack, client: httpx.AsyncClient, hooks: Receiver
) -> None:
    """Killed, too, between the job's end and the first word of it: its end is what is told of, not its worker."""
    worker = telling.programs["worker"]
    worker.end(signal.SIGKILL)
    only = telling.start_worker("only-renders", "interactive", "bulk")
    hooks.answers["/killed"] = [0, 200]
    job = await post(client, "Who survives this?", webhook_url=f"{hooks.url}/killed")
    only.end(signal.SIGKILL)
    assert (job["status"], hooks.got) == ("ready", [])
    # What it holds is free for others soon after its receiver's time is over.
    brief = telling.start_worker("brief", "outbox", WEBHOOK_TIMEOUT="4")
    await hooks.wait("/killed")
    brief.end(signal.SIGKILL)
    worker.start()
    first, second = await hooks.wait("/killed", count=2)
    assert first.id == second.id
    assert (await stands(client, "delivered", subject=job["id"]))["attempts"] == 2
    telling.wait_until_ready()


async def test_nothing_secret_shows(telling: Stack, client: httpx.AsyncClient, hooks: Receiver) -> None:
    hooks.answers[f"/{TOKEN}"] = [500, 200]
    url, note = f"{hooks.url}/{TOKEN}", "a-note-of-the-callers-own"
    secret = (await client.put("/v1/clients/secretive", json={"webhook_url": f"{url}?x=1"})).json()["webhook_secret"]
    job = await post(client, "Keep it quiet.", client_id="secretive", webhook_url=url, metadata={"note": note})
    await hooks.wait(f"/{TOKEN}", count=2)
    await hooks.wait(f"/{TOKEN}?x=1")
    log = await client.get("/v1/webhooks/deliveries", params={"subject": job["id"]})
    assert {one["host"] for one in log.json()["deliveries"]} == {hooks.url.removeprefix("http://")}
    with Redis.from_url(telling.redis.url) as redis:
        kept = b"".join(redis.dump(key) or b"" for key in redis.keys("*"))
    stored = b"".join(telling.body(key) for key in telling.keys("clients/"))
    said = "".join(program.said() for program in telling.programs.values())
    for hidden in (secret, SERVICE_SECRET, note, TOKEN):
        assert hidden not in said + log.text
        assert hidden.encode() not in kept
    assert secret.encode() not in stored
    assert Webhook(secret)


async def test_nobody_is_sent_inward_unless_it_is_allowed(telling: Stack) -> None:
    guarded = telling.start_api("guarded", WEBHOOK_ALLOW_PRIVATE="false")
    async with httpx.AsyncClient(base_url=guarded) as client:
        answers = [
            await client.post("/v1/jobs", json={"text": "Refused.", "webhook_url": "https://10.1.2.3/hook"}),
            await client.put("/v1/clients/refused", json={"webhook_url": "https://[::1]/hook"}),
            await client.post("/v1/batches", json={"lines": [{"text": "x"}], "webhook_url": "https://127.0.0.1/"}),
        ]
    telling.programs["guarded"].end()
    for answer in answers:
        check_problem(answer, 422, "invalid_request")
        [problem] = answer.json()["errors"]
        assert (problem["field"], "private network" in problem["message"]) == ("webhook_url", True)
