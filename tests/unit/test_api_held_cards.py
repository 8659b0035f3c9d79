"""The cards that an api process holds, and how they leave it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from api.held_cards import HELD_SECONDS, HeldCards
from api.popular import Popular
from speech.card import Card
from storage.memory_store import MemoryAudioStore
from tests.fakes.jobs import make_card, make_recipe

pytestmark = pytest.mark.unit

CARD = replace(make_card(make_recipe()), size=5, masters=("ara-1", "ara-2"))


class SlowStore(MemoryAudioStore):
    """Counts the looks at a card; each waits at the gate while that is closed, with what it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.gate, self.reached = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def card(self, name: str) -> Card | None:
        self.looks += 1
        seen = await super().card(name)
        self.reached.set()
        await self.gate.wait()
        return seen


class House:
    def __init__(self) -> None:
        self.now = 0.0
        self.store = SlowStore()
        self.popular = Popular(self.store)
        self.cards = HeldCards(self.store, popular=self.popular, clock=lambda: self.now)


@pytest.fixture
async def house() -> House:
    house = House()
    await house.store.put_card(CARD)
    house.store.objects[CARD.key] = b"sound"
    return house


async def test_a_card_is_read_once_an_hour_and_without_its_masters(house: House) -> None:
    assert house.cards.held(CARD.name) is None
    for _ in range(3):
        found = await house.cards.card(CARD.name)
    assert (house.store.looks, found, house.cards.held(CARD.name)) == (1, replace(CARD, masters=None), found)
    house.now += HELD_SECONDS
    assert house.cards.held(CARD.name) is None
    await house.cards.card(CARD.name)
    assert house.store.looks == 2
    assert await house.cards.card("ara-unknown.mp3") is None


async def test_what_is_gone_is_forgotten_with_its_bytes(house: House) -> None:
    await house.cards.card(CARD.name)
    for _ in range(2):
        assert await house.popular.data_url(CARD)
    house.cards.forget(CARD.name)
    assert (house.cards.held(CARD.name), house.popular.held_data_url(CARD)) == (None, None)
    await house.cards.card(CARD.name)
    house.cards.forget_all()
    assert house.cards.held(CARD.name) is None


async def test_what_goes_while_it_is_looked_for_is_not_held(house: House) -> None:
    house.store.gate.clear()
    looking = asyncio.create_task(house.cards.card(CARD.name))
    await house.store.reached.wait()
    house.cards.forget(CARD.name)
    house.store.gate.set()
    assert await looking == CARD
    assert house.cards.held(CARD.name) is None
