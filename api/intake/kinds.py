"""The kinds of files that a batch may come as."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from email.message import Message
from typing import BinaryIO

from api.intake import csv_rows, json_items, json_lines
from api.intake.line import LineRequest
from api.intake.row import Row, unreadable
from speech.errors import UnsupportedMedia

JSON_LINES, CSV, JSON = "application/jsonl", "text/csv", "application/json"
_ALSO_JSON_LINES = frozenset({JSON_LINES, "application/x-ndjson", "application/x-jsonlines", "application/json-lines"})
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})
# What people send who were asked for a text file.
_FOREIGN = {
    b"\xff\xfe": "is UTF-16; save it as UTF-8",
    b"\xfe\xff": "is UTF-16; save it as UTF-8",
    b"PK\x03\x04": "is a spreadsheet's own format, or a zip archive; export it as CSV in UTF-8",
    b"\x1f\x8b": "is packed by gzip; send it unpacked",
}
_LONGEST_MARK = max(map(len, _FOREIGN))


def check_kind(content_type: str) -> str:
    """JSON_LINES, CSV or JSON; raises UnsupportedMedia for any other, and for another encoding than UTF-8."""
    header = Message()
    header["Content-Type"] = content_type
    kind, charset = header.get_content_type(), header.get_param("charset") or "utf-8"
    kind = JSON_LINES if kind in _ALSO_JSON_LINES else kind
    if kind not in (JSON_LINES, CSV, JSON):
        raise UnsupportedMedia(f"A batch comes as {JSON_LINES}, {CSV} or {JSON}: say which in Content-Type")
    if str(charset).lower() not in _UTF_8:
        raise UnsupportedMedia("A batch comes in UTF-8: save it so, and leave the charset out")
    return kind


def rows_of(file: BinaryIO, *, kind: str, members: MutableMapping[str, object]) -> Iterator[Row]:
    """The file's rows; what a JSON object has beside its lines is in `members` at the end. Raises InvalidLines."""
    start = file.read(_LONGEST_MARK)
    file.seek(0)
    for mark, message in _FOREIGN.items():
        if start.startswith(mark):
            raise unreadable(message)
    if kind == CSV:
        return csv_rows.rows(file, columns=list(LineRequest.model_fields))
    return json_lines.rows(file) if kind == JSON_LINES else json_items.rows(file, members=members)
