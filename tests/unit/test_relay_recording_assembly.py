"""One recording out of pieces, also of those that are missing, torn or overlap."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from audio.wav import interleaved
from relay.recording.piece import Piece, PieceName
from tests.fakes.conversations import RATE, recorded
from tests.fakes.sounds import tone

pytestmark = pytest.mark.unit

RUN = 1_700_000_000_000
SECOND = tone(RATE)


def piece(start: int, *, run: int = RUN, **note: Any) -> tuple[PieceName, bytes]:
    """A second of sound at `start`, in seconds of its run."""
    name = PieceName(run=run, start=start * RATE, samples=RATE)
    return name, Piece(pcm=interleaved(SECOND, bytes(len(SECOND))), note=note).to_wav()


def gap(start: int, end: int, reason: str) -> dict[str, Any]:
    return {"start_ms": start, "end_ms": end, "reason": reason}


def line(text: str, *, start: int, item: str = "i1") -> dict[str, Any]:
    return {"item_id": item, "role": "user", "start_ms": start, "end_ms": start + 100, "text": text}


def test_a_piece_comes_back_and_plays_by_itself() -> None:
    name, body = piece(0, transcript=[line("Grüße", start=1)])
    read = Piece.from_wav(body, samples=RATE)
    assert (read.pcm, read.note) == (interleaved(SECOND, bytes(2 * RATE)), {"transcript": [line("Grüße", start=1)]})
    assert PieceName.parse(str(name)) == name
    for torn in (body[:-1], body[:50], b"", b"x" * len(body), body.replace(b"note", b"nose")):
        with pytest.raises(ValueError, match="piece"):
            Piece.from_wav(torn, samples=RATE)


@pytest.mark.parametrize("name", ["", "000001.wav", "1700000000000-0000000000-0000024000.wav.draft", "../x"])
def test_what_is_no_piece_has_no_name_of_one(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        PieceName.parse(name)


def test_a_lost_piece_is_silence_and_told() -> None:
    heard = recorded([piece(3), piece(0), piece(1)])
    left, right = heard.channels
    assert left.tobytes() == SECOND + SECOND + bytes(2 * RATE) + SECOND
    assert not right.any()
    document = orjson.loads(heard.document)
    assert (document["gaps"], document["duration_ms"]) == ([gap(2000, 3000, "lost")], 4000)
    assert document["began_at"] == "2023-11-14T22:13:20.000Z"


def test_a_torn_piece_is_silence_and_told() -> None:
    name, body = piece(1)
    heard = recorded([piece(0), (name, body[:1000]), piece(2)])
    assert heard.channels[0].tobytes() == SECOND + bytes(2 * RATE) + SECOND
    assert orjson.loads(heard.document)["gaps"] == [gap(1000, 2000, "unreadable")]


def test_a_session_that_came_back_goes_on_after_a_pause() -> None:
    again = RUN + 4500
    heard = recorded(
        [
            piece(0, transcript=[line("old", start=100)], voice="ara"),
            piece(1, transcript=[line("new", start=100), line("cut off", start=1950, item="i2")]),
            piece(0, run=again, transcript=[line("back", start=200)], notes=[{"at_ms": 1, "text": "x"}], voice="rex"),
        ]
    )
    assert heard.channels[0].tobytes() == SECOND + SECOND + bytes(5 * RATE) + SECOND
    document = orjson.loads(heard.document)
    assert document["gaps"] == [gap(2000, 4500, "disconnected")]
    assert [(said["text"], said["start_ms"], said["end_ms"]) for said in document["transcript"]] == [
        *(("new", 100, 200), ("cut off", 1950, 2050), ("back", 4700, 4800)),
    ]
    assert (document["notes"], document["voice"]) == ([{"at_ms": 4501, "text": "x"}], "rex")


def test_clocks_that_disagree_make_neither_overlaps_nor_days_of_silence() -> None:
    behind = recorded([piece(0), piece(1), piece(0, run=RUN + 1500), piece(1, run=RUN + 1500)])
    assert behind.channels[0].tobytes() == SECOND * 4
    ahead = recorded([piece(0), piece(0, run=RUN + 10**9)])
    assert len(ahead.channels[0]) == RATE * 3602


def test_nobody_is_said_to_have_spoken_after_the_end() -> None:
    heard = recorded([piece(0, transcript=[line("died", start=950)])])
    assert orjson.loads(heard.document)["transcript"][0]["end_ms"] == 1000
