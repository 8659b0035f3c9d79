import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.errors import AudioUnusable, WordsDiffer
from speech.proof import Proof, Verdict, check_duration, combine, prove

pytestmark = pytest.mark.unit

LONG = "The quick brown fox jumps over the lazy dog while seven cats are watching from the old garden wall"


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("Hello, world!", "hello world"),
        ("Your order of 3 items ships on Friday.", "your order of three items ships on friday"),
        ("It\u2019s a café", "It's a cafe."),
        ("你好,世界。", "你好世界"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया।"),
        ("مرحبا، كيف حالك؟", "مرحبا كيف حالك"),
    ],
)
def test_spelling_apart_the_same_words_are_exact(text: str, transcript: str) -> None:
    assert prove(text, transcript) == Proof(
        verdict=Verdict.EXACT, word_error_rate=0.0, words=prove(text, transcript).words
    )


@pytest.mark.parametrize(
    ("text", "transcript"),
    [
        ("Dr. Smith lives on Elm St. near the old mill", "Doctor Smith lives on Elm Street near the old mill"),
        (LONG, LONG.replace("lazy", "hazy")),
        ("Visit example.com now", "visit example dot com now"),
    ],
)
def test_small_differences_are_close(text: str, transcript: str) -> None:
    proof = prove(text, transcript)
    assert proof.verdict is Verdict.CLOSE
    assert proof.word_error_rate is not None
    assert 0 < proof.word_error_rate < 0.5


@pytest.mark.parametrize(
    "transcript",
    [
        "Sure! Here is what you asked for, with something else altogether in place of it.",
        " ".join(LONG.split()[: len(LONG.split()) // 2]),
        "no",
    ],
)
def test_other_words_or_half_of_them_are_refused(transcript: str) -> None:
    with pytest.raises(WordsDiffer) as caught:
        prove(LONG, transcript)
    assert caught.value.retryable


@pytest.mark.parametrize("transcript", [None, "", "..."])
def test_without_a_transcript_nothing_is_proven(transcript: str | None) -> None:
    assert prove("Hello", transcript).verdict is Verdict.UNPROVEN


def test_words_may_come_back_as_they_were_to_be_said() -> None:
    pronunciations = [("Xylo", "zai low")]
    assert prove("Xylo", "zai low", pronunciations=pronunciations).verdict is Verdict.EXACT
    assert prove("Xylo", "Xylo", pronunciations=pronunciations).verdict is Verdict.EXACT
    with pytest.raises(WordsDiffer):
        prove("Xylo", "zai low")


@pytest.mark.parametrize(
    ("text", "seconds", "speed"), [(LONG, 5.5, 1.0), (LONG, 4.0, 1.5), ("42", 1.0, 1.0), ("好" * 20, 5, 1.0)]
)
def test_a_likely_length_passes(text: str, seconds: float, speed: float) -> None:
    check_duration(text, seconds, speed=speed)


@pytest.mark.parametrize(("text", "seconds"), [(LONG, 0.5), (LONG, 200.0), ("a" * 250, 0.1)])
def test_a_length_that_nobody_needs_is_refused(text: str, seconds: float) -> None:
    with pytest.raises(AudioUnusable):
        check_duration(text, seconds, speed=1.0)


@given(st.text("abc dé.,!", min_size=1, max_size=60))
def test_a_text_proves_itself(text: str) -> None:
    assert prove(text, text).verdict in (Verdict.EXACT, Verdict.UNPROVEN)


def test_a_reading_is_as_sure_as_its_least_sure_utterance() -> None:
    exact = Proof(verdict=Verdict.EXACT, word_error_rate=0.0, words=30)
    close = Proof(verdict=Verdict.CLOSE, word_error_rate=0.2, words=10)
    unproven = Proof(verdict=Verdict.UNPROVEN, word_error_rate=None, words=5)
    assert combine([exact]) == exact
    assert combine([exact, close]) == Proof(verdict=Verdict.CLOSE, word_error_rate=0.05, words=40)
    assert combine([exact, unproven]).verdict is Verdict.UNPROVEN
    assert Proof.from_json(combine([exact, unproven]).to_json()) == combine([exact, unproven])
