"""`trainer retrieve`: data from sources into the store."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.cli.app import Command, JsonOption, application
from trainer.cli.completion import sources
from trainer.cli.session import Session, graceful
from trainer.cli.show import write_json, write_table, write_text
from trainer.core.errors import UsageError

if TYPE_CHECKING:
    from trainer.actions.retrieve import Retrieved, RetrieveOptions
    from trainer.sources import QueryField


app = application()


class RetrieveCommand(Command):
    """A command whose help names the query fields of the SOURCE that stands beside `--help`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, remembered for the help."""
        ctx.meta["trainer.arguments"] = list(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the list of options, then that of the source's fields."""
        super().format_options(ctx, formatter)
        names = [word for word in ctx.meta.get("trainer.arguments", ()) if not word.startswith("-")]
        if not names:
            return
        from trainer.actions.retrieve import describe_source

        project = ctx.obj.project_around() if ctx.obj else None
        schema = describe_source(project, names[0])
        if not schema.query:
            formatter.write_text(f"{schema.name}: {schema.description}")
            return
        with formatter.section(f"Query of {schema.name}, {schema.description}"):
            formatter.write_dl([(f"{field.name}={field.example}", _meaning(field)) for field in schema.query])


@app.command(cls=RetrieveCommand)
def retrieve(
    context: typer.Context,
    *,
    source: Annotated[str | None, typer.Argument(metavar="SOURCE", autocompletion=sources)] = None,
    query: Annotated[list[str], typer.Argument(metavar="KEY=VALUE", default_factory=list, show_default=False)],
    every: Annotated[
        bool, typer.Option("--all", help="All that the configured reports need, sources side by side.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="The sources, their query fields and their health.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Fetch again what is still fresh.")] = False,
    no_store: Annotated[bool, typer.Option("--no-store", help="Store nothing; print the data.")] = False,
    ttl: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long what is fetched stays fresh: 30s, 6h, 7d.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the records to a .csv or .jsonl file instead."),
    ] = None,
    following: Annotated[
        bool, typer.Option("--follow", help="Go on reading a stream until it is interrupted.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--max", metavar="N", min=1, help="Most records and messages of a stream.")
    ] = None,
    retry: Annotated[
        bool, typer.Option("--retry-dead", help="Read a stream's dead letters again, with the settings of today.")
    ] = False,
    sign_in: Annotated[
        bool, typer.Option("--sign-in", help="Sign in to the service that the query names, by a browser or a code.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch data from a SOURCE into the store and print its storage key.

    `trainer retrieve SOURCE --help` names what a source can be asked. Without SOURCE, that of config.yaml
    (data_retriever.provider) is asked. Data that was stored with a --ttl is
    not fetched again before it runs out.

    In place of SOURCE stands the name of a stream (data_retriever.streams) to read on from where it was left: what
    there is now, or with --follow all that comes, until an interrupt ends it behind the batch under way. Each record
    is the document NAME:ID, a message that cannot be read the document dead:NAME:ID.

    \b
    trainer retrieve yahoo_finance ticker=ABBV kind=summary
    trainer retrieve ticker=ABBV kind=quote --ttl 1d
    trainer retrieve database connection=shop query=sales -o sales.csv
    trainer retrieve orders --follow
    trainer retrieve --all
    """  # noqa: D301  (typer's own mark for lines that are not to be filled)
    from trainer.actions.retrieve import RetrieveOptions

    session: Session = context.obj
    words = [source, *query] if source else query
    if output and (every or listing or not words):
        raise UsageError(
            "-o needs one query of one source", hint="for example: trainer retrieve database … -o rows.csv"
        )
    if sum((every, listing, bool(words))) != 1:
        raise UsageError(
            "name a query, --all or --list", hint="for example: trainer retrieve yahoo_finance ticker=ABBV"
        )
    options = RetrieveOptions(refresh=refresh, store=not no_store, ttl=_seconds(ttl))
    stream = _stream_named(session, source)
    if stream is None and (following or limit or retry):
        raise UsageError(
            "--follow, --max and --retry-dead are for streams", hint="name one of data_retriever.streams in config.yaml"
        )
    if sign_in and words:
        _sign_in(session, words)
    elif stream is not None:
        if query:
            raise UsageError(f"{stream} is a stream, which takes no query", hint=f"run: trainer retrieve {stream}")
        _stream(session, stream, following=following, limit=limit, retry=retry, as_json=as_json)
    elif listing:
        _list(session, as_json=as_json)
    elif every:
        _all(session, options, as_json=as_json)
    else:
        named = None if "=" in words[0] else words[0]
        if output is not None:
            _to_file(session, named, words if named is None else query, output, as_json=as_json)
            return
        _one(session, named, words if named is None else query, options, as_json=as_json)


def _sign_in(session: Session, words: list[str]) -> None:
    from trainer.actions.prompt import parse_pairs
    from trainer.actions.retrieve import sign_in

    source = None if "=" in words[0] else words[0]
    query = parse_pairs(words if source is None else words[1:], option="KEY=VALUE")
    # A question would be for a terminal only; where there is none, nobody pastes.
    pasted = sys.stdin if sys.stdin is not None and sys.stdin.isatty() else None
    sign_in(session.project(), source, query, session.say, pasted=pasted)
    session.say(f"signed in to {query.get('api', source)}")


def _one(session: Session, source: str | None, query: list[str], options: RetrieveOptions, *, as_json: bool) -> None:
    from trainer.actions.prompt import parse_pairs
    from trainer.actions.retrieve import retrieve_one

    result = retrieve_one(session.project(), source, parse_pairs(query, option="KEY=VALUE"), options)
    if result.error is not None:
        raise result.error
    session.detail(f"{result.key}: {result.status}")
    for warning in result.warnings:
        session.say(f"warning: {result.key}: {warning}")
    if as_json:
        write_json(result)
    elif options.store and result.version is not None:
        write_text(result.key)
    elif result.result is not None:
        write_json(result.result.data)


def _stream_named(session: Session, word: str | None) -> str | None:
    """The word, where it is the name of a stream."""
    from trainer.actions.follow import is_stream

    return word if word and "=" not in word and is_stream(session.project(), word) else None


def _to_file(session: Session, source: str | None, query: list[str], path: Path, *, as_json: bool) -> None:
    from trainer.actions.prompt import parse_pairs
    from trainer.actions.retrieve import retrieve_to_file

    written = retrieve_to_file(session.project(), source, parse_pairs(query, option="KEY=VALUE"), path)
    session.say(f"{path}: {written:,} records")
    if as_json:
        write_json({"file": str(path), "records": written})


def _stream(session: Session, name: str, *, following: bool, limit: int | None, retry: bool, as_json: bool) -> None:
    from trainer.actions.follow import FollowOptions, follow_stream, retry_dead

    if retry:
        total = retry_dead(session.project(), name)
    else:
        stop = threading.Event()
        with graceful(stop):
            total = follow_stream(
                session.project(),
                name,
                FollowOptions(follow=following, limit=limit),
                stop=stop,
                on_batch=lambda so_far: session.detail(f"{name}: {so_far.summary}"),
                on_failure=lambda error, pause: session.say(f"{error.message}; trying again in {pause:.1f} s"),
                on_warning=lambda warning: session.say(f"warning: {name}: {warning}"),
            )
    session.say(f"{name}: {total.summary}")
    if as_json:
        write_json(total)
    else:
        write_text(f"{total.key}*")
    if not retry and stop.is_set():
        raise KeyboardInterrupt


def _all(session: Session, options: RetrieveOptions, *, as_json: bool) -> None:
    from trainer.actions.outcome import require_done
    from trainer.actions.retrieve import retrieve_all
    from trainer.cli.progress import ProgressBar

    with ProgressBar(session, "queries") as progress:
        results = retrieve_all(
            session.project(),
            options,
            on_total=progress.expect,
            on_outcome=lambda item: progress.step(f"{item.key}: {item.error}" if item.error else None),
        )
    for item in results:
        for warning in item.warnings:
            session.say(f"warning: {item.key}: {warning}")
    if as_json:
        write_json(results)
    else:
        write_table(("key", "status", "version", "as of", "about"), [_row(item) for item in results])
    require_done({item.key: item.error for item in results if item.error}, len(results), "queries", is_reported=True)


def _row(result: Retrieved) -> tuple[object, ...]:
    metadata = result.result.metadata if result.result else {}
    return (result.key, result.status, result.version, metadata.get("as_of"), metadata.get("subject"))


def _list(session: Session, *, as_json: bool) -> None:
    from trainer.actions.retrieve import list_sources

    sources = list_sources(session.project())
    if as_json:
        write_json(sources)
        return
    for source in sources:
        fields = source.schema.query if source.schema else ()
        write_text(f"{source.name} {source.version}: {source.schema.description if source.schema else ''}")
        write_text(f"  health: {'ok' if source.ok else 'not usable'}, {source.health}")
        for field in fields:
            write_text(f"  {field.name}: {_meaning(field)}")


def _meaning(field: QueryField) -> str:
    """What a field of a query is for, in one line."""
    only = f"kind={field.kind}" if field.kind else f"not with kind={field.except_kind}" if field.except_kind else ""
    default = f"{field.default} by default" if field.default is not None else ""
    remarks = ["required" if field.required else "", only, ", ".join(field.choices), default]
    return field.description + (f" ({'; '.join(filter(None, remarks))})" if any(remarks) else "")


def _seconds(ttl: str | None) -> int | None:
    from trainer.core.clock import parse_duration

    return None if ttl is None else int(parse_duration(ttl))
