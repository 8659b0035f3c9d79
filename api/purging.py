"""Goes through all that is kept, a piece at a time, and removes what is meant and what nobody names any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api.removing import Removing
from speech.errors import BeingMade, FieldProblem, InvalidRequest, UnknownJob
from speech.ports import Area, AudioStore
from speech.recipe import is_job_name, is_private
from storage.holdings import Held, S3Holdings
from storage.keys import CARDS, name_of_card
from storage.removal import NOTHING, Freed, Removal

_PAGE, _AT_ONCE = 1000, 8
# What one step looks into: a second or so of a bucket's time.
_STEP = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which audio is to go. `prefix` of its name, put `before` a moment in Unix seconds, of these private `owners`.

    `leftovers`: none of it, but what nobody names any more.
    """

    prefix: str = ""
    before: float | None = None
    owners: frozenset[str] | None = None
    leftovers: bool = False

    def fits(self, name: str, changed: float) -> bool:
        """Whether a name may be meant; of a private client's audio the card has to say whose it is."""
        is_whose = self.owners is None or is_private(name)
        return name.startswith(self.prefix) and (self.before is None or changed < self.before) and is_whose

    @property
    def voice_prefix(self) -> str:
        """What masters' names begin with that such audio may be made of."""
        voice, dash, _ = self.prefix.partition("-")
        return voice + dash


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What one step looked at and freed; `busy` was being rendered, and stays.

    `next`: where to go on, None at the end.
    """

    examined: int
    freed: Freed
    busy: int
    next: str | None


@dataclass(frozen=True, kw_only=True)
class Purging:
    """Needs memory for a page of a listing, however much there is. Raises Unavailable; a step may be taken again."""

    store: AudioStore
    holdings: S3Holdings
    removal: Removal
    removing: Removing

    async def step(self, wanted: Wanted, *, at: str | None, is_dry: bool) -> Step:
        """One step from a place (None: the beginning); `is_dry` removes nothing. Raises InvalidRequest for a place that
        is in another purge.
        """
        walk = _Walk(purging=self, wanted=wanted, is_dry=is_dry)
        places = [prefix for prefix, _ in walk.passes]
        prefix, _, after = (at or places[0]).partition("|")
        if prefix not in places:
            problem = FieldProblem(field="cursor", message="this is another purge's: send the one of the last answer")
            raise InvalidRequest([problem])
        number = places.index(prefix)
        entries = await self.holdings.page(prefix, after=after, limit=_PAGE)
        look, examined, looks = walk.passes[number][1], 0, []
        for entry in entries:
            examined += 1
            if work := look(entry):
                looks.append(work)
            if len(looks) == _STEP:
                break
        freed = sum(await _bounded(looks), NOTHING)
        if examined and (examined < len(entries) or len(entries) == _PAGE):
            following: str | None = f"{prefix}|{entries[examined - 1].key}"
        else:
            following = next(iter(places[number + 1 :]), None)
        return Step(examined=examined, freed=freed, busy=walk.busy, next=following)


# What one does about an object, if anything.
_Look = Callable[[Held], Awaitable[Freed] | None]


@dataclass(kw_only=True)
class _Walk:
    """Three passes: the cards with all they name, then audio and masters that nobody names."""

    purging: Purging
    wanted: Wanted
    is_dry: bool
    busy: int = 0

    @property
    def passes(self) -> list[tuple[str, _Look]]:
        wanted = self.wanted
        leftovers: list[tuple[str, _Look]] = [
            (f"{Area.AUDIO}/{wanted.prefix}", self._stray_audio),
            (f"{Area.MASTERS}/{wanted.voice_prefix}", self._master),
        ]
        # Nobody can tell whose audio it is that has no card.
        rest = leftovers if wanted.owners is None else leftovers[1:]
        return rest if wanted.leftovers else [(f"{CARDS}{wanted.prefix}", self._card), *rest]

    def _card(self, entry: Held) -> Awaitable[Freed] | None:
        name = name_of_card(entry.key)
        # Masters have cards, too.
        is_meant = is_job_name(name) and self.wanted.fits(name, entry.changed)
        return self._audio(name) if is_meant else None

    async def _audio(self, name: str) -> Freed:
        if self.is_dry or self.wanted.owners is not None:
            card = await self.purging.store.card(name)
            if card is None or not self._is_whose(card.owner):
                return NOTHING
            if self.is_dry:
                return Freed(audio=1, size=card.size)
        try:
            return await self.purging.removing.remove(name)
        except UnknownJob:
            return NOTHING
        except BeingMade:
            self.busy += 1
            return NOTHING

    def _stray_audio(self, entry: Held) -> Awaitable[Freed] | None:
        return self._nameless(entry) if self.purging.removal.is_safe(entry.changed) else None

    async def _nameless(self, entry: Held) -> Freed:
        """One that no card names."""
        area, name, _ = entry.key.split("/", 2)
        card = await self.purging.store.card(name)
        if card is not None and card.key == entry.key:
            return NOTHING
        if not self.is_dry:
            await self.purging.holdings.remove(entry.key)
        return Freed(audio=area == Area.AUDIO, masters=area == Area.MASTERS, size=entry.size)

    async def _master(self, entry: Held) -> Freed:
        purging, name = self.purging, entry.key.split("/", 2)[1]
        card = await purging.store.card(name)
        if card is None or card.key != entry.key:
            is_stray = self.wanted.owners is None and purging.removal.is_safe(entry.changed)
            return await self._nameless(entry) if is_stray else NOTHING
        if not self._is_whose(card.owner):
            return NOTHING
        if self.is_dry and not self.wanted.leftovers:
            return await purging.removal.freed_by(name, card, going=self._is_going)
        # Those that only the removed audio was made of are gone by now; a young one may be for a render that goes on.
        if not purging.removal.is_safe(entry.changed):
            return NOTHING
        return await (purging.removal.freed_by(name, card) if self.is_dry else purging.removal.free(name))

    def _is_whose(self, owner: str | None) -> bool:
        return self.wanted.owners is None or owner in self.wanted.owners

    def _is_going(self, job: str, since: float) -> bool:
        return self.wanted.fits(job, since)


async def _bounded(looks: list[Awaitable[Freed]]) -> list[Freed]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def look(work: Awaitable[Freed]) -> Freed:
        async with turns:
            return await work

    return await asyncio.gather(*(look(work) for work in looks))
