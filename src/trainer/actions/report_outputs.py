"""From a completion to the files of a report: check, compose, convert, write; the provenance comes last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.actions.checked_answer import CheckedAnswer, refused
from trainer.actions.data import ingredient_digest
from trainer.actions.joins import join_digest
from trainer.actions.prompt import Rendered
from trainer.actions.report_inputs import ReportInput
from trainer.actions.screening import masked_report, require_harmless
from trainer.convert import (
    MACHINE_FINDINGS,
    Converted,
    Former,
    Options,
    PdfPool,
    parse_markdown,
    write,
)
from trainer.core.digest import canonical, digest, digest_bytes, pick
from trainer.core.errors import EditedError
from trainer.core.files import write_atomic
from trainer.core.project import Project
from trainer.core.values import DataBlock, Finding, Verdict
from trainer.reports import (
    Edit,
    Provenance,
    Written,
    compose,
    difference,
    output_paths,
    provenance_path,
    put_edits,
    report_date,
    stale_notice,
    take_edits,
    text_digest,
)
from trainer.reports.acceptance import ACCEPTED, edition_basis
from trainer.reports.provenance import describe_completion, describe_findings, recorded_findings


def require_accepted(report: ReportInput, checked: CheckedAnswer) -> None:
    """Raise RefusedError where the security policy refuses the answer, or the policy is `block` and a check failed.

    The former report stays.
    """
    from trainer.checks import faults

    require_harmless(report.spec.name, checked.screened, rest="; the former report is kept")
    findings = faults(checked.verdict)
    if report.checks.policy == "block" and findings:
        raise refused(report.spec.name, findings, "; the former report is kept")


def require_unedited(project: Project, report: ReportInput, before: Provenance | None, *, overwrite: bool) -> None:
    """Raise EditedError where a person changed the report's Markdown outside of blocks that are kept.

    What a build wrote that was cut short is no edit: it equals the copy that was kept before it was written.
    """
    path = output_paths(project.output, report.spec)["markdown"]
    if before is None or overwrite or not path.is_file():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    base = before.edits["base"] if before.edits else before.written(project.shown(path))
    copy = _copy_of(project, report)
    former = copy.read_text(encoding="utf-8") if copy.is_file() else None
    if base is None or text_digest(text) == base or text == former:
        return
    shown = project.shown(path)
    if former is not None and text_digest(former) == base:
        change = difference(take_edits(former)[0], take_edits(text)[0], shown=shown)
    else:
        change = f"  see what: git diff {shown}"
    raise EditedError(
        f"{shown} was edited since it was built; it is not overwritten\n{change}",
        hint="put what is to stay between lines <!-- keep --> and <!-- /keep -->, and restore the rest"
        f"\n  or give it up: trainer report --overwrite {report.spec.name}",
    )


def write_report(
    project: Project,
    report: ReportInput,
    rendered: Rendered,
    checked: CheckedAnswer,
    *,
    before: Provenance | None,
    pdf: PdfPool,
) -> tuple[Provenance, tuple[str, ...]]:
    """The provenance and the files that changed; every file is whole, and the provenance is written last."""
    blocks = rendered.blocks
    date = report_date(blocks)
    paths = output_paths(project.output, replace(report.spec, formats=report.formats))
    composed = _compose(report, rendered, checked, date)
    built = masked_report(project, composed, instruction=rendered.prompt.instruction)
    edits = _edits(paths["markdown"])
    markdown = put_edits(built, edits)
    converted = _convert(project, report, rendered, markdown, before=before, pdf=pdf)
    findings = dict.fromkeys(finding for item in converted.values() for finding in item.findings)
    provenance = Provenance(
        report=report.spec.name,
        title=report.title,
        date=date,
        ingredients=report.ingredients({}).recorded(_data_digests(report, blocks)),
        params=dict(rendered.prompt.params),
        data=blocks,
        prompt=_describe_prompt(rendered),
        completion=describe_completion(checked.result),
        findings=describe_findings(
            Verdict(
                (
                    *checked.verdict.findings,
                    *rendered.prompt.findings,
                    *_stale(blocks),
                    *checked.notes,
                    *(finding for finding in findings if finding.kind not in MACHINE_FINDINGS),
                )
            )
        ),
        scores=dict(checked.verdict.scores),
        outputs=_outputs(project, report, converted, before),
        edits=_describe_edits(built, edits),
        figures=_figures(report, rendered, checked),
    )
    write_atomic(_copy_of(project, report), markdown)
    changed = [project.shown(path) for path, item in converted.items() if write_atomic(path, item.content)]
    record = provenance_path(project.output, report.spec.name)
    if write_atomic(record, provenance.text()):
        changed.append(project.shown(record))
    return provenance, tuple(changed)


_FIGURE = ("text", "value", "verdict", "measure", "date", "support", "formula")
"""What the provenance keeps of a figure."""


def _figures(report: ReportInput, rendered: Rendered, checked: CheckedAnswer) -> tuple[dict[str, str], ...]:
    """The figures of the text as the provenance keeps them; dates, words and the rows of charts are left out."""
    if not report.checks.enabled:
        return ()
    from trainer.checks import prompt_figures

    figures = [
        {name: value for name, value in {**pick(figure, *_FIGURE), "value": _rounded(figure.value)}.items() if value}
        for figure in prompt_figures(checked.text, prompt=rendered.prompt).figures
        if not figure.chart and figure.kind not in ("date", "direction", "rank", "size")
    ]
    return tuple({canonical(figure): figure for figure in figures}.values())


def _rounded(value: float) -> float:
    """Without what binary arithmetic leaves of decimals: 4238000000.0000005 is 4238000000.0."""
    return float(f"{value:.12g}")


def _stale(blocks: Sequence[DataBlock]) -> Iterator[Finding]:
    for block in blocks:
        if block.stale_since:
            message = f"{block.name} was out of date ({block.stale_since[:10]}), as its source did not answer"
            yield Finding("stale_data", "warning", message, support=f"{block.key}@{block.version}")


def _copy_of(project: Project, report: ReportInput) -> Path:
    """Where the Markdown that was built last is kept, to tell a person's edits from what a build wrote."""
    return project.cache / "reports" / f"{report.spec.name}.md"


