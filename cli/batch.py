"""`recite batch`: a file of lines becomes a folder of audio files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

import typer

from cli.api_client import ApiClient
from cli.batch_calls import BatchCalls, Order
from cli.batch_place import Place, opened_place
from cli.batch_progress import Show, progress
from cli.batch_report import print_estimate, print_report
from cli.failure import Failure
from speech.file_names import FileNames

_ENDS = ("completed", "cancelled", "failed")
RESULTS = "results.jsonl"
# Downloads at once, and how many results wait for them.
_AT_ONCE, _AHEAD = 8, 200


@dataclass(kw_only=True)
class Fetched:
    """What is here by now: each line's result, with its `file` when that was saved."""

    results: list[dict[str, Any]] = field(default_factory=list)
    saved: int = 0
    without: int = 0
    _lock: Lock = field(default_factory=Lock)

    def end(self, result: dict[str, Any], *, file: str | None) -> None:
        """A line is done with, from any thread."""
        with self._lock:
            if file is None:
                self.without += 1
            else:
                result["file"] = file
                self.saved += 1

    @property
    def unwell(self) -> list[dict[str, Any]]:
        """The lines that have no file."""
        return [result for result in self.results if result.get("file") is None]


def estimate(api: ApiClient, *, order: Order, as_json: bool) -> None:
    """Says what the batch would take; nothing is begun."""
    order.check()
    document = BatchCalls(api).estimate(order)
    if as_json:
        typer.echo(json.dumps(document))
    else:
        print_estimate(document)


def cancel(api: ApiClient, *, order: Order, folder: Path, as_json: bool) -> None:
    """Calls the batch off that is fetched into the folder."""
    order.check()
    with opened_place(folder) as place:
        id = place.batch_of(order.name())
    if id is None:
        raise Failure(f"no batch of {order.file} is fetched into {folder}: name the file and the folder of its start")
    document = BatchCalls(api).act(id, "cancel")
    typer.echo(json.dumps(document) if as_json else f"{id} is {document['status']}; what is ready stays")


def batch(api: ApiClient, *, order: Order, folder: Path, as_json: bool) -> None:
    """Has the lines made, saves the audio of each, and reports; exit status 1 when a line has none."""
    order.check()
    calls = BatchCalls(api)
    with opened_place(folder) as place:
        taken = _taken(calls, order, place)
        try:
            with progress() as show:
                fetched, ended = _fetch(calls, taken["id"], place=place, show=show)
        except KeyboardInterrupt:
            typer.echo(
                f"recite: stopped; {taken['id']} goes on without you. The same command fetches the rest, "
                "with --cancel it calls the batch off",
                err=True,
            )
            raise
        (folder / RESULTS).write_text("".join(json.dumps(result) + "\n" for result in fetched.results))
    if as_json:
        typer.echo(json.dumps({**ended, "saved": fetched.saved, "failed": fetched.unwell}))
    else:
        print_report(ended, fetched.results, folder=folder)
    if fetched.unwell:
        raise typer.Exit(1)


def _taken(calls: BatchCalls, order: Order, place: Place) -> dict[str, Any]:
    """The batch of this order: the one that was begun here, run again when lines of it failed, or a new one."""
    name = order.name()
    begun = place.batch_of(name)
    document = (calls.find(begun) if begun else None) or calls.post(order)
    if document["id"] != begun:
        place.begin(document["id"], order=name)
    counts = document["counts"]
    if document["status"] in _ENDS and counts["failed"] + counts["cancelled"]:
        document = calls.act(document["id"], "retry")
    return document


def _fetch(calls: BatchCalls, id: str, *, place: Place, show: Show) -> tuple[Fetched, dict[str, Any]]:
    """Saves what gets ready, until all lines have a result; and the batch as it ended."""
    fetched, names = Fetched(), FileNames(RESULTS)
    with _downloads() as submit:
        while True:
            show(document := calls.batch(id), fetched.saved, fetched.without)
            for result in calls.results(id, after=len(fetched.results)):
                # Named whether it has audio or not: in the next run, when it may, the others keep their names.
                name = names.name(result["custom_id"], extension=result["id"].rpartition(".")[2])
                fetched.results.append(result)
                if result["audio_url"] is None:
                    fetched.end(result, file=None)
                else:
                    submit(lambda result=result, name=name: _save(calls, place, fetched, result, name))
                show(document, fetched.saved, fetched.without)
            if document["status"] in _ENDS and len(fetched.results) >= document["counts"]["total"]:
                break
    show(document, fetched.saved, fetched.without)
    return fetched, document


def _save(calls: BatchCalls, place: Place, fetched: Fetched, result: dict[str, Any], name: str) -> None:
    if not place.has(name, id=result["id"]):
        try:
            place.save(name, id=result["id"], write=lambda file: calls.download(result, file))
        except Failure as failure:
            result["error"] = {"code": "not_saved", "message": str(failure), "retryable": True}
            fetched.end(result, file=None)
            return
    fetched.end(result, file=name)


@contextmanager
def _downloads() -> Iterator[Any]:
    """Runs what it is given in threads; a little ahead of them, and all of it before it ends well."""
    room = BoundedSemaphore(_AHEAD)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="download") as threads:
        running: list[Future[None]] = []

        def submit(work: Any) -> None:
            room.acquire()
            task = threads.submit(work)
            task.add_done_callback(lambda _: room.release())
            running.append(task)

        try:
            yield submit
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    for task in running:
        task.result()
