"""What the model says: reads when told to, answers otherwise, and what faults make of it."""

from __future__ import annotations

import pytest

from simulator.faults import Act
from simulator.script import bent, by_instructions, language_in, verbatim

pytestmark = pytest.mark.unit

TEXT = "One two three four five six."


@pytest.mark.parametrize(
    "instructions", ["Read the message aloud, word for word.", "Say exactly what the user wrote", "Repeat it verbatim."]
)
def test_reading_instructions_are_obeyed(instructions: str) -> None:
    assert by_instructions(instructions, message=TEXT) == verbatim(TEXT)


@pytest.mark.parametrize("instructions", [f'Say "{TEXT}"', f"Read this aloud: {TEXT}"])
def test_a_quoted_text_is_read_without_a_message(instructions: str) -> None:
    assert by_instructions(instructions, message=None).said == TEXT


@pytest.mark.parametrize("instructions", ["", "Be brief and friendly.", "Be short: your answers are spoken aloud."])
def test_a_message_is_answered_otherwise(instructions: str) -> None:
    script = by_instructions(instructions, message=TEXT)
    assert script.asked == TEXT
    assert "three" not in script.said
    assert script == by_instructions(instructions, message=TEXT)


def test_half_the_words_are_left() -> None:
    assert bent(verbatim(TEXT), Act.HALF_WORDS).said == "One two three"
    assert bent(verbatim("Incomprehensibilities"), Act.HALF_WORDS).said == "Incomprehe"


def test_a_paraphrase_has_about_the_length_but_other_words() -> None:
    script = bent(verbatim(TEXT), Act.PARAPHRASE)
    assert script.asked == TEXT
    assert script.said != TEXT
    assert len(script.said) == pytest.approx(len(TEXT), rel=0.5)


def test_other_faults_leave_the_words_alone() -> None:
    assert bent(verbatim(TEXT), Act.STALL) == bent(verbatim(TEXT), None) == verbatim(TEXT)


@pytest.mark.parametrize(
    ("instructions", "language"),
    [
        ("Read in the language with the tag pt-BR.", "pt-BR"),
        ("Speak the language whose code is de.", "de"),
        ("Read each text in the language that it is written in.", None),
        ("", None),
    ],
)
def test_instructions_may_ask_for_a_language(instructions: str, language: str | None) -> None:
    assert language_in(instructions) == language
