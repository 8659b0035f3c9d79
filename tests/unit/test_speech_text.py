import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.text import is_encodable, is_speakable, normalise

pytestmark = pytest.mark.unit

WILD = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(" \t\n\r\v\f\x85\u2028\u2029\u200b\u0301e")))


@given(WILD)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(WILD, st.text(st.sampled_from("aB 1.")))
def test_a_text_that_needs_little_is_read_as_any(wild: str, plain: str) -> None:
    # With a control character it goes the long way, which leaves that out.
    for text in (wild, plain):
        assert normalise(text) == normalise(text + "\x00")


@given(WILD)
def test_what_is_left_is_nfc_without_controls_and_double_spaces(text: str) -> None:
    clean = normalise(text)
    assert unicodedata.is_normalized("NFC", clean)
    assert not [c for c in clean if unicodedata.category(c) == "Cc" and c != "\n"]
    assert "  " not in clean
    assert "\n\n\n" not in clean
    assert clean == clean.strip()


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Cafe\u0301", "Caf\u00e9"),
        ("Hello   there\tyou", "Hello there you"),
        ("Hel\u0000lo\u0007", "Hello"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("one\n \n\n two", "one\n\ntwo"),
        ("one\u2029two\u2028three", "one\n\ntwo\nthree"),
        ("\ufeffso\u00adft\u200b", "soft"),
        ("KEEP Case", "KEEP Case"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_normalises(raw: str, clean: str) -> None:
    assert normalise(raw) == clean


@pytest.mark.parametrize("text", ["a", "7", "é", "你好", "नमस्ते", "№ 5", "— yes —"])
def test_can_be_spoken(text: str) -> None:
    assert is_speakable(text)


@pytest.mark.parametrize("text", ["", "...", "?!", "🎉🎉", "👩‍👩‍👧", "1️⃣", "🇩🇪", "— …", "\u0301"])
def test_cannot_be_spoken(text: str) -> None:
    assert not is_speakable(text)


def test_a_lone_surrogate_is_no_text() -> None:
    assert not is_encodable("a\ud800b")
    assert is_encodable("a\U0001f389b")
