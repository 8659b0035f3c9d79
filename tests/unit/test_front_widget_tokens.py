"""Widget tokens: how long they count, under which keys, and what is none."""

from __future__ import annotations

import pytest
from itsdangerous import URLSafeSerializer

from front.widget_tokens import PREFIX, WidgetTokens
from speech.errors import Unauthorized

pytestmark = pytest.mark.unit

OLD, NEW = b"o" * 32, b"n" * 32


def test_a_token_counts_until_its_time_is_over() -> None:
    now = 1000.0
    tokens = WidgetTokens([OLD], clock=lambda: now)
    token, until = tokens.issue("shop", seconds=60)

    assert until == 1060
    assert token.startswith(PREFIX)
    assert tokens.client_of(token) == "shop"
    now = 1060.0
    with pytest.raises(Unauthorized, match="expired"):
        tokens.client_of(token)


def test_a_replaced_key_still_opens_what_it_signed() -> None:
    before, _ = WidgetTokens([OLD]).issue("shop", seconds=60)
    after, _ = WidgetTokens([NEW, OLD]).issue("shop", seconds=60)

    assert WidgetTokens([NEW, OLD]).client_of(before) == "shop"
    assert WidgetTokens([NEW]).client_of(after) == "shop"
    for foreign in (WidgetTokens([NEW]), WidgetTokens([b"x" * 32])):
        with pytest.raises(Unauthorized):
            foreign.client_of(before)


@pytest.mark.parametrize("content", [["..", 9e9], ["shop"], ["shop", "soon"], "shop", {"shop": 9e9}, [None, 9e9], []])
def test_signed_nonsense_is_no_token(content: object) -> None:
    signer = WidgetTokens([OLD])
    token, _ = signer.issue("shop", seconds=60)
    signed = URLSafeSerializer([OLD], salt="recite-widget").dumps(content)

    for wrong in (str(signed), PREFIX + str(signed), token.upper(), PREFIX + "x" * 10_000, PREFIX):
        with pytest.raises(Unauthorized):
            signer.client_of(wrong)
