"""JSON as rows: an array, or an object that holds it as `lines`; read item by item, however long it is."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NoReturn

import orjson

from api.intake.row import MAX_ROW, Row, unreadable
from speech.errors import FieldProblem

LINES = "lines"
_PIECE = 256 * 1024
_SPACES = " \t\r\n"


def rows(file: BinaryIO, *, members: MutableMapping[str, object]) -> Iterator[Row]:
    """A row for each item, numbered from 1; the object's other members are in `members` at the end.

    Raises InvalidLines where it is no JSON in UTF-8.
    """
    text = _Text(file)
    if text.peek() == "[":
        yield from _items(text)
    elif text.peek() == "{":
        for name in _members(text):
            if name == LINES and text.peek() == "[":
                yield from _items(text)
            else:
                members[name] = value = text.value()
                if _row(0, value).problem:
                    text.fail(f"`{name}` can't be read")
    else:
        text.fail(f"must be an array of lines, or an object with `{LINES}`")
    if text.peek():
        text.fail("goes on behind its end")


def _items(text: _Text) -> Iterator[Row]:
    text.skip("[")
    while text.peek() != "]":
        text.number += 1
        yield _row(text.number, text.value())
        text.separate("]")
    text.skip("]")


def _row(number: int, value: object) -> Row:
    """As bytes again: every kind of line is then read in one way."""
    try:
        return Row(number=number, content=orjson.dumps(value))
    except orjson.JSONEncodeError as error:
        # Python's decoder takes lone surrogates, and numbers of any length.
        return Row(number=number, problem=FieldProblem(field="line", message=f"is not JSON: {error}"))


def _members(text: _Text) -> Iterator[str]:
    """The members' names; whoever asks for the next one has read the value."""
    text.skip("{")
    while text.peek() != "}":
        name = text.value()
        if not isinstance(name, str):
            text.fail("has a member without a name")
        text.skip(":")
        yield name
        text.separate("}")
    text.skip("}")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)


@dataclass
class _Text:
    """The file's text from where it was read to; never more of it than one value and a piece."""

    file: BinaryIO
    number: int = 0
    _text: str = ""
    _at: int = 0
    _is_whole: bool = False
    _decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8-sig")())

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACES:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self, character: str) -> None:
        """Goes behind this character, which must come next."""
        if self.peek() != character:
            self.fail(f"`{character}` is missing")
        self._at += 1

    def separate(self, end: str) -> None:
        """Goes behind a comma and to what follows it, or to the end."""
        if self.peek() == end:
            return
        self.skip(",")
        if self.peek() == end:
            self.fail(f"`,` stands before `{end}`")

    def value(self) -> Any:
        """The value that comes next."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                # What is cut off may be whole with the next piece.
                said = error.msg.removesuffix(" starting at") if isinstance(error, json.JSONDecodeError) else "is void"
                if len(self._text) - self._at > MAX_ROW:
                    self.fail(f"{said}, or longer than {MAX_ROW} characters")
                if not self._more():
                    self.fail(said)
                continue
            # So may a number.
            if end < len(self._text) or not self._more():
                self._at = end
                return value

    def fail(self, message: str) -> NoReturn:
        """Raises InvalidLines, with the item that is read."""
        raise unreadable(f"is not JSON: {message}", line=self.number or None)

    def _more(self) -> bool:
        """Whether there is more, which is appended; what has been read goes."""
        if self._is_whole:
            return False
        piece = self.file.read(max(_PIECE, len(self._text) - self._at))
        self._is_whole = not piece
        try:
            more = self._decoder.decode(piece, final=self._is_whole)
        except UnicodeDecodeError:
            raise unreadable("is not UTF-8: save the file as UTF-8", line=self.number or None) from None
        self._text, self._at = self._text[self._at :] + more, 0
        return True
