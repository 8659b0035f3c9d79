"""The table of faults for readers; `python -m simulator.fault_table` prints what docs/faults.md holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from simulator.fates import Fate
from simulator.faults import FAULTS, Fault

_HEAD = (
    "# What the upstream may get wrong, and what becomes of the job",
    "",
    "Each row can be played by the simulator (`POST /control/faults`), and each is tested against the running system,",
    "once and at every attempt. A cell tells the job's end, what `GET /v1/audio/{id}` answers then, what the bucket",
    "holds (masters: those of the text's other utterances), and how often the upstream was asked for the utterance.",
    "",
)
_COLUMNS = ("fault", "what happens", "retried", "happens once", "happens always")


def markdown() -> str:
    """The whole document."""
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS), *map(_row, FAULTS.values())]
    return "\n".join([*_HEAD, *map(_line, rows), ""])


def _row(fault: Fault) -> tuple[str, ...]:
    fates = fault.fates
    retried = "yes" if fates.retried else "no"
    return f"`{fault.name}`", fault.does, retried, _cell(fates.once), _cell(fates.always)


def _cell(fate: Fate) -> str:
    end = f"{fate.end_state} `{fate.code}`" if fate.code else str(fate.end_state)
    return f"{end}, {fate.audio}, {fate.kept}, asked {fate.paid}×"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
