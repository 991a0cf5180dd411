"""`athena remember | recall | list | history | supersede | reinstate | forget`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from athena import config
from athena.cli.connection import connect
from athena.errors import InvalidInput

_SHOWN = 200
_LEAST_WIDTH = 120

app = typer.Typer(no_args_is_help=True, help="Remember, recall, list, forget.")

Project = Annotated[str, typer.Option("--project", "-p", help="Name space.")]
User = Annotated[str | None, typer.Option("--user", help="Only this user's.")]
Agent = Annotated[str | None, typer.Option("--agent", help="Only this agent's.")]
Session = Annotated[str | None, typer.Option("--session", help="Only of this session.")]
Kind = Annotated[str | None, typer.Option("--type", "-t", help="fact, event, procedure, preference, task or pattern.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Can be given several times.")]
AsOf = Annotated[str | None, typer.Option(help="What was true at this moment (UTC), as we know it today.")]
KnownAt = Annotated[str | None, typer.Option(help="What was known at this moment (UTC), and nothing learnt since.")]
AsJson = Annotated[bool, typer.Option("--json", help="The API's answer as it is.")]
Key = Annotated[str | None, typer.Option("--key", envvar="ATHENA_KEY", help="Athena key, where one is needed.")]


@app.command()
def remember(
    text: Annotated[str, typer.Argument(help='What to remember; "-" reads it from standard input.')],
    kind: Kind = None,
    project: Project = "default",
    user: User = None,
    agent: Agent = None,
    session: Session = None,
    occurred_at: Annotated[
        str | None, typer.Option("--at", help="When it happened, as 2026-11-20T09:30 (UTC).")
    ] = None,
    expires_at: Annotated[
        str | None, typer.Option("--expires", help="Forgotten by itself at this moment (UTC); else it is kept.")
    ] = None,
    tag: Tags = None,
    source: Annotated[str | None, typer.Option(help="Where it comes from.")] = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Remember something."""
    content = sys.stdin.read() if text == "-" else text
    stored = _tool(
        "remember", key, content=content, memory_type=kind, project=project, user_id=user, agent_id=agent,
        session_id=session, occurred_at=occurred_at, expires_at=expires_at, tags=tag, source=source,
    )  # fmt: skip
    known = "recalled lately, and not stored again" if stored["reason"] == "echo" else "known already"
    word = "remembered" if stored["status"] == "created" else known
    _show(stored, as_json, f"{word}: {stored['id']} (embedding: {stored['embedding']})")


