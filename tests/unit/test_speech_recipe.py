import json
from dataclasses import replace
from itertools import product
from string import ascii_letters, ascii_lowercase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.errors import MalformedName
from speech.recipe import Recipe, check_job_name, is_private, scope_of
from speech.request import Lane, Rendition, SpeechRequest
from storage.board_record import order_record
from tests.fakes.jobs import make_recipe

pytestmark = pytest.mark.unit

TEXTS = st.builds(str.__add__, st.sampled_from(ascii_letters), st.text(f"{ascii_lowercase} .,\n", max_size=40))
# Listed: choosing one costs Hypothesis much less time than building it choice by choice.
RENDITIONS = st.sampled_from(
    [
        Rendition(format=name, sample_rate=sample_rate, bit_rate=bit_rate)
        for name, sample_rate, bit_rate in product(["wav", "mp3"], [8000, 24000, 48000], [None, 32000, 64000])
    ]
)
WORDS = st.sampled_from(
    [
        {word: spoken for word, spoken in zip(["Acme", "SQL", "Ny"], chosen, strict=True) if spoken}
        for chosen in product([None, "ak-mee", "sequel"], repeat=3)
    ]
)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    return Recipe(
        request=SpeechRequest.of(
            draw(TEXTS),
            voice=draw(st.sampled_from(["ara", "rex", "abcd1234"])),
            rendition=draw(RENDITIONS),
            speed=draw(st.sampled_from([0.7, 1.0, 1.25])),
            language=draw(st.sampled_from(["auto", "en", "de-at"])),
            pronunciations=draw(WORDS),
            take=draw(st.integers(1, 3)),
            lane=draw(st.sampled_from(Lane)),
        ),
        model=draw(st.sampled_from(["grok-voice-latest", "grok-voice-2"])),
        speak_mode=draw(st.sampled_from(["force_message", "instructed"])),
    )


def sound(recipe: Recipe) -> dict[str, Any]:
    """All that changes what is heard."""
    request = recipe.request
    return {
        "text": request.text,
        "voice": request.voice,
        "speed": request.speed,
        "language": request.language,
        "pronunciations": request.pronunciations,
        "take": request.take,
        "model": recipe.model,
        "mode": recipe.speak_mode,
    }


@given(recipes(), recipes())
def test_names_are_equal_exactly_when_what_they_name_is(one: Recipe, other: Recipe) -> None:
    same_sound = sound(one) == sound(other)
    same_bytes = same_sound and one.request.rendition == other.request.rendition
    assert (one.reading_name == other.reading_name) == same_sound
    assert (one.utterance_name("Hi.") == other.utterance_name("Hi.")) == (
        {**sound(one), "text": ""} == {**sound(other), "text": ""}
    )
    assert (one.job_name == other.job_name) == same_bytes


CHANGES: dict[str, Any] = {
    "text": "Other words",
    "voice": "rex",
    "speed": 1.1,
    "language": "de",
    "pronunciations": (("a", "b"),),
    "take": 2,
}


@given(recipes(), st.sampled_from(sorted(CHANGES)))
def test_every_field_of_the_sound_changes_every_name(recipe: Recipe, field: str) -> None:
    changed = replace(recipe, request=replace(recipe.request, **{field: CHANGES[field]}))
    differs = getattr(recipe.request, field) != CHANGES[field]
    assert (changed.reading_name != recipe.reading_name) == differs
    assert (changed.job_name != recipe.job_name) == differs
    if field != "text":
        assert (changed.utterance_name("Hi.") != recipe.utterance_name("Hi.")) == differs


@given(recipes(), st.sampled_from(["model", "speak_mode"]))
def test_what_the_service_adds_changes_every_name(recipe: Recipe, field: str) -> None:
    change: dict[str, Any] = {field: "another"}
    changed = replace(recipe, **change)
    assert changed.reading_name != recipe.reading_name
    assert changed.utterance_name("Hi.") != recipe.utterance_name("Hi.")
    assert changed.job_name != recipe.job_name


@given(recipes(), RENDITIONS)
def test_the_rendition_changes_the_job_alone(recipe: Recipe, rendition: Rendition) -> None:
    changed = replace(recipe, request=replace(recipe.request, rendition=rendition))
    assert changed.reading_name == recipe.reading_name
    assert changed.utterance_name("Hi.") == recipe.utterance_name("Hi.")
    assert (changed.job_name == recipe.job_name) == (rendition == recipe.request.rendition)


@given(recipes())
def test_the_lane_changes_nothing(recipe: Recipe) -> None:
    other = Lane.BULK if recipe.request.lane is Lane.INTERACTIVE else Lane.INTERACTIVE
    changed = replace(recipe, request=replace(recipe.request, lane=other))
    assert changed.job_name == recipe.job_name
    assert changed.reading_name == recipe.reading_name


@given(recipes())
def test_an_utterance_of_the_whole_text_is_not_the_reading(recipe: Recipe) -> None:
    assert recipe.utterance_name(recipe.request.text) != recipe.reading_name


@given(recipes())
def test_travels_as_json(recipe: Recipe) -> None:
    assert Recipe.from_json(order_record(recipe).decode()) == recipe


@given(recipes())
def test_names_start_with_the_voice_and_end_with_the_format(recipe: Recipe) -> None:
    assert recipe.job_name.startswith(f"{recipe.request.voice}-")
    assert recipe.job_name.endswith(f".{recipe.request.rendition.format}")
    assert check_job_name(recipe.job_name) == recipe.job_name


@given(recipes())
def test_what_a_card_keeps_has_no_words(recipe: Recipe) -> None:
    public = recipe.public()
    assert "text" not in public
    assert "pronunciations" not in public
    assert {"model", "voice", "format", "sample_rate", "bit_rate", "speak_mode", "version"} <= public.keys()
    assert json.loads(json.dumps(public)) == public


def test_a_name_is_stable() -> None:
    """Whoever changes this line changes every name in every bucket: raise RECIPE_VERSION knowingly."""
    rendition = Rendition(format="mp3", sample_rate=24000, bit_rate=64000)
    recipe = Recipe(
        request=SpeechRequest.of("Hello, world.", voice="ara", rendition=rendition),
        model="grok-voice-latest",
        speak_mode="force_message",
    )
    assert recipe.job_name == "ara-c195db6c4629bc7f9c0e8d66b92b50302b84ee4d.mp3"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        "../etc/passwd",
        "ara-123.mp3",
        "ARA-" + "0" * 40 + ".mp3",
        "ara-" + "g" * 40 + ".mp3",
        "ara-" + "0" * 40,
        "ara-" + "0" * 40 + ".mp3\n",
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(MalformedName):
        check_job_name(name)


def test_a_private_client_s_names_are_its_own() -> None:
    shared = make_recipe()
    scopes = [scope_of(id, key=key) for id, key in (("a", b"k"), ("b", b"k"), ("a", b"l"))]
    private = [replace(shared, scope=scope) for scope in scopes]

    for name in ("reading_name", "job_name"):
        names = [getattr(one, name) for one in (shared, *private)]
        assert len(set(names)) == 4
        assert [is_private(one) for one in names] == [False, True, True, True]
    assert len({one.utterance_name("Hello.") for one in (shared, *private)}) == 4
    assert check_job_name(private[0].job_name) == private[0].job_name
    assert Recipe.from_json(order_record(private[0]).decode()) == private[0]
    assert scopes[0] not in str(private[0].public())
