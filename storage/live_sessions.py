"""The live sessions of all relay processes, in Redis; of their tokens only hashes are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
from redis.asyncio import Redis

from speech.errors import BadToken, SessionInUse, TooManySessions, UnknownSession
from speech.live_ports import Pulse
from speech.live_session import LiveSession, LiveState
from speech.ports import ANYBODY
from storage.board_scripts import Script
from storage.channel import follow
from storage.live_scripts import CHANNEL, CONNECT, COUNT, CREATE, DETACH, END, FIELDS, LIST, PULSE, RESTORE, SESSION_KEY
from storage.redis_client import ANSWERING

_WHO = {
    b"client": "This client has as many sessions as it may have at once (RELAY_SESSIONS_PER_CLIENT)",
    b"address": "This address has as many sessions as it may have at once (RELAY_SESSIONS_PER_ADDRESS)",
}
_LONGEST_RETRY_AFTER = 30.0


class RedisLiveSessions:
    """Implements speech.live_ports.LiveSessions for one process.

    What it serves counts for `lease_seconds` after each pulse, and can be connected again for `grace` after that.
    With `needs_token` nobody connects without one; 0 sessions per client or address is no limit.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        grace: timedelta,
        per_client: int,
        per_address: int,
        needs_token: bool,
        lease_seconds: float = 6.0,
        following: Redis | None = None,
    ) -> None:
        self._redis = redis
        self._following = following or redis
        self._process = uuid4().hex
        self._grace, self._lease = grace // timedelta(milliseconds=1), round(lease_seconds * 1000)
        self._limits = (per_client, per_address)
        self._without_token = "refused" if needs_token else "welcome"
        # The next tokens of what this process serves, lest Redis forgets them.
        self._next: dict[str, str] = {}

    async def create(self, session: LiveSession, *, token: str | None, seconds: float) -> LiveSession:
        """A session that waits so long for its first connection; raises TooManySessions."""
        fields = {**_facts(session), "state": session.state.value, "token": _hashed(token)}
        answer = await self._run(CREATE, session.id, round(seconds * 1000), *self._limits, *_pairs(fields))
        if len(answer) == 2:
            what, wait = answer
            raise TooManySessions(_WHO[what], retry_after=min(int(wait) / 1000, _LONGEST_RETRY_AFTER))
        return _session(session.id, answer)

    async def connect(self, id: str, *, token: str | None, next_token: str) -> LiveSession:
        """It is this process's now; raises UnknownSession, BadToken or SessionInUse."""
        hashed = _hashed(next_token)
        lasts = (self._lease, self._grace, self._without_token)
        answer = await self._run(CONNECT, id, _hashed(token), hashed, self._process, *lasts)
        if answer == b"unknown":
            raise UnknownSession
        if answer == b"token":
            raise BadToken
        if answer in (b"theirs", b"busy"):
            raise SessionInUse(is_theirs=answer == b"theirs")
        self._next[id] = hashed
        return _session(id, answer)

    async def pulse(self, pulses: Sequence[Pulse]) -> set[str]:
        """Keeps open what this process serves; those that have ended elsewhere."""
        words = [
            word
            for pulse in pulses
            for word in (pulse.session.id, pulse.conversation_id or "", orjson.dumps(dict(pulse.figures)))
        ]
        lost = await self._run(PULSE, self._process, self._lease, self._grace, *words)
        how = dict(zip((id.decode() for id in lost[::2]), lost[1::2], strict=True))
        for pulse in pulses:
            if how.get(pulse.session.id) == b"forgotten":
                await self._restore(pulse)
        return {id for id, why in how.items() if why == b"ended"}

    async def detach(self, id: str, *, conversation_id: str | None) -> None:
        """Its connection broke: it may be connected again within the grace time."""
        self._next.pop(id, None)
        await self._run(DETACH, id, self._process, self._grace, conversation_id or "")

    async def end(self, id: str, *, by_owner: bool = False) -> None:
        """It is over; who serves it is told, unless that is who says so. Raises UnknownSession."""
        if by_owner:
            self._next.pop(id, None)
        if not await self._run(END, id, self._process if by_owner else ""):
            raise UnknownSession

    async def call(self, id: str) -> None:
        """Asks whoever serves the session to let go of it."""
        with ANSWERING:
            await self._redis.publish(CHANNEL, f"call {id}")

    async def is_alive(self, id: str) -> bool:
        """Whether it is connected, or may be."""
        with ANSWERING:
            state = await self._redis.hget(f"{SESSION_KEY}{id}", "state")
        return state not in (None, b"ended")

    async def sessions(self) -> list[LiveSession]:
        """The sessions that there are, oldest first, up to a thousand."""
        found = [_session(id.decode(), fields) for id, fields in await self._run(LIST)]
        return sorted(found, key=lambda session: session.created_at)

    async def count(self) -> int:
        """How many there are."""
        return int(await self._run(COUNT))

    async def follow(self, on_call: Callable[[str, bool], None]) -> None:
        """Tells which sessions others want ended (True) or let go of (False), until it is cancelled."""

        def hear(message: bytes | None) -> None:
            # What was said while nobody listened is found out by the next pulse.
            if message is not None:
                word, _, id = message.decode().partition(" ")
                on_call(id, word == "end")

        await follow(self._following, CHANNEL, hear)

    async def _restore(self, pulse: Pulse) -> None:
        session = pulse.session
        fields = {
            **_facts(session),
            "created_at": round(session.created_at * 1000),
            "opened_at": round((session.opened_at or session.created_at) * 1000),
            "token": self._next.get(session.id, ""),
            "conversation_id": pulse.conversation_id or "",
            "figures": orjson.dumps(dict(pulse.figures)),
        }
        await self._run(RESTORE, session.id, self._process, self._lease, *_pairs(fields))

    async def _run(self, script: Script, *arguments: str | int | bytes) -> Any:
        with ANSWERING:
            return await script.run(self._redis, *arguments, keys=0)


def _facts(session: LiveSession) -> dict[str, str | int | bytes]:
    """What never changes; its client and its address, by which it is counted, come first."""
    return {
        "caller": "" if session.caller == ANYBODY else session.caller,
        "address": session.address,
        "client_id": session.client_id or "",
        "order": orjson.dumps(dict(session.order)),
    }


def _pairs(fields: Mapping[str, str | int | bytes]) -> list[str | int | bytes]:
    return [part for pair in fields.items() for part in pair]


def _hashed(token: str | None) -> str:
    return hashlib.sha256(token.encode()).hexdigest() if token else ""


def _session(id: str, values: Sequence[bytes | None]) -> LiveSession:
    fields = {name: value for name, value in zip(FIELDS, values, strict=True) if value}
    opened_at = fields.get("opened_at")
    return LiveSession(
        id=id,
        state=LiveState(fields["state"].decode()),
        caller=fields.get("caller", b"").decode() or ANYBODY,
        address=fields.get("address", b"").decode(),
        created_at=int(fields["created_at"]) / 1000,
        expires_at=int(fields["expires_at"]) / 1000,
        order=orjson.loads(fields["order"]),
        client_id=_text(fields.get("client_id")),
        opened_at=int(opened_at) / 1000 if opened_at else None,
        conversation_id=_text(fields.get("conversation_id")),
        figures=orjson.loads(fields.get("figures", b"{}")),
    )


def _text(value: bytes | None) -> str | None:
    return value.decode() if value else None
