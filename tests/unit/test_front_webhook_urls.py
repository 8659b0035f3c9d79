"""Addresses of webhooks: what may be one, and what may only be one where private receivers are allowed."""

from __future__ import annotations

import pytest

from front.webhook_urls import check_webhook_url
from speech.errors import InvalidRequest

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "url", ["https://example.com", "https://a.example:8443/x?y=%20#z", "https://8.8.8.8/", "https://x"]
)
def test_what_the_public_internet_may_have(url: str) -> None:
    check_webhook_url(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/hook", "https://"),
        ("https://10.1.2.3/hook", "private network"),
        ("https://[::ffff:127.0.0.1]/hook", "private network"),
        ("https://127.1/", "private network"),
        ("https://localhost:8080/hook", "private network"),
    ],
)
def test_what_leads_inward_has_to_be_allowed(url: str, words: str) -> None:
    check_webhook_url(url, allow_private=True)
    with pytest.raises(InvalidRequest, match=words):
        check_webhook_url(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://user:pass@example.com/", "user name"),
        ("https://example.com:99999/", "address such as"),
        ("https://[::1/", "address such as"),
        ("https:///hook", "address such as"),
        ("ftp://example.com/", "address such as"),
        ("example.com/hook", "address such as"),
        ("https://exämple.com/", "ASCII"),
        ("https://example.com/\r\nHost: elsewhere", "ASCII"),
        ("https://example.com\\@10.0.0.1/", "ASCII"),
        (f"https://example.com/{'x' * 2048}", "2048"),
        ("", "ASCII"),
    ],
)
def test_what_is_no_address_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        check_webhook_url(url, allow_private=True)
