"""A batch's lines checked, named and packed; what it would take; and what many names have."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pytest

from api.intake import json_lines
from api.intake.draft import Draft
from api.intake.estimate import estimate
from api.intake.line import Terms
from api.kept import Kept
from api.schemas import JobRequest
from speech.batch import PIECE_LINES
from speech.errors import InvalidLines, InvalidRequest, Unavailable
from speech.prices import Prices
from speech.recipe import Recipe
from speech.request import Lane
from storage.memory_store import MemoryAudioStore
from tests.fakes.jobs import make_card, make_recipe
from tests.fakes.uploads import TERMS, as_json_lines, checked, lines_of

pytestmark = pytest.mark.unit


def job(body: dict[str, Any]) -> Recipe:
    """What `POST /v1/jobs` makes of the same."""
    request = JobRequest.read(orjson.dumps({**body, "priority": "bulk"})).speech_request(default_voice="ara")
    return Recipe(request=request, model=TERMS.model, speak_mode=TERMS.speak_mode)


async def test_a_line_is_the_job_that_a_single_request_makes() -> None:
    bodies: list[dict[str, Any]] = [
        {"text": "  One \t more.\n\n\nTime. "},
        {"text": "# Two\n\n**bold** `code`", "input": "markdown", "language": "en"},
        {"text": "Three.", "voice": "LEO", "format": "opus", "bit_rate": 16000, "speed": 1.5},
    ]
    async with checked(as_json_lines(bodies)) as draft:
        lines = await lines_of(draft)
    assert [line.recipe for line in lines] == [job(body) for body in bodies]
    assert {line.recipe.request.lane for line in lines} == {Lane.BULK}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "?!"},
        {"text": "a" * 100_001},
        {"text": None, "voice": 3},
        {"text": "a", "voice": "arra", "format": "mp4", "speed": 9},
        {"text": "a", "sample_rate": 7999},
        {"text": "a", "pronunciations": {"a": ""}},
    ],
)
async def test_the_same_is_wrong_as_with_a_single_request(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as single:
        job(body)
    with pytest.raises(InvalidLines) as refusal:
        async with checked(as_json_lines([body])):
            pass
    of_line = [(problem.field, problem.message, problem.limit) for problem in refusal.value.problems]
    assert of_line == [(problem.field, problem.message, problem.limit) for problem in single.value.problems]
    assert {problem.line for problem in refusal.value.problems} == {1}


async def test_what_a_line_leaves_out_its_batch_says() -> None:
    terms = Terms(voice="eve", format="wav", model="m", speak_mode="instructed", scope="ab" * 32)
    async with checked(
        as_json_lines([{"text": "a"}, {"text": "a", "voice": "leo", "format": "mp3"}]), terms=terms
    ) as draft:
        first, second = [line.recipe for line in await lines_of(draft)]
    assert (first.request.voice, first.request.rendition.format) == ("eve", "wav")
    assert (second.request.voice, second.request.rendition.format) == ("leo", "mp3")
    assert (first.model, first.speak_mode, first.scope) == ("m", "instructed", "ab" * 32)


async def test_equal_lines_are_one_and_pieces_hold_them_in_order() -> None:
    texts = [f"Text {number % 700}." for number in range(PIECE_LINES + 200)]
    async with checked(as_json_lines([{"text": text} for text in texts])) as draft:
        pieces = [piece async for piece in draft.pieces()]
        lines = await lines_of(draft)
        figures = draft.lines, len(draft.firsts), draft.characters
    assert len(pieces) == 2
    assert [line.place for line in lines] == list(range(1200))
    assert [line.recipe.request.text for line in lines] == texts
    assert [line.first for line in lines] == [number % 700 for number in range(1200)]
    assert figures == (1200, 700, sum(map(len, texts[:700])))


async def test_a_custom_id_may_come_once() -> None:
    content = [
        {"custom_id": "2", "text": "a"},
        {"text": "b"},
        {"custom_id": "c", "text": ""},
        {"custom_id": "c", "text": ""},
    ]
    with pytest.raises(InvalidLines) as refusal:
        async with checked(as_json_lines(content)):
            pass
    assert [(problem.line, problem.field) for problem in refusal.value.problems] == [
        (2, "custom_id"),
        (3, "text"),
        (4, "custom_id"),
        (4, "text"),
    ]
    assert refusal.value.lines == 3


async def test_of_many_problems_a_hundred_are_told_and_the_others_counted() -> None:
    bodies: list[dict[str, Any]] = [{"text": "good"}] * 17_344 + [{"text": "", "take": 0}] * 80
    content = as_json_lines(bodies) + b'\n{"text": "broken\n{"text": "good"}'
    with pytest.raises(InvalidLines) as refusal:
        async with checked(content):
            pass
    error = refusal.value
    assert (len(error.problems), error.more, error.lines) == (100, 61, 81)
    assert (error.problems[0].line, error.problems[-1].line) == (17_345, 17_394)
    assert str(error).startswith("line 17345, text: is empty")
    assert "81 lines are not valid" in str(error)
    async with checked(content, skip_invalid=True) as draft:
        assert (draft.lines, draft.skipped, len(draft.firsts)) == (17_345, 81, 1)
        assert (await lines_of(draft))[-1].number == 17_426


async def test_nothing_good_is_no_batch() -> None:
    with pytest.raises(InvalidLines):
        async with checked(b'{"text": ""}', skip_invalid=True):
            pass


async def test_what_it_would_take() -> None:
    bodies = [{"text": "a" * 150}, {"text": "b" * 300}, {"text": "c" * 30, "format": "wav"}, {"text": "a" * 150}]
    async with checked(as_json_lines([*bodies, {"text": ""}]), skip_invalid=True) as draft:
        kept = {next(iter(draft.firsts))}
        document = estimate(draft, kept=kept, prices=Prices(minute=6.0, item=0.5), sessions=2)
    by_voice = document.pop("by_voice")
    errors = document.pop("errors")
    assert document == {
        "dry_run": True,
        "lines": 4,
        "hits": 1,
        "misses": 2,
        "duplicates": 1,
        "characters_to_buy": 330,
        "audio_seconds_to_buy": 22.0,
        "upstream_usd": 2.2 + 1.5,
        # 22 s of sound four times faster, and three utterances that begin.
        "upstream_seconds": 3.2,
        "skipped": 1,
        "more_errors": 0,
    }
    assert isinstance(by_voice, list)
    assert [(share["voice"], share["format"], share["hits"], share["misses"]) for share in by_voice] == [
        ("ara", "mp3", 1, 1),
        ("ara", "wav", 0, 1),
    ]
    assert isinstance(errors, list)
    assert [problem["line"] for problem in errors] == [5]


CARDS = [make_card(make_recipe(text)) for text in ("One.", "Two.")]
ONE, TWO = (card.name for card in CARDS)


@dataclass
class Index:
    """Knows these names; None: not all that there are. Away, it knows nothing at all."""

    names: set[str] | None
    is_away: bool = False
    discarded: list[set[str]] = field(default_factory=list)

    async def known(self, names: Collection[str]) -> set[str] | None:
        if self.is_away:
            raise Unavailable("redis")
        return None if self.names is None else self.names & set(names)

    async def discard(self, names: Collection[str]) -> None:
        self.discarded.append(set(names))


@pytest.mark.parametrize("index", [Index(None), Index(set(), is_away=True)])
async def test_without_an_index_the_bucket_is_asked(index: Index) -> None:
    store = MemoryAudioStore()
    await store.put_card(CARDS[0])
    kept = Kept(index=index, card=store.card)
    assert await kept.names([ONE, TWO]) == {ONE}
    assert await kept.cards([ONE, TWO]) == {ONE: CARDS[0]}
    assert index.discarded == []


async def test_the_index_spares_asking_and_is_set_right() -> None:
    store, index = MemoryAudioStore(), Index({TWO})
    for card in CARDS:
        await store.put_card(card)
    kept = Kept(index=index, card=store.card)
    assert await kept.names([ONE, TWO]) == {TWO}
    assert await kept.cards([ONE, TWO]) == {TWO: CARDS[1]}
    store.objects.clear()
    assert await kept.cards([ONE, TWO]) == {}
    assert index.discarded == [{TWO}]


async def test_a_bucket_that_is_away_is_no_no() -> None:
    async def away(name: str) -> None:
        raise Unavailable("bucket")

    with pytest.raises(Unavailable):
        await Kept(index=Index(None), card=away).names([ONE])


@pytest.fixture
def full_disk() -> Iterator[BinaryIO]:
    with Path("/dev/full").open("r+b", buffering=0) as file:
        yield file


async def test_a_full_disk_is_an_outage(full_disk: BinaryIO) -> None:
    rows = json_lines.rows(io.BytesIO(as_json_lines([{"text": "a"}])))
    with Draft(terms=TERMS, scratch=full_disk) as draft:
        await draft.fill(rows, skip_invalid=False)
        with pytest.raises(Unavailable, match="disk"):
            [piece async for piece in draft.pieces()]
