"""`recite jobs`: what was asked for last, and how it stands."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from time import sleep
from typing import Any

import typer
from rich.live import Live
from rich.table import Table

from cli.api_client import ApiClient
from cli.failure import Failure
from cli.output import as_size, as_time, console, pairs, print_json, table

_PAGE = 100
_WATCH_SECONDS = 1.0
_STYLES = {"ready": "green", "failed": "red", "rendering": "cyan", "cancelled": "dim"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which jobs are wanted, as the api takes it; None: all."""

    status: str | None = None
    voice: str | None = None
    format: str | None = None
    limit: int = 20

    def query(self) -> dict[str, Any]:
        """What was named."""
        named = {"status": self.status, "voice": self.voice, "format": self.format}
        return {name: value for name, value in named.items() if value is not None}


def list_jobs(api: ApiClient, *, wanted: Filter, watch: bool = False, as_json: bool = False) -> None:
    """Prints the latest jobs, newest first; watching goes on until Ctrl-C."""
    if watch:
        _watch(api, wanted)
    elif as_json:
        print_json(_found(api, wanted))
    else:
        console().print(_table(_found(api, wanted)))


def show_job(api: ApiClient, name: str, *, as_json: bool = False) -> None:
    """Prints all that is known of one job; exit status 1 when it failed or was cancelled."""
    job = api.document("GET", f"/v1/jobs/{name}")
    if as_json:
        print_json(job)
    else:
        console().print(pairs(_rows(job)))
    if job["status"] in ("failed", "cancelled"):
        raise typer.Exit(1)


def cancel_job(api: ApiClient, name: str, *, client_id: str | None = None, as_json: bool = False) -> None:
    """Says that this caller no longer wants the job, and how it stands then."""
    api.document("DELETE", f"/v1/jobs/{name}", params={"client_id": client_id} if client_id else None)
    job = api.document("GET", f"/v1/jobs/{name}")
    if as_json:
        print_json(job)
        return
    words = {
        "ready": "it is ready already, and stays",
        "failed": "it has failed already",
        "cancelled": "it is cancelled",
    }
    typer.echo(f"{name}: {words.get(job['status'], 'somebody else wants it: it goes on')}")


def _watch(api: ApiClient, wanted: Filter) -> None:
    if not sys.stdout.isatty():
        raise Failure("--watch needs a terminal: leave it out, or run recite jobs again and again")
    with Live(console=console(), auto_refresh=False) as live:
        while True:
            live.update(_table(_found(api, wanted)), refresh=True)
            sleep(_WATCH_SECONDS)


def _found(api: ApiClient, wanted: Filter) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(found) < wanted.limit:
        query = {**wanted.query(), "limit": min(_PAGE, wanted.limit - len(found))}
        page = api.document("GET", "/v1/jobs", params=query if cursor is None else {**query, "cursor": cursor})
        found += page["jobs"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return found


def _table(jobs: list[dict[str, Any]]) -> Table:
    made = table("job", "status", "created", "letters", "length", "size", right=("letters", "length", "size"))
    for job in jobs:
        status = f"{job['status']}{_done(job)}"
        row = (job["id"], status, _moment(job["created_at"]), f"{job['characters']:,}", _length(job), _size(job))
        made.add_row(*row, style=_STYLES.get(job["status"]))
    return made


def _rows(job: dict[str, Any]) -> dict[str, str]:
    rows = {
        "job": job["id"],
        "status": f"{job['status']}{_done(job)}",
        "voice, format": f"{job['voice']}, {job['format']} at {job['sample_rate']:,} Hz",
        "created": _moment(job["created_at"]),
        "letters": f"{job['characters']:,}",
        "attempts": str(job["attempts"]),
        "length": _length(job),
        "size": _size(job),
        "proof": (job.get("proof") or {}).get("verdict", ""),
        "audio": job["audio_url"],
    }
    if job.get("error"):
        rows["error"] = job["error"]["message"]
    return {name: value for name, value in rows.items() if value}


def _done(job: dict[str, Any]) -> str:
    many = (job.get("utterances") or 1) > 1 and job["status"] == "rendering"
    return f" {job['utterances_done']}/{job['utterances']}" if many else ""


def _length(job: dict[str, Any]) -> str:
    return "" if job["duration_ms"] is None else as_time(job["duration_ms"] / 1000)


def _size(job: dict[str, Any]) -> str:
    return "" if job["bytes"] is None else as_size(job["bytes"])


def _moment(iso: str) -> str:
    return iso[:19].replace("T", " ")
