"""JSON: a dataset as it is, a document by its headings, tables and lists; or the JSON in an answer."""

from __future__ import annotations

import json

from trainer.convert.base import Options
from trainer.convert.document import Converted, Document
from trainer.convert.jsontext import extract_json
from trainer.convert.jsontext.fit import check_fit
from trainer.convert.outline import markdown_to_json
from trainer.core.digest import pretty
from trainer.core.errors import ConversionError, Where
from trainer.core.readings import Dataset
from trainer.core.values import Finding, Json


def write(source: Document | Dataset, options: Options) -> Converted[str]:
    """Indented JSON with sorted keys."""
    value = source.value if isinstance(source, Dataset) else markdown_to_json(source, schema=options.schema)
    check_fit(value, options.schema, shown=source.shown)
    return _finite(value, source.shown)


def write_extracted(content: bytes, *, shown: str, options: Options) -> Converted[str]:
    """The best JSON in a text, with a finding for each repair and each doubt; raises ConversionError for none."""
    extraction = extract_json(content.decode("utf-8-sig", "replace"), options.schema)
    where = Where(shown)
    if not extraction.found:
        raise ConversionError(extraction.reason, where=where)
    check_fit(extraction.value, options.schema, shown=shown)
    findings = [Finding("json_repair", "note", repair, where) for repair in extraction.repairs]
    if extraction.truncated:
        findings.append(Finding("json_truncated", "warning", "the answer was cut off", where))
    if extraction.ambiguous:
        count = len(extraction.candidates)
        findings.append(Finding("json_ambiguous", "warning", f"one of {count} values was chosen", where))
    converted = _finite(extraction.value, shown)
    return Converted(converted.content, (*findings, *converted.findings))


def _finite(value: Json, shown: str) -> Converted[str]:
    """The JSON of a value; a number that JSON has no way to write is null, and told."""
    text = pretty(value)
    words: set[str] = set()
    if "Infinity" in text or "NaN" in text:
        text = pretty(json.loads(text, parse_constant=words.add))
    message = "a number too large, or none, is written as null"
    return Converted(
        text, tuple(Finding("not_finite", "warning", f"{message}: {word}", Where(shown)) for word in sorted(words))
    )
