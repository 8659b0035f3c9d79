"""What is to be spoken and how: the part of a request that a single job and a batch's line have in common."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audio.codecs import FORMATS, resolve_rendition
from front.refusals import refuse
from speech.errors import FieldProblem, InvalidRequest, MalformedBody, TextTooLong
from speech.markdown import speakable
from speech.request import MAX_PRONUNCIATIONS, MAX_SPEED, MAX_TAKE, MIN_SPEED, Lane, Rendition, SpeechRequest
from speech.text import MAX_CHARACTERS, is_encodable


class SpokenText(BaseModel):
    """Only `text` is required."""

    model_config = ConfigDict(strict=True, extra="forbid")

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

    @classmethod
    def of(cls, content: object, *, what: str) -> Self:
        """Reads JSON, when it is bytes, or what was read already; raises InvalidRequest with all that is wrong.

        `what` names it where it is nothing of the kind.
        """
        try:
            return cls.model_validate_json(content) if isinstance(content, bytes) else cls.model_validate(content)
        except ValidationError as error:
            try:
                refuse(error, known=list(cls.model_fields), example='{"text": "Hello"}', what=what)
            except MalformedBody as malformed:
                message = str(malformed).replace(" at line 1 column ", " at column ")
                raise InvalidRequest([FieldProblem(field=what, message=message)]) from None

    def spoken(self, *, lane: Lane, default_voice: str, default_format: str | None = None) -> SpeechRequest:
        """The request that the rest of the house works with; raises InvalidRequest with all that is wrong."""
        problems: list[FieldProblem] = []
        format = self.format if default_format is None or "format" in self.model_fields_set else default_format
        rendition = Rendition(format="wav", sample_rate=24000, bit_rate=None)
        try:
            rendition = resolve_rendition(format, sample_rate=self.sample_rate, bit_rate=self.bit_rate)
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
                lane=lane,
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
