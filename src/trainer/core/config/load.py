"""config.yaml, environment and `--set` into Settings: all problems at once, every value with its origin."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from trainer.core.clock import parse_duration
from trainer.core.config.schema import Settings
from trainer.core.config.unbuilt import UNBUILT, is_as_specified, take_unbuilt
from trainer.core.errors import ConfigError, Problem, UsageError, Where, unknown
from trainer.core.files import read_text
from trainer.core.formats import find_output_format
from trainer.core.secrets import MASK, is_secret_name, keep_secret, mask_secrets
from trainer.core.yamltext import KEY, YamlPath, load_yaml

_PREFIX = "TRAINER_"
TARGET = "TRAINER_TARGET"
"""The variable that chooses a target where no flag does."""
_NOT_SETTINGS = frozenset({"TRAINER_PROJECT", TARGET})
_PAPERS = ("a5", "a4", "a3", "b5", "b4", "jis-b5", "jis-b4", "letter", "legal", "ledger")
"""The sizes of CSS Paged Media 3, section 7.1."""
_LENGTHS = re.compile(r"\d+(?:\.\d+)?(?:mm|cm|in|pt) \d+(?:\.\d+)?(?:mm|cm|in|pt)")
_UNTYPED = frozenset({"params", "matrix", "data"})
"""Keys of a report whose values have no declared type: a number in them stays as it is written."""
_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from."""

    kind: Literal["flag", "environment", "file"]
    place: str
    """The flag, the variable, or file:line:column."""


