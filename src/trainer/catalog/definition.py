"""What a catalogue table is: fields with types, units and constraints, what identifies a row, how text maps to it.

A definition is a YAML file: the built-in ones lie in `tables/`, a project's own in `information/tables/`. A project's
file whose `table` is a built-in one overlays it: `fields` adds and changes, `remove` takes away, other keys replace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args

from trainer.core.digest import digest
from trainer.core.errors import Problem, UsageError, unknown
from trainer.core.files import read_text
from trainer.core.values import Json
from trainer.core.yamltext import YamlDocument, load_yaml

CatalogType = Literal["text", "integer", "number", "decimal", "boolean", "date", "datetime", "list", "object"]
Sensitivity = Literal["public", "internal", "confidential", "personal"]
TableOrigin = Literal["built-in", "project"]

PREFIX = "memory_"
"""What the table of a definition is called in the database: `memory_` and its name."""
SYSTEM_COLUMNS = {
    "row_id": "VARCHAR",
    "row_version": "INTEGER",
    "row_source": "VARCHAR",
    "row_origin": "VARCHAR",
    "row_proposal": "VARCHAR",
    "row_confidence": "DOUBLE",
    "row_checks": "DOUBLE",
    "row_confirmations": "INTEGER",
    "row_corrections": "INTEGER",
    "row_trust": "DOUBLE",
    "row_citations": "JSON",
    "row_recorded_at": "TIMESTAMP",
    "row_changed_at": "TIMESTAMP",
}
"""What the catalogue keeps of every row beside its fields; no field may be called so."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_FIELD_KEYS = frozenset(
    [
        "type",
        "description",
        "unit",
        "required",
        "values",
        "min",
        "max",
        "pattern",
        "references",
        "semantic",
        "sensitivity",
        "default",
        "labels",
        "signal",
        "entity",
        "near",
        "words",
    ]
)
_TABLE_KEYS = frozenset(
    [
        "table",
        "title",
        "description",
        "standards",
        "key",
        "fields",
        "matches",
        "retention",
        "sensitivity",
        "examples",
        "remove",
        "half_life",
    ]
)
_MATCH_KEYS = frozenset(["words", "file_names", "media_types", "columns", "languages"])


@dataclass(frozen=True, slots=True)
class TableField:
    """One column of a catalogue table."""

    name: str
    type: CatalogType
    description: str = ""
    unit: str | None = None
    """Of its values: `USD`, `%`, `ms`, `bytes` …"""
    required: bool = False
    values: tuple[str, ...] = ()
    """The only ones allowed, where there are any."""
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    """What a text must match as a whole."""
    references: str | None = None
    """`table.field` of the catalogue in which the value must be, once that table has rows; else the row waits."""
    semantic: str | None = None
    """What the text is: `email`, `url`, `currency`, `isin` …"""
    sensitivity: Sensitivity | None = None
    """Where it differs from the table's."""
    default: Json = None
    labels: tuple[str, ...] = ()
    """Names of this field in documents and in columns of files, beside its own."""
    signal: str | None = None
    """What of a file it is taken from: `title`, `file_name`, `text`, `summary`, `language` … or a name in its facts."""
    entity: str | None = None
    """The kind of entity whose first mention it is: `money`, `date`, `organisation`, `person` …"""
    nearby_words: tuple[str, ...] = ()
    """Words, one of which must stand just before the entity."""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For a field with `values`: the words of a text that tell each."""


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A catalogue table."""

    name: str
    """`finance_treasury`; in the database it is `memory_finance_treasury`, or what `table` says."""
    table: str
    title: str
    description: str
    fields: tuple[TableField, ...]
    key: tuple[str, ...]
    """The fields that identify a row; empty where every row is a new one."""
    standards: tuple[str, ...] = ()
    """What it was reviewed against."""
    words: tuple[str, ...] = ()
    """Words and phrases that speak for the table in a text."""
    file_names: tuple[str, ...] = ()
    """Patterns of file names that speak for it, as in a shell."""
    media_types: tuple[str, ...] = ()
    """Beginnings of media types that speak for it."""
    columns: tuple[str, ...] = ()
    """Names of columns that speak for it, beside its fields."""
    languages: tuple[str, ...] = ()
    """Programming languages whose files belong to it."""
    retention: str = ""
    """How long a row is kept, such as `7y`; empty for as long as anybody wants."""
    half_life: int = 365
    """Days in which the trust in an unconfirmed row's freshness halves."""
    sensitivity: Sensitivity = "internal"
    examples: tuple[Mapping[str, Json], ...] = ()
    origin: TableOrigin = "built-in"

    def field(self, name: str) -> TableField | None:
        """The field of that name."""
        return next((one for one in self.fields if one.name == name), None)

    @property
    def digest(self) -> str:
        """Equal for definitions that make the same table of the database."""
        return digest([[one.name, one.type] for one in self.fields])