@app.command()
def recall(
    query: Annotated[str, typer.Argument(help="A question in plain words.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100)] = 10,
    kind: Kind = None,
    project: Project = "default",
    user: User = None,
    agent: Agent = None,
    session: Session = None,
    tag: Tags = None,
    since: Annotated[str | None, typer.Option(help="Happened at or after this moment (UTC).")] = None,
    until: Annotated[str | None, typer.Option(help="Happened before this moment (UTC).")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Find what is remembered, by meaning and by words."""
    found = _tool(
        "recall", key, query=query, limit=limit, memory_type=kind, project=project, user_id=user, agent_id=agent,
        session_id=session, tags=tag, since=since, until=until, as_of=as_of, known_at=known_at,
    )  # fmt: skip
    memories = _memories(found["memories"], "nothing is remembered about that")
    _show(found, as_json, Group(memories, *_concluded(found)) if found["patterns"] else memories)
    if not as_json and found["degraded"]:
        _note(f"degraded: {', '.join(found['degraded'])} could not take part (athena doctor)")
    if not as_json and found["pending"]:
        _note(f"{found['pending']} memories are found by words only until their vectors are there")


@app.command(name="list")
def list_(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500)] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    superseded: Annotated[bool, typer.Option("--superseded", help="Earlier versions too.")] = False,
    kind: Kind = None,
    project: Project = "default",
    user: User = None,
    agent: Agent = None,
    session: Session = None,
    tag: Tags = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List memories, newest first."""
    page = _tool(
        "list", key, limit=limit, cursor=cursor, include_superseded=superseded, memory_type=kind, project=project,
        user_id=user, agent_id=agent, session_id=session, tags=tag, as_of=as_of, known_at=known_at,
    )  # fmt: skip
    _show(page, as_json, _memories(page["memories"], "nothing is remembered here"))
    if not as_json and page["next_cursor"]:
        _note(f"more: athena list --cursor {page['next_cursor']}")


@app.command()
def history(
    id: Annotated[str, typer.Argument(help="A memory's id.")], key: Key = None, as_json: AsJson = False
) -> None:
    """Show how a memory came to be what it is."""
    told = _tool("history", key, id=id)
    table = Table(box=None, pad_edge=False)
    for name in ("when (UTC)", "what", "id", "true (UTC)", "content"):
        table.add_column(name, no_wrap=name != "content", overflow="fold")
    for step in told["history"]:
        what = f"{step['action']} by\n{step['replaced_by']}" if step["replaced_by"] else step["action"]
        table.add_row(_when(step["at"]), what, step["id"], _while(step), Text(_short(step["content"] or "-")))
    _show(told, as_json, table)


@app.command()
def supersede(
    id: Annotated[str, typer.Argument(help="The memory that is no longer right.")],
    text: Annotated[str, typer.Argument(help="What is right now.")],
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Put something newer in the place of a memory; the history keeps both."""
    stored = _change(key, id, "supersede", {"content": text})
    _show(stored, as_json, f"superseded: {stored['id']} takes its place")


@app.command()
def reinstate(
    id: Annotated[str, typer.Argument(help="The memory that was superseded, and is right after all.")],
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Undo what superseded a memory; the history keeps both."""
    memory = _change(key, id, "restore")
    _show(memory, as_json, Group(Text("stands again:"), _memory(memory)))


@app.command()
def forget(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of memories.")] = None,
    query: Annotated[str | None, typer.Option(help="Those that contain every word of this.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything in the scope given.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would go.")] = False,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Also what was sent of it in conversations; these lose their cache.")
    ] = False,
    kind: Kind = None,
    project: Project = "default",
    user: User = None,
    agent: Agent = None,
    session: Session = None,
    tag: Tags = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Forget for good: by id at once, by description with --yes."""
    if ids:
        gone = _tool("forget", key, ids=ids, ledger=ledger)
    elif query or everything or kind or user or agent or session or tag:
        gone = _tool(
            "forget", key, query=query, memory_type=kind, project=project, user_id=user, agent_id=agent,
            session_id=session, tags=tag, ledger=ledger, dry_run=not yes,
        )  # fmt: skip
    else:
        raise InvalidInput("say what to forget: ids, --query, a scope, or --all with --project")
    done = f"forgot {gone['count']}"
    _show(gone, as_json, f"{gone['count']} would be forgotten; --yes does it" if gone["dry_run"] else done)
    if not as_json and (gone["patterns_weaker"] or gone["patterns_forgotten"]):
        weaker, lost = len(gone["patterns_weaker"]), len(gone["patterns_forgotten"])
        _note(f"patterns: {weaker} with less evidence, {lost} with none left, which go")
    if not as_json and gone["decisions"]:
        _note(f"texts of conversations: {gone['decisions']}")


def _tool(name: str, key: str | None, **arguments: Any) -> Any:
    async def ask() -> Any:
        async with connect(config.load(), key) as connection:
            return await connection.tool(name, arguments)

    return asyncio.run(ask())


def _change(key: str | None, id: str, verb: str, body: dict[str, Any] | None = None) -> Any:
    async def ask() -> Any:
        async with connect(config.load(), key) as connection:
            return await connection.call("POST", f"/api/v1/memories/{id}/{verb}", body=body)

    return asyncio.run(ask())


def _show(answer: Any, as_json: bool, pretty: Any) -> None:
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        out = Console(soft_wrap=isinstance(pretty, str))
        # A pipe has no width, and on a narrow terminal a wrapped table is better than a cut id.
        width = None if isinstance(pretty, str) else max(out.width, _LEAST_WIDTH)
        out.print(pretty, markup=False, highlight=False, width=width)


def _note(line: str) -> None:
    Console(stderr=True, soft_wrap=True).print(line, style="yellow", markup=False, highlight=False)


def _memories(memories: list[dict[str, Any]], none: str) -> Any:
    if not memories:
        return none
    return Group(*(_memory(each) for each in memories))


def _memory(each: dict[str, Any]) -> Text:
    """A line about it and the text below, which reads well however narrow the terminal is."""
    about = [_when(each["occurred_at"] or each["recorded_at"]), each["memory_type"], each["id"]]
    if "score" in each:
        about.insert(0, f"{each['score']:.2f} (cosine {each['explanation']['cosine']:.2f})")
    return Text.assemble(("  ".join(about), "dim"), "\n", _short(each["content"]))


def _concluded(found: dict[str, Any]) -> list[Text]:
    """What was concluded from what was found, beneath it."""
    return [Text("\nconcluded from these:"), *(_known(each) for each in found["patterns"])]


def _known(each: dict[str, Any]) -> Text:
    about = f"{each['memory_type']}  {each['id']}  from {len(each['because'])} of these"
    return Text.assemble((about, "dim"), "\n", _short(each["content"]))


def _while(step: dict[str, Any]) -> str:
    """When it was true, as was believed from then on."""
    if step["valid_from"] is None:
        return "-"
    since = "…" if step["valid_from"].startswith("0001-01-01") else _when(step["valid_from"])
    return f"{since} – {_when(step['valid_until']) if step['valid_until'] else '…'}"


def _short(content: str) -> str:
    """One line of it; `--json` has all."""
    line = " ".join(content.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _when(moment: str) -> str:
    return moment[:16].replace("T", " ")
