"""What a lookup asks and answers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from front.openapi import FieldProblemView
from front.refusals import refuse

MAX_REQUESTS = 1000


class LookupRequest(BaseModel):
    """The body of `POST /v1/lookup`; each request is as that of `POST /v1/jobs`, and is checked by itself."""

    model_config = ConfigDict(strict=True, extra="forbid")

    requests: list[Any] = Field(min_length=1, max_length=MAX_REQUESTS)

    @classmethod
    def read(cls, body: bytes) -> LookupRequest:
        """Reads a JSON body; raises MalformedBody or InvalidRequest."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            refuse(error, known=list(cls.model_fields), example='{"requests": [{"text": "Hello"}]}')


class FoundView(BaseModel):
    """What there is of one request. `id` is its job's, whether there is audio or not; null when `errors` says why."""

    id: str | None
    exists: bool
    audio_url: str | None
    duration_ms: int | None
    errors: list[FieldProblemView] | None = None


class LookupView(BaseModel):
    """One for each request, in their order."""

    results: list[FoundView]
