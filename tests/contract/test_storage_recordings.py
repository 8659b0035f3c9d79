"""Recordings on real S3 servers."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from speech.errors import UnknownJob
from storage.recordings import S3Recordings
from tests.fakes.recordings import objects_on, recordings_on
from tests.fakes.services import BUCKET_PREFIX, S3Server

pytestmark = pytest.mark.contract

SESSION = "session-1"
NAMES = [f"piece-{number}" for number in range(3)]


@pytest.fixture(params=["rclone_s3", "moto_s3"])
def server(request: pytest.FixtureRequest) -> S3Server:
    server: S3Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def bucket() -> str:
    return f"{BUCKET_PREFIX}-{uuid4().hex}"


@pytest.fixture
async def recordings(server: S3Server, bucket: str) -> AsyncIterator[S3Recordings]:
    async with recordings_on(server, bucket=bucket) as opened:
        yield opened


def joined(bodies: Iterator[bytes]) -> Iterator[bytes]:
    yield b"head"
    yield from bodies


async def test_pieces_are_found_until_they_are_removed(recordings: S3Recordings) -> None:
    assert await recordings.unfinished() == []
    for name in NAMES:
        await recordings.put_piece(SESSION, name, b"body")
    await recordings.put_piece("session-2", NAMES[0], b"body")
    assert await recordings.unfinished() == [SESSION, "session-2"]
    pieces = await recordings.pieces(SESSION)
    assert sorted(pieces) == NAMES
    assert all(-2 < age < 5 for age in pieces.values())
    await recordings.remove_pieces(SESSION, NAMES[:2])
    assert list(await recordings.pieces(SESSION)) == NAMES[2:]
    await recordings.remove_pieces(SESSION, NAMES)
    assert await recordings.pieces(SESSION) == {}
    assert await recordings.unfinished() == ["session-2"]


async def test_pieces_are_more_than_a_page(rclone_s3: S3Server, bucket: str) -> None:
    names = [f"{number:04d}" for number in range(1003)]
    async with recordings_on(rclone_s3, bucket=bucket) as recordings:
        await asyncio.gather(*(recordings.put_piece(SESSION, name, b"") for name in names))
        assert sorted(await recordings.pieces(SESSION)) == names
        await recordings.remove_pieces(SESSION, names)
        assert await recordings.unfinished() == []


async def test_what_is_finished_lies_beside(server: S3Server, bucket: str, recordings: S3Recordings) -> None:
    for name in NAMES:
        await recordings.put_piece(SESSION, name, name.encode())
    assert not await recordings.is_finished(SESSION)
    whole = b"head" + "".join(NAMES).encode()
    await recordings.put_wav(SESSION, names=NAMES, weave=joined, size=len(whole))
    assert not await recordings.is_finished(SESSION)
    await recordings.put_document(SESSION, b"{}")
    assert await recordings.is_finished(SESSION)
    await recordings.remove_pieces(SESSION, NAMES)
    found = objects_on(server, bucket=bucket)
    assert found == {f"recordings/{SESSION}.wav": whole, f"recordings/{SESSION}.json": b"{}"}


async def test_a_wav_that_is_there_is_not_put_again(server: S3Server, bucket: str, recordings: S3Recordings) -> None:
    await recordings.put_piece(SESSION, NAMES[0], b"first")
    await recordings.put_wav(SESSION, names=NAMES[:1], weave=joined, size=9)
    woven: list[bytes] = []

    def other(bodies: Iterator[bytes]) -> Iterator[bytes]:
        woven.extend(bodies)
        yield b"otherwise"

    await recordings.put_wav(SESSION, names=NAMES[:1], weave=other, size=9)
    assert woven == [b"first"]
    assert objects_on(server, bucket=bucket)[f"recordings/{SESSION}.wav"] == b"headfirst"


async def test_a_missing_piece_leaves_no_wav(server: S3Server, bucket: str, recordings: S3Recordings) -> None:
    large = bytes(9 * 1024 * 1024)
    await recordings.put_piece(SESSION, NAMES[0], large)
    for names in (NAMES[:2], NAMES[1:]):
        with pytest.raises(UnknownJob):
            await recordings.put_wav(SESSION, names=names, weave=joined, size=len(large) + 4)
    assert list(objects_on(server, bucket=bucket)) == [f"recordings/pieces/{SESSION}/{NAMES[0]}"]


async def test_long_recordings_take_little_memory(rclone_s3: S3Server, bucket: str) -> None:
    piece = bytes(range(256)) * 4096
    async with recordings_on(rclone_s3, bucket=bucket) as recordings:
        await recordings.put_piece(SESSION, NAMES[0], piece)
        tracemalloc.start()
        await recordings.put_wav(SESSION, names=NAMES[:1] * 60, weave=joined, size=4 + 60 * len(piece))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert objects_on(rclone_s3, bucket=bucket)[f"recordings/{SESSION}.wav"] == b"head" + 60 * piece
    assert peak < 40 * len(piece)


async def test_a_foreign_id_reaches_nothing(recordings: S3Recordings) -> None:
    for session_id in ("../../cards", "short", "a" * 65, "with space", "pieces/session-1"):
        with pytest.raises(ValueError, match="session"):
            await recordings.put_document(session_id, b"{}")
        with pytest.raises(ValueError, match="session"):
            await recordings.pieces(session_id)
