"""What the simulator writes in a chat: its spoken wit, and what a test may ask for instead."""

from __future__ import annotations

import re

from simulator.wit import answer

RICH = """\
# Tea for two 🫖

You *asked* for **Markdown**, so here is [a recipe](https://example.org/tea?cups=2 "The recipe"):

1. Boil the water.
2. Warm the pot:
   - rinse it,
   - dry it.
3. Wait ~~two~~ three minutes.

```python
def steep(minutes: int) -> str:
    return "tea" * minutes
```

| Tea | Minutes |
| --- | ---: |
| Green | 2 |
| Black | 4 |

> Never hurry a pot, says `steep(3)`.

<b onclick="alert(1)">Bold tags</b> and <script>alert("tea")</script> are text as well.
See https://example.org/more, ask ![a cup](https://example.org/cup.png), and enjoy it! 😊👍🏽

---

That is all."""
_ENOUGH = 100_000
_CHARACTERS_A_SECOND = 15
_EXACTLY = re.compile(r"\A\s*say exactly:\s?(.*)\Z", re.I | re.S)
_IN_MARKDOWN = re.compile(r"\banswer in markdown\b", re.I)
_IN_SENTENCES = re.compile(r"\banswer in (\d{1,3}) sentences?\b", re.I)
_SUBJECTS = ("The kettle", "My neighbour", "A grey cat", "The old clock", "This machine")
_DEEDS = ("hums a tune", "counts the raindrops", "waits for the post", "dreams of the sea")


def chat_answer(message: str, *, turn: int) -> str:
    """The answer to the last message of the user, who writes for the `turn`-th time.

    `answer in markdown` is answered by RICH, `answer in 5 sentences` by so many, `say exactly: …` by what follows,
    `talk for 30 seconds` by as much text as takes about so long to say, and everything else as on the voice.
    """
    if exactly := _EXACTLY.search(message):
        return exactly[1]
    if _IN_MARKDOWN.search(message):
        return RICH
    if asked := _IN_SENTENCES.search(message):
        return " ".join(_sentence(number) for number in range(1, int(asked[1]) + 1))
    wit = answer(message, turn=turn)
    if wit.seconds is None:
        return wit.text
    length = min(wit.seconds * _CHARACTERS_A_SECOND, _ENOUGH)
    return " ".join([wit.text] * max(1, round(length / len(wit.text))))


def _sentence(number: int) -> str:
    subject, deed = _SUBJECTS[number % len(_SUBJECTS)], _DEEDS[number % len(_DEEDS)]
    return f"{subject} {deed} in sentence number {number}."
