"""The tables of what goes wrong, for readers; `python -m simulator.fault_table` prints what docs/faults.md holds."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from simulator.blows import BLOWS, Blow
from simulator.chat_faults import CHAT_FAULTS
from simulator.fates import Fate
from simulator.faults import FAULTS, Fault

_HEAD = (
    "# What may go wrong, and what becomes of the job",
    "",
    "Each row is tested against the running system. An end is told with what `GET /v1/audio/{id}` answers then, what",
    "the bucket holds (masters: those of the text's other utterances), and how often the upstream was asked for the",
    "utterance.",
    "",
)
_UPSTREAM = (
    "## The upstream",
    "",
    "The simulator can play each of these (`POST /control/faults`), once and at every attempt.",
    "",
)
_CHAT = (
    "",
    "## The chat",
    "",
    "The simulator can play each of these too; only a chat meets them, never a job.",
    "",
)
_SYSTEM = (
    "",
    "## The system itself, in mid-render",
    "",
    "Meanwhile is what `GET /v1/jobs/{id}` answers until the end. That comes at most so many seconds after the blow,",
    "besides the render.",
    "",
)
_FAULT_COLUMNS = ("fault", "what happens", "retried", "happens once", "happens always")
_CHAT_COLUMNS = ("fault", "what happens")
_BLOW_COLUMNS = ("blow", "what happens", "meanwhile", "retried", "end", "within")


def markdown() -> str:
    """The whole document."""
    faults = _table(_FAULT_COLUMNS, map(_fault, FAULTS.values()))
    chats = _table(_CHAT_COLUMNS, ((f"`{fault.name}`", fault.does) for fault in CHAT_FAULTS.values()))
    blows = _table(_BLOW_COLUMNS, map(_blow, BLOWS.values()))
    return "\n".join([*_HEAD, *_UPSTREAM, *faults, *_CHAT, *chats, *_SYSTEM, *blows, ""])


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows)]


def _fault(fault: Fault) -> tuple[str, ...]:
    fates = fault.fates
    retried = "yes" if fates.retried else "no"
    return f"`{fault.name}`", fault.does, retried, _cell(fates.once), _cell(fates.always)


def _blow(blow: Blow) -> tuple[str, ...]:
    answers = ", ".join(map(str, sorted(blow.answers)))
    return f"`{blow.name}`", blow.does, answers, blow.again, _cell(blow.fate), f"{blow.seconds} s"


def _cell(fate: Fate) -> str:
    end = f"{fate.end_state} `{fate.code}`" if fate.code else str(fate.end_state)
    return f"{end}, {fate.audio}, {fate.kept}, asked {fate.paid}×"


if __name__ == "__main__":
    sys.stdout.write(markdown())
