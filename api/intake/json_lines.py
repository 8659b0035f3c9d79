"""JSON Lines as rows: an object in each line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

from api.intake.row import MAX_ROW, Row
from speech.errors import FieldProblem

_BOM = b"\xef\xbb\xbf"


def rows(file: BinaryIO) -> Iterator[Row]:
    """A row for each line that isn't blank; what is no JSON shows when it is read."""
    for number in count(1):
        line = file.readline(MAX_ROW)
        if not line:
            return
        if len(line) == MAX_ROW and not line.endswith(b"\n"):
            _skip(file)
            message = f"is longer than {MAX_ROW} bytes"
            yield Row(number=number, problem=FieldProblem(field="line", message=message, limit=MAX_ROW))
            continue
        if content := (line.removeprefix(_BOM) if number == 1 else line).rstrip():
            yield Row(number=number, content=content)


def _skip(file: BinaryIO) -> None:
    """The rest of a line."""
    while (rest := file.readline(MAX_ROW)) and not rest.endswith(b"\n"):
        pass
