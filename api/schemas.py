"""What callers send and what they are shown; raw input goes no further than this."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.spoken_text import SpokenText
from front.refusals import refuse
from speech.job import Cache, Job, JobError
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
    metadata: Metadata | None = Field(None, description="Yours; comes back in this answer and nowhere else.")
    refresh: bool = Field(False, description="Try again now, although it failed within the last minute.")

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


def job_document(
    job: Job, *, audio_url: str, cache: Cache | None = None, metadata: dict[str, str] | None = None
) -> dict[str, Any]:
    """The job as JobView describes it; `cache` and `metadata` belong to the answer to a `POST`."""
    own: dict[str, Any] = {} if cache is None else {"cache": cache}
    if metadata is not None:
        own["metadata"] = metadata
    return {
        "id": job.name,
        "status": job.status,
        **own,
        "voice": job.voice,
        "format": job.format,
        "sample_rate": job.sample_rate,
        "characters": job.characters,
        "utterances": job.utterances,
        "utterances_done": job.utterances_done,
        "attempts": job.attempts,
        "created_at": iso_time(job.created_at),
        "started_at": iso_time(job.started_at),
        "ready_at": iso_time(job.ready_at),
        "duration_ms": job.duration_ms,
        "bytes": job.size,
        "audio_url": audio_url,
        "proof": job.proof,
        "timings": job.timings,
        "error": error_document(job.error),
    }


def error_document(error: JobError | None) -> dict[str, Any] | None:
    """Why something failed, as JobErrorView describes it."""
    return None if error is None else {"code": error.code, "message": error.message, "retryable": error.retryable}


def iso_time(seconds: float | None) -> str | None:
    """A moment in Unix seconds as answers tell it; None stays None."""
    return (
        None
        if seconds is None
        else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
