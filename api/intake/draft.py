"""A batch while it is checked: its lines are read, named and packed one by one; what is wrong with them is kept."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import BinaryIO, Self

from api.intake.line import LineRequest, Terms
from api.intake.row import Row, unreadable
from front.upload import writing
from speech.batch import PIECE_LINES, BatchLine
from speech.errors import MAX_LINE_PROBLEMS, FieldProblem, InvalidLines, InvalidRequest, TextTooLong
from speech.recipe import Recipe
from storage.batch_files import Packing

MAX_LINES = 50_000
# As long the others may wait for what is done in a thread: it takes turns with them only every few milliseconds.
_SLICE_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class First:
    """The first of equal lines: its place in the batch, and how many characters its text has."""

    place: int
    characters: int


@dataclass(kw_only=True)
class Draft:
    """What is known of the lines so far. `firsts` is by the names of their jobs; `skipped` lines were bad.

    In memory it holds names alone: the packed pieces lie in a file that is gone when the draft is closed.
    """

    terms: Terms
    scratch: BinaryIO = field(default_factory=tempfile.TemporaryFile)
    lines: int = 0
    skipped: int = 0
    characters: int = 0
    firsts: dict[str, First] = field(default_factory=dict)
    problems: list[FieldProblem] = field(default_factory=list)
    more_problems: int = 0
    _seen: dict[str, int] = field(default_factory=dict)
    _lengths: list[int] = field(default_factory=list)
    _packing: Packing = field(default_factory=Packing)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.scratch.close()

    async def fill(self, rows: Iterator[Row], *, skip_invalid: bool) -> None:
        """Takes all rows; raises InvalidLines with all that is wrong, unless bad lines are left out.

        Files that can't be read as rows, or have no good one, raise it in any case; too many raise TextTooLong.
        """
        try:
            while await asyncio.to_thread(self._take_some, rows):
                pass
        except InvalidLines as error:
            # What is wrong with the file comes first.
            raise InvalidLines([*error.problems, *self.problems], more=self.more_problems + error.more) from None
        if not self.lines and not self.skipped:
            raise unreadable("has no lines")
        if self.skipped and not (skip_invalid and self.lines):
            raise InvalidLines(self.problems, lines=self.skipped, more=self.more_problems)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The lines as the bucket keeps them."""
        await asyncio.to_thread(self._close_piece)
        await asyncio.to_thread(self.scratch.seek, 0)
        for length in self._lengths:
            yield await asyncio.to_thread(self.scratch.read, length)

    def _take_some(self, rows: Iterator[Row]) -> bool:
        """Whether there may be more."""
        until = monotonic() + _SLICE_SECONDS
        for row in rows:
            if self.lines + self.skipped == MAX_LINES:
                raise TextTooLong([FieldProblem(field="lines", message=f"are over {MAX_LINES}", limit=MAX_LINES)])
            problems = self._take(row) if row.problem is None else [row.problem]
            if problems:
                self._refuse(row.number, problems)
            if monotonic() > until:
                return True
        return False

    def _take(self, row: Row) -> list[FieldProblem]:
        """What is wrong with it; a good one is named and packed."""
        problems: list[FieldProblem] = []
        try:
            wanted = LineRequest.of(row.content, what="line")
        except InvalidRequest as error:
            return [*error.problems]
        custom_id = str(row.number) if wanted.custom_id is None else wanted.custom_id
        if (other := self._seen.setdefault(custom_id, row.number)) != row.number:
            problems.append(FieldProblem(field="custom_id", message=f"is that of line {other}, too"))
        try:
            recipe = self.terms.recipe(wanted)
        except InvalidRequest as error:
            return [*problems, *error.problems]
        if not problems:
            self._keep(recipe, number=row.number, custom_id=custom_id)
        return problems

    def _keep(self, recipe: Recipe, *, number: int, custom_id: str) -> None:
        characters = len(recipe.request.text)
        first = self.firsts.setdefault(recipe.job_name, First(self.lines, characters))
        if first.place == self.lines:
            self.characters += characters
        line = BatchLine(place=self.lines, number=number, custom_id=custom_id, recipe=recipe, first=first.place)
        self._packing.add(line)
        self.lines += 1
        if self.lines % PIECE_LINES == 0:
            self._close_piece()

    def _close_piece(self) -> None:
        if self.lines > len(self._lengths) * PIECE_LINES:
            with writing():
                self._lengths.append(self.scratch.write(self._packing.close()))
                self.scratch.flush()
            self._packing = Packing()

    def _refuse(self, number: int, problems: list[FieldProblem]) -> None:
        self.skipped += 1
        for problem in problems:
            if len(self.problems) < MAX_LINE_PROBLEMS:
                self.problems.append(replace(problem, line=number))
            else:
                self.more_problems += 1
