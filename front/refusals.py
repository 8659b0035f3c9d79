"""Says what is wrong with a body that pydantic refused, in our words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from pydantic import ValidationError

from front.problems import limit_of
from speech.errors import MAX_PROBLEMS, FieldProblem, InvalidRequest, MalformedBody

_LONGEST_FIELD = 64
# What pydantic puts before what a validator of ours says.
_OWN_WORDS = "Value error, "


def refuse(error: ValidationError, *, known: Sequence[str], example: str, what: str = "body") -> NoReturn:
    """Raises MalformedBody or InvalidRequest with every field that is wrong."""
    problems = []
    for found in error.errors(include_url=False, include_input=False)[:MAX_PROBLEMS]:
        field = ".".join(str(part) for part in found["loc"])[:_LONGEST_FIELD]
        if found["type"] == "json_invalid":
            raise MalformedBody(f"The {what} is not JSON in UTF-8: {found['ctx']['error']}") from None
        if found["type"] == "extra_forbidden":
            problems.append(FieldProblem(field=field, message=f"unknown field; known are {', '.join(known)}"))
        elif not field:
            raise MalformedBody(f"The {what} must be a JSON object such as {example}") from None
        else:
            problems.append(
                FieldProblem(field=field, message=found["msg"].removeprefix(_OWN_WORDS), limit=limit_of(found))
            )
    raise InvalidRequest(problems) from None
