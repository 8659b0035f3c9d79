"""Whose key speaks: the first one's, then the next one's; nobody's twice, and nobody's in secret."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from speech.client import Client
from speech.errors import KeyRejected, UpstreamBusy, UpstreamError, UpstreamUnreachable
from speech.upstream_key import UpstreamKey, group_of
from tests.fakes.ledgers import MemoryLedger
from tests.fakes.payers import SERVICE, Purses
from worker.payers import Payers

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

JOB = "ara-1.wav"


@dataclass
class Counter:
    """Where keys are taken; `problems` by client, one for each attempt."""

    problems: dict[str, list[UpstreamError]] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)
    again: int = 0

    async def attempt(self, key: UpstreamKey) -> str:
        whose = key.client if key.is_own else f"{key.client}/service"
        self.tried.append(whose)
        await asyncio.sleep(0)
        if problems := self.problems.get(whose):
            raise problems.pop(0)
        return whose

    async def once_more(self) -> None:
        self.again += 1


@pytest.fixture
async def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
async def purses(ledger: MemoryLedger) -> Purses:
    """Ada and Bob have keys of their own, Eve has none; all of them want the job, and somebody whom nobody knows."""
    purses = Purses(ledger)
    for id in ("ada", "bob", "eve"):
        await purses.clients.put(Client(id=id), key=None if id == "eve" else f"key of {id}")
    purses.callers.asked[JOB] = ["ada", "bob", "made-up", "eve"]
    return purses


@pytest.fixture
async def payers(purses: Purses) -> Payers:
    return Payers(wallets=purses.wallets(), job=JOB, characters=30, client="ada")


async def speak(payers: Payers, counter: Counter) -> str:
    return await payers.speak(counter.attempt, again=counter.once_more)


async def test_the_first_one_pays(payers: Payers, ledger: MemoryLedger) -> None:
    assert await speak(payers, Counter()) == "ada"
    assert ledger.handed_over == []


async def test_the_next_one_pays_when_a_key_is_refused(payers: Payers, ledger: MemoryLedger) -> None:
    counter = Counter({"ada": [KeyRejected()], "bob": [KeyRejected()]})
    assert await speak(payers, counter) == "/service"
    assert counter.tried == ["ada", "bob", "/service"]
    assert counter.again == 2
    # Bob's is not the service's money.
    assert [(purse.client, purse.characters, purse.cost > 0) for purse in ledger.handed_over] == [
        ("bob", 30, False),
        ("", 30, True),
    ]
    # And so it stays.
    assert await speak(payers, counter) == "/service"


async def test_when_nobody_is_left_the_failure_is_that_of_their_keys_alone(payers: Payers) -> None:
    counter = Counter({"ada": [KeyRejected()], "bob": [KeyRejected()], "/service": [KeyRejected()]})
    with pytest.raises(KeyRejected) as failed:
        await speak(payers, counter)
    assert set(failed.value.groups) == {group_of("key of ada"), group_of("key of bob"), SERVICE.group}
    assert counter.tried == ["ada", "bob", "/service"]


async def test_other_failures_are_nobodys(payers: Payers) -> None:
    with pytest.raises(UpstreamUnreachable) as failed:
        await speak(payers, Counter({"ada": [UpstreamUnreachable()]}))
    assert failed.value.groups == ()


async def test_who_may_not_spend_more_is_passed_over(payers: Payers, purses: Purses, ledger: MemoryLedger) -> None:
    await purses.clients.put(Client(id="bob", monthly_character_budget=0), key=None)
    assert await speak(payers, Counter({"ada": [KeyRejected()]})) == "/service"
    assert [purse.client for purse in ledger.handed_over] == [""]


async def test_a_key_that_cannot_be_read_is_no_reason_to_take_the_services(payers: Payers, purses: Purses) -> None:
    purses.clients.sealed = {"ada"}
    assert await speak(payers, Counter()) == "bob"
    payers.client, purses.callers.asked[JOB] = "ada", ["ada"]
    counter = Counter()
    with pytest.raises(KeyRejected) as failed:
        await speak(payers, counter)
    assert counter.tried == []
    assert failed.value.groups == ("sealed",)


async def test_a_new_key_of_the_same_client_is_tried_at_once(payers: Payers, purses: Purses) -> None:
    async def exchange() -> None:
        await purses.clients.put(Client(id="ada"), key="new key")

    counter, seen = Counter(), list[str]()

    async def attempt(key: UpstreamKey) -> str:
        seen.append(key.secret)
        if key.secret == "key of ada":
            await exchange()
            raise KeyRejected
        return await counter.attempt(key)

    assert await payers.speak(attempt, again=counter.once_more) == "ada"
    assert seen == ["key of ada", "new key"]


async def test_a_short_pause_is_waited_for_once(payers: Payers) -> None:
    counter = Counter({"ada": [UpstreamBusy(retry_after=1), UpstreamBusy(retry_after=1)]})
    with pytest.raises(UpstreamBusy):
        await speak(payers, counter)
    assert counter.tried == ["ada"]
    assert await speak(payers, counter) == "bob"


async def test_a_long_pause_is_not_waited_for(payers: Payers) -> None:
    assert await speak(payers, Counter({"ada": [UpstreamBusy(retry_after=30)]})) == "bob"


async def test_a_pause_is_waited_out_until_somebody_comes_who_has_another_key(payers: Payers, purses: Purses) -> None:
    purses.callers.asked[JOB], purses.pauses[group_of("key of ada")] = ["ada"], 40
    speaking = asyncio.create_task(speak(payers, Counter()))
    await asyncio.sleep(10)
    assert not speaking.done()
    purses.callers.asked[JOB].append("bob")
    assert await speaking == "bob"


async def test_who_waits_in_line_when_the_pause_begins_leaves_it(payers: Payers, purses: Purses) -> None:
    purses.callers.asked[JOB], counter = ["ada"], Counter()
    group, spoken = group_of("key of ada"), list[str]()

    async def wait_in_line(key: UpstreamKey) -> str:
        await asyncio.sleep(60 if key.client == "ada" and not spoken else 1)
        spoken.append(key.client)
        return key.client

    async def attempt(key: UpstreamKey) -> str:
        return await payers.while_served(key, wait_in_line(key))

    speaking = asyncio.create_task(payers.speak(attempt, again=counter.once_more))
    await asyncio.sleep(5)
    purses.pauses[group] = 40
    await asyncio.sleep(5)
    assert counter.again == 1
    purses.callers.asked[JOB].append("bob")
    assert await speaking == "bob"
    # One who is being served is left alone, however long it takes.
    payers.client, purses.pauses = "ada", {}
    spoken.clear()
    assert await payers.speak(attempt, again=counter.once_more) == "ada"


async def test_utterances_side_by_side_pass_on_together(payers: Payers, ledger: MemoryLedger) -> None:
    counter = Counter({"ada": [KeyRejected(), KeyRejected(), KeyRejected()]})
    assert await asyncio.gather(*(speak(payers, counter) for _ in range(3))) == ["bob"] * 3
    assert counter.tried == ["ada"] * 3 + ["bob"] * 3
    assert len(ledger.handed_over) == 1
