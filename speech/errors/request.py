"""What is wrong with a request: its caller must change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speech.errors.root import ReciteError

# A small body can hold a great many mistakes; nobody reads more than these.
MAX_PROBLEMS, MAX_LINE_PROBLEMS = 20, 100


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldProblem:
    """One thing wrong with one field: its name, what is wrong, and the limit that it breaks.

    `line` is that of the file in which it stands, from 1, where many came at once.
    """

    field: str
    message: str
    limit: object = None
    line: int | None = None


class InvalidRequest(ReciteError):
    """The request breaks a rule; `problems` names each field and its limit, the first MAX_PROBLEMS of them."""

    code = "invalid_request"
    title = "The request is not valid"
    status = 422

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems[:MAX_PROBLEMS])
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in self.problems))


class TextTooLong(InvalidRequest):
    """The text or the body is over the limit."""

    code = "text_too_long"
    title = "The request is too large"
    status = 413


class InvalidLines(ReciteError):
    """Lines of a batch break rules: the first MAX_LINE_PROBLEMS `problems`, and how many `more` there are.

    `lines` of them are bad; 0 when it is the file as a whole that can't be read.
    """

    code = "invalid_lines"
    title = "Lines of the batch are not valid; nothing was begun"
    status = 422

    def __init__(self, problems: Sequence[FieldProblem], *, lines: int = 0, more: int = 0) -> None:
        self.problems, self.lines = tuple(problems[:MAX_LINE_PROBLEMS]), lines
        self.more = more + len(problems) - len(self.problems)
        first = problems[0]
        where = "" if first.line is None else f"line {first.line}, "
        bad = "1 line is" if lines == 1 else f"{lines} lines are"
        hint = f"; {bad} not valid: skip_invalid=true leaves such out" if lines else ""
        super().__init__(f"{where}{first.field}: {first.message}{hint}")


class UnsupportedMedia(ReciteError):
    """The body is of a kind, or packed in a way, that this call does not read."""

    code = "unsupported_media_type"
    title = "This call does not read such a body"
    status = 415


class MalformedBody(ReciteError):
    """The body is not what its content type says."""

    code = "malformed_body"
    title = "The body could not be read"
    status = 400


class MalformedName(ReciteError):
    """The id has not the form of a name."""

    code = "malformed_id"
    title = "This id is not the name of a job"
    status = 400


class RangeNotSatisfiable(ReciteError):
    """The range lies outside an object of `size` bytes."""

    code = "range_not_satisfiable"
    title = "The range lies outside the audio"
    status = 416

    def __init__(self, *, size: int) -> None:
        super().__init__(f"The audio has {size} bytes; ask for a range inside them")
        self.size = size
