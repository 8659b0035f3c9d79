"""What becomes of files that people send as batches, good and bad."""

from __future__ import annotations

import io
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.intake.kinds import CSV, JSON, JSON_LINES, check_kind, rows_of
from api.intake.line import LineRequest
from api.intake.row import MAX_ROW
from speech.errors import InvalidLines, TextTooLong, UnsupportedMedia
from tests.fakes.uploads import WRITTEN, as_csv, checked, lines_of

pytestmark = pytest.mark.unit

HELLO: dict[str, Any] = {"custom_id": "a", "text": "Hello."}


async def problems_of(content: bytes, *, kind: str = JSON_LINES) -> list[tuple[int | None, str, str]]:
    """Where, which field, and what is wrong."""
    with pytest.raises(InvalidLines) as refusal:
        async with checked(content, kind=kind):
            pass
    return [(problem.line, problem.field, problem.message) for problem in refusal.value.problems]


async def texts(content: bytes, *, kind: str = JSON_LINES) -> list[tuple[int, str, str]]:
    async with checked(content, kind=kind) as draft:
        return [(line.number, line.custom_id, line.recipe.request.text) for line in await lines_of(draft)]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b'{"text": "One."}\r\n\r\n{"text": "Two."}', [(1, "1", "One."), (3, "3", "Two.")]),
        (b'\xef\xbb\xbf{"custom_id": 7, "text": "One."}\n', [(1, "7", "One.")]),
    ],
)
async def test_json_lines(content: bytes, lines: list[tuple[int, str, str]]) -> None:
    assert await texts(content) == lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("text,custom_id\nOne.,a\nTwo.,b\n", [(2, "a", "One."), (3, "b", "Two.")]),
        ("\ufeffCustom_ID, Text\r\na,One.\r\n", [(2, "a", "One.")]),
        ("text\nOne.\n\nTwo.", [(2, "2", "One."), (4, "4", "Two.")]),
        ('text;speed\n"One; and, ""two"".";1.2\n', [(2, "2", 'One; and, "two".')]),
        ('text\tvoice\n"Two\nlines."\tleo\nThree.\t\n', [(2, "2", "Two\nlines."), (4, "4", "Three.")]),
    ],
)
async def test_csv(content: str, lines: list[tuple[int, str, str]]) -> None:
    assert await texts(content.encode(), kind=CSV) == lines


async def test_json_may_hold_lines_anywhere() -> None:
    members: dict[str, object] = {}
    content = b' {"metadata": {"lines": "no"}, "lines" : [ {"text": "One."} , {"text": "Two."} ], "webhook_url": null} '
    rows = rows_of(io.BytesIO(content), kind=JSON, members=members)
    assert [(row.number, row.content) for row in rows] == [(1, b'{"text":"One."}'), (2, b'{"text":"Two."}')]
    assert members == {"metadata": {"lines": "no"}, "webhook_url": None}
    assert await texts(b'[{"text": "One."}]', kind=JSON) == [(1, "1", "One.")]


LINES = st.lists(
    st.fixed_dictionaries(
        {"text": st.text(min_size=1)},
        optional={
            "custom_id": st.text(min_size=1).map(str.strip).filter(bool),
            "voice": st.sampled_from(["leo", "Eve"]),
            "format": st.sampled_from(["opus", "wav"]),
            "sample_rate": st.sampled_from([8000, 48000]),
            "speed": st.floats(0.5, 2),
            "take": st.integers(-10, 2**40),
            "pronunciations": st.dictionaries(st.text(), st.text(), max_size=3),
            "input": st.just("markdown"),
        },
    ),
    min_size=1,
    max_size=5,
)


@given(LINES)
def test_every_kind_says_the_same(lines: list[dict[str, Any]]) -> None:
    expected = [LineRequest.of(line, what="line") for line in lines]
    for kind, write in WRITTEN.items():
        rows = rows_of(io.BytesIO(write(lines)), kind=kind, members={})
        read = [LineRequest.of(row.content, what="line") for row in rows]
        assert read == expected, kind


async def test_pieces_of_a_document_may_be_cut_anywhere() -> None:
    lines = [{"custom_id": str(number), "text": f"{number} 😀 " + 'ä\\"' * 1000} for number in range(300)]
    assert [text for _, _, text in await texts(WRITTEN[JSON](lines), kind=JSON)] == [line["text"] for line in lines]


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"", None, "has no lines"),
        (b"\n \n", None, "has no lines"),
        ("ÿþ".encode("latin-1") + b"{\x00", None, "UTF-16"),
        (b"PK\x03\x04...", None, "spreadsheet"),
    ],
)
async def test_json_lines_that_are_none(content: bytes, line: int | None, said: str) -> None:
    [(where, field, message)] = await problems_of(content)
    assert (where, field) == (line, "file")
    assert said in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"text": "One."', "is not JSON in UTF-8: EOF while parsing an object at column 15"),
        (b'{"text": "caf\xe9"}', "is not JSON in UTF-8"),
        (b'["One."]', "must be a JSON object"),
        (b"One.", "is not JSON"),
        (b'{"text": "' + b"a" * MAX_ROW + b'"}', f"is longer than {MAX_ROW} bytes"),
    ],
)
async def test_a_line_that_is_no_json_is_one_of_many(line: bytes, said: str) -> None:
    content = b"\n".join([orjson.dumps(HELLO), line, b'{"text": ""}'])
    [(where, field, message), (other, *_)] = await problems_of(content)
    assert (where, field, other) == (2, "line", 3)
    assert said in message


