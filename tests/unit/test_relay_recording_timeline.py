"""Both sides of a conversation stand in its recording where and as they were heard."""

from __future__ import annotations

import random
from typing import Any

import audioop  # isort: skip
import numpy
import orjson
import pytest

from tests.fakes.conversations import (
    RATE,
    Taped,
    append,
    cut,
    delta,
    level,
    pitch,
    stretches,
    truncate,
    updated,
)
from tests.fakes.sounds import tone

pytestmark = pytest.mark.unit

SECOND = RATE
NEAR = pytest.approx


def say(taped: Taped, pcm: bytes, *, start: float, rate: int = RATE, jitter: float = 0.0) -> None:
    """The microphone sends 20 ms at a time, each when it is recorded, later by up to `jitter`."""
    chance, at = random.Random(5), 0.0
    for number, chunk in enumerate(cut(pcm, milliseconds=20, rate=rate)):
        due = start + 0.02 * number + len(chunk) / 2 / rate
        at = max(at, due + chance.uniform(0, jitter)) if number else due
        taped.client(append(chunk), at=at)


def answer(taped: Taped, pcm: bytes, *, at: float, pace: float = 8.0, **names: str) -> None:
    """The upstream sends 100 ms at a time, `pace` times faster than it is heard."""
    for number, chunk in enumerate(cut(pcm, milliseconds=100)):
        taped.upstream(delta(chunk, **names), at=at + 0.1 * number / pace)


def test_each_side_is_heard_where_it_was_spoken() -> None:
    taped = Taped()
    user, assistant = tone(2 * SECOND, hertz=440), tone(3 * SECOND, hertz=880, peak=0.6)
    say(taped, user, start=1.0, jitter=0.15)
    answer(taped, assistant, at=3.5)
    left, right = taped.heard(end=8.0).channels

    assert len(left) == len(right) == 8 * SECOND
    assert left[SECOND : 3 * SECOND].tobytes() == user
    assert right[84_000 : 84_000 + 3 * SECOND].tobytes() == assistant
    assert not left[:SECOND].any()
    assert not left[3 * SECOND :].any()
    assert not right[:84_000].any()
    assert not right[84_000 + 3 * SECOND :].any()


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_other_rates_keep_place_length_pitch_and_level(rate: int) -> None:
    taped = Taped(sample_rate=rate)
    say(taped, tone(2 * rate, rate=rate, hertz=440, peak=0.5), start=1.0, rate=rate, jitter=0.1)
    for number, chunk in enumerate(cut(tone(2 * rate, rate=rate, hertz=880), milliseconds=100, rate=rate)):
        taped.upstream(delta(chunk), at=3.0 + 0.02 * number)
    left, right = taped.heard(end=7.0).channels

    assert stretches(left) == NEAR([SECOND, 3 * SECOND], abs=30)
    assert stretches(right) == NEAR([3 * SECOND, 5 * SECOND], abs=30)
    assert pitch(left[SECOND : 3 * SECOND]) == NEAR(440, abs=1)
    assert pitch(right[3 * SECOND : 5 * SECOND]) == NEAR(880, abs=1)
    assert level(left[30_000:60_000]) == NEAR(0.5, abs=0.005)
    assert level(right[80_000:110_000]) == NEAR(0.3, abs=0.005)


def test_real_pauses_stay_and_late_sound_makes_none() -> None:
    taped = Taped()
    pcm = tone(4 * SECOND, hertz=440)
    before, after = list(cut(pcm, milliseconds=20)), tone(SECOND, hertz=660)
    for number, chunk in enumerate(before):
        # From second 2 on nothing comes through for 0.9 s, then all of it at once.
        due = 1.02 + 0.02 * number
        taped.client(append(chunk), at=2.9 if 2.0 < due < 2.9 else due)
    say(taped, after, start=7.5)
    left, _ = taped.heard(end=9).channels

    assert left[SECOND : 5 * SECOND].tobytes() == pcm
    assert left[180_000 : 180_000 + SECOND].tobytes() == after
    assert not left[5 * SECOND : 180_000].any()


