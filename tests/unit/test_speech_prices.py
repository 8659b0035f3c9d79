"""What the upstream takes, and what a text will come to."""

from __future__ import annotations

import pytest

from speech.prices import MICRO, Prices

pytestmark = pytest.mark.unit

PRICES = Prices(minute=0.05, item=0.004)


def test_a_minute_and_its_item_cost_what_the_upstream_says() -> None:
    assert PRICES.of(seconds=60) == 54_000
    assert PRICES.of(seconds=0, items=3) == 12_000
    assert Prices(minute=0, item=0).of(seconds=1e6, items=9) == 0


def test_a_chat_is_paid_by_the_million_tokens() -> None:
    chats = Prices(minute=0, item=0, asked_tokens=5, said_tokens=25)
    assert chats.of_chat(asked=1_000_000, said=1_000_000) == 30 * MICRO
    assert chats.of_chat(asked=100, said=0) == 500


@pytest.mark.parametrize(("characters", "seconds", "items"), [(1, 1 / 15, 1), (200, 200 / 15, 1), (201, 13.4, 2)])
def test_what_is_expected_counts_the_utterances(characters: int, seconds: float, items: int) -> None:
    assert PRICES.expected(characters) == PRICES.of(seconds=seconds, items=items)


def test_a_long_article_is_expected_to_cost_dollars() -> None:
    assert 5 * MICRO < PRICES.expected(100_000) < 10 * MICRO