def read_definitions(folder: Path | None = None, *, shown: str = "information/tables") -> dict[str, TableDefinition]:
    """The built-in tables, overlaid and added to by the YAML files in `folder`, by name, in the order of names.

    Raises UsageError with every problem of every file at once.
    """
    raw = {name: dict(value) for name, value in _built_in().items()}
    problems: list[Problem] = []
    documents: dict[str, YamlDocument] = {}
    for path in sorted(folder.glob("*.yaml")) if folder and folder.is_dir() else []:
        name = f"{shown}/{path.name}"
        try:
            document = load_yaml(read_text(path, shown=name), shown=name)
        except UsageError as error:
            problems += error.problems
            continue
        table = _name_in(document, path.stem, problems)
        if table:
            documents[table] = document
            raw[table] = overlaid(raw.get(table), document.value)
    definitions = {}
    for name in sorted(raw):
        own = documents.get(name)
        parsed = _definition(name, raw[name], own, problems, "project" if own else "built-in")
        if parsed:
            definitions[name] = parsed
    for name, definition in definitions.items():
        _check_references(definition, definitions, documents.get(name), problems)
    if problems:
        raise UsageError(problems[0].message, problems=problems)
    return definitions


def overlaid(base: Mapping[str, Any] | None, overlay: Mapping[str, Any]) -> dict[str, Any]:
    """A definition's YAML value with another laid over it: fields one by one, other keys as a whole."""
    merged = {**(base or {}), **{key: value for key, value in overlay.items() if key not in ("fields", "remove")}}
    fields = dict((base or {}).get("fields") or {})
    for name, value in _mapping(overlay.get("fields")).items():
        fields[name] = {**_mapping(fields.get(name)), **value} if isinstance(value, Mapping) else value
    removed = overlay.get("remove") or []
    for name in removed if isinstance(removed, list) else []:
        fields.pop(str(name), None)
    return {**merged, "fields": fields}


def table_name(name: str) -> str:
    """The short name of a table, whether it was written with `memory_` or without."""
    return name.removeprefix(PREFIX)


def find_table(definitions: Mapping[str, TableDefinition], name: str) -> TableDefinition:
    """The table of that name, short or as the database calls it; raises UsageError naming the nearest."""
    for definition in definitions.values():
        if name in (definition.name, definition.table):
            return definition
    message, hint = unknown("table", table_name(name), definitions)
    raise UsageError(message, hint=hint)


def find_field(definition: TableDefinition, name: str) -> TableField:
    """The field of that name; raises UsageError naming the nearest."""
    if one := definition.field(name):
        return one
    message, hint = unknown(f"field of {definition.name}", name, [one.name for one in definition.fields])
    raise UsageError(message, hint=hint)


def is_field_name(name: str) -> bool:
    """Whether a field may be called so: small letters, 0-9 and _, and nothing that every row has anyway."""
    return bool(_NAME.fullmatch(name)) and name not in SYSTEM_COLUMNS and not name.startswith("row_new_")


def checked_definition(name: str, value: Mapping[str, Any]) -> TableDefinition:
    """A definition from its YAML value, as a proposal carries it; raises UsageError with all problems."""
    problems: list[Problem] = []
    definition = _definition(name, value, None, problems, "project")
    if problems or definition is None:
        raise UsageError(problems[0].message, problems=problems)
    return definition


@cache
def _built_in() -> dict[str, Mapping[str, Any]]:
    folder = files("trainer.catalog") / "tables"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml"))
    return {
        name.removesuffix(".yaml"): load_yaml((folder / name).read_text(encoding="utf-8"), shown=name).value
        for name in names
    }


def built_in_value(name: str) -> Mapping[str, Any] | None:
    """The YAML value of a built-in table, None for a name that is none."""
    return _built_in().get(name)


def _name_in(document: YamlDocument, stem: str, problems: list[Problem]) -> str | None:
    if not isinstance(document.value, Mapping):
        problems.append(Problem("a table is a mapping", document.where(), "with table:, description: and fields:"))
        return None
    name = table_name(str(document.value.get("table") or stem))
    if not _NAME.fullmatch(name):
        problems.append(Problem(f'"{name}" is no name of a table', document.where("table"), "small letters, 0-9 and _"))
        return None
    return name


