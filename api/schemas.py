"""What callers send and what they are shown; raw input goes no further than this."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from api.spoken_text import SpokenText
from front.refusals import refuse
from front.webhook_urls import MAX_URL, check_form
from speech.request import Lane, SpeechRequest

# As OpenAI's metadata: sixteen short pairs.
CLIENT_ID = r"^[A-Za-z0-9._-]{1,64}$"
# What pydantic calls them.
MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE = 16, 64, 512

Metadata = Annotated[
    dict[
        Annotated[str, Field(max_length=MAX_METADATA_KEY)],
        Annotated[str, Field(max_length=MAX_METADATA_VALUE)],
    ],
    Field(max_length=MAX_METADATA),
]


class JobRequest(SpokenText):
    """The body of `POST /v1/jobs`; only `text` is required."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "Your order has shipped."},
                {"text": "Guten Morgen!", "voice": "leo", "format": "wav", "speed": 1.1, "language": "de"},
            ]
        },
    )

    priority: Literal["interactive", "bulk"] = Field("interactive", description="`bulk` when nobody waits for it.")
    client_id: str | None = Field(
        None,
        pattern=CLIENT_ID,
        description="Who asks, when many do by one key: 1 to 64 letters, digits, `.`, `_`, `-`.",
    )
    webhook_url: str | None = Field(
        None, max_length=MAX_URL, description="Where you want to be told when the job is ready, or has failed."
    )
    metadata: Metadata | None = Field(
        None, description="Yours; comes back in this answer and your webhook, and nowhere else."
    )
    refresh: bool = Field(False, description="Try again now, although it failed within the last minute.")

    @field_validator("webhook_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        return None if value is None else check_form(value)

    @classmethod
    def read(cls, body: bytes) -> JobRequest:
        """Reads a JSON body; raises MalformedBody or InvalidRequest with every field that is wrong."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            refuse(error, known=list(cls.model_fields), example='{"text": "Hello"}')

    def speech_request(self, *, default_voice: str) -> SpeechRequest:
        """The request that the rest of the house works with; raises InvalidRequest with all that is wrong."""
        return self.spoken(lane=Lane(self.priority), default_voice=default_voice)


class JobErrorView(BaseModel):
    """Why a job failed; `retryable` says whether asking again may help."""

    code: str
    message: str
    retryable: bool


class JobView(BaseModel):
    """A job. `audio_url` plays from the first answer on: live while the audio is made."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(examples=["ara-3f9c2d81b7a64e05c1d2f3a4b5c6d7e8f9012345.mp3"])
    status: Literal["queued", "rendering", "ready", "failed", "cancelled"]
    cache: Literal["hit", "joined", "miss"] | None = Field(None, description="In the answer to `POST` only.")
    metadata: dict[str, str] | None = Field(None, description="In the answer to `POST` only.")
    voice: str
    format: str
    sample_rate: int
    characters: int
    utterances: int | None
    utterances_done: int = Field(description="How many of them are spoken and kept, or were kept before.")
    attempts: int
    created_at: str
    started_at: str | None
    ready_at: str | None
    duration_ms: int | None
    bytes: int | None
    audio_url: str
    proof: dict[str, Any] | None
    timings: dict[str, int] | None
    error: JobErrorView | None


class JobListView(BaseModel):
    """Some of the latest jobs; `next_cursor` leads to the next page, null on the last one."""

    jobs: list[JobView]
    next_cursor: str | None
