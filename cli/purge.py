"""`recite purge`: removes audio, after it has said how much and was told to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from cli.api_client import ApiClient
from cli.confirm import confirm
from cli.failure import Failure
from cli.output import as_count, as_size, print_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Criteria:
    """What is to go, as the api takes it; None: not narrowed down."""

    voice: str | None = None
    prefix: str | None = None
    older_than: str | None = None
    client_id: str | None = None
    leftovers: bool = False

    def body(self) -> dict[str, Any]:
        """What was named; raises Failure when nothing was."""
        named = {name: value for name, value in asdict(self).items() if value}
        if not named:
            raise Failure("say what is to go: --voice, --prefix, --older-than, --client or --leftovers")
        return named


class Show(Protocol):
    """Shows how far it is."""

    def __call__(self, sums: dict[str, int]) -> None: ...


def purge(
    api: ApiClient, *, criteria: Criteria, dry_run: bool = False, yes: bool = False, as_json: bool = False
) -> None:
    """Counts, asks, removes and reports; exit status 1 when something stays because it is being rendered."""
    body, total = criteria.body(), None
    if dry_run or not yes:
        with _progress("counting") as show:
            counted = _walk(api, {**body, "dry_run": True}, show=show)
        if dry_run or not counted["audio"] + counted["masters"]:
            _report(counted, "would go", dry_run=dry_run, as_json=as_json)
            return
        confirm(f"Remove {_words(counted)} for good?", yes=yes)
        total = counted["audio"] + counted["masters"]
    with _progress("removing", total=total) as show:
        removed = _walk(api, body, show=show)
    _report(removed, "gone", dry_run=False, as_json=as_json)
    if removed["busy"]:
        raise Failure(f"{as_count(removed['busy'], 'job')} being rendered stay: run it again when they are ready")


def _walk(api: ApiClient, body: dict[str, Any], *, show: Show) -> dict[str, int]:
    sums = dict.fromkeys(("examined", "audio", "masters", "bytes", "busy"), 0)
    cursor: str | None = None
    while True:
        step = api.document("POST", "/v1/purge", json=body if cursor is None else {**body, "cursor": cursor})
        for name, count in ({**step["removed"], "examined": step["examined"], "busy": step["busy"]}).items():
            sums[name] += count
        show(sums)
        cursor = step["next_cursor"]
        if cursor is None:
            return sums


def _report(sums: dict[str, int], verb: str, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"dry_run": dry_run, **sums})
    elif not sums["audio"] + sums["masters"]:
        typer.echo("There is nothing to remove.")
    else:
        typer.echo(f"{_words(sums)}: {verb}.")


def _words(sums: dict[str, int]) -> str:
    files, masters = as_count(sums["audio"], "file"), as_count(sums["masters"], "master")
    return f"{files} and {masters}, {as_size(sums['bytes'])}"


@contextmanager
def _progress(verb: str, *, total: int | None = None) -> Iterator[Show]:
    counted = [BarColumn(), MofNCompleteColumn()] if total else []
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *counted,
        TextColumn("{task.fields[words]}"),
        console=Console(stderr=True),
        transient=True,
        # FORCE_COLOR makes a terminal of anything for rich.
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task(verb, total=total, words="")

        def show(sums: dict[str, int]) -> None:
            bar.update(task, completed=sums["audio"] + sums["masters"], words=_words(sums))

        yield show
