"""Signed links to private audio."""

from __future__ import annotations

import pytest

from front.audio_links import AudioLinks
from speech.errors import BadSignature

pytestmark = pytest.mark.unit

OLD, NEW = b"o" * 32, b"n" * 32
NAME = f"ara-p{'0' * 40}.mp3"


def test_a_link_is_good_for_a_day_and_the_same_for_an_hour() -> None:
    now = 3600.0 * 1000
    links = AudioLinks([OLD], clock=lambda: now)
    signature = links.sign(NAME)
    now += 3599
    assert links.sign(NAME) == signature
    now += 23 * 3600
    links.check(NAME, signature)
    assert links.sign(NAME) != signature
    now += 3601
    with pytest.raises(BadSignature):
        links.check(NAME, signature)


def test_what_is_not_signed_by_us_for_this_name_opens_nothing() -> None:
    signature = AudioLinks([OLD]).sign(NAME)
    until, _, signed = signature.partition(".")
    AudioLinks([NEW, OLD]).check(NAME, signature)

    wrong = (None, "", ".", "x", signed, f"{int(until) + 1}.{signed}", f"{until}.", f"²{signature}", signature + "ü")
    for other in (*wrong, signature.swapcase(), signature * 2, AudioLinks([NEW]).sign(NAME)):
        with pytest.raises(BadSignature):
            AudioLinks([OLD]).check(NAME, other)
    with pytest.raises(BadSignature):
        AudioLinks([OLD]).check(NAME.replace("mp3", "wav"), signature)