def _edits(path: Path) -> tuple[Edit, ...]:
    return take_edits(path.read_text(encoding="utf-8", errors="replace"))[1] if path.is_file() else ()


def _describe_edits(built: str, edits: Sequence[Edit]) -> dict[str, Any] | None:
    if not edits:
        return None
    blocks = [{"by": "a person", "section": edit.section, "text": edit.text} for edit in edits]
    return {"base": text_digest(built), "blocks": blocks}


def _outputs(
    project: Project, report: ReportInput, converted: Mapping[Path, Converted[Any]], before: Provenance | None
) -> tuple[Written, ...]:
    """The report's files as the provenance lists them.

    Those of formats that were asked for once are left out, so that they make nothing stale. Those that were not asked
    for this time stay while the Markdown is the same; those of dropped formats stay until `report --prune`.
    """
    own = [project.shown(path) for path in output_paths(project.output, report.spec).values()]
    written = {
        project.shown(path): Written(project.shown(path), digest_bytes(item.content), item.made_from)
        for path, item in converted.items()
    }
    markdown = next(iter(written))
    listed = {path: written[path] for path in own if path in written}
    for output in before.outputs if before else ():
        is_own = output.path in own
        same = is_own and before is not None and before.written(markdown) == written[markdown].digest
        left = not is_own and output.path not in written and (project.root / output.path).is_file()
        if same or left:
            listed.setdefault(output.path, output)
    return tuple(listed.values())


def _compose(report: ReportInput, rendered: Rendered, checked: CheckedAnswer, date: str | None) -> str:
    text, appendix, status = checked.text, "", ""
    if report.checks.enabled and (report.checks.marks or report.checks.appendix):
        from trainer.checks import annotate, prompt_figures, sources_appendix, verification_status

        language = rendered.prompt.output.language
        figures = prompt_figures(text, prompt=rendered.prompt)
        appendix = sources_appendix(figures, language=language) if report.checks.appendix else ""
        accepted = {
            (finding.where.line or 0, finding.where.column or 0): finding.message
            for finding in checked.verdict.findings
            if finding.where is not None and finding.kind.startswith(ACCEPTED)
        }
        status = verification_status(figures, language=language, accepted=accepted)
        if report.checks.marks:
            text = annotate(text, figures, language=language, is_linked=bool(appendix), accepted=accepted)
    edition = report.accepted.edition(edition_basis(digest(checked.result.content), rendered.blocks))
    signed = f"signed off by {edition.by}, {edition.on}" if edition else ""
    status = "; ".join(filter(None, (status, signed)))
    meta = {"language": rendered.prompt.output.language, "model": checked.result.model}
    meta |= {"status": status[0].upper() + status[1:]} if status else {}
    notice = stale_notice(rendered.blocks, language=rendered.prompt.output.language)
    return compose(text, title=report.title, date=date, meta=meta, appendix=appendix, notice=notice)


def _convert(
    project: Project, report: ReportInput, rendered: Rendered, markdown: str, *, before: Provenance | None, pdf: PdfPool
) -> dict[Path, Converted[Any]]:
    """What is written to each of the report's files, the Markdown first."""
    paths = output_paths(project.output, replace(report.spec, formats=report.formats))
    shown = project.shown(paths["markdown"])
    data = {block.name: block.data for block in rendered.prompt.data}
    options = Options(theme=report.theme, data=data, assets=project.root, pool=pdf)
    document = parse_markdown(markdown, shown=shown)
    written = {"written_by": document.meta.get("model", "")}
    contents: dict[Path, Converted[Any]] = {}
    for kind, path in paths.items():
        if kind == "markdown":
            contents[path] = Converted(markdown.encode())
            continue
        meta = {**written, "index": "../index.html"} if kind == "html" else written
        converted = write(
            document, kind, replace(options, meta=meta, former=_former(project, path, before, shown=shown))
        )
        content = converted.content.encode() if isinstance(converted.content, str) else converted.content
        contents[path] = replace(converted, content=content)
    return contents


def _former(project: Project, path: Path, before: Provenance | None, *, shown: str) -> Former | None:
    """The file as the last build wrote it; None where it is not worth keeping, gone or changed since."""
    output = before.output(project.shown(path)) if before else None
    if before is None or output is None or not output.made_from or not path.is_file():
        return None
    content = path.read_bytes()
    if digest_bytes(content) != output.digest:
        return None
    return Former(output.made_from, content, recorded_findings(before, shown=shown))


def _data_digests(report: ReportInput, blocks: Sequence[DataBlock]) -> dict[str, str]:
    """What the report remembers of its data: of what was computed, the SQL, as the data it read stands beside it."""
    joins, requests = report.prepared.joins, report.prepared.requests
    return {
        block.name: join_digest(joins[block.name]) if block.sql else ingredient_digest(block, requests[block.name])
        for block in blocks
    }


def _describe_prompt(rendered: Rendered) -> Mapping[str, Any]:
    screening = rendered.screening
    return {
        "digest": rendered.prompt.digest,
        "instruction": rendered.prompt.instruction,
        "tokens": rendered.total_tokens,
        "risk": screening.risk_score if screening else None,
        "flags": screening.flags if screening else [],
    }
