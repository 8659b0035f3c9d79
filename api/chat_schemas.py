"""What a chat is asked and answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from front.refusals import refuse
from speech.client import CLIENT_ID
from speech.errors import FieldProblem, InvalidRequest, TextTooLong
from speech.job import Cache
from speech.text import is_encodable

_CONVERSATION_ID = r"^[A-Za-z0-9._-]{1,64}$"
_EXAMPLE = '{"client_id": "shop", "message": "Hello"}'


class ChatRequest(BaseModel):
    """The body of `POST /api/chat`; only `message` is required."""

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [{"message": "Hello"}]})

    client_id: str | None = Field(
        None,
        description="Whose settings decide; the service's own when left out.",
        json_schema_extra={"pattern": f"^{CLIENT_ID}$"},
    )
    message: str = Field(description="What is said to the model.", json_schema_extra={"minLength": 1})
    conversation_id: str | None = Field(
        None,
        pattern=_CONVERSATION_ID,
        description="From an earlier answer, to go on with it. An unknown or forgotten one begins a new conversation.",
    )
    audio: Literal["auto", "url", "data", "none"] | None = Field(
        None,
        description="`url`: at once. `data`: waits, a data URL. `auto`: what is there. The client's when left out.",
    )
    voice: str | None = Field(None, description="See `GET /v1/voices`; the client's when left out.")

    @classmethod
    def read(cls, body: bytes, *, characters: int) -> ChatRequest:
        """Reads a JSON body; raises MalformedBody, TextTooLong or InvalidRequest with every field that is wrong."""
        try:
            request = cls.model_validate_json(body)
        except ValidationError as error:
            refuse(error, known=list(cls.model_fields), example=_EXAMPLE)
        if len(request.message) > characters:
            message = f"has {len(request.message)} characters; {characters} at most"
            raise TextTooLong([FieldProblem(field="message", message=message, limit=characters)])
        if not request.message.strip() or not is_encodable(request.message):
            message = f"is empty; 1 to {characters} characters"
            raise InvalidRequest([FieldProblem(field="message", message=message, limit=[1, characters])])
        return request


class AudioView(BaseModel):
    """How the reply sounds; `reason` (one word) and `message` (one sentence) say why it does not."""

    kind: Literal["url", "data", "none"]
    cache: Cache | None
    job_id: str | None
    reason: str | None
    message: str | None


class ChatView(BaseModel):
    """The reply in Markdown, and its sound."""

    reply: str
    conversation_id: str
    audio_url: str | None
    audio: AudioView
