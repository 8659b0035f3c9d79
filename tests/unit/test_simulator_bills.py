"""What the simulator would have charged, and whom."""

from __future__ import annotations

import pytest

from simulator.bills import Bills
from simulator.options import Options
from simulator.stats import text_hash

pytestmark = pytest.mark.unit

PRICES = Options(usd_per_session_minute=0.01)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_key_pays_for_what_it_took() -> None:
    bills, spoke, chatted = Bills(), "xai-speaks", "xai-chats"
    bills.of(spoke).speak(seconds=60)
    bills.of(spoke).items += 2
    bills.of(chatted).chat(prompt_tokens=1_000_000, completion_tokens=100_000)
    shown = bills.to_json(PRICES)
    assert shown["cost_usd"] == pytest.approx(0.05 + 2 * 0.004 + 5 + 2.5)
    assert {key: bill["usd"] for key, bill in shown["keys"].items()} == {
        text_hash(spoke): pytest.approx(0.058),
        text_hash(chatted): pytest.approx(7.5),
    }
    assert shown["keys"][text_hash(spoke)]["utterances"] == 1
    assert spoke not in str(shown)


def test_sessions_pay_while_they_are_open() -> None:
    clock = Clock()
    bills, name = Bills(clock=clock), text_hash("xai")
    with bills.session("xai"):
        clock.now += 60
        assert bills.to_json(PRICES)["keys"][name]["usd"] == pytest.approx(0.01)
        bills.reset()
        clock.now += 30
    clock.now += 600
    [bill] = bills.to_json(PRICES)["keys"].values()
    assert (bill["session_seconds"], bill["usd"]) == (30, pytest.approx(0.005))


def test_prices_are_options() -> None:
    bills = Bills()
    bills.of("xai").speak(seconds=30)
    assert bills.to_json(PRICES.changed({"usd_per_audio_minute": 3}))["cost_usd"] == pytest.approx(1.5)
