"""What callers of the REST calls send and what they are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from front.refusals import refuse
from speech.live_session import LiveState

CLIENT_ID = r"^[A-Za-z0-9._-]{1,64}$"
MAX_BODY = 256 * 1024
MAX_INSTRUCTIONS, MAX_TOOLS, MAX_TOOL = 20_000, 64, 16_384
LOWEST_RATE, HIGHEST_RATE = 8_000, 48_000


class SessionRequest(BaseModel):
    """The body of `POST /sessions`; nothing is required, not even a body."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"voice": "eve", "sample_rate": 48000, "client_id": "shop"}]},
    )

    client_id: str | None = Field(
        None, pattern=CLIENT_ID, description="Who it is for: 1 to 64 letters, digits, `.`, `_`, `-`."
    )
    voice: str | None = Field(None, description="See `GET /v1/voices` of the api; `VOICE` when left out.")
    instructions: str | None = Field(
        None, min_length=1, max_length=MAX_INSTRUCTIONS, description="What it is told to be; else `INSTRUCTIONS`."
    )
    sample_rate: int = Field(
        24_000, ge=LOWEST_RATE, le=HIGHEST_RATE, description="Hz of the PCM16 in both directions: the browser's own."
    )
    tools: list[dict[str, Any]] = Field([], max_length=MAX_TOOLS, description="Functions that it may call.")
    record: bool = Field(False, description="Keep a recording, where the operator allows it.")

    @field_validator("tools")
    @classmethod
    def _small(cls, value: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            sizes = [len(orjson.dumps(tool)) for tool in value]
        except orjson.JSONEncodeError:
            raise ValueError("holds a number beyond 64 bits, or nests too deeply") from None
        if max(sizes, default=0) > MAX_TOOL:
            raise ValueError(f"holds one of more than {MAX_TOOL} bytes")
        return value

    @classmethod
    def read(cls, body: bytes) -> SessionRequest:
        """Reads a JSON body or none; raises MalformedBody or InvalidRequest with every field that is wrong."""
        try:
            return cls.model_validate_json(body) if body.strip() else cls()
        except ValidationError as error:
            refuse(error, known=list(cls.model_fields), example='{"voice": "ara"}')


class CreatedSession(BaseModel):
    """`websocket_url` is a path here; it holds the token of the first connection when keys are configured."""

    session_id: str
    websocket_url: str
    expires_at: Annotated[str, Field(description="Until when it waits for that connection.")]


class SessionView(BaseModel):
    """One session; the figures of one that another process serves are a few seconds old."""

    session_id: str
    state: LiveState
    client_id: str | None
    voice: str
    sample_rate: int
    recording: bool
    created_at: str
    opened_at: str | None
    expires_at: str
    figures: dict[str, float]


class SessionsView(BaseModel):
    """The sessions of all relay processes, oldest first."""

    sessions: list[SessionView]
    count: int


class LatencyView(BaseModel):
    """Milliseconds that messages spent inside this process, of late."""

    median: float
    p99: float


class HealthView(BaseModel):
    """`sessions_active`: those of all processes that there are; `sessions_open`: the connected ones of this process."""

    status: Literal["healthy", "draining"]
    provider: Literal["XAI"] = "XAI"
    timestamp: str
    sessions_active: int
    sessions_open: int
    added_latency_ms: LatencyView | None = None


def iso(seconds: float) -> str:
    """Unix seconds as the answers have them."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
