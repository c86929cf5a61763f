"""JSON: a dataset as it is, a document by its headings, tables and lists; or the JSON in an answer."""

from __future__ import annotations

from trainer.convert.base import Dataset, Options
from trainer.convert.document import Converted, Document
from trainer.convert.jsontext import extract_json
from trainer.convert.jsontext.fit import check_fit
from trainer.convert.outline import markdown_to_json
from trainer.core.digest import pretty
from trainer.core.errors import ConversionError, Where
from trainer.core.values import Finding


def write(source: Document | Dataset, options: Options) -> Converted[str]:
    """Indented JSON with sorted keys."""
    value = source.value if isinstance(source, Dataset) else markdown_to_json(source, schema=options.schema)
    check_fit(value, options.schema, shown=source.shown)
    return Converted(pretty(value))


def write_extracted(content: bytes, *, shown: str, options: Options) -> Converted[str]:
    """The best JSON in a text, with a finding for each repair and each doubt; raises ConversionError for none."""
    found = extract_json(content.decode("utf-8-sig", "replace"), options.schema)
    where = Where(shown)
    if not found.found:
        raise ConversionError(found.reason, where=where)
    check_fit(found.value, options.schema, shown=shown)
    findings = [Finding("json_repair", "note", repair, where) for repair in found.repairs]
    if found.truncated:
        findings.append(Finding("json_truncated", "warning", "the answer was cut off", where))
    if found.ambiguous:
        count = len(found.candidates)
        findings.append(Finding("json_ambiguous", "warning", f"one of {count} values was chosen", where))
    return Converted(pretty(found.value), tuple(findings))
