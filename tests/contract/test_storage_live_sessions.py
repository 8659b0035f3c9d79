"""Live sessions on a real Redis: who may connect when, what they are counted by, and what becomes of a dead process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from speech.errors import BadToken, SessionInUse, TooManySessions, UnknownSession
from speech.live_ports import LiveSessions, Pulse
from speech.live_session import LiveSession, LiveState
from speech.ports import ANYBODY
from storage.live_sessions import RedisLiveSessions
from tests.fakes.polling import until

pytestmark = pytest.mark.contract

ADA, BOB = "key:ada", "key:bob"
LEASE, GRACE = 0.3, 0.3
Opener = Callable[..., LiveSessions]


@pytest.fixture
def opened(redis: Redis) -> Opener:
    """Opens the records as one more process does."""

    def open_one(
        *, per_client: int = 0, per_address: int = 0, needs_token: bool = True, grace: float = 60, lease: float = 60
    ) -> LiveSessions:
        return RedisLiveSessions(
            redis,
            grace=timedelta(seconds=grace),
            per_client=per_client,
            per_address=per_address,
            needs_token=needs_token,
            lease_seconds=lease,
        )

    return open_one


def a_session(id: str = "one", *, caller: str = ADA, address: str = "10.0.0.1") -> LiveSession:
    return LiveSession(
        id=id,
        state=LiveState.CREATED,
        caller=caller,
        address=address,
        created_at=0,
        expires_at=0,
        order={"voice": "ara", "tools": []},
        client_id="ada",
    )


async def test_what_one_process_makes_another_connects(opened: Opener) -> None:
    here, there = opened(), opened()
    made = await here.create(a_session(), token="first", seconds=60)

    connected = await there.connect("one", token="first", next_token="second")

    assert made.state is LiveState.CREATED
    assert made.expires_at - made.created_at == pytest.approx(60, abs=1)
    assert connected.state is LiveState.OPEN
    assert (connected.caller, connected.client_id, connected.order) == (ADA, "ada", {"voice": "ara", "tools": []})
    assert connected.opened_at is not None
    assert [one.id for one in await here.sessions()] == ["one"]
    assert await here.count() == 1
    assert await here.is_alive("one")
    assert not await here.is_alive("another")


async def test_each_token_opens_once(opened: Opener) -> None:
    sessions = opened()
    await sessions.create(a_session(), token="first", seconds=60)
    for wrong in ("second", None, ""):
        with pytest.raises(BadToken):
            await sessions.connect("one", token=wrong, next_token="never")
    await sessions.connect("one", token="first", next_token="second")
    await sessions.detach("one", conversation_id="conv_1")

    with pytest.raises(BadToken):
        await sessions.connect("one", token="first", next_token="never")
    resumed = await opened().connect("one", token="second", next_token="third")

    assert resumed.conversation_id == "conv_1"


async def test_two_who_come_at_once_are_one_too_many(opened: Opener) -> None:
    sessions = opened()
    await sessions.create(a_session(), token="first", seconds=60)

    came = await asyncio.gather(
        *(sessions.connect("one", token="first", next_token=f"next-{n}") for n in range(8)), return_exceptions=True
    )

    assert [isinstance(one, LiveSession) for one in came].count(True) == 1
    assert [isinstance(one, BadToken) for one in came].count(True) == 7


async def test_who_has_the_token_of_an_open_session_is_told_apart(opened: Opener) -> None:
    sessions = opened(needs_token=False)
    await sessions.create(a_session(), token=None, seconds=60)
    await sessions.connect("one", token=None, next_token="second")

    with pytest.raises(SessionInUse) as stranger:
        await sessions.connect("one", token=None, next_token="never")
    with pytest.raises(SessionInUse) as owner:
        await sessions.connect("one", token="second", next_token="never")
    with pytest.raises(BadToken):
        await sessions.connect("one", token="wrong", next_token="never")

    assert (stranger.value.is_theirs, owner.value.is_theirs) == (False, True)


async def test_a_session_that_nobody_uses_is_forgotten(opened: Opener) -> None:
    sessions = opened(per_client=1)
    await sessions.create(a_session(), token="first", seconds=0.1)

    async def is_gone() -> bool:
        return await sessions.count() == 0

    await until(is_gone)

    assert await sessions.sessions() == []
    with pytest.raises(UnknownSession):
        await sessions.connect("one", token="first", next_token="never")
    await sessions.create(a_session("two"), token="first", seconds=60)


@pytest.mark.parametrize("limit", ["per_client", "per_address"])
async def test_a_crowd_never_gets_more_than_it_may_have(opened: Opener, limit: str) -> None:
    processes = [opened(**{limit: 3}) for _ in range(2)]
    made = await asyncio.gather(
        *(processes[n % 2].create(a_session(f"s{n}"), token="t", seconds=60) for n in range(10)),
        return_exceptions=True,
    )

    refused = [one for one in made if isinstance(one, TooManySessions)]
    assert len(refused) == 7
    assert all(one.retry_after and 0 < one.retry_after <= 30 for one in refused)
    other = a_session("other", caller=BOB, address="10.0.0.2")
    assert (await processes[0].create(other, token="t", seconds=60)).id == "other"
    await processes[1].end(next(one.id for one in made if isinstance(one, LiveSession)))
    await processes[0].create(a_session("again"), token="t", seconds=60)


async def test_callers_that_nobody_can_tell_apart_are_no_client(opened: Opener) -> None:
    sessions = opened(per_client=1)
    for n in range(3):
        await sessions.create(a_session(f"s{n}", caller=ANYBODY), token=None, seconds=60)

    assert [one.caller for one in await sessions.sessions()] == [ANYBODY] * 3


async def test_what_a_killed_process_served_can_be_connected_and_then_is_gone(opened: Opener) -> None:
    killed, alive = opened(lease=LEASE, grace=GRACE), opened(lease=60, grace=GRACE)
    for id in ("one", "two"):
        await killed.create(a_session(id), token="first", seconds=60)
    sessions = [await killed.connect(id, token="first", next_token="second") for id in ("one", "two")]
    await killed.pulse([Pulse(session=one, conversation_id=f"conv_{one.id}", figures={}) for one in sessions])
    with pytest.raises(SessionInUse):
        await alive.connect("one", token="second", next_token="never")

    async def is_detached() -> bool:
        return {one.state for one in await alive.sessions()} == {LiveState.DETACHED}

    await until(is_detached)
    resumed = await alive.connect("one", token="second", next_token="third")

    assert resumed.conversation_id == "conv_one"
    # Should it only have slept, it learns that the session is another's.
    assert await killed.pulse([Pulse(session=sessions[0], conversation_id=None, figures={})]) == {"one"}

    async def is_alone() -> bool:
        return [one.id for one in await alive.sessions()] == ["one"]

    await until(is_alone)


async def test_who_did_not_hear_that_it_connected_may_ask_again(opened: Opener) -> None:
    here, there = opened(), opened()
    await here.create(a_session(), token="first", seconds=60)
    await here.connect("one", token="first", next_token="second")
    again = await here.connect("one", token="first", next_token="second")
    assert (again.id, again.state) == ("one", LiveState.OPEN)
    with pytest.raises(BadToken):
        await there.connect("one", token="first", next_token="third")
    with pytest.raises(SessionInUse):
        await there.connect("one", token="second", next_token="third")


async def test_who_speaks_of_a_session_keeps_it(opened: Opener) -> None:
    sessions, other = opened(lease=LEASE, grace=0), opened()
    await sessions.create(a_session(), token="first", seconds=0.05)
    session = await sessions.connect("one", token="first", next_token="second")

    deadline = asyncio.get_running_loop().time() + 3 * LEASE
    while asyncio.get_running_loop().time() < deadline:
        pulse = Pulse(session=session, conversation_id="conv", figures={"messages_in": 7})
        assert await sessions.pulse([pulse]) == set()
        (seen,) = await other.sessions()
        assert seen.state is LiveState.OPEN
        assert (seen.conversation_id, seen.figures) == ("conv", {"messages_in": 7})
        await asyncio.sleep(LEASE / 5)


async def test_ending_reaches_who_serves_it_and_waits_for_who_missed_it(opened: Opener) -> None:
    here, there = opened(), opened()
    heard: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
    following = asyncio.create_task(here.follow(lambda id, is_end: heard.put_nowait((id, is_end))))
    await here.create(a_session(), token="first", seconds=60)
    session = await here.connect("one", token="first", next_token="second")

    async def is_heard() -> bool:
        await there.call("one")
        return not heard.empty()

    await until(is_heard)
    assert await heard.get() == ("one", False)
    await there.end("one")
    async with asyncio.timeout(5):
        while await heard.get() != ("one", True):
            pass
    following.cancel()
    await asyncio.wait([following])

    assert await there.sessions() == []
    assert not await there.is_alive("one")
    with pytest.raises(UnknownSession):
        await there.end("one")
    with pytest.raises(UnknownSession):
        await there.connect("one", token="second", next_token="never")
    assert await here.pulse([Pulse(session=session, conversation_id=None, figures={})]) == {"one"}
    await here.end("one", by_owner=True)


async def test_an_owner_of_yesterday_ends_nothing(opened: Opener) -> None:
    first, second = opened(lease=0.01), opened()
    await first.create(a_session(), token="first", seconds=60)
    await first.connect("one", token="first", next_token="second")

    async def is_detached() -> bool:
        return (await first.sessions())[0].state is LiveState.DETACHED

    await until(is_detached)
    await second.connect("one", token="second", next_token="third")

    await first.end("one", by_owner=True)
    await first.detach("one", conversation_id=None)

    assert [one.state for one in await second.sessions()] == [LiveState.OPEN]


async def test_a_wiped_redis_learns_of_open_sessions_again(opened: Opener, redis: Redis) -> None:
    here, there = opened(per_client=1), opened(per_client=1)
    await here.create(a_session(), token="first", seconds=60)
    session = await here.connect("one", token="first", next_token="second")
    await redis.flushall()
    pulse = Pulse(session=session, conversation_id="conv", figures={"messages_in": 1})

    assert await here.pulse([pulse]) == set()
    assert await here.pulse([pulse]) == set()

    with pytest.raises(TooManySessions):
        await there.create(a_session("two"), token="first", seconds=60)
    await here.detach("one", conversation_id="conv")
    resumed = await there.connect("one", token="second", next_token="third")
    assert (resumed.conversation_id, resumed.created_at) == ("conv", session.created_at)


async def test_tokens_are_kept_as_hashes_only(opened: Opener, redis: Redis) -> None:
    sessions = opened()
    await sessions.create(a_session(), token="a-connect-token", seconds=60)
    await sessions.connect("one", token="a-connect-token", next_token="a-resume-token")

    kept = str([await redis.hgetall(key) for key in await redis.keys("*:session:*")])

    assert "-token" not in kept
    assert "ara" in kept
