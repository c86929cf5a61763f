"""What an instruction asks of an answer's form: sections in order, a schema, nothing left to fill in."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping

from trainer.checks.document import CheckedBlock, CheckedDocument, read_document, title_of
from trainer.checks.lexicon import sure_language
from trainer.checks.rules import asked
from trainer.core.errors import Where
from trainer.core.values import Finding, Json, Output, Prompt, Verdict

_PLACEHOLDER = re.compile(
    r"\{\{.{0,200}?\}\}|\{%.{0,200}?%\}"  # a template's names are short; a line of braces is read once
    r"|\{[A-Z][A-Z0-9_]*\}"
    r"|\[(?:insert|add|fill in|your|todo|tbd|tbc|placeholder|xx+|company name|name of|date|amount|figure|number)\b"
    r"[^\]\n]*\](?!\()"
    r"|<(?:insert|placeholder|company|name|date|figure)[^>\n]*>"
    r"|\bTODO\b|\bTBD\b|\bFIXME\b|\blorem ipsum\b"
    r"|(?<![\w.])[$€£]?X{1,3}[.,]X{1,2}(?![\w.])\s*%?",
    re.IGNORECASE,
)
_CASED = re.compile(r"\{[A-Z][A-Z0-9_]*\}|TODO|TBD|FIXME|[$€£]?X{1,3}[.,]X{1,2}\s*%?")
_CHATTER = re.compile(
    r"\bas an ai(?: language)? model\b|\bi(?:'m| am) sorry, but\b"
    r"|\bi (?:cannot|can't|am unable to) (?:access|browse|help)\b"
    r"|^(?:certainly|sure|of course)[!,.]|^here(?:'s| is) (?:the|your|a) (?:report|requested|overview)"
    r"|\blet me know if (?:you|there)\b",
    re.IGNORECASE | re.MULTILINE,
)
_HARMFUL = re.compile(
    r"<\s*(?:script|iframe|object|embed|form|meta|link|base|style)\b|\bjavascript:|<[^<>]{1,300}\son\w+\s*=",
    re.IGNORECASE,
)
_CODE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1|\Z)|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_FENCED_JSON = re.compile(r"\A\s*(?:```|~~~)\w*\s*\n(.*?)\n\s*(?:```|~~~)\s*\Z", re.DOTALL)
_MOST_SCHEMA_ERRORS = 20


def check_structure(text: str, *, prompt: Prompt) -> Verdict:
    """Whether an answer has the form its instruction asks for; `structure` scores the share that holds."""
    if not text.strip():
        return Verdict((Finding("empty", "error", "the answer is empty", _place(1)),), {"structure": 0.0})
    if prompt.output.schema is not None:
        findings = tuple(schema_findings(text, prompt.output.schema))
        return Verdict(findings, {"structure": 0.0 if findings else 1.0})
    document = read_document(text)
    findings = tuple(
        sorted(
            (
                *_sections(document, prompt.output),
                *_leftovers(text),
                *_language(document, prompt.output.language),
                *_fences(document),
                *asked(text, document, prompt.body, prompt.output.language),
            ),
            key=lambda finding: (finding.where.line or 0) if finding.where else 0,
        )
    )
    parts = len(prompt.output.sections) + 3
    faults = sum(1.0 if finding.severity == "error" else 0.5 for finding in findings if finding.severity != "note")
    return Verdict(findings, {"structure": round(max(0.0, 1 - faults / parts), 4)})


def _place(line: int, column: int | None = 1) -> Where:
    return Where("answer", line, column)


def schema_findings(text: str, schema: Mapping[str, Json]) -> Iterator[Finding]:
    """Where a JSON answer, fenced or not, does not fit a schema; at most twenty places."""
    fenced = _FENCED_JSON.match(text)
    body = fenced[1] if fenced else text
    first = text.count("\n", 0, fenced.start(1)) if fenced else 0
    try:
        value = json.loads(body)
    except ValueError as error:
        line, column = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
        place = _place(first + line, column)
        yield Finding("schema", "error", f"not valid JSON: {error}", place, hint="answer with JSON only")
        return
    from jsonschema import Draft202012Validator

    errors = sorted(Draft202012Validator(dict(schema)).iter_errors(value), key=lambda error: list(map(str, error.path)))
    for wrong in errors[:_MOST_SCHEMA_ERRORS]:
        yield Finding("schema", "error", f"{wrong.json_path}: {wrong.message}", _place(first + 1), wrong.json_path)


def _sections(document: CheckedDocument, output: Output) -> Iterator[Finding]:
    headings = [block for block in document.headings if not block.appendix]
    by_title = {title_of(block.text.strip().lstrip("#")): block for block in reversed(headings)}
    last, last_title = 0, ""
    for title in output.sections:
        block = by_title.get(title_of(title))
        if block is None:
            yield _missing(title, headings)
            continue
        if block.line < last:
            message = f'the section "{title}" stands before "{last_title}"'
            yield Finding("section_order", "warning", message, _place(block.line), title, "keep the order asked for")
        if block.level != 2:
            message = f'"{title}" is a heading of level {block.level}'
            yield Finding("section_level", "warning", message, _place(block.line), title, f"write ## {title}")
        if _is_empty(document, block):
            yield Finding("empty_section", "error", f'the section "{title}" is empty', _place(block.line), title)
        last, last_title = max(last, block.line), title if block.line > last else last_title
    yield from _repeated(headings, output)


def _missing(title: str, headings: list[CheckedBlock]) -> Finding:
    shown = [block.text.strip().lstrip("#").strip() for block in headings]
    close = difflib.get_close_matches(title.casefold(), [name.casefold() for name in shown], n=1, cutoff=0.7)
    hint = f'add the heading "## {title}"' + (f'; "{close[0]}" is not it' if close else "")
    return Finding("missing_section", "error", f'the section "{title}" is missing', _place(1, None), title, hint)


def _repeated(headings: list[CheckedBlock], output: Output) -> Iterator[Finding]:
    titles = {title_of(title): title for title in output.sections}
    earlier: set[str] = set()
    for block in headings:
        key = title_of(block.text.strip().lstrip("#"))
        if key in titles and key in earlier:
            message = f'the section "{titles[key]}" stands twice'
            yield Finding("repeated_section", "warning", message, _place(block.line), titles[key])
        earlier.add(key)


def _is_empty(document: CheckedDocument, heading: CheckedBlock) -> bool:
    at = document.blocks.index(heading)
    if at + 1 == len(document.blocks):
        return True
    follows = document.blocks[at + 1]
    return follows.kind == "heading" and follows.level <= heading.level


def _leftovers(text: str) -> Iterator[Finding]:
    bare = _CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in _PLACEHOLDER.finditer(bare):
        shown = match[0].strip()
        loose = re.fullmatch(_CASED.pattern, shown, re.IGNORECASE) is not None
        if not loose or _CASED.fullmatch(shown):
            yield Finding("placeholder", "error", f"a placeholder is left: {shown}", _at(bare, match.start()), shown)
    for match in _CHATTER.finditer(bare):
        message = f'talk about the answer, not the answer: "{match[0].strip()}"'
        yield Finding("chatter", "warning", message, _at(bare, match.start()), match[0])
    for match in _HARMFUL.finditer(bare):
        message = f"HTML that runs or loads something: {match[0]}"
        yield Finding("raw_html", "warning", message, _at(bare, match.start()), match[0])


def _at(text: str, offset: int) -> Where:
    return _place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _language(document: CheckedDocument, language: str) -> Iterator[Finding]:
    prose = "\n".join(block.text for block in document.blocks if block.kind in ("text", "item") and not block.appendix)
    detected = sure_language(prose)
    wanted = language.partition("-")[0].casefold()
    if detected and wanted in ("en", "de", "fr", "it", "es", "nl", "pt") and detected != wanted:
        message = f'written in "{detected}", asked for in "{wanted}"'
        yield Finding("language", "error", message, _place(1), hint=f"write in {wanted}")


def _fences(document: CheckedDocument) -> Iterator[Finding]:
    if document.unclosed:
        message = "a fenced block is never closed"
        yield Finding("unclosed_fence", "warning", message, _place(document.unclosed), hint="close it with ```")
