"""A row of an upload, as it stands there, and the file when it can't be read as rows at all."""

from __future__ import annotations

from dataclasses import dataclass

from speech.errors import FieldProblem, InvalidLines

# Longer than any line with the longest text, escaped.
MAX_ROW = 2 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """`number` is the line in which it begins, from 1. `content` is JSON as bytes, or was read already.

    With a problem there is no content.
    """

    number: int
    content: object = None
    problem: FieldProblem | None = None


def unreadable(message: str, *, line: int | None = None) -> InvalidLines:
    """The error for a file of which no rows can be made, or no more."""
    return InvalidLines([FieldProblem(field="file", message=message, line=line)])
