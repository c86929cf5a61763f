"""A report as data of another: its figures with what is behind them, and its text as a context."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from trainer.core.digest import digest
from trainer.core.errors import SourceError, UsageError, unknown
from trainer.core.project import Project
from trainer.core.values import Context, Json
from trainer.prompts import REPORT, DataQuery
from trainer.prompts.markdown import shift_headings
from trainer.reports import UNDATED, ReportSpec, expand_reports, output_paths, provenance_path, read_provenance
from trainer.reports.used import used_blocks
from trainer.sources import DataRetriever, Fetched, QueryField, Schema, SourceContext
from trainer.sources.query import QueryFields

_TOP = 2
"""The level of a context's title in a prompt."""


class ReportRetriever(DataRetriever):
    """Reads the reports that were built; asking again costs no more than looking."""

    name = REPORT
    local = True

    def __init__(self, project: Project, context: SourceContext) -> None:
        super().__init__(context=context)
        self._project = project

    def get_schema(self) -> Schema:
        """Which report, and which of its data."""
        fields = (
            QueryField("report", True, description="Name of a report in config.yaml", example="abbvie"),
            QueryField("part", description="Name of one of its data blocks", example="summary"),
        )
        return Schema(self.name, "The data behind the figures of another report", fields)

    def key(self, query: QueryFields) -> str:
        """`report:NAME:PART`."""
        return ":".join([self.name, *map(str, self.check(query).values())])

    def fetch(self, query: Mapping[str, Json]) -> Fetched:
        """The datum as far as figures of the report rest upon it, with where it is from."""
        name = str(query["report"])
        provenance = read_provenance(provenance_path(self._project.output, name), figures=True)
        if provenance is None:
            raise SourceError(f"the report {name} was never built", hint=f"build it first: trainer report {name}")
        part = query.get("part")
        block = next((block for block in used_blocks(provenance) if block.name == part), None)
        if block is None:
            raise SourceError(f"no figure of the report {name} rests upon {part or 'data'}")
        return Fetched(
            block.data,
            block.subject,
            block.as_of,
            fields=block.fields,
            metadata={"computed_from": [f"{block.key}@{block.version}"]},
            source=block.source,
            retrieved_at=block.retrieved_at or UNDATED,
        )


def report_queries(project: Project, query: DataQuery) -> tuple[DataQuery, ...]:
    """The query for a report as one for each datum behind its figures: `overview_summary`, `overview_quote`.

    One datum has the query's own name. A report that was never built is left as it is. Raises UsageError with the
    nearest name where config.yaml lists no such report.
    """
    name = str(query.query["report"])
    find_report(project, name)
    provenance = read_provenance(provenance_path(project.output, name), figures=True)
    if provenance is None:
        return (query,)
    blocks = used_blocks(provenance)
    return tuple(
        replace(
            query,
            name=query.name if len(blocks) == 1 else f"{query.name}_{block.name}",
            query={"report": name, "part": block.name},
        )
        for block in blocks
    )


def find_report(project: Project, name: str) -> ReportSpec:
    """The report called so; raises UsageError with the nearest name."""
    specs = {spec.name: spec for spec in expand_reports(project.settings.reports)}
    if name not in specs:
        message, hint = unknown("report", name, specs)
        raise UsageError(message, hint=hint)
    return specs[name]


def report_contexts(project: Project, names: Iterable[str]) -> tuple[Context, ...]:
    """The texts of the reports as contexts; one that was never built has none yet."""
    contexts = []
    for name in names:
        from trainer.checks import bare_text  # few projects have reports that use reports, and a check of them is quick

        path = output_paths(project.output, find_report(project, name))["markdown"]
        provenance = read_provenance(provenance_path(project.output, name))
        if provenance is None or not path.is_file():
            continue
        text = shift_headings(bare_text(path.read_text(encoding="utf-8", errors="replace")), top=_TOP + 1)
        text = f"{'#' * _TOP} {provenance.title}\n\n{text}"
        contexts.append(Context(f"{REPORT}:{name}", provenance.title, text, digest(text)))
    return tuple(contexts)
