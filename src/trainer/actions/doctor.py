"""Tell what is installed, reachable and configured, and what mends what is not."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import trainer
from trainer.actions.config import check_config
from trainer.actions.model import choose_model, make_chain
from trainer.actions.wiring import open_source, open_store
from trainer.convert import missing_libraries
from trainer.core.clock import Clock, system_clock
from trainer.core.errors import TrainerError
from trainer.core.project import Project, open_project
from trainer.mart import backlog, read_breaker

DiagnosisStatus = Literal["ok", "warning", "error"]

_OLDEST_PYTHON = (3, 11)
_LEAST_FREE = 500_000_000
_EXTRAS = {
    "ducklake": "duckdb_extension_ducklake",
    "encryption": "cryptography",
    "kafka": "confluent_kafka",
    "keyring": "keyring",
    "kinesis": "boto3",
    "local": "xllamacpp",
    "mart": "polars",
    "mongo": "pymongo",
    "mysql": "pymysqlreplication",
    "nats": "nats",
    "oauth": "authlib",
    "pandoc": "pypandoc",
    "postgres": "psycopg",
    "pulsar": "pulsar",
    "rabbitmq": "pika",
    "redis": "redis",
    "remote-files": "fsspec",
    "sagemaker": "boto3",
    "soap": "zeep",
    "sql": "sqlalchemy",
}
"""Every extra with a package that only it brings."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at."""

    name: str
    status: DiagnosisStatus
    detail: str
    remedy: str = ""
    """The command or change that mends it."""


def diagnose(
    start: Path,
    *,
    folder: str | None,
    environ: Mapping[str, str],
    overrides: tuple[str, ...] = (),
    clock: Clock = system_clock,
) -> list[Diagnosis]:
    """Everything there is to say about this machine and the project around `start`; raises nothing."""
    diagnoses = [*_machine()]
    try:
        project = open_project(start, explicit=folder, environ=environ, overrides=overrides)
    except TrainerError as error:
        return [*diagnoses, Diagnosis("project", "error", error.message, error.hint or "see: trainer init --help")]
    diagnoses.append(Diagnosis("project", "ok", str(project.root)))
    looks: tuple[tuple[str, Callable[[], Diagnosis]], ...] = (
        ("reports", lambda: _reports(project)),
        ("model", lambda: _model(project)),
        ("source", lambda: _source(project, clock)),
        ("store", lambda: _store(project, clock)),
        ("records", lambda: _records(project, clock)),
        ("disk", lambda: _disk(project)),
    )
    return [*diagnoses, *(_looked(name, look) for name, look in looks)]


def _looked(name: str, look: Callable[[], Diagnosis]) -> Diagnosis:
    try:
        return look()
    except TrainerError as error:
        return Diagnosis(name, "error", str(error.problems[0]), error.hint or "")
    except OSError as error:
        return Diagnosis(name, "error", f"{error.filename or ''}: {error.strerror or error}".lstrip(": "))


def _machine() -> Iterator[Diagnosis]:
    version = ".".join(map(str, sys.version_info[:3]))
    old = sys.version_info[:2] < _OLDEST_PYTHON
    yield Diagnosis("python", "error" if old else "ok", version, "install Python 3.11 or newer" if old else "")
    yield Diagnosis("trainer", "ok", trainer.__version__)
    missing = missing_libraries()
    what, _, remedy = (missing or "").partition("\n")
    yield Diagnosis("pdf", "warning" if missing else "ok", what or "WeasyPrint loads", remedy.strip())
    there = [extra for extra, package in _EXTRAS.items() if importlib.util.find_spec(package)]
    absent = [extra for extra in _EXTRAS if extra not in there]
    remedy = f'pip install "trainer-core[{",".join(absent)}]", where you need them' if absent else ""
    yield Diagnosis("extras", "ok", f"installed: {', '.join(there) or 'none'}", remedy)


def _reports(project: Project) -> Diagnosis:
    checked = check_config(project)
    return Diagnosis("reports", "ok", f"{checked.reports} configured, all instructions well")


def _model(project: Project) -> Diagnosis:
    choice = choose_model(project, {}, what="llm_provider")
    chain = make_chain(project, choice)
    shown = " then ".join(f"{provider.provider}/{provider.model}" for provider in chain)
    if not chain[0].asks_model:
        return Diagnosis("model", "ok", f"{shown}, no model is called")
    try:
        models = chain[0].list_models()
    except (TrainerError, NotImplementedError) as error:
        return Diagnosis("model", "warning", f"{shown}: {error}", "check llm_provider.api_base and the key")
    if models and choice.model not in models:
        return Diagnosis(
            "model", "warning", f"{shown}: the service does not list it", f"it offers {', '.join(models[:5])}"
        )
    return Diagnosis("model", "ok", f"{shown} answers")


def _source(project: Project, clock: Clock) -> Diagnosis:
    name = project.settings.data_retriever.provider
    health = open_source(project, name, clock=clock).health()
    return Diagnosis("source", "ok" if health.ok else "warning", f"{name}: {health.detail}")


def _store(project: Project, clock: Clock) -> Diagnosis:
    store = open_store(project, clock=clock)
    stats = store.stats()
    store.close()
    size = "" if stats.bytes is None else f", {stats.bytes / 1e6:.1f} MB"
    return Diagnosis("store", "ok", f"{stats.backend}: {stats.documents} documents, {stats.versions} versions{size}")


def _records(project: Project, clock: Clock) -> Diagnosis:
    waiting = backlog(project.spool, clock=clock)
    breaker = read_breaker(project.spool)
    held = f", being drained by {waiting.drainer}" if waiting.drainer else ""
    detail = f"{waiting.segments} segments ({waiting.bytes / 1e6:.1f} MB) wait to be drained{held}"
    warnings = [*waiting.warnings, *([breaker.error] if breaker.error else [])]
    if warnings:
        return Diagnosis(
            "records", "warning", f"{detail}; {'; '.join(warnings)}", "trainer mart executions drains them"
        )
    return Diagnosis("records", "ok", detail)


def _disk(project: Project) -> Diagnosis:
    free = shutil.disk_usage(project.root).free
    short = free < _LEAST_FREE
    return Diagnosis(
        "disk", "warning" if short else "ok", f"{free / 1e9:.1f} GB free", "free some space" if short else ""
    )
