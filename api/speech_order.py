"""What programs that speak OpenAI's speech API ask for, and what Recite makes of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from audio.codecs import resolve_rendition
from front.refusals import refuse
from speech import text as texts
from speech.errors import FieldProblem, InvalidRequest
from speech.request import MAX_SPEED, MIN_SPEED, SpeechRequest
from speech.voices import VOICES

# By how OpenAI describes its voices; names of other providers' voices mean nothing elsewhere in Recite.
ALIASES = {
    "alloy": "sal",
    "ash": "rex",
    "ballad": "leo",
    "cedar": "leo",
    "coral": "eve",
    "echo": "rex",
    "fable": "sal",
    "marin": "ara",
    "nova": "eve",
    "onyx": "leo",
    "sage": "ara",
    "shimmer": "ara",
    "verse": "rex",
}
_FIELDS = {"text": "input", "format": "response_format"}


def _unwrapped(voice: Any) -> Any:
    if not isinstance(voice, dict):
        return voice
    if not isinstance(voice.get("id"), str):
        raise ValueError("an object must hold the voice's `id`, a string")
    return voice["id"]


_STRING = {"type": "string"}
_VOICE = WithJsonSchema(
    {"anyOf": [_STRING, {"type": "object", "properties": {"id": _STRING}, "required": ["id"]}, {"type": "null"}]}
)


class SpeechOrder(BaseModel):
    """The body of `POST /v1/audio/speech`; only `input` is required. Fields that are not known are ignored."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "tts-1", "input": "Your order has shipped.", "voice": "alloy"}]}
    )

    input: str = Field(
        description=f"What is to be spoken, 1 to {texts.MAX_CHARACTERS} characters.",
        json_schema_extra={"minLength": 1, "maxLength": texts.MAX_CHARACTERS},
    )
    model: str | None = Field(None, description="Any: there is one model.")
    voice: Annotated[str | None, BeforeValidator(_unwrapped), _VOICE] = Field(
        None,
        description="See `GET /v1/voices`; one of OpenAI's names or `{id}` will do, too. By default the service's.",
    )
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = Field(
        None, description="mp3 when left out; pcm is 24 kHz, 16 bit signed little-endian, one channel."
    )
    speed: float | None = Field(
        None,
        ge=0.25,
        le=4,
        allow_inf_nan=False,
        description=f"The voice speaks {MIN_SPEED} to {MAX_SPEED} times as fast; beyond that, as near as it can.",
    )
    stream_format: Literal["audio", "sse"] | None = Field(None, description="`sse` for server-sent events.")
    instructions: str | None = Field(None, description="Ignored, and the answer says so.")

    @classmethod
    def read(cls, body: bytes) -> SpeechOrder:
        """Reads a JSON body; raises MalformedBody or InvalidRequest with every field that is wrong."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            refuse(error, known=list(cls.model_fields), example='{"input": "Hello"}')

    @property
    def is_wordless(self) -> bool:
        """Whether there is something, such as a full stop, but nothing that could be spoken."""
        if len(self.input) > texts.MAX_CHARACTERS or not texts.is_encodable(self.input):
            return False
        text = texts.normalise(self.input)
        return bool(text) and not texts.is_speakable(text)

    def speech_request(self, *, default_voice: str) -> SpeechRequest:
        """The request that the rest of the house works with; raises InvalidRequest in the names of these fields.

        One that is wordless asks for a single word instead, so that all the rest is checked.
        """
        try:
            return SpeechRequest.of(
                "Nothing" if self.is_wordless else self.input,
                voice=self._voice() or default_voice,
                rendition=resolve_rendition(self.response_format or "mp3"),
                speed=self._speed(),
            )
        except InvalidRequest as error:
            raise type(error)(
                [
                    FieldProblem(field=_FIELDS.get(one.field, one.field), message=one.message, limit=one.limit)
                    for one in error.problems
                ]
            ) from None

    def notes(self) -> dict[str, str]:
        """The headers that say what was not done as it was asked for."""
        ignored = {"Recite-Ignored": "instructions"} if self.instructions else {}
        speed = self._speed()
        return ignored if self.speed in (None, speed) else {**ignored, "Recite-Speed": f"{speed:g}"}

    def _speed(self) -> float:
        return 1.0 if self.speed is None else min(max(self.speed, MIN_SPEED), MAX_SPEED)

    def _voice(self) -> str:
        named = self.voice
        if not named and self.model and _known_voice(self.model):
            # Programs that took LocalAI for a model put the voice there.
            named = self.model
        return _known_voice(named or "") or named or ""


def _known_voice(name: str) -> str | None:
    id = name.strip().lower()
    return ALIASES.get(id) or (id if id in VOICES else None)
