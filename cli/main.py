"""The command line's surface: names, arguments and help; each command imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli import bucket_commands, clients_commands, completion, jobs_commands, webhooks_commands
from cli.failure import Failure
from cli.options import Json, Key, Url, Yes

_EXAMPLES = """[bold]Examples[/bold]

  recite up                               start everything, Ctrl-C ends it\n
  recite say "Good morning" -o hello.mp3  speak a text\n
  recite batch replies.csv -o audio       speak a file of texts

  recite doctor                           find out what is wrong
"""


class _Commands(TyperGroup):
    """Turns what goes wrong into one sentence and exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Failure as failure:
            _complain(str(failure))
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except Exception as error:
            if not _is_settings_error(error):
                raise
            _complain(str(error))


def _is_settings_error(error: Exception) -> bool:
    # Importing settings costs more than all of --help; whoever raises its error has imported it.
    return type(error).__name__ == "SettingsError" and type(error).__module__ == "settings"


def _complain(sentences: str) -> None:
    for line in sentences.splitlines():
        typer.echo(f"recite: {line}", err=True)
    raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    name="recite",
    no_args_is_help=True,
    help="Text to speech through xAI, rendered once and served to everyone who asks.",
    epilog=_EXAMPLES,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"recite {version('recite')}")
        raise typer.Exit


_Version = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
]


@app.callback()
def _recite(version: _Version = False) -> None:
    pass


@app.command(epilog="Needs nothing: what is not named in .env (Redis, bucket, upstream) is started along.")
def up() -> None:
    """Start the whole system; Ctrl-C ends all of it.

    REDIS_URL, S3_ENDPOINT_URL and XAI_API_KEY, where given, are used instead of their embedded twins.
    """
    from cli.up import up as run

    run()


@app.command(
    epilog='[bold]Examples[/bold]   recite say "Good morning" -o hello.mp3 --voice rex   ·   cat a.txt | recite say -'
)
def say(
    text: Annotated[str, typer.Argument(help="What to speak; - reads it from standard input.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; - is standard output.", show_default="the job's id"),
    ] = None,
    voice: Annotated[
        str | None,
        typer.Option("--voice", "-v", help="One of: recite voices.", autocompletion=completion.voices),
    ] = None,
    audio_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help="wav, mp3, flac, …; by default what the file's name says.",
            autocompletion=completion.formats,
        ),
    ] = None,
    speed: Annotated[float | None, typer.Option(help="0.7 to 1.5; 1 is natural.")] = None,
    play: Annotated[bool, typer.Option("--play", "-p", help="Play it when it is there.")] = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Speak a text and save the audio."""
    from cli.api_client import open_api
    from cli.say import Wish
    from cli.say import say as run

    wish = Wish(text=text, output=output, voice=voice, format=audio_format, speed=speed)
    with open_api(url=url, key=key) as api:
        run(api, wish=wish, play=play, as_json=as_json)


@app.command(
    epilog="A line is {custom_id, text, voice?, format?, …} in JSON Lines, or a row of a CSV with a header. "
    "Run again, it goes on where it was; what is there is not bought again. Exit status 1 when a line has no audio."
)
def batch(
    file: Annotated[Path, typer.Argument(help="Lines to speak: .jsonl, .csv or .json.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the audio files.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check, and say what it would take.")] = False,
    skip_invalid: Annotated[bool, typer.Option("--skip-invalid", help="Leave bad lines out.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Call off the batch that was begun so.")] = False,
    voice: Annotated[
        str | None,
        typer.Option("--voice", "-v", help="For lines that name none.", autocompletion=completion.voices),
    ] = None,
    audio_format: Annotated[
        str | None,
        typer.Option("--format", "-f", help="For lines that name none.", autocompletion=completion.formats),
    ] = None,
    client: Annotated[str | None, typer.Option(help="The client that asks and pays.")] = None,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Have a file of texts spoken, and save the audio of each line."""
    from cli import batch as run
    from cli.api_client import open_api
    from cli.batch_calls import Order

    order = Order(file=file, voice=voice, format=audio_format, client_id=client, skip_invalid=skip_invalid)
    if output is None and not dry_run:
        raise Failure("name a folder for the audio with -o, or add --dry-run")
    with open_api(url=url, key=key) as api:
        if output is None or dry_run:
            run.estimate(api, order=order, as_json=as_json)
        elif cancel:
            run.cancel(api, order=order, folder=output, as_json=as_json)
        else:
            run.batch(api, order=order, folder=output, as_json=as_json)


@app.command()
def voices(as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """List the voices that can be asked for."""
    from cli.api_client import open_api
    from cli.voices import voices as run

    with open_api(url=url, key=key) as api:
        run(api, as_json=as_json)


@app.command()
def stats(as_json: Json = False, url: Url = None, key: Key = None) -> None:
    """Show what was asked for, and what it saved that most of it was there already."""
    from cli.api_client import open_api
    from cli.stats import stats as run

    with open_api(url=url, key=key) as api:
        run(api, as_json=as_json)


@app.command(
    epilog="[bold]Examples[/bold]   recite purge --voice rex --older-than 90d --dry-run   ·   recite purge --leftovers"
)
def purge(
    voice: Annotated[
        str | None, typer.Option("--voice", "-v", help="Audio in this voice.", autocompletion=completion.voices)
    ] = None,
    prefix: Annotated[str | None, typer.Option(help="Audio whose name begins so.")] = None,
    older_than: Annotated[str | None, typer.Option(help="Audio made longer ago: 90d, 12h.")] = None,
    client_id: Annotated[
        str | None, typer.Option("--client", help="A private client's own audio.", autocompletion=completion.clients)
    ] = None,
    leftovers: Annotated[bool, typer.Option("--leftovers", help="Only what no name leads to any more.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and remove nothing.")] = False,
    yes: Yes = False,
    as_json: Json = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Remove audio for good, with the masters that nothing else is made of; asks first."""
    from cli.api_client import open_admin
    from cli.purge import Criteria
    from cli.purge import purge as run

    criteria = Criteria(voice=voice, prefix=prefix, older_than=older_than, client_id=client_id, leftovers=leftovers)
    with open_admin(url=url, key=key) as api:
        run(api, criteria=criteria, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def init(
    force: Annotated[bool, typer.Option("--force", help="Replace an .env that is already there.")] = False,
    public_url: Annotated[
        str | None,
        typer.Option(help="PUBLIC_URL: the address callers use, when it is not this machine's.", show_default=False),
    ] = None,
) -> None:
    """Write an .env with fresh secrets, for ./start.sh and for docker compose."""
    from cli.init import init as run

    run(force=force, public_url=public_url)


@app.command(epilog="RECITE_SECRET=new,old seals with the new one and still opens with the old one.")
def reseal() -> None:
    """Seal all clients' keys with the first RECITE_SECRET; afterwards the others can go."""
    from cli.reseal import reseal as run

    run()


@app.command(epilog="Exit status 1 when something is wrong. Keys are never printed.")
def doctor(as_json: Json = False) -> None:
    """Check each piece, speak one phrase straight through the upstream, and say what to do about what is wrong."""
    from cli.doctor import doctor as run

    run(as_json=as_json)


app.add_typer(jobs_commands.app, name="jobs")
app.add_typer(clients_commands.app, name="clients")
app.add_typer(bucket_commands.app, name="bucket")
app.add_typer(webhooks_commands.app, name="webhooks")