@dataclass(frozen=True, slots=True)
class Config:
    """The effective settings and where each came from."""

    settings: Settings
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By dotted key; what is not here is a default."""
    unset: Mapping[str, str] = field(default_factory=dict)
    """Keys whose `${NAME}` is not set, with the NAME."""
    unbuilt: Mapping[str, Where | None] = field(default_factory=dict)
    """Keys that have no effect yet, with their places."""
    masked: Mapping[str, str] = field(default_factory=dict)
    """What may be shown of the keys that `${NAME}` filled: what came from the environment is a secret."""
    target: str | None = None
    """The chosen one of `targets`."""

    def shown(self) -> list[tuple[str, object, str]]:
        """Every setting as (dotted key, value, origin), in order; secrets masked."""
        rows = []
        for key, value in _leaves(msgspec.to_builtins(self.settings), ()):
            origin = self.origin(".".join(key))
            rows.append(
                (".".join(key), self._masked(key, value), f"{origin.kind} {origin.place}" if origin else "default")
            )
        return rows

    def _masked(self, key: tuple[str, ...], value: object) -> object:
        if isinstance(value, list):
            return [self._masked((*key, str(index)), item) for index, item in enumerate(value)]
        if not isinstance(value, str) or not value:
            return value
        return MASK if is_secret_name(key[-1]) else mask_secrets(self.masked.get(".".join(key), value))

    def origin(self, setting: str) -> Origin | None:
        """Where the value at a dotted key comes from, or the first of those below it; None for a default."""
        key = setting.split(".")
        for length in range(len(key), 0, -1):
            if origin := self.origins.get(".".join(key[:length])):
                return origin
        return next((origin for name, origin in self.origins.items() if name.startswith(f"{setting}.")), None)


@dataclass(slots=True)
class _Layers:
    """Settings while they are being laid over one another."""

    tree: dict[str, Any]
    origins: dict[str, Origin]
    places: dict[YamlPath, Where]
    environ: Mapping[str, str]
    unset: dict[str, str]
    masked: dict[str, str]
    problems: list[Problem]

    def where(self, path: YamlPath) -> Where | None:
        """The place of the value at `path`: the flag or variable that set it, or its line in the file."""
        origin = self.origins.get(".".join(map(str, path)))
        if origin and origin.kind != "file":
            return Where(origin.place)
        for length in range(len(path), 0, -1):
            if place := self.places.get(path[:length]):
                return place
        return None


def load_config(
    path: Path,
    *,
    environ: Mapping[str, str],
    overrides: Sequence[str] = (),
    target: str | None = None,
    shown: str = "config.yaml",
) -> Config:
    """The settings of a project. Flags win over the environment, the environment over the target, that over the rest.

    Without `target`, the variable TRAINER_TARGET chooses one.
    Raises ConfigError with all problems of the file at once, each with line and column and the nearest known name.
    """
    layers = _Layers({}, {}, {}, environ, {}, {}, [])
    _lay_file(layers, path, shown)
    target = target or environ.get(TARGET) or None
    if target is not None:
        _lay_target(layers, target)
    _lay_environment(layers)
    for override in overrides:
        _lay_override(layers, override)
    _interpolate(layers, layers.tree, ())
    unbuilt = _unbuilt(layers)
    settings = _struct(layers, Settings, layers.tree, ())
    _check_values(layers, settings)
    if layers.problems:
        raise ConfigError(layers.problems[0].message, problems=layers.problems)
    assert isinstance(settings, Settings)
    return Config(settings, layers.origins, layers.unset, unbuilt, layers.masked, target)


def _lay_file(layers: _Layers, path: Path, shown: str) -> None:
    try:
        document = load_yaml(read_text(path, shown=shown), shown=shown)
    except UsageError as error:
        raise ConfigError(error.message, problems=error.problems) from error
    if document.value is None:
        return
    if not isinstance(document.value, dict):
        raise ConfigError("the file must be a mapping of sections", where=document.where())
    layers.tree = document.value
    layers.places = document.places
    targets = _mapping(document.value.get("targets"))
    for where in ((), *(("targets", target) for target in targets)):
        section = _mapping(targets.get(where[1])) if where else document.value
        for name, report in _mapping(section.get("reports")).items():
            for untyped in _UNTYPED & _mapping(report).keys():
                report[untyped] = document.spelt(*where, "reports", name, untyped)
    for key, _ in _leaves(document.value, ()):
        layers.origins[".".join(key)] = Origin("file", str(document.where(*key)))


def _lay_target(layers: _Layers, name: str) -> None:
    """Lay the settings of a target over the others; mappings are merged, lists and single values replaced."""
    targets = _mapping(layers.tree.get("targets"))
    if name not in targets:
        message, hint = unknown("target", name, targets)
        raise ConfigError(message, hint=hint if targets else "declare it: targets: {" + name + ": {…}}")
    chosen = ("targets", name)
    for key, value in _leaves(targets[name], ()):
        _put(layers, key, value, Origin("file", str(layers.where((*chosen, *key)))))
    layers.places |= {path[2:]: place for path, place in layers.places.items() if path[:2] == chosen and path[2:]}


def _lay_environment(layers: _Layers) -> None:
    sections = {section.upper(): section for section in Settings.__struct_fields__}
    for name in sorted(layers.environ):
        section, double, rest = name.removeprefix(_PREFIX).partition("__")
        if not name.startswith(_PREFIX) or name in _NOT_SETTINGS or not double or section not in sections:
            continue
        key = (sections[section], *rest.lower().split("__"))
        _put(layers, key, layers.environ[name], Origin("environment", name))


def _lay_override(layers: _Layers, override: str) -> None:
    dotted, equals, text = override.partition("=")
    key = tuple(part.strip() for part in dotted.split("."))
    if not equals or not all(key):
        raise ConfigError(
            f'--set "{override}" is not section.key=value', hint="example: --set llm_provider.model=gpt-4o"
        )
    try:
        document = load_yaml(text, shown=f"--set {dotted}")
        value = document.spelt() if len(key) > 3 and key[0] == "reports" and key[2] in _UNTYPED else document.value
    except UsageError:
        value = text
    _put(layers, key, value, Origin("flag", f"--set {dotted}"))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _put(layers: _Layers, key: tuple[str, ...], value: object, origin: Origin) -> None:
    branch = layers.tree
    for part in key[:-1]:
        if not isinstance(branch.get(part), dict):
            branch[part] = {}
        branch = branch[part]
    branch[key[-1]] = value
    layers.origins[".".join(key)] = origin


def _interpolate(layers: _Layers, value: Any, path: YamlPath) -> Any:
    """The value with every `${NAME}` filled; one that is not set makes the whole string None and is noted."""
    if isinstance(value, dict):
        for key in value:
            value[key] = _interpolate(layers, value[key], (*path, key))
    elif isinstance(value, list):
        value[:] = [_interpolate(layers, item, (*path, index)) for index, item in enumerate(value)]
    elif isinstance(value, str):
        value = _filled(layers, value, path) if "${" in value else value
        if value and path and is_secret_name(str(path[-1])):
            keep_secret(value, shortest=12)  # written down in clear, where `ollama` or `none` may stand for no key
    return value


def _filled(layers: _Layers, text: str, path: YamlPath) -> str | None:
    key = ".".join(map(str, path))
    shortest = 4 if is_secret_name(str(path[-1])) else 8
    missing: list[str] = []

    def fill(variable: re.Match[str], *, masked: bool) -> str:
        name, default = variable.groups()
        if name is None:
            return "${"
        value = layers.environ.get(name)
        if value:
            return MASK if masked else keep_secret(value, shortest=shortest).reveal()
        if default is None:
            missing.append(name)
        return default or ""

    filled = _VARIABLE.sub(lambda variable: fill(variable, masked=False), text)
    if missing:
        layers.unset[key] = missing[0]
        return None
    layers.masked[key] = _VARIABLE.sub(lambda variable: fill(variable, masked=True), text)
    return filled


@cache
def _declared(kind: type) -> tuple[dict[str, msgspec.structs.FieldInfo], dict[str, Any]]:
    """A struct's fields and their types; read once, for each of a thousand reports it took longer than the report."""
    return {item.name: item for item in msgspec.structs.fields(kind)}, typing.get_type_hints(kind, include_extras=True)


