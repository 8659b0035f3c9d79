"""Models: the one that speaks, in OpenAI's shape and in the one that Open WebUI asks for."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel

from api.openai_errors import described
from api.services import Services

router = APIRouter(tags=["openai"])


class ModelView(BaseModel):
    """A model; when it was created is not known."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "xai"


class ModelsView(BaseModel):
    """All models."""

    object: Literal["list"] = "list"
    data: list[ModelView]


class SpeakerView(BaseModel):
    """A model as Open WebUI reads it."""

    id: str
    name: str


class SpeakersView(BaseModel):
    """All models as Open WebUI reads them."""

    models: list[SpeakerView]


@router.get("/v1/models", responses=described({}), summary="List the models")
async def list_models(request: Request) -> ModelsView:
    """The model that speaks, whichever a request names."""
    return ModelsView(data=[ModelView(id=_model(request))])


@router.get("/v1/models/{model}", responses=described({404: "There is no such model"}), summary="Look at a model")
async def get_model(request: Request, model: str) -> ModelView:
    """The model that speaks, by its name."""
    if model != _model(request):
        raise HTTPException(404)
    return ModelView(id=model)


@router.get("/v1/audio/models", summary="List the models for Open WebUI")
async def list_speakers(request: Request) -> SpeakersView:
    """The same; nobody needs a key for it, because Open WebUI sends none."""
    model = _model(request)
    return SpeakersView(models=[SpeakerView(id=model, name=model)])


def _model(request: Request) -> str:
    return Services.of(request).settings.xai.model
