"""An upstream that takes no session, fails in mid-answer, asks for a pause or forgot a conversation."""

from __future__ import annotations

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from relay import closes
from relay.closes import Closing
from simulator.faults import FAULTS, Act, Fault
from speech.ports import Admission
from tests.fakes.relaying import RunningRelay, browser, check, page_of
from tests.fakes.scripted_upstream import ScriptedUpstream, Wire
from tests.fakes.seats import FakeBreaker
from tests.fakes.services import free_port
from tests.fakes.simulator import RunningSimulator

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("refuse_400", closes.UPSTREAM_UNAVAILABLE),
        ("refuse_400_key", closes.UPSTREAM_REFUSED),
        ("refuse_401", closes.UPSTREAM_REFUSED),
        ("refuse_403", closes.UPSTREAM_REFUSED),
        ("refuse_429", closes.UPSTREAM_BUSY),
        ("refuse_500", closes.UPSTREAM_UNAVAILABLE),
        ("close_at_once", closes.UPSTREAM_UNAVAILABLE),
        ("voice_refused", closes.UPSTREAM_REFUSED),
        ("no_session_updated", closes.UPSTREAM_TIMEOUT),
    ],
)
async def test_an_upstream_that_takes_no_session(
    simulator: RunningSimulator, fault: str, expected: Closing, caplog: pytest.LogCaptureFixture
) -> None:
    relay = RunningRelay(simulator.fault_url(fault), key="a-secret-key")
    async with page_of(relay, ready_seconds=0.3) as page:
        told = await check(page, relay, expected)
        assert "key" not in told["message"].lower()
    assert simulator.stats.open == 0
    assert "does not get ready" in caplog.text
    assert "a-secret-key" not in caplog.text


async def test_an_upstream_that_is_not_there() -> None:
    relay = RunningRelay(f"ws://127.0.0.1:{free_port()}/v1/realtime")
    async with page_of(relay) as page:
        await check(page, relay, closes.UPSTREAM_UNAVAILABLE)


async def test_an_upstream_that_is_known_to_be_down_is_not_asked(simulator: RunningSimulator) -> None:
    breaker = FakeBreaker()
    breaker.admission = Admission(wait=17, is_down=True)
    relay = RunningRelay(simulator.realtime_url, breaker=breaker)
    async with page_of(relay) as page:
        told = await check(page, relay, closes.UPSTREAM_UNAVAILABLE)
    assert "17 seconds" in told["message"]
    assert simulator.stats.handshakes == 0


class PausingBreaker(FakeBreaker):
    """Asks for a pause, once."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.admission = Admission(wait=seconds)

    async def admit(self) -> Admission:
        asked, self.admission = self.admission, Admission()
        return asked


async def test_a_short_pause_is_waited_for_and_a_long_one_told(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url, breaker=PausingBreaker(0.1))
    async with page_of(relay) as page:
        await page.ready()
        relay.breaker = PausingBreaker(40)
        async with browser(relay) as second:
            told = await check(second, relay, closes.UPSTREAM_BUSY)
    assert "40 seconds" in told["message"]
    assert simulator.stats.handshakes == 1


@pytest.mark.parametrize(
    ("fault", "news"),
    [
        ("refuse_429", ["pause 1"]),
        ("refuse_500", ["failed"]),
        ("close_at_once", ["failed"]),
        ("no_session_updated", ["failed"]),
        ("voice_refused", []),
    ],
)
async def test_how_the_upstream_is_is_told_to_all(simulator: RunningSimulator, fault: str, news: list[str]) -> None:
    breaker = FakeBreaker()
    relay = RunningRelay(simulator.fault_url(fault), breaker=breaker)
    async with page_of(relay, ready_seconds=0.2) as page:
        await page.closing()
        await relay.outcome()
    assert breaker.news == news


async def test_a_429_in_an_event_is_a_429() -> None:
    async def script(wire: Wire) -> None:
        await wire.take()
        await wire.say({"type": "error", "error": {"type": "rate_limit_error", "code": "too_many_sessions"}})
        await wire.take()

    breaker = FakeBreaker()
    async with ScriptedUpstream(script).running() as upstream:
        relay = RunningRelay(upstream.url, breaker=breaker)
        async with page_of(relay) as page:
            await check(page, relay, closes.UPSTREAM_BUSY)
    assert len(breaker.news) == 1
    assert breaker.news[0].startswith("pause")


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS.values() if not fault.strikes_connection], ids=lambda fault: fault.name
)
async def test_whatever_goes_wrong_in_an_answer_is_passed_on_or_ends_the_session(
    simulator: RunningSimulator, fault: Fault
) -> None:
    relay = RunningRelay(simulator.realtime_url)
    async with page_of(relay) as page:
        await page.ready()
        simulator.plan(fault.name, times=1)
        await page.force("A sentence of a few words, long enough for things to go wrong.")
        match fault.act, fault.detail:
            case (Act.DROP_EARLY, _) | (Act.HANG_UP, None | 1001 | 1011):
                await check(page, relay, closes.UPSTREAM_LOST, resumable=True)
            case (Act.HANG_UP, 1000) | (Act.EXPIRE, _):
                await check(page, relay, closes.UPSTREAM_ENDED)
            case Act.STALL, _:
                await page.until("response.output_audio.delta")
                await page.send("response.cancel")
                await page.until("response.done")
            case ((Act.ERROR_NESTED | Act.ERROR_TOP_LEVEL), _):
                await page.until("error")
                await page.speak("It goes on.")
            case _:
                await page.until("response.done")
                await page.speak("It goes on.")
    assert simulator.stats.open == 0


async def test_a_broken_session_goes_on_with_its_conversation(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url)
    async with page_of(relay) as page:
        await page.ready()
        await page.say("My name is Ada.")
        await page.until("conversation.item.added")
        page.connection.transport.abort()
        outcome = await relay.outcome()
        assert outcome.resumable
        assert relay.bridges[0].conversation_id == outcome.conversation_id
        relay.conversation_id = outcome.conversation_id
        async with browser(relay) as again:
            await again.ready()
        assert (await relay.outcome()).conversation_id == outcome.conversation_id
    assert simulator.stats.resumptions == 1


async def healthy(wire: Wire) -> None:
    await wire.configure()
    await wire.take()


def not_found(request: Request) -> Response | None:
    return Response(404, "Not Found", Headers()) if "conversation_id" in request.path else None


@pytest.mark.parametrize("refuses", [True, False], ids=["by its handshake", "by an error event"])
async def test_a_conversation_that_is_gone_is_begun_anew(refuses: bool) -> None:
    async def script(wire: Wire) -> None:
        await wire.say({"type": "error", "error": {"type": "invalid_request_error", "code": "conversation_not_found"}})
        await wire.say({"type": "conversation.created", "conversation": {"id": "conv_new"}})
        update = await wire.take()
        await wire.say({"type": "session.updated", "session": update["session"]})
        await wire.take()

    upstream = ScriptedUpstream(healthy, refuse=not_found) if refuses else ScriptedUpstream(script)
    async with upstream.running():
        relay = RunningRelay(upstream.url, conversation_id="conv_old")
        async with page_of(relay) as page:
            await page.ready()
            relay.bridges[0].end(closes.ENDED)
            await check(page, relay, closes.ENDED)
        assert len(upstream.handshakes) == (2 if refuses else 1)