def _struct(layers: _Layers, kind: type, value: Any, path: YamlPath) -> Any:
    """The struct in `value`; problems are noted, and keys that have one are left at their defaults."""
    if value is None:
        value = {}
    if not isinstance(value, dict):
        layers.problems.append(Problem(f"{_dotted(path)} must be a mapping of keys", layers.where(path)))
        return None
    fields, hints = _declared(kind)
    values = {}
    for key, item in value.items():
        place = (*path, key)
        if key not in fields:
            message, hint = unknown("section" if not path else "key", _dotted(place), _siblings(fields, path))
            layers.problems.append(Problem(message, layers.places.get((*place, KEY)) or layers.where(place), hint))
            continue
        values[key] = _value(layers, hints[key], item, place)
    for item in fields.values():
        if item.required and item.name not in value:
            layers.problems.append(Problem(f'{_dotted(path)} lacks the key "{item.name}"', layers.where(path)))
    usable = {key: item for key, item in values.items() if item is not _BROKEN}
    return None if any(item.required and item.name not in usable for item in fields.values()) else kind(**usable)


_BROKEN: Any = object()


def _value(layers: _Layers, annotated: Any, value: Any, path: YamlPath) -> Any:
    kind = get_args(annotated)[0] if get_origin(annotated) is Annotated else annotated
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        built = _struct(layers, kind, value, path)
        return _BROKEN if built is None else built
    inner = get_args(kind)
    if get_origin(kind) is dict and isinstance(inner[1], type) and issubclass(inner[1], msgspec.Struct):
        return _structs_by_name(layers, inner[1], value, path)
    if get_origin(kind) is list and isinstance(inner[0], type) and issubclass(inner[0], msgspec.Struct):
        return _structs_in_order(layers, inner[0], value, path)
    return _scalar(layers, annotated, value, path)


