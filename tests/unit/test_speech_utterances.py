import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.text import is_speakable, normalise
from speech.utterances import LONGEST, Ending, cut, spoken_length

pytestmark = pytest.mark.unit

SENTENCE = "The train to the coast leaves at half past nine, and Dr. Smith paid $3.50 for it. "


def letters(text: str) -> str:
    return "".join(text.split())


@given(st.text(st.sampled_from("abc .,!?\n。\u0928好"), max_size=3000).map(normalise))
def test_loses_no_letter_and_exceeds_no_limit(text: str) -> None:
    utterances = cut(text)
    assert all(spoken_length(utterance.text) <= LONGEST and is_speakable(utterance.text) for utterance in utterances)
    kept = [c for c in letters(text) if c.isalpha()]
    assert [c for c in letters("".join(utterance.text for utterance in utterances)) if c.isalpha()] == kept


def test_a_short_text_is_one_utterance() -> None:
    assert [utterance.text for utterance in cut("Hello there. How are you?")] == ["Hello there. How are you?"]


def test_paragraphs_end_utterances() -> None:
    assert [(utterance.text, utterance.ending) for utterance in cut("One.\n\nTwo.")] == [
        ("One.", Ending.PARAGRAPH),
        ("Two.", Ending.PARAGRAPH),
    ]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    utterances = cut(normalise(SENTENCE * 20))
    assert len(utterances) > 1
    assert all(utterance.text.endswith("for it.") for utterance in utterances)
    assert [utterance.ending for utterance in utterances][-1] is Ending.PARAGRAPH
    assert {utterance.ending for utterance in utterances[:-1]} == {Ending.SENTENCE}


def test_a_paragraph_is_cut_alike_wherever_it_stands() -> None:
    paragraph = normalise(SENTENCE * 20)
    alone = [utterance.text for utterance in cut(paragraph)]
    inside = [utterance.text for utterance in cut(f"Before.\n\n{paragraph}\n\nAfter.")]
    assert inside == ["Before.", *alone, "After."]


def test_a_sentence_without_an_end_is_cut_at_spaces() -> None:
    utterances = cut("word " * 400 + "end")
    assert all(len(utterance.text) <= LONGEST for utterance in utterances)
    assert " ".join(utterance.text for utterance in utterances) == ("word " * 400 + "end")


def test_a_paragraph_of_rules_is_left_out() -> None:
    assert [utterance.text for utterance in cut("One.\n\n* * *\n\nTwo.")] == ["One.", "Two."]


def test_signs_take_longer_than_letters() -> None:
    utterances = cut("今天天气很好，我们去海边走走吧。" * 20)
    assert all(len(utterance.text) <= LONGEST // 3 for utterance in utterances)
    assert all(utterance.text.endswith("。") for utterance in utterances)
    assert len(utterances) < 12
