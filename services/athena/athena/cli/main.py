"""The command `athena`: every sub-command, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import structlog
import typer

from athena import __version__
from athena.cli import (
    backup,
    compress,
    consolidate,
    containers,
    demo,
    doctor,
    embeddings,
    keys,
    local,
    local_only,
    memory,
    migrate,
    models,
    projects,
    route,
    sessions,
    stack,
    transfer,
    unused,
    usage,
)
from athena.errors import AthenaError, InvalidSetting, Unauthorized

_KEY_HINT = "athena keys create NAME makes one; give it with --key or ATHENA_KEY"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Athena: memory and gateway for agents on a machine of your own.",
)
_TOP = (
    stack.app,
    demo.app,
    doctor.app,
    memory.app,
    transfer.app,
    compress.app,
    models.app,
    local_only.app,
    usage.app,
    migrate.app,
    backup.app,
)
for commands in _TOP:
    app.add_typer(commands)
app.add_typer(consolidate.app, name="consolidate")
app.add_typer(containers.app, name="stack")
app.add_typer(local.app, name="local")
app.add_typer(embeddings.app, name="embeddings")
app.add_typer(keys.app, name="keys")
app.add_typer(projects.app, name="projects")
app.add_typer(unused.app, name="memory")
app.add_typer(sessions.app, name="sessions")
app.add_typer(route.app, name="route")
app.add_typer(usage.budgets, name="budgets")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"athena {__version__}")
        raise typer.Exit


@app.callback()
def _athena(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    return


def main() -> None:
    """Exit codes: 0, 1 for what failed, 2 for a wrong command or setting, 130 after Ctrl-C."""
    # Commands that run for long configure the logs; for the others a line on standard output would break --json.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        app()
    except AthenaError as exc:
        typer.echo(f"athena: {exc.message}", err=True)
        hint = _KEY_HINT if isinstance(exc, Unauthorized) else exc.hint
        if hint:
            typer.echo(f"        {hint}", err=True)
        sys.exit(2 if isinstance(exc, InvalidSetting) else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe went away: nothing more can be said, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