def test_a_microphone_that_was_held_up_for_long_comes_back_to_the_clock() -> None:
    taped = Taped()
    hum, word = tone(8 * SECOND, hertz=440), tone(SECOND, hertz=880)
    spoken = hum + bytes(2 * 8 * SECOND) + word
    for number, chunk in enumerate(cut(spoken, milliseconds=20)):
        due = 0.02 * (number + 1)
        # Nothing comes through from second 1 to 6.
        taped.client(append(chunk), at=6.0 if 1.0 < due < 6.0 else due)
    left, _ = taped.heard(end=17.0).channels

    assert left[:SECOND].tobytes() == hum[: 2 * SECOND]
    first, last = stretches(left)[-2:]
    assert pitch(left[first:last]) == NEAR(880, abs=1)
    assert first / RATE == NEAR(16, abs=0.35)
    # Not one of the words is missing.
    assert sum(end - start for start, end in zip(*[iter(stretches(left))] * 2, strict=True)) == NEAR(9 * SECOND, abs=60)


def test_what_is_sent_faster_than_spoken_is_laid_end_to_end() -> None:
    taped = Taped()
    pcm = tone(5 * SECOND)
    for start in (1.1, 8.1):
        for number, chunk in enumerate(cut(pcm, milliseconds=100)):
            taped.client(append(chunk), at=start + 0.001 * number)
    left, _ = taped.heard(end=9.0).channels

    assert left[SECOND : 6 * SECOND].tobytes() == pcm
    assert not left[6 * SECOND : 8 * SECOND].any()
    assert left[8 * SECOND :].tobytes() == pcm


