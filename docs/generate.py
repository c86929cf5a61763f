"""Write the reference from the program itself: commands, settings, errors and adapters.

`python -m docs.generate` writes the pages; with --check it only tells which are not up to date.
"""

from __future__ import annotations

import inspect
import json
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec
import typer

from trainer.catalog import read_definitions
from trainer.cli.commands import COMMANDS
from trainer.cli.main import command as command_line
from trainer.core import errors
from trainer.core.config.schema import Settings
from trainer.core.config.unbuilt import UNBUILT
from trainer.core.formats import FORMATS
from trainer.core.readings import READERS
from trainer.core.registry import Registry

FOLDER = Path(__file__).parent / "reference"
_NOTE = "<!-- Made by `make docs`; edit the program, not this page. -->\n"


def pages() -> dict[str, str]:
    """Every page of the reference, by file name."""
    return {
        "adapters.md": _adapters(),
        "commands.md": _commands(),
        "config.md": _config(),
        "errors.md": _errors(),
        "formats.md": _formats(),
        "tables.md": _tables(),
        "sources.md": _sources(),
        "streams.md": _streams(),
    }


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check tell which differ; the exit code."""
    stale = []
    for name, text in pages().items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{'stale' if '--check' in arguments else 'written'}: docs/reference/{name}")
    return 1 if stale and "--check" in arguments else 0


def _commands() -> str:
    lines = ["# Commands", "", _NOTE]
    lines += ["Options that stand before the command hold for all of them.", "", *_help(command_line, "trainer")]
    for name in COMMANDS:
        command = command_line.get_command(typer.Context(command_line), name)
        lines += [f"## trainer {name}", "", *_help(command, f"trainer {name}")]
        for verb, sub in sorted(vars(command).get("commands", {}).items()):
            lines += [f"### trainer {name} {verb}", "", *_help(sub, f"trainer {name} {verb}")]
    return "\n".join(lines)


def _help(command: typing.Any, path: str) -> list[str]:
    context = typer.Context(command, info_name=path, max_content_width=100, terminal_width=100)
    return ["```text", command.get_help(context).rstrip(), "```", ""]


def _config() -> str:
    lines = ["# Settings", "", _NOTE]
    lines += [
        "`config.yaml` has these sections; every key may be left out.",
        "`${NAME}` in a value is read from the environment, `${NAME:-default}` with a default.",
        "`TRAINER_SECTION__KEY` in the environment and `--set section.key=value` override the file.",
        "`trainer config show` tells the value of each key and where it came from.",
        "",
    ]
    for section in msgspec.structs.fields(Settings):
        kind = _struct_in(section.type)
        lines += [f"## {section.name}", ""]
        if kind is not None:
            lines += [*_summary(kind), *_table(kind, "")]
    lines += [
        "## Settings without effect yet",
        "",
        "The specification's example has these, and their rooms are not built.",
        "They are accepted with the example's values, `trainer config check` names each, and other values are refused.",
        "",
        "| Key | Accepted |",
        "| --- | --- |",
        *(f"| `{key}` | `{json.dumps(value)}` |" for key, value in UNBUILT.items()),
        "",
    ]
    return "\n".join(lines)


def _summary(kind: type) -> list[str]:
    return [(kind.__doc__ or "").strip().split("\n")[0], ""]


def _table(kind: type, prefix: str) -> list[str]:
    return ["| Key | Default | Meaning |", "| --- | --- | --- |", *_rows(kind, prefix), ""]


def _rows(kind: type, prefix: str) -> Iterator[str]:
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        inner = _struct_in(hint)
        if inner is not None and typing.get_origin(hint) is None:
            yield from _rows(inner, f"{prefix}{field.name}.")
            continue
        yield f"| `{prefix}{field.name}` | {_default(field)} | {_description(hint)} |"
        if inner is not None:
            yield from _rows(inner, f"{prefix}{field.name}[].")


def _struct_in(hint: object) -> type | None:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    return next((found for part in typing.get_args(hint) if (found := _struct_in(part))), None)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return "" if value in (None, [], {}) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _description(hint: object) -> str:
    metas = [part for part in typing.get_args(hint) if isinstance(part, msgspec.Meta)]
    return next((meta.description.replace("|", "\\|") for meta in metas if meta.description), "")


def _errors() -> str:
    lines = ["# Errors and exit codes", "", _NOTE]
    lines += [
        "An error is one message on stderr: what is wrong, where (`file:line:column`), and what to do next.",
        "",
        "| Exit code | Meaning |",
        "| ---: | --- |",
        "| 0 | done |",
        "| 1 | the job failed |",
        "| 2 | wrong usage, config or template; nothing was started |",
        "| 3 | stale or missing output (`report --check`) |",
        "| 4 | refused by the security policy, or by checks with the policy `block` |",
        "| 5 | the budget would be exceeded |",
        "| 6 | partly done; a rerun does only what failed |",
        "| 130 | interrupted; what was finished is kept |",
        "",
        "| Error | Exit code | When |",
        "| --- | ---: | --- |",
    ]
    found = [errors.TrainerError, *_below(errors.TrainerError)]
    lines += [f"| `{kind.__name__}` | {kind.exit_code} | {(kind.__doc__ or '').splitlines()[0]} |" for kind in found]
    return "\n".join([*lines, ""])


def _below(kind: type[errors.TrainerError]) -> list[type[errors.TrainerError]]:
    here = [sub for sub in kind.__subclasses__() if sub.__module__ == errors.__name__]
    return [found for sub in here for found in (sub, *_below(sub))]


def _adapters() -> str:
    from trainer.checks.screen import CHECKS
    from trainer.providers.registry import PROVIDERS
    from trainer.sources.base import SOURCES
    from trainer.stores.registry import BACKENDS

    rooms: dict[str, Registry] = {
        "Providers (`llm_provider.provider`)": PROVIDERS,
        "Sources (`data_retriever.provider`)": SOURCES,
        "Stores (`data_store.backend`)": BACKENDS,
        "Checks": CHECKS,
    }
    lines = ["# Adapters", "", _NOTE]
    lines += ["Another package adds its own by an entry point of the group `trainer.<room>`.", ""]
    for title, registry in rooms.items():
        lines += [f"## {title}", "", "| Name | Class | Install |", "| --- | --- | --- |"]
        for name, adapter in sorted(registry.table.items()):
            extra = f'`pip install "trainer-core[{adapter.extra}]"`' if adapter.extra else ""
            lines.append(f"| `{name}` | `{adapter.path.rpartition(':')[2]}` | {extra} |")
        lines.append("")
    return "\n".join(lines)


def _tables() -> str:
    """The catalogue's tables with what they were reviewed against, and their fields."""
    lines = [
        "# Catalogue tables",
        "",
        "The tables that incoming files fill; made by `make docs` from `src/trainer/catalog/tables/*.yaml`.",
        "A star marks the fields that identify a row, bold ones are required.",
        "",
    ]
    for name, table in read_definitions().items():
        keeps = f"kept {table.retention}" if table.retention else "kept as long as anybody wants"
        lines += [
            f"## {name}",
            "",
            f"{table.description} In the database `{table.table}`; {table.sensitivity}, {keeps}.",
            f"Reviewed against {', '.join(table.standards)}.",
            "",
            "| Field | Type | Takes |",
            "| --- | --- | --- |",
        ]
        for one in table.fields:
            shown = f"**{one.name}**" if one.required else one.name
            takes = ", ".join(
                filter(None, [one.description, " / ".join(one.values), one.unit or "", one.semantic or ""])
            )
            lines.append(f"| {shown}{'*' if one.name in table.key else ''} | {one.type} | {takes} |".replace("  ", " "))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _formats() -> str:
    lines = ["# Formats", "", _NOTE]
    lines += [
        "The format of a file is found by its name and its content together.",
        "A name that the content contradicts does not decide, and that is told.",
        "What is not sure is refused, with what to do.",
        "What a reader leaves out it tells: `trainer convert` on the standard error, the source `file` as warnings.",
        "See [read documents](../how-to/read-documents.md).",
        "",
        "| Format | `-f`, `-t` | Suffixes | Read | Written | Row by row |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for item in FORMATS.values():
        suffixes = ", ".join(f"`{suffix}`" for suffix in item.suffixes)
        marks = ["yes" if part else "" for part in (item.reader, item.writer, item.rows)]
        lines.append(f"| {item.title} | `{item.name}` | {suffixes} | {' | '.join(marks)} |")
    lines += ["", "## What is read", ""]
    for name in sorted(READERS.table):
        contract = inspect.getdoc(READERS.load(name)) or ""
        lines += [f"### {FORMATS[name].title}", "", *contract.split("\n"), ""]
    return "\n".join(lines)


_SOURCE_OPTIONS = {
    "apis": "The services, by name; see [describe an API](../how-to/describe-an-api.md).",
    "roots": "Addresses below which files may be read, such as `s3://bucket/reports/`.",
    "summarise_from": "Bytes from which a table is summarised, not read row by row; over 100,000 rows always.",
    "backoff": "Seconds before the first further try; doubled for each one after.",
    "base_url": "Where the service is.",
    "ca_file": "A file of certificates to trust instead of the system's, relative to the project's root.",
    "client_certificate": "A file with the certificate and the key by which a service knows us, as PEM.",
    "connections": "The databases, by name; see [read databases](../how-to/read-databases.md).",
    "cookie_url": "Where its cookie comes from.",
    "data_url": "Where its data is.",
    "max_bytes": "Bytes of the largest file that is read.",
    "max_rows": "Rows of the largest answer that is taken in.",
    "path": "The file a query is answered from; `{name}` is filled from the query.",
    "per_second": "Requests a second at most, of all processes of the machine together.",
    "private_hosts": "Names that may lead to addresses of the own network.",
    "proxy": "The proxy to go through; without, that of the environment.",
    "queries": "Questions, by name; see [read databases](../how-to/read-databases.md).",
    "retries": "Further tries of what may pass.",
    "services": "The SOAP services, by name; see [describe an API](../how-to/describe-an-api.md#soap).",
    "timeout": "Seconds that one try may take in all.",
    "ttl": "Seconds for which an answer stays fresh.",
    "user_agent": "How requests introduce themselves; EDGAR wants a name and an address.",
}
"""Option of a source -> what it is for."""


def _sources() -> str:
    from trainer.sources import SOURCES, create_source

    lines = ["# Sources", "", _NOTE]
    lines += [
        "`trainer retrieve SOURCE --help` tells the same, with the project's settings.",
        "Options stand in `config.yaml` under `data_retriever.sources.SOURCE`.",
        "",
    ]
    for name in sorted(SOURCES.table):
        schema = create_source(name).get_schema()
        lines += [f"## {name}", "", f"{schema.description}.", "", "| Query field | | Example |", "| --- | --- | --- |"]
        for query_field in schema.query:
            remarks = [
                "required" if query_field.required else "",
                f"with `kind={query_field.kind}`" if query_field.kind else "",
                "one of " + ", ".join(f"`{choice}`" for choice in query_field.choices) if query_field.choices else "",
                f"`{query_field.default}` where it is left out" if query_field.default is not None else "",
            ]
            meaning = "; ".join(filter(None, [query_field.description, *remarks])).replace("|", "\\|")
            example = f"`{query_field.name}={query_field.example}`" if query_field.example else ""
            lines.append(f"| `{query_field.name}` | {meaning} | {example} |")
        lines += ["", "| Option | | Default |", "| --- | --- | --- |"]
        parameters = inspect.signature(SOURCES.load(name)).parameters
        for option in sorted(parameters.keys() - {"context", "data_store"}):
            default = parameters[option].default
            shown = f"`{default}`" if default not in (None, "", ()) else ""
            lines.append(f"| `{option}` | {_SOURCE_OPTIONS.get(option, '')} | {shown} |")
        lines.append("")
    return "\n".join(lines)


def _streams() -> str:
    from trainer.sources.streams import STREAMS

    lines = ["# Streams", "", _NOTE]
    lines += [
        "What is read on by `trainer retrieve NAME`, described in `config.yaml` under `data_retriever.streams.NAME`.",
        "See [read streams](../how-to/read-streams.md), [follow changes](../how-to/follow-changes.md)"
        " and [receive webhooks](../how-to/receive-webhooks.md).",
        "",
    ]
    for kind in sorted(STREAMS.table):
        adapter = STREAMS.load(kind)
        extra = STREAMS.table[kind].extra
        about = inspect.getdoc(adapter).partition("\n")[0]
        needs = f'\nNeeds `pip install "trainer-core[{extra}]"`.' if extra else ""
        lines += [f"## {kind}", "", f"{about}{needs}", "", "| Setting | | Default |", "| --- | --- | --- |"]
        own = sorted(msgspec.structs.fields(adapter.settings), key=lambda setting: (not setting.required, setting.name))
        for setting in own:
            default = "required" if setting.required else f"`{_default_of(setting)}`" if _default_of(setting) else ""
            lines.append(f"| `{setting.name}` | {_description(setting.type)} | {default} |")
        lines.append("")
    return "\n".join(lines)


def _default_of(setting: typing.Any) -> typing.Any:
    return None if setting.default is msgspec.NODEFAULT else setting.default


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
