"""A line of a batch: what is to be spoken, and the name by which whoever sent it knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, Field

from api.spoken_text import SpokenText
from speech.recipe import Recipe
from speech.request import Lane

MAX_CUSTOM_ID = 256


def _number_as_text(value: object) -> object:
    return str(value) if type(value) is int else value


class LineRequest(SpokenText):
    """A line's fields; only `text` is required."""

    custom_id: Annotated[str, BeforeValidator(_number_as_text)] | None = Field(
        None, min_length=1, max_length=MAX_CUSTOM_ID, description="Yours; the line's number when left out."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What all lines of a batch have in common: what they leave out, and what the service adds."""

    voice: str
    format: str | None
    model: str
    speak_mode: str
    scope: str | None

    def recipe(self, line: LineRequest) -> Recipe:
        """What a line asks for; raises InvalidRequest with all that is wrong."""
        request = line.spoken(lane=Lane.BULK, default_voice=self.voice, default_format=self.format)
        return Recipe(request=request, model=self.model, speak_mode=self.speak_mode, scope=self.scope)
