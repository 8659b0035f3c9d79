"""What can be set about the simulator, at its start or by a control call while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from simulator.quirks import MANNERS, PLAIN, Quirk

FORCE_MESSAGE, INSTRUCTED, USER_TEXT = SPEAK_MODES = ("force_message", "instructed", "user_text")

_DAY_MS = 86_400_000
Milliseconds = Annotated[float, Field(ge=0, le=_DAY_MS)]
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Quirks = Annotated[frozenset[Quirk], BeforeValidator(lambda v: MANNERS.get(v, v) if isinstance(v, str) else v)]
SpeakMode = Annotated[str, Field(pattern=f"^({'|'.join(SPEAK_MODES)})$")]


class Options(BaseModel):
    """All options; the defaults answer at once and without quirks, as tests want it.

    `pace` is times faster than speech, 0 is at once; `keys` are the only ones accepted, None accepts every key that
    does not start with `bad`; `quirks` takes `plain`, `quirky` or a list; `seed` decides all that varies.
    `max_session_ms`, `idle_ms` and `ping_ms` are off at 0. Audio comes in chunks of `chunk_ms`: a pace of 1 and chunks
    of 50 ms are 20 messages a second. One that `echoes` hears nothing, but sends the client's audio back as deltas,
    message by message. Conversations can be resumed for `kept_ms`; one that can't be is answered by an error event and
    a fresh one, or with `resumes_or_refuses` by a handshake refused with 404. A chat begins to be written after
    `first_token_ms`, and each further piece comes after `token_ms`. By the dollars bills are made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    handshake_ms: Milliseconds = 0
    first_audio_ms: Milliseconds = 0
    pace: float = Field(0, ge=0, le=1000)
    chunk_ms: float = Field(100, ge=10, le=1_000)
    max_sessions: int = Field(10, ge=0)
    max_session_ms: Milliseconds = 7_200_000
    idle_ms: Milliseconds = 900_000
    ping_ms: Milliseconds = 10_000
    echoes: bool = False
    kept_ms: Milliseconds = 600_000
    resumes_or_refuses: bool = False
    first_token_ms: Milliseconds = 0
    token_ms: Milliseconds = 0
    max_chat_characters: int = Field(500_000, ge=1)
    max_characters: int = Field(15_000, ge=1)
    speak_modes: frozenset[SpeakMode] = frozenset(SPEAK_MODES)
    keys: frozenset[SecretStr] | None = None
    usd_per_audio_minute: Dollars = 0.05
    usd_per_item: Dollars = 0.004
    usd_per_session_minute: Dollars = 0
    usd_per_million_prompt_tokens: Dollars = 5
    usd_per_million_completion_tokens: Dollars = 25
    quirks: Quirks = PLAIN
    seed: int = 0

    def changed(self, values: Mapping[str, Any]) -> Options:
        """These options with some others; raises pydantic's ValidationError."""
        return Options.model_validate({**self.model_dump(), **values})

    def accepts(self, key: str) -> bool:
        """Whether a key opens the door."""
        if self.keys is None:
            return bool(key) and not key.startswith("bad")
        return SecretStr(key) in self.keys
