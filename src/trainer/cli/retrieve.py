"""`trainer retrieve`: data from sources into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainer.cli.app import Command, Json, application
from trainer.cli.completion import sources
from trainer.cli.session import Session
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
    as_json: Json = False,
) -> None:
    """Fetch data from a SOURCE into the store and print its storage key.

    `trainer retrieve SOURCE --help` names what a source can be asked. Without SOURCE, that of config.yaml
    (data_retriever.provider) is asked. Data that was stored with a --ttl is
    not fetched again before it runs out.

    \b
    trainer retrieve yahoo_finance ticker=ABBV kind=summary
    trainer retrieve ticker=ABBV kind=quote --ttl 1d
    trainer retrieve --all
    """  # noqa: D301  (typer's own mark for lines that are not to be filled)
    from trainer.actions.retrieve import RetrieveOptions

    session: Session = context.obj
    words = [source, *query] if source else query
    if sum((every, listing, bool(words))) != 1:
        raise UsageError(
            "name a query, --all or --list", hint="for example: trainer retrieve yahoo_finance ticker=ABBV"
        )
    options = RetrieveOptions(refresh=refresh, store=not no_store, ttl=_seconds(ttl))
    if listing:
        _list(session, as_json=as_json)
    elif every:
        _all(session, options, as_json=as_json)
    else:
        named = None if "=" in words[0] else words[0]
        _one(session, named, words if named is None else query, options, as_json=as_json)


def _one(session: Session, source: str | None, query: list[str], options: RetrieveOptions, *, as_json: bool) -> None:
    from trainer.actions.prompt import parse_pairs
    from trainer.actions.retrieve import retrieve_one

    found = retrieve_one(session.project(), source, parse_pairs(query, option="KEY=VALUE"), options)
    if found.error is not None:
        raise found.error
    session.detail(f"{found.key}: {found.status}")
    for warning in found.warnings:
        session.say(f"warning: {found.key}: {warning}")
    if as_json:
        write_json(found.as_json())
    elif options.store and found.version is not None:
        write_text(found.key)
    elif found.result is not None:
        write_json(found.result.data)


def _all(session: Session, options: RetrieveOptions, *, as_json: bool) -> None:
    from trainer.actions.outcome import require_done
    from trainer.actions.retrieve import retrieve_all
    from trainer.cli.progress import Progress

    with Progress(session, "queries") as progress:
        found = retrieve_all(
            session.project(),
            options,
            on_total=progress.expect,
            on_outcome=lambda each: progress.step(f"{each.key}: {each.error}" if each.error else None),
        )
    for each in found:
        for warning in each.warnings:
            session.say(f"warning: {each.key}: {warning}")
    if as_json:
        write_json([each.as_json() for each in found])
    else:
        write_table(("key", "status", "version", "as of", "about"), [_row(each) for each in found])
    require_done({each.key: each.error for each in found if each.error}, len(found), "queries", told=True)


def _row(each: Retrieved) -> tuple[object, ...]:
    metadata = each.result.metadata if each.result else {}
    return (each.key, each.status, each.version, metadata.get("as_of"), metadata.get("subject"))


def _list(session: Session, *, as_json: bool) -> None:
    from trainer.actions.retrieve import list_sources

    found = list_sources(session.project())
    if as_json:
        write_json([each.as_json() for each in found])
        return
    for each in found:
        fields = each.schema.query if each.schema else ()
        write_text(f"{each.name} {each.version}: {each.schema.description if each.schema else ''}")
        write_text(f"  health: {'ok' if each.ok else 'not usable'}, {each.health}")
        for field in fields:
            write_text(f"  {field.name}: {_meaning(field)}")


def _meaning(field: QueryField) -> str:
    """What a field of a query is for, in one line."""
    only = f"kind={field.kind}" if field.kind else ""
    default = f"{field.default} by default" if field.default is not None else ""
    remarks = ["required" if field.required else "", only, ", ".join(field.choices), default]
    return field.description + (f" ({'; '.join(filter(None, remarks))})" if any(remarks) else "")


def _seconds(ttl: str | None) -> int | None:
    from trainer.core.clock import parse_duration

    return None if ttl is None else int(parse_duration(ttl))
