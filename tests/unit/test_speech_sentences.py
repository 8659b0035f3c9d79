"""Sentences are told as soon as they are complete, and the same ones however the text comes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.chat_wit import RICH
from speech.sentences import Sentences, sentences

pytestmark = pytest.mark.unit

TEXTS = [
    "Hello there! How are you? It costs $3.50, says Dr. Smith. Bye.",
    "# Tea\n\nBoil **the water. Then** wait.\n\n1. Pour it.\n2. Drink it\n\n   slowly. Really.\n3. Again\n\nDone.",
    "Look:\n\n```python\nprint('One. Two.')\n```\n\nThat was it. See [the docs](http://x.com/a.b). Fine.",
    "| a | b |\n|---|---|\n| One. Two. | 2 |\n\nAfter the table. End",
    "你好。我很好！谢谢",
    "- one\n- two. And more.\n- three",
    RICH,
]


def told(text: str, *, size: int) -> list[str]:
    feed = Sentences()
    pieces = (text[at : at + size] for at in range(0, len(text), size))
    return [sentence for piece in pieces for sentence in feed.feed(piece)] + feed.end()


def test_a_sentence_is_told_when_something_follows_it() -> None:
    feed = Sentences()
    assert feed.feed("Hello") == []
    assert feed.feed(" there.") == []
    assert feed.feed(" ") == ["Hello there."]
    assert feed.feed("It costs 3.") == []
    assert feed.feed("50 today.\n\n") == ["It costs 3.50 today."]
    assert feed.feed("- **Milk") == []
    assert feed.feed("** and honey\n- Br") == ["Milk and honey."]
    assert feed.feed("ead") == []
    assert feed.end() == ["Bread."]
    assert feed.end() == []


@pytest.mark.parametrize("text", TEXTS)
def test_it_does_not_matter_how_the_text_comes(text: str) -> None:
    whole = told(text, size=len(text))
    assert whole
    for size in (1, 2, 3, 7, 20):
        assert told(text, size=size) == whole


@settings(max_examples=50)
@given(st.text(alphabet="ab .!?\n*-#`1[]()|", max_size=60), st.integers(1, 9))
def test_nothing_breaks_it(text: str, size: int) -> None:
    for sentence in told(text, size=size):
        assert sentence.strip() == sentence != ""


def test_a_long_paragraph_is_told_in_groups_and_whole() -> None:
    said = [f"A grey cat waits for the post in sentence number {number}." for number in range(300)]
    sentences, groups = Sentences(), []
    for word in " ".join(said).split(" "):
        groups.append(sentences.feed(f"{word} "))
    groups.append(sentences.end())
    assert [sentence for group in groups for sentence in group] == said
    # It would be read once for each of them, from its beginning.
    assert 20 < sum(map(bool, groups)) < len(said) / 2
    # The first ones come one by one.
    assert [len(group) for group in groups if group][:5] == [1] * 5


def test_what_has_no_letters_joins_its_neighbour() -> None:
    assert sentences("1. Open it. 2. Close it.\n42\n—") == ["1. Open it.", "2. Close it.", "42"]