def _structs_by_name(layers: _Layers, kind: type, value: Any, path: YamlPath) -> Any:
    if value is None:
        return {}
    if not isinstance(value, dict):
        layers.problems.append(Problem(f"{_dotted(path)} must be a mapping of names", layers.where(path)))
        return _BROKEN
    built = {name: _struct(layers, kind, item, (*path, name)) for name, item in value.items()}
    return {name: item for name, item in built.items() if item is not None}


def _structs_in_order(layers: _Layers, kind: type, value: Any, path: YamlPath) -> Any:
    if not isinstance(value, list):
        layers.problems.append(Problem(f"{_dotted(path)} must be a list", layers.where(path)))
        return _BROKEN
    built = [_struct(layers, kind, item, (*path, index)) for index, item in enumerate(value)]
    return [item for item in built if item is not None]


def _scalar(layers: _Layers, kind: Any, value: Any, path: YamlPath) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        variable = layers.unset.get(_dotted(path))
        message = f"{_dotted(path)}: {_plain(str(error))}"
        hint = f"set the environment variable {variable}" if variable else None
        layers.problems.append(Problem(message, layers.where(path), hint))
        return _BROKEN


def _unbuilt(layers: _Layers) -> dict[str, Where | None]:
    """The settings without effect, taken out of the tree; one that asks for more than the example is a problem."""
    unbuilt = {}
    for path, value in take_unbuilt(layers.tree):
        key = _dotted(path)
        unbuilt[key] = layers.where(path)
        if not is_as_specified(path, value):
            hint = f"remove it: nothing reads it yet, and only {UNBUILT[key]!r} of the example is let through"
            layers.problems.append(Problem(f"{key}: {value!r} asks for what is not built yet", unbuilt[key], hint))
    sections = {key.partition(".")[0] for key in UNBUILT} - {*Settings.__struct_fields__}
    for section in sections & layers.tree.keys():
        for path, _ in _leaves(layers.tree.pop(section), (section,)):
            message, hint = unknown("key", _dotted(path), UNBUILT)
            layers.problems.append(Problem(message, layers.places.get((*path, KEY)) or layers.where(path), hint))
    return unbuilt


def _check_values(layers: _Layers, settings: Settings) -> None:
    """What a type alone cannot say: lengths of time, paper, names of formats."""
    checks: list[tuple[YamlPath, str, Callable[[str], object]]] = [
        (("llm_provider", "timeout"), settings.llm_provider.timeout, parse_duration),
        (("ingest", "settle"), settings.ingest.settle, parse_duration),
        (("format_converter", "page_size"), settings.format_converter.page_size, _check_paper),
    ]
    for report, section in settings.reports.items():
        checks += [
            (("reports", report, "formats", index), name, find_output_format)
            for index, name in enumerate(section.formats)
        ]
    for path, value, check in checks:
        try:
            check(value)
        except UsageError as error:
            layers.problems.append(Problem(f"{_dotted(path)}: {error.message}", layers.where(path), error.hint))


def _check_paper(name: str) -> None:
    """Raise UsageError for what CSS does not know as a size of paper."""
    if name.lower() not in _PAPERS and not _LENGTHS.fullmatch(name):
        message, hint = unknown("size of paper", name, _PAPERS)
        raise UsageError(message, hint=f"{hint}, or say width and height: 210mm 297mm")


def _plain(message: str) -> str:
    """The validator's message in the words of YAML."""
    message = message.partition(" - at ")[0]
    kinds = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
    kinds |= {"null": "nothing", "array": "a list", "object": "a mapping"}
    message = re.sub("`([a-z |]+)`", lambda match: " or ".join(kinds.get(k, k) for k in match[1].split(" | ")), message)
    return message[:1].lower() + message[1:]


def _siblings(names: Mapping[str, object], path: YamlPath) -> list[str]:
    return [_dotted((*path, name)) for name in names]


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif path:
        yield path, value


def _dotted(path: YamlPath) -> str:
    return ".".join(map(str, path)) or "config.yaml"
