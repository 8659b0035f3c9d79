"""What is open for each upstream key: apart from the others, opened when it is used, closed when nobody uses it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from speech.errors import Interrupted
from speech.upstream_key import UpstreamKey
from tests.fakes.desk import settle
from xai.per_key import PerKey

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

SERVICE = UpstreamKey(group="service", secret="service-key")
OLD, NEW = [UpstreamKey(group=name, secret=f"{name}-key", client="ada", is_own=True) for name in ("old", "new")]


@dataclass
class Line:
    group: str
    is_closed: bool = False

    async def aclose(self) -> None:
        self.is_closed = True


class Lines(PerKey[Line]):
    """What was opened, in order."""

    def __init__(self, *, most_idle: int = 16) -> None:
        self.opened: list[Line] = []
        loop = asyncio.get_running_loop()
        super().__init__(self._make, idle_seconds=60, most_idle=most_idle, clock=loop.time)

    def _make(self, key: UpstreamKey) -> Line:
        self.opened.append(Line(key.group))
        return self.opened[-1]

    async def open_ones(self) -> list[str]:
        await settle()
        return [line.group for line in self.opened if not line.is_closed]


async def test_each_key_has_its_own_and_keeps_it_for_a_while() -> None:
    lines = Lines()
    with lines.use(OLD) as one, lines.use(SERVICE) as other, lines.use(OLD) as same:
        assert one is same
        assert one is not other
    await asyncio.sleep(40)
    with lines.use(OLD) as again:
        assert again is one
    await asyncio.sleep(40)
    assert (lines.look(SERVICE), lines.look(OLD)) == (None, one)
    await asyncio.sleep(40)
    assert await lines.open_ones() == []
    await lines.aclose()


async def test_what_is_used_stays_however_long_and_however_many() -> None:
    lines = Lines(most_idle=1)
    keys = [replace(SERVICE, secret=str(number), group=str(number)) for number in range(4)]
    with ExitStack() as users:
        for key in keys:
            users.enter_context(lines.use(key))
        await asyncio.sleep(3600)
        assert await lines.open_ones() == ["0", "1", "2", "3"]
    # Those that were used last stay.
    assert await lines.open_ones() == ["3"]
    await lines.aclose()


async def test_a_key_that_its_client_has_exchanged_goes_at_once() -> None:
    lines = Lines()
    with lines.use(OLD):
        with lines.use(NEW):
            assert await lines.open_ones() == ["old", "new"]
        # It still speaks for somebody.
        assert await lines.open_ones() == ["old", "new"]
    assert await lines.open_ones() == ["new"]
    with lines.use(replace(SERVICE, client="ada")):
        pass
    assert await lines.open_ones() == ["service"]
    await lines.aclose()


async def test_a_key_that_another_client_has_as_well_stays() -> None:
    lines = Lines()
    for key in (OLD, replace(OLD, client="bob"), NEW):
        with lines.use(key):
            pass
    assert await lines.open_ones() == ["old", "new"]
    await lines.aclose()


async def test_at_the_end_all_are_closed_and_nobody_opens_more() -> None:
    lines = Lines()
    with lines.use(OLD) as used, lines.use(SERVICE) as other:
        await lines.aclose()
        assert used.is_closed
        assert other.is_closed
        with pytest.raises(Interrupted), lines.use(NEW):
            pass
    assert len(lines) == 0
