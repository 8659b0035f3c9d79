"""CSV as rows: a header names the columns, in any order."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from api.intake.row import MAX_ROW, Row, unreadable
from speech.errors import FieldProblem, InvalidLines

# Spreadsheets write what the country they are set to does.
_SEPARATORS = ",;\t"
_ENCODING = "utf-8"


def rows(file: BinaryIO, *, columns: Sequence[str]) -> Iterator[Row]:
    """A row for each record that isn't blank; empty cells are left out. `columns` are those that there may be.

    Raises InvalidLines for a header that names others, or none for the text, and where the file is no CSV in UTF-8.
    """
    lines = _Lines(file)
    header = lines.read()
    separator = max(_SEPARATORS, key=header.count)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=separator), ())]
    _check_header(names, columns)
    records = csv.reader(iter(lines.read, ""), delimiter=separator, strict=True)
    while True:
        number = lines.number + 1
        try:
            cells = next(records, None)
        except csv.Error as error:
            raise unreadable(_explained(str(error)), line=number) from None
        if cells is None:
            return
        if len(cells) > len(names):
            message = f"has {len(cells)} cells, the header {len(names)}: is a text with a separator not in quotes?"
            yield Row(number=number, problem=FieldProblem(field="line", message=message, limit=len(names)))
        elif any(cells):
            yield Row(number=number, content=_fields(names, cells))


@dataclass
class _Lines:
    """The file's lines as text; so many of them have been read."""

    file: BinaryIO
    number: int = 0

    def read(self) -> str:
        """The next line with its end; empty behind the last one."""
        line = self.file.readline(MAX_ROW)
        self.number += 1
        try:
            text = line.decode("utf-8-sig" if self.number == 1 else _ENCODING)
        except UnicodeDecodeError as error:
            message = f"is not UTF-8: byte {error.start + 1} of this line; save the file as CSV in UTF-8"
            raise unreadable(message, line=self.number) from None
        return text


def _check_header(names: Sequence[str], columns: Sequence[str]) -> None:
    if not any(names):
        raise unreadable("is empty: the first line must name the columns, text among them", line=1)
    known = f"known are {', '.join(columns)}"
    problems = [
        FieldProblem(field=name[:64] or "header", message=f"{message}; {known}", line=1)
        for number, name in enumerate(names)
        for message, is_wrong in (
            ("a column without a name", not name),
            ("unknown column", bool(name) and name not in columns),
            ("this column is there twice", name in columns and name in names[:number]),
        )
        if is_wrong
    ]
    if "text" not in names:
        problems.insert(0, FieldProblem(field="text", message=f"there is no column of this name; {known}", line=1))
    if problems:
        raise InvalidLines(problems)


def _fields(names: Sequence[str], cells: Sequence[str]) -> dict[str, object]:
    """What the cells say; where one is no number, or no JSON, whoever checks it sees it as it is."""
    fields: dict[str, object] = {"text": ""}
    for name, cell in zip(names, cells, strict=False):
        if name == "text":
            fields[name] = cell
        elif cell := cell.strip():
            fields[name] = _READ[name](cell) if name in _READ else cell
    return fields


def _or_as_it_is(read: Callable[[str], object]) -> Callable[[str], object]:
    def attempt(cell: str) -> object:
        try:
            return read(cell)
        except ValueError:
            return cell

    return attempt


_READ = {
    **dict.fromkeys(("sample_rate", "bit_rate", "take"), _or_as_it_is(int)),
    "speed": _or_as_it_is(float),
    "pronunciations": _or_as_it_is(orjson.loads),
}


def _explained(error: str) -> str:
    if error == "unexpected end of data":
        return "a quote that is opened in this record is not closed"
    if error.startswith("field larger"):
        return f"a cell has more than {csv.field_size_limit()} characters: is a quote not closed?"
    return f"is not CSV: {error}"