def test_an_answer_ends_where_the_client_stopped_to_play_it() -> None:
    taped = Taped()
    pcm = tone(6 * SECOND, hertz=880)
    answer(taped, pcm, at=1.0)
    taped.client(truncate(1500), at=2.6)
    taped.upstream(delta(pcm[:9600]), at=2.7)
    answer(taped, tone(SECOND, hertz=660), at=3.0, item="msg_2", response="resp_2")
    _, right = taped.heard(end=5.0).channels

    assert right[SECOND : 5 * SECOND // 2].tobytes() == pcm[: 3 * SECOND]
    assert not right[5 * SECOND // 2 : 3 * SECOND].any()
    assert pitch(right[3 * SECOND : 4 * SECOND]) == NEAR(660, abs=1)
    assert not right[4 * SECOND :].any()


def test_a_cancelled_answer_ends_there() -> None:
    taped = Taped()
    answer(taped, tone(6 * SECOND), at=1.0)
    taped.upstream({"type": "response.done", "response": {"id": "resp_1", "status": "cancelled"}}, at=2.0)
    taped.upstream(delta(tone(SECOND)), at=2.1)
    taped.upstream(delta(tone(SECOND), item="msg_2"), at=2.2)
    _, right = taped.heard(end=5.0).channels

    assert stretches(right) == NEAR([SECOND, 2 * SECOND], abs=60)
    assert not right[2 * SECOND :].any()


def test_a_completed_answer_is_heard_to_its_end_and_the_next_after_it() -> None:
    taped = Taped()
    answer(taped, tone(3 * SECOND, hertz=440), at=0.0)
    taped.upstream({"type": "response.done", "response": {"id": "resp_1", "status": "completed"}}, at=0.4)
    answer(taped, tone(SECOND, hertz=880), at=0.5, item="msg_2", response="resp_2")
    _, right = taped.heard(end=5.0).channels

    assert right[: 3 * SECOND].tobytes() == tone(3 * SECOND, hertz=440)
    assert right[3 * SECOND : 4 * SECOND].tobytes() == tone(SECOND, hertz=880)


def test_samples_that_are_cut_in_halves_stay_whole() -> None:
    taped = Taped()
    pcm = tone(SECOND)
    for start in range(0, len(pcm), 4801):
        taped.upstream(delta(pcm[start : start + 4801]), at=1.0)
    taped.upstream(delta(pcm[:4801], item="msg_2"), at=3.0)
    taped.upstream(delta(pcm, item="msg_3"), at=4.0)
    _, right = taped.heard(end=6.0).channels

    assert right[SECOND : 2 * SECOND].tobytes() == pcm
    assert right[4 * SECOND : 5 * SECOND].tobytes() == pcm


@pytest.mark.parametrize(("codec", "encode"), [("audio/pcmu", audioop.lin2ulaw), ("audio/pcma", audioop.lin2alaw)])
def test_telephone_sound_in_binary_frames(codec: str, encode: Any) -> None:
    taped = Taped(sample_rate=48_000)
    taped.upstream(updated(codec=codec, rate=8000), at=0.1)
    taped.upstream({"type": "response.created", "response": {"id": "resp_1"}}, at=0.5)
    for number, chunk in enumerate(cut(tone(8_000, rate=8_000, hertz=440), milliseconds=100, rate=8_000)):
        taped.client(encode(chunk, 2), at=1.1 + 0.1 * number)
        taped.upstream(encode(chunk, 2), at=2.0 + 0.02 * number)
    for side, start in zip(taped.heard(end=4.0).channels, (1, 2), strict=True):
        assert stretches(side) == NEAR([start * SECOND, (start + 1) * SECOND], abs=60)
        assert pitch(side[start * SECOND : (start + 1) * SECOND]) == NEAR(440, abs=1)
        assert level(side[start * SECOND + 4800 : (start + 1) * SECOND - 4800]) == NEAR(0.3, abs=0.01)


def test_opus_is_silence_with_a_note() -> None:
    taped = Taped()
    taped.upstream(updated(codec="audio/opus", rate=24_000), at=0.1)
    taped.client(b"opus" * 100, at=1.0)
    heard = taped.heard(end=2.0)

    assert not any(side.any() for side in heard.channels)
    notes = [note["text"] for note in orjson.loads(heard.document)["notes"]]
    assert [("audio/opus" in note, note.split("'")[0]) for note in notes] == [
        (True, "the user"),
        (True, "the assistant"),
    ]


def test_more_than_can_be_held_is_left_out_and_told() -> None:
    taped = Taped(piece_seconds=1000)
    for number in range(40):
        taped.upstream(delta(bytes(10 * SECOND * 2)), at=1.0 + 0.01 * number)
    heard = taped.heard(end=500.0)

    assert [note["text"] for note in orjson.loads(heard.document)["notes"]] == [
        "more sound came than could be recorded"
    ]


def test_the_transcript_says_who_said_what_when() -> None:
    taped = Taped()
    said = "conversation.item.input_audio_transcription."
    taped.upstream({"type": "input_audio_buffer.speech_started"}, at=1.0)
    taped.upstream({"type": "input_audio_buffer.speech_stopped"}, at=2.5)
    taped.upstream({"type": "input_audio_buffer.committed", "item_id": "u1"}, at=2.5)
    taped.upstream({"type": f"{said}updated", "item_id": "u1", "transcript": "What is"}, at=2.6)
    taped.upstream({"type": f"{said}completed", "item_id": "u1", "transcript": "What is it?"}, at=3.2)
    for number, words in enumerate(["It is ", "a long ", "story."]):
        event = {"type": "response.output_audio_transcript.delta", "item_id": "msg_1", "response_id": "resp_1"}
        taped.upstream({**event, "delta": words}, at=3.3 + 0.1 * number)
    answer(taped, tone(9 * SECOND), at=3.5)
    taped.upstream({"type": "response.output_audio_transcript.done", "item_id": "msg_1"}, at=3.9)
    taped.client(truncate(4000), at=7.5)
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Thanks"}]}
    taped.client({"type": "conversation.item.create", "item": {**item, "id": "u2"}}, at=9.0)
    document = orjson.loads(taped.heard(end=10.0).document)

    assert document["transcript"] == [
        {"item_id": "u1", "role": "user", "start_ms": 1000, "end_ms": 2500, "text": "What is it?"},
        {
            "item_id": "msg_1",
            "role": "assistant",
            "start_ms": 3500,
            "end_ms": 7500,
            "text": "It is a long story.",
            "interrupted": True,
        },
        {"item_id": "u2", "role": "user", "start_ms": 9000, "end_ms": 9000, "text": "Thanks", "typed": True},
    ]
    assert {name: document[name] for name in ("voice", "duration_ms", "gaps", "sample_rate", "channels")} == {
        "voice": "ara",
        "duration_ms": 10_000,
        "gaps": [],
        "sample_rate": RATE,
        "channels": ["user", "assistant"],
    }


def test_pieces_lie_end_to_end_and_stay_close_behind() -> None:
    taped = Taped()
    say(taped, tone(4 * SECOND), start=2.0)
    taped.heard(end=20.0)
    names = [name for name, _ in taped.pieces]

    assert [name.start for name in names] == [0, *numpy.cumsum([name.samples for name in names])[:-1]]
    assert all(3 * (number + 1) - (name.start + name.samples) / RATE <= 2 for number, name in enumerate(names[:-1]))
