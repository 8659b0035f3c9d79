"""`recite doctor`: checks one piece after the other and says what is wrong and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import typer
from rich.console import Console
from rich.text import Text

from cli import check_api, check_audio, check_relay, check_services, check_upstream
from cli.failure import Failure
from cli.output import print_json
from settings import Settings, SettingsError, load_settings

_SETTINGS = "settings"
_PYTHONS = ((3, 11), (3, 12))

Check = Callable[[], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    is_fine: bool
    words: str


def doctor(*, as_json: bool = False) -> None:
    """Prints a line per piece; exit status 1 when one of them is wrong."""
    console = Console(highlight=False, quiet=as_json)
    found: list[Finding] = []
    for finding in _findings(console):
        found.append(finding)
        _print(console, finding)
    wrong = [one.name for one in found if not one.is_fine]
    if as_json:
        checks = [{"name": one.name, "ok": one.is_fine, "words": one.words} for one in found]
        print_json({"well": not wrong, "checks": checks})
    elif not wrong:
        console.print("\nAll is well.")
    elif wrong != [_SETTINGS]:
        console.print(f"\nNot well: {', '.join(wrong)}")
        if not load_settings().server.data_dir.exists():
            console.print("Recite was never started in this folder: run it where ./start.sh was run.")
    if wrong:
        raise typer.Exit(1)


def _findings(console: Console) -> Iterator[Finding]:
    try:
        given, settings = load_settings(with_embedded=False), load_settings()
    except SettingsError as error:
        yield Finding(name=_SETTINGS, is_fine=False, words=str(error))
        return
    yield Finding(name=_SETTINGS, is_fine=True, words="they fit together")
    for name, check in _checks(given, settings):
        yield _finding(console, name, check)


def _checks(given: Settings, settings: Settings) -> Iterator[tuple[str, Check]]:
    """Every check by the name of its piece. `given` are the settings without what the embedded services wrote."""
    yield "Python", _python
    yield "Redis", partial(check_services.redis, given, settings)
    yield "broker", partial(check_services.broker, given, settings)
    yield "bucket", partial(check_services.bucket, given, settings)
    yield "codecs", check_audio.codecs
    yield "api", partial(check_api.api, settings)
    yield "workers", partial(check_api.workers, settings)
    yield "relay", partial(check_relay.relay, settings)
    yield "key", partial(check_upstream.token, given, settings)
    yield "speech", partial(check_upstream.phrase, given, settings)


def _finding(console: Console, name: str, check: Check) -> Finding:
    is_fine = False
    with console.status(f"{name} …"):
        try:
            words, is_fine = check(), True
        except Failure as failure:
            words = str(failure)
        except Exception as error:  # a doctor that falls ill helps nobody; the error's text may hold a secret
            words = f"the check itself failed ({type(error).__name__}): please report it"
    return Finding(name=name, is_fine=is_fine, words=words)


def _print(console: Console, finding: Finding) -> None:
    mark = Text("✓" if finding.is_fine else "✗", style="green" if finding.is_fine else "bold red")
    console.print(Text.assemble(mark, f" {finding.name:<9} ", finding.words), soft_wrap=True)


def _python() -> str:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] not in _PYTHONS:
        raise Failure(f"this is Python {version}: install 3.11 or 3.12 and run ./start.sh")
    return version
