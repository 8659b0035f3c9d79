"""What a reading costs is on the bill of who asked for it: each attempt, once, and nothing that was there already."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from audio.pcm import MASTER_RATE, sample_count
from speech.errors import RenderError, UpstreamUnreachable
from speech.usage import Usage
from tests.fakes.payers import PRICES
from tests.fakes.speaking import sound_of
from tests.unit.test_worker_reading import TEXTS, Studio, reading

pytestmark = pytest.mark.unit

ADA = "ada"


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(folder=tmp_path)


def seconds(text: str) -> float:
    return sample_count(sound_of(text)) / MASTER_RATE


def bought(text: str) -> Usage:
    spent = PRICES.of(seconds=seconds(text))
    return Usage(bought_characters=len(text), bought_ms=round(1000 * seconds(text)), spent=spent)


def asked_for(studio: Studio, *texts: str, by: str = ADA) -> str:
    name = reading(*texts).job_name
    studio.ledger.payers[name] = by
    return name


async def test_each_utterance_is_settled_when_it_is_spoken(studio: Studio) -> None:
    name = asked_for(studio, *TEXTS[:2])
    gate = studio.voice.hold(TEXTS[1], "amid")
    making = asyncio.create_task(studio.make(*TEXTS[:2]))
    await studio.voice.reached[TEXTS[1], "amid"].wait()
    await studio.ledger.has_settled.wait()
    assert studio.ledger.settled == [(name, bought(TEXTS[0]))]
    gate.set()
    card = await making
    assert studio.ledger.settled == [(name, bought(text)) for text in TEXTS[:2]]
    assert studio.ledger.joined == [(name, card.characters, card.duration_ms)]


async def test_what_was_there_is_served_and_not_bought(studio: Studio) -> None:
    first = await studio.make(TEXTS[0])
    asked_for(studio, *TEXTS[:2])
    await studio.make(*TEXTS[:2])
    used = studio.ledger.used(ADA)
    assert (used.bought_characters, used.served_characters) == (len(TEXTS[1]), len(TEXTS[0]))
    # The sentence's pause is no part of what is served, but of what was sent.
    assert abs(used.served_ms - 1000 * seconds(TEXTS[0])) < 1
    assert used.served_ms >= first.duration_ms


async def test_an_attempt_that_fails_costs_money_and_no_characters(studio: Studio) -> None:
    asked_for(studio, TEXTS[0])
    studio.voice.problems[TEXTS[0]] = [UpstreamUnreachable()]
    await studio.make(TEXTS[0])
    half = PRICES.of(seconds=sample_count(sound_of(TEXTS[0])) // 2 / MASTER_RATE)
    whole = bought(TEXTS[0])
    assert studio.ledger.settled[0][1] == whole
    assert studio.ledger.used(ADA).spent == pytest.approx(whole.spent + half, abs=2)
    assert studio.ledger.used(ADA).bought_characters == len(TEXTS[0])


async def test_what_is_given_up_is_paid_all_the_same(studio: Studio) -> None:
    asked_for(studio, TEXTS[0])
    studio.voice.problems[TEXTS[0]] = [UpstreamUnreachable(), UpstreamUnreachable()]
    with pytest.raises(RenderError):
        await studio.make(TEXTS[0])
    used = studio.ledger.used(ADA)
    assert used.bought_characters == used.bought_ms == 0
    assert used.spent > PRICES.of(seconds=0.9 * seconds(TEXTS[0]), items=2)
    assert studio.ledger.joined == []
