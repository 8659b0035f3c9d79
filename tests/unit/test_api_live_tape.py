"""A tape that grows while it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from api.live.tape import Tape
from speech.errors import CutOff

pytestmark = pytest.mark.unit


async def played(tape: Tape, *, most: int = 4) -> bytes:
    return b"".join([piece async for piece in tape.pieces(most=most)])


async def test_everybody_gets_every_byte_whenever_they_come() -> None:
    tape = Tape()
    early = asyncio.create_task(played(tape))
    await asyncio.sleep(0)
    tape.append(b"one ")
    middle = asyncio.create_task(played(tape, most=3))
    await asyncio.sleep(0)
    tape.append(b"two three")
    tape.end()
    assert set(await asyncio.gather(early, middle, played(tape))) == {b"one two three"}
    tape.close()


async def test_a_slow_reader_holds_no_more_than_a_piece() -> None:
    tape = Tape()
    tape.append(bytes(100_000))
    tape.end()
    assert [len(piece) async for piece in tape.pieces()] == [32_768] * 3 + [1_696]
    tape.close()


async def test_it_has_begun_with_its_first_byte() -> None:
    tape = Tape()
    begun = asyncio.create_task(tape.begun())
    await asyncio.sleep(0)
    tape.append(b"")
    await asyncio.sleep(0)
    assert not begun.done()
    tape.append(b"1")
    assert await begun
    tape.close()


async def test_one_that_was_cut_before_has_not_begun() -> None:
    tape = Tape()
    begun = asyncio.create_task(tape.begun())
    await asyncio.sleep(0)
    tape.cut()
    assert not await begun
    tape.close()


@pytest.mark.parametrize("cut", [Tape.cut, Tape.close])
async def test_who_waits_is_cut_off(cut: Callable[[Tape], None]) -> None:
    tape = Tape()
    tape.append(b"half")
    pieces = tape.pieces()
    assert await anext(pieces) == b"half"
    rest = asyncio.create_task(anext(pieces))
    await asyncio.sleep(0)
    cut(tape)
    with pytest.raises(CutOff):
        await rest
    tape.close()


async def test_what_has_ended_is_never_cut() -> None:
    tape = Tape()
    tape.append(b"whole")
    tape.end()
    tape.cut()
    assert await played(tape) == b"whole"
    tape.close()


def test_a_full_disk_says_so() -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        Tape(full).append(b"more than nothing")