def _definition(
    name: str, value: Mapping[str, Any], document: YamlDocument | None, problems: list[Problem], origin: TableOrigin
) -> TableDefinition | None:
    """The definition, or None with its problems added."""
    before = len(problems)

    def wrong(message: str, *path: str, hint: str | None = None) -> None:
        where = document.where_key(*path) if document and path else document.where() if document else None
        problems.append(Problem(f"{name}: {message}" if where is None else message, where, hint))

    def check_keys(what: str, keys: Iterable[str], allowed: Iterable[str], *path: str) -> None:
        for key in sorted(set(map(str, keys)) - set(allowed)):
            message, hint = unknown(what, key, allowed)
            wrong(message, *path, key, hint=hint)

    check_keys("key of a table", value, _TABLE_KEYS)
    matches = _mapping(value.get("matches"))
    check_keys("key of matches", matches, _MATCH_KEYS, "matches")
    fields = [
        definition
        for one, field in _mapping(value.get("fields")).items()
        if (definition := _field(str(one), field, wrong, check_keys))
    ]
    names = [one.name for one in fields]
    if not names and len(problems) == before:
        wrong("a table needs fields", hint="fields: {name: {type: text}}")
    key = _texts(value.get("key"))
    for part in key:
        if part not in names:
            message, hint = unknown("field in key", part, names)
            wrong(message, "key", hint=hint)
    sensitivity = value.get("sensitivity", "internal")
    if sensitivity not in get_args(Sensitivity):
        message, hint = unknown("sensitivity", str(sensitivity), get_args(Sensitivity))
        wrong(message, "sensitivity", hint=hint)
    if len(problems) > before:
        return None
    half_life = value.get("half_life", 365)
    return TableDefinition(
        name=name,
        table=str(value.get("table") or PREFIX + name) if origin == "built-in" else PREFIX + name,
        title=str(value.get("title") or name.replace("_", " ").capitalize()),
        description=str(value.get("description") or ""),
        fields=tuple(fields),
        key=key,
        standards=_texts(value.get("standards")),
        words=_texts(matches.get("words")),
        file_names=_texts(matches.get("file_names")),
        media_types=_texts(matches.get("media_types")),
        columns=_texts(matches.get("columns")),
        languages=_texts(matches.get("languages")),
        retention=str(value.get("retention") or ""),
        half_life=half_life if isinstance(half_life, int) and half_life > 0 else 365,
        sensitivity=sensitivity,
        examples=tuple(row for row in value.get("examples") or () if isinstance(row, Mapping)),
        origin=origin,
    )


def _field(name: str, value: Any, wrong: Any, check_keys: Any) -> TableField | None:
    """One field; `text` alone stands for `{type: text}`."""
    path = ("fields", name)
    settings: Any = {"type": value} if isinstance(value, str) else value
    if not isinstance(settings, Mapping):
        wrong(f"the field {name} is neither a type nor a mapping", *path, hint=f"{name}: {{type: text}}")
        return None
    if not is_field_name(name):
        wrong(f'"{name}" is no name of a field', *path, hint="small letters, 0-9 and _, and none that a row has anyway")
    check_keys(f"key of the field {name}", settings, _FIELD_KEYS, *path)
    kind = settings.get("type", "text")
    if kind not in get_args(CatalogType):
        message, hint = unknown(f"type of {name}", str(kind), get_args(CatalogType))
        wrong(message, *path, hint=hint)
    for limit in ("min", "max"):
        if not isinstance(settings.get(limit), int | float | None):
            wrong(f"{limit} of {name} must be a number", *path, limit)
    try:
        re.compile(str(settings.get("pattern") or ""))
    except re.error as error:
        wrong(f"pattern of {name}: {error}", *path, "pattern")
    return TableField(
        name=name,
        type=kind,
        description=str(settings.get("description") or ""),
        unit=settings.get("unit"),
        required=bool(settings.get("required")),
        values=_texts(settings.get("values")),
        min=settings.get("min"),
        max=settings.get("max"),
        pattern=settings.get("pattern"),
        references=settings.get("references"),
        semantic=settings.get("semantic"),
        sensitivity=settings.get("sensitivity"),
        default=settings.get("default"),
        labels=_texts(settings.get("labels")),
        signal=settings.get("signal"),
        entity=settings.get("entity"),
        nearby_words=_texts(settings.get("near")),
        words={str(key): _texts(words) for key, words in _mapping(settings.get("words")).items()},
    )


def _check_references(
    definition: TableDefinition,
    definitions: Mapping[str, TableDefinition],
    document: YamlDocument | None,
    problems: list[Problem],
) -> None:
    for one in definition.fields:
        table, _, name = (one.references or "").partition(".")
        if one.references and (table not in definitions or definitions[table].field(name) is None):
            where = document.where_key("fields", one.name, "references") if document else None
            keys = [f"{other.name}.{key}" for other in definitions.values() for key in other.key]
            message, hint = unknown(f"reference of {definition.name}.{one.name}", one.references, keys)
            problems.append(Problem(message, where, hint))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else (str(value),)
