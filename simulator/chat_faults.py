"""Everything that the simulator's chat can get wrong on purpose: a table of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ChatAct(StrEnum):
    """What happens to a completion; `detail` in brackets."""

    REFUSE = "refuse"  # [HTTP status]
    REJECT_KEY = "reject_key"  # in words about the key [HTTP status]
    SLOW = "slow"  # before the first token [seconds]
    CUT = "cut"  # the connection breaks after half of the answer
    STALL = "stall"  # nothing comes after half of the answer
    EMPTY = "empty"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatFault:
    """One row: what happens on the wire."""

    name: str
    does: str
    act: ChatAct
    detail: int = 0


def _row(name: str, does: str, act: ChatAct, detail: int = 0) -> tuple[str, ChatFault]:
    return name, ChatFault(name=name, does=does, act=act, detail=detail)


CHAT_FAULTS: dict[str, ChatFault] = dict(
    [
        _row("chat_slow", "nothing is answered for 20 seconds", ChatAct.SLOW, 20),
        _row("chat_400_key", "answered 400 because of the key", ChatAct.REJECT_KEY, 400),
        _row("chat_401", "answered 401", ChatAct.REJECT_KEY, 401),
        _row("chat_403", "answered 403", ChatAct.REFUSE, 403),
        _row("chat_404", "answered 404: no such model", ChatAct.REFUSE, 404),
        _row("chat_429", "answered 429 with Retry-After", ChatAct.REFUSE, 429),
        _row("chat_500", "answered 500", ChatAct.REFUSE, 500),
        _row("chat_503", "answered 503", ChatAct.REFUSE, 503),
        _row("chat_cut", "the connection breaks after half of the answer", ChatAct.CUT),
        _row("chat_stall", "nothing more comes after half of the answer, the connection stays open", ChatAct.STALL),
        _row("chat_empty", "an answer without any text", ChatAct.EMPTY),
    ]
)
