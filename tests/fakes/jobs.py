"""Recipes and cards for tests that are about what happens to them."""

from __future__ import annotations

from speech.card import Card
from speech.recipe import Recipe
from speech.request import Lane, Rendition, SpeechRequest

NOW = 1_790_000_000.25


def make_recipe(text: str = "Good morning.", *, format: str = "mp3", lane: Lane = Lane.INTERACTIVE) -> Recipe:
    """A recipe in Ara's voice."""
    rendition = Rendition(format=format, sample_rate=24_000, bit_rate=64_000 if format == "mp3" else None)
    request = SpeechRequest.of(text, voice="ara", rendition=rendition, lane=lane)
    return Recipe(request=request, model="grok-voice-latest", speak_mode="force_message")


def make_card(recipe: Recipe, *, sha256: str = "ab" * 32, size: int = 25_010) -> Card:
    """The card of a recipe's finished audio."""
    name, format = recipe.job_name, recipe.request.rendition.format
    return Card(
        name=name,
        key=f"audio/{name}/{sha256}.{format}",
        sha256=sha256,
        size=size,
        content_type="audio/mpeg",
        samples=74_880,
        duration_ms=3120,
        characters=len(recipe.request.text),
        utterances=1,
        attempts=1,
        created_at=NOW + 1,
        recipe=recipe.public(),
        speak_modes=("force_message",),
        proof={"verdict": "exact", "word_error_rate": 0.0},
        timings={"queued_ms": 3, "rendered_ms": 900},
    )
