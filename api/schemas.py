"""What callers send and what they are shown; raw input goes no further than this."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audio.codecs import FORMATS, resolve_rendition
from front.refusals import refuse
from speech.errors import FieldProblem, InvalidRequest, TextTooLong
from speech.job import Cache, Job, JobError
from speech.markdown import speakable
from speech.request import MAX_PRONUNCIATIONS, MAX_SPEED, MAX_TAKE, MIN_SPEED, Lane, Rendition, SpeechRequest
from speech.text import MAX_CHARACTERS, is_encodable

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


class JobRequest(BaseModel):
    """The body of `POST /v1/jobs`; only `text` is required."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "Your order has shipped."},
                {"text": "Guten Morgen!", "voice": "leo", "format": "wav", "speed": 1.1, "language": "de"},
            ]
        },
    )

    text: str = Field(
        description=f"What is to be spoken, 1 to {MAX_CHARACTERS} characters.",
        json_schema_extra={"minLength": 1, "maxLength": MAX_CHARACTERS},
    )
    input: Literal["text", "markdown"] = Field(
        "text", description="How `text` is to be read; of `markdown` what a reader would say."
    )
    voice: str | None = Field(None, description="See `GET /v1/voices`; the service's default when left out.")
    format: str = Field("mp3", description="How it is encoded.", json_schema_extra={"enum": list(FORMATS)})
    sample_rate: int | None = Field(None, description="Hz, 8000 to 48000 as the format allows; 24000 by default.")
    bit_rate: int | None = Field(None, description="bit/s, for lossy formats.")
    speed: float = Field(
        1.0,
        description="Times the voice's own pace.",
        json_schema_extra={"minimum": MIN_SPEED, "maximum": MAX_SPEED},
    )
    language: str = Field("auto", description="A language tag such as `en` or `pt-BR`, or `auto`.")
    pronunciations: dict[str, str] = Field(
        {}, max_length=MAX_PRONUNCIATIONS, description="How words are to be said: `{word: sound}`."
    )
    take: int = Field(
        1,
        description="Another number gives the same text another, new performance.",
        json_schema_extra={"minimum": 1, "maximum": MAX_TAKE},
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
        problems: list[FieldProblem] = []
        rendition = Rendition(format="wav", sample_rate=24000, bit_rate=None)
        try:
            rendition = resolve_rendition(self.format, sample_rate=self.sample_rate, bit_rate=self.bit_rate)
        except InvalidRequest as error:
            problems += error.problems
        try:
            request = SpeechRequest.of(
                self._spoken_text(),
                voice=default_voice if self.voice is None else self.voice,
                rendition=rendition,
                speed=self.speed,
                language=self.language,
                pronunciations=self.pronunciations,
                take=self.take,
                lane=Lane(self.priority),
            )
        except TextTooLong:
            raise
        except InvalidRequest as error:
            problems = [*error.problems, *problems]
        if problems:
            raise InvalidRequest(problems)
        return request

    def _spoken_text(self) -> str:
        # Far too long is refused as it came.
        is_markdown = self.input == "markdown" and len(self.text) <= MAX_CHARACTERS and is_encodable(self.text)
        return speakable(self.text, language=self.language) if is_markdown else self.text


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
        "created_at": _iso(job.created_at),
        "started_at": _iso(job.started_at),
        "ready_at": _iso(job.ready_at),
        "duration_ms": job.duration_ms,
        "bytes": job.size,
        "audio_url": audio_url,
        "proof": job.proof,
        "timings": job.timings,
        "error": _error_document(job.error),
    }


def _error_document(error: JobError | None) -> dict[str, Any] | None:
    return None if error is None else {"code": error.code, "message": error.message, "retryable": error.retryable}


def _iso(seconds: float | None) -> str | None:
    return (
        None
        if seconds is None
        else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
