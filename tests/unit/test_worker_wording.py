"""Wrong words: spoken again, then in the next way, and never taken without proof after that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from speech.errors import SpeakModeUnsupported, UpstreamTimeout, WordsDiffer
from speech.ports import Delivery, Spoken
from speech.proof import Verdict
from worker.wording import Wording

pytestmark = pytest.mark.unit

TEXT = "Read this as it is."
OTHER = "I would rather say something else."


class Parrot:
    """Answers each attempt with the next of its turns: a transcript (None: no words came) or an error."""

    def __init__(self, *turns: str | Exception | None, instead: dict[str, str] | None = None) -> None:
        self.turns = list(turns)
        self.asked: list[str] = []
        self.instead = instead or {}

    async def speak(self, text: str, *, delivery: Delivery, on_audio: Callable[[bytes], Awaitable[None]]) -> Spoken:
        self.asked.append(delivery.speak_mode)
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return Spoken(speak_mode=self.instead.get(delivery.speak_mode, delivery.speak_mode), transcript=turn)


async def attempts(parrot: Parrot, *, policy: str = "force_message") -> list[str]:
    """What came of every attempt until one was good."""
    wording, ends = Wording(synthesizer=parrot), list[str]()
    delivery = Delivery(voice="ara", speed=1.0, language="auto", pronunciations=(), speak_mode=policy)

    async def listen(pcm: bytes) -> None:
        raise AssertionError("parrots have no sound")

    while parrot.turns:
        try:
            spoken, proof = await wording.speak(TEXT, delivery=delivery, on_audio=listen)
            ends.append(f"{spoken.speak_mode} {proof.verdict}")
        except (WordsDiffer, UpstreamTimeout, SpeakModeUnsupported) as error:
            ends.append(error.code)
    return ends


async def test_two_chances_and_then_the_next_way() -> None:
    parrot = Parrot(OTHER, OTHER, TEXT)
    assert await attempts(parrot) == ["words_differ", "words_differ", "instructed exact"]
    assert parrot.asked == ["force_message", "force_message", "instructed"]


async def test_other_failures_are_no_reason_to_speak_in_another_way() -> None:
    parrot = Parrot(UpstreamTimeout(), OTHER, TEXT)
    assert await attempts(parrot) == ["upstream_timeout", "words_differ", "force_message exact"]
    assert parrot.asked == ["force_message"] * 3


async def test_the_next_way_comes_after_the_one_that_was_really_used() -> None:
    parrot = Parrot(OTHER, OTHER, TEXT, instead={"force_message": "instructed"})
    await attempts(parrot)
    assert parrot.asked == ["force_message", "force_message", "user_text"]


async def test_the_last_way_has_no_next() -> None:
    parrot = Parrot(OTHER, OTHER, OTHER)
    assert await attempts(parrot, policy="user_text") == ["words_differ"] * 3
    assert parrot.asked == ["user_text"] * 3


async def test_a_way_without_words_proves_nothing_after_wrong_ones() -> None:
    assert await attempts(Parrot(None)) == [f"force_message {Verdict.UNPROVEN}"]
    assert await attempts(Parrot(OTHER, OTHER, None)) == ["words_differ"] * 3


async def test_a_next_way_that_the_server_lacks_leaves_the_words_wrong() -> None:
    assert await attempts(Parrot(SpeakModeUnsupported())) == ["speak_mode_unsupported"]
    assert await attempts(Parrot(OTHER, OTHER, SpeakModeUnsupported())) == ["words_differ"] * 3
