"""Who is told of a job, which deliveries fit a filter, and when a failed attempt is made again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from speech.addresses import is_public
from speech.client import Client
from speech.webhook import targets_of
from speech.webhook_delivery import RetrySchedule

pytestmark = pytest.mark.unit

OWN, STANDING = "https://a.example/own", "https://b.example/standing"
SHOP = Client(id="shop", webhook_url=STANDING, has_webhook_secret=True)


def test_the_request_and_the_client_are_told_once_each() -> None:
    own, standing = targets_of(OWN, client=SHOP, caller="key:shop")
    assert (own.url, own.is_standing, own.is_signed_by_client) == (OWN, False, True)
    assert (standing.url, standing.is_standing, standing.is_signed_by_client) == (STANDING, True, True)
    [both] = targets_of(STANDING, client=SHOP)
    assert both.is_standing


def test_who_has_no_webhook_is_not_told() -> None:
    off = Client(id="shop", webhook_url=STANDING, webhook_disabled=True)
    assert targets_of(None, client=None) == targets_of(None, client=off) == []
    [own] = targets_of(OWN, client=None, client_id="nobody")
    assert (own.client, own.is_signed_by_client) == ("nobody", False)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_attempts_are_made_for_a_day_with_growing_pauses(jitter: float) -> None:
    schedule, age = RetrySchedule(), 0.0
    delays: list[float] = []
    while (delay := schedule.delay(tries=len(delays) + 1, age=age, jitter=jitter)) is not None:
        delays.append(delay)
        age += delay
    assert 4 <= delays[0] < 6.1
    assert all(before <= after for before, after in pairwise(delays))
    assert delays[-1] < 1.21 * schedule.longest
    assert 10 <= len(delays) <= 14
    assert 16 * 3600 < age <= 24 * 3600


def test_a_receiver_that_asks_for_time_gets_it() -> None:
    schedule = RetrySchedule()
    assert schedule.delay(tries=1, age=0, jitter=0.5, asked=90) == 90
    assert schedule.delay(tries=1, age=0, jitter=0.5, asked=1e9) == schedule.longest
    assert schedule.delay(tries=1, age=0, jitter=0.5, asked=1) == 5
    assert schedule.delay(tries=5000, age=0, jitter=0.5) == schedule.longest


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.1.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:8.8.8.8", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "localhost", ""),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)