@pytest.mark.parametrize(
    ("content", "line", "field", "said"),
    [
        (b"", 1, "file", "is empty"),
        (b"text\n", None, "file", "has no lines"),
        (b"custom_id,words\na,One.\n", 1, "text", "there is no column"),
        (b"text,tone\nOne.,happy\n", 1, "tone", "unknown column; known are text, input, voice"),
        (b"text,text\nOne.,Two.\n", 1, "text", "twice"),
        (b"text,\nOne.,Two.\n", 1, "header", "without a name"),
        (b'text,voice\nOne.,leo\n"Two.,leo\nThree.,leo\n', 3, "file", "a quote that is opened"),
        (b'text\n"' + b"a " * 70_000 + b"\n", 2, "file", "is a quote not closed?"),
        (b'text\n"One." she said\n', 2, "file", "is not CSV"),
        ("text\nOne.\nCafé.\n".encode("latin-1"), 3, "file", "is not UTF-8: byte 4 of this line"),
        (b"text\nOne, two.\n", 2, "line", "has 2 cells, the header 1"),
        (b"text,speed\nOne.,fast\n", 2, "speed", "Input should be a valid number"),
        (b"text,take\nOne.,1.5\n", 2, "take", "Input should be a valid integer"),
        (b"text,pronunciations\nOne.,a=b\n", 2, "pronunciations", "Input should be a valid dictionary"),
        (b"text,voice\n,leo\n", 2, "text", "is empty"),
    ],
)
async def test_csv_that_is_none(content: bytes, line: int | None, field: str, said: str) -> None:
    problems = await problems_of(content, kind=CSV)
    assert (line, field) in [(where, name) for where, name, _ in problems]
    assert said in "".join(message for _, _, message in problems)


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"", None, "must be an array"),
        (b'"text"', None, "must be an array"),
        (b"[]", None, "has no lines"),
        (b'{"metadata": {}}', None, "has no lines"),
        (b'[{"text": "One."}, {"text": }]', 2, "is not JSON: Expecting value"),
        (b'[{"text": "One."}, ', 2, "is not JSON"),
        (b'[{"text": "One."}', 1, "`,` is missing"),
        (b'[{"text": "One."},]', 1, "stands before"),
        (b'[{"text": "One."}] {}', 1, "goes on behind its end"),
        (b'[{"text": "One.", "speed": NaN}]', 1, "is void"),
        (b'[{"text": "caf\xe9"}]', None, "is not UTF-8"),
        (b"[" * 200_000, 1, "is void"),
        (b'[{"text": "' + b"a" * (2 * MAX_ROW) + b'"}]', 1, "or longer"),
        (b'[{"a": ' + b"[" * 100, 1, "is not JSON"),
    ],
)
async def test_json_that_is_none(content: bytes, line: int | None, said: str) -> None:
    [(where, field, message)] = await problems_of(content, kind=JSON)
    assert (where, field) == (line, "file")
    assert said in message


async def test_what_only_python_reads_is_wrong() -> None:
    content = b'[{"text": "a", "custom_id": "\\ud800"}, {"text": "b", "take": 18446744073709551616}, {"text": "c"}]'
    problems = await problems_of(content, kind=JSON)
    assert [(line, field) for line, field, _ in problems] == [(1, "line"), (2, "line")]
    [(_, field, message)] = await problems_of(b'{"metadata": {"a": "\\ud800"}, "lines": []}', kind=JSON)
    assert (field, message) == ("file", "is not JSON: `metadata` can't be read")


async def test_of_many_bad_columns_a_hundred_are_told() -> None:
    with pytest.raises(InvalidLines) as refusal:
        async with checked(b",".join(b"c%d" % number for number in range(300)), kind=CSV):
            pass
    assert (len(refusal.value.problems), refusal.value.more) == (100, 201)


async def test_more_lines_than_there_may_be() -> None:
    with pytest.raises(TextTooLong) as refusal:
        async with checked(b'{"text": ""}\n' * 50_001):
            pass
    assert refusal.value.problems[0].limit == 50_000


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("application/jsonl", JSON_LINES),
        ("application/x-ndjson; charset=UTF-8", JSON_LINES),
        ("Text/CSV; header=present", CSV),
        ('application/json; charset="utf-8"', JSON),
    ],
)
def test_content_types(content_type: str, kind: str) -> None:
    assert check_kind(content_type) == kind


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "text/csv; charset=iso-8859-1"]
)
def test_content_types_that_are_not_read(content_type: str) -> None:
    with pytest.raises(UnsupportedMedia):
        check_kind(content_type)


def test_separators_are_told_from_the_header() -> None:
    lines = [{"custom_id": "a", "text": "One, two; three."}]
    for separator in ",;\t":
        [row] = rows_of(io.BytesIO(as_csv(lines, separator=separator)), kind=CSV, members={})
        assert row.content == lines[0]
