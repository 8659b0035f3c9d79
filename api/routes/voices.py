"""Voices: who can speak."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.services import Services
from front.openapi import PROBLEMS
from speech.voices import VOICES

router = APIRouter(tags=["voices"])


class VoiceView(BaseModel):
    """A voice; `default` marks the one that speaks when none is asked for."""

    id: str
    name: str
    description: str
    default: bool


class VoicesView(BaseModel):
    """All voices by name; custom voices (8 letters or digits) work too and are not listed.

    `data` is the same list where OpenAI's shape has it.
    """

    voices: list[VoiceView]
    object: Literal["list"] = "list"
    data: list[VoiceView]


@router.get("/v1/audio/voices", summary="List the voices for Open WebUI and others")
async def list_speaking_voices(request: Request) -> VoicesView:
    """The same as `GET /v1/voices`; nobody needs a key for it, because Open WebUI sends none."""
    return await list_voices(request)


@router.get("/v1/voices", responses=dict(PROBLEMS), summary="List the voices")
async def list_voices(request: Request) -> VoicesView:
    """The voices that xAI publishes, with their descriptions."""
    default = Services.of(request).settings.server.voice
    voices = [
        VoiceView(id=voice.id, name=voice.name, description=voice.description, default=voice.id == default)
        for voice in VOICES.values()
    ]
    return VoicesView(voices=voices, data=voices)
