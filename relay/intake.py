"""The client's messages as they come: measured, judged, and put where they wait for the upstream."""

from __future__ import annotations

from collections.abc import Callable

from relay import closes, events
from relay.clock import Clock
from relay.closes import Ended
from relay.events import Event
from relay.figures import Figures
from relay.inbox import Inbox, InboxFull, Kind
from relay.limits import BridgeLimits
from relay.message_log import Direction, SessionLog
from relay.pace import Pace
from relay.policy import Passed, Policy, Refused, event_id_of
from relay.tap import Tap


class Intake:
    """One session's. `say` tells the client something of the relay's own."""

    def __init__(
        self,
        policy: Policy,
        *,
        inbox: Inbox,
        limits: BridgeLimits,
        clock: Clock,
        log: SessionLog,
        figures: Figures,
        say: Callable[[Event], None],
        tap: Tap | None,
        now: float,
    ) -> None:
        self._policy, self._inbox, self._clock = policy, inbox, clock
        self._most_bytes = limits.message_bytes
        self._pace = Pace(limits.messages_per_second, now=now)
        self._log, self._figures, self._say, self._tap = log, figures, say, tap

    def take(self, frame: str | bytes, *, at: float) -> None:
        """Takes one message; raises Ended when it is one too many or too big."""
        size = len(frame)
        self._figures.received(size)
        if not self._pace.admits(at):
            self._refuse(Refused("too_many_messages", "Messages come faster than is allowed", None), size)
            raise Ended(closes.TOO_MANY_MESSAGES)
        if self._is_too_big(frame):
            raise Ended(closes.MESSAGE_TOO_BIG)
        verdict = self._policy.judge(frame)
        # An open microphone in an empty room is idle: that somebody speaks is for the upstream to say.
        if isinstance(verdict, Refused) or verdict.kind is not Kind.AUDIO:
            self._clock.heard(at)
        if isinstance(verdict, Refused):
            self._refuse(verdict, size)
        else:
            self._pass(verdict, at)

    def _pass(self, passed: Passed, at: float) -> None:
        event = passed.event
        if passed.kind is Kind.AUDIO:
            self._log.audio(Direction.IN, len(passed.frame))
        elif event is not None:
            self._log.event(Direction.IN, event, len(passed.frame))
        if passed.ignored and event is not None:
            self._say(events.ignored(event["type"], passed.ignored, event_id=event_id_of(event)))
        if self._tap:
            self._tap.from_client(passed.frame if isinstance(passed.frame, bytes) else event or {}, at=at)
        try:
            self._inbox.put(passed.frame, passed.kind, at=at)
        except InboxFull:
            raise Ended(closes.TOO_MANY_MESSAGES) from None

    def _refuse(self, refused: Refused, size: int) -> None:
        self._log.refused(refused.code, size)
        self._say(events.error(refused.code, refused.message, event_id=refused.event_id))

    def _is_too_big(self, frame: str | bytes) -> bool:
        # No character takes more than four bytes.
        if len(frame) * 4 <= self._most_bytes or len(frame) > self._most_bytes:
            return len(frame) > self._most_bytes
        return isinstance(frame, str) and len(frame.encode()) > self._most_bytes
