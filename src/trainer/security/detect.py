"""Screening: what in a text, or in the parts of a prompt that its author did not write, speaks to the model."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from trainer.core.errors import Where
from trainer.core.secrets import find_secrets
from trainer.core.values import DataBlock, Finding, Json, Prompt, Severity
from trainer.security.characters import hidden_characters
from trainer.security.normalise import Reading, mixed_words, plain, views
from trainer.security.patterns import ADVICE, RULES, Rule
from trainer.security.verdict import THRESHOLDS, DetectionResult, Level

_MOST_CANDIDATES = 10_000
"""Places one trigger is followed up in one reading; a text with more is an attack by itself."""
_MOST_FINDINGS = 20
"""Findings of one rule in one reading."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of untrusted text."""

    name: str
    """As findings call it: `data:quote`, `param:TICKER`, a context's path."""
    text: str
    places: tuple[tuple[int, str], ...] = ()
    """For a part joined from several strings: where each starts, and its dotted path."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched."""

    kind: str
    weight: float
    start: int
    text: str
    encoding: str = ""


def screen(
    text: str, *, level: Level = "moderate", allow: Iterable[str] = (), block: Iterable[str] = (), name: str = "text"
) -> DetectionResult:
    """What the text attempts; `allow` are flags or whole phrases let through, `block` are phrases always refused."""
    return screen_parts([Part(name, text)], level=level, allow=allow, block=block)


def screen_prompt(
    prompt: Prompt, *, level: Level = "moderate", allow: Iterable[str] = (), block: Iterable[str] = ()
) -> DetectionResult:
    """What the prompt's parameters, data and contexts attempt; its own instruction is trusted."""
    return screen_parts(untrusted_parts(prompt), level=level, allow=allow, block=block)


def screen_parts(
    parts: Iterable[Part], *, level: Level = "moderate", allow: Iterable[str] = (), block: Iterable[str] = ()
) -> DetectionResult:
    """What the parts attempt; the risk is that of the worst part."""
    allowed = frozenset(item.casefold() for item in allow)
    blocked = [plain(phrase).lower() for phrase in block if phrase.strip()]
    risk = 0.0
    findings: list[Finding] = []
    for part in parts:
        hits = [hit for hit in _hits(part.text, blocked) if not _is_allowed(hit, allowed)]
        part_risk = _risk(hits)
        risk = max(risk, part_risk)
        severity: Severity = "error" if part_risk >= THRESHOLDS[level] else "warning"
        findings += [replace(_finding(hit, part), severity=severity) for hit in hits]
    return _result(risk, findings, level)


def untrusted_parts(prompt: Prompt) -> tuple[Part, ...]:
    """The parts of a prompt that come from elsewhere, each with its name."""
    params = [Part(f"param:{name}", str(value)) for name, value in sorted(prompt.params.items()) if value is not None]
    data = [_data_part(block) for block in prompt.data]
    contexts = [Part(context.path, context.text) for context in prompt.contexts]
    return (*params, *data, *contexts)


def _data_part(block: DataBlock) -> Part:
    labels = {"source": block.source, "subject": block.subject or "", "as_of": block.as_of or ""}
    strings = [(path, text) for path, text in (*labels.items(), *_strings(block.data, "")) if text]
    places: list[tuple[int, str]] = []
    offset = 0
    for path, text in strings:
        places.append((offset, path))
        offset += len(text) + 1
    return Part(f"data:{block.name}", "\n".join(text for _, text in strings), tuple(places))


def _strings(value: Json, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            inner = f"{path}.{key}" if path else str(key)
            if len(str(key)) > 20:
                yield inner[:60], str(key)
            yield from _strings(item, inner)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _strings(item, f"{path}[{index}]")


def _hits(text: str, blocked: list[str]) -> list[Hit]:
    hits = [*_character_hits(text), *_secret_hits(text)]
    seen: set[str] = set()
    for view in views(text):
        found = list(_view_hits(view, blocked))
        if view.encoding:
            found = [_decoded_hit(hit, view) for hit in found if hit.kind not in seen]
        seen.update(hit.kind for hit in found)
        hits += found
    return hits


def _character_hits(text: str) -> Iterator[Hit]:
    if hidden := hidden_characters(text):
        smuggled = any(text[at] >= "\U000e0000" for at in hidden)
        yield Hit("obfuscation.hidden", 0.8 if smuggled or len(hidden) > 2 else 0.45, hidden[0], "")
    if mixed := mixed_words(text):
        yield Hit("obfuscation.lookalikes", 0.65 if len(mixed) > 2 else 0.45, *mixed[0])


def _secret_hits(text: str) -> Iterator[Hit]:
    for secret in find_secrets(text)[:_MOST_FINDINGS]:
        yield Hit(f"secret.{secret.kind}", 0.7, secret.start, "")


def _view_hits(view: Reading, blocked: list[str]) -> Iterator[Hit]:
    lowered = view.text.lower()
    shown = view.text if len(view.text) == len(lowered) else lowered
    for rule in RULES:
        yield from _rule_hits(rule, lowered, shown)
    for phrase in blocked:
        if (at := lowered.find(phrase)) >= 0:
            yield Hit("blocked.phrase", 1.0, at, phrase)


def _rule_hits(rule: Rule, text: str, shown: str) -> Iterator[Hit]:
    found = 0
    last = -1
    for number, at in enumerate(_candidates(rule, text)):
        if number >= _MOST_CANDIDATES:
            yield Hit("injection.flood", 0.7, at, "")
            return
        if at <= last:
            continue
        if match := rule.compiled.match(text, at):
            yield Hit(rule.kind, rule.weight, at, shown[at : match.end()][:200])
            last = match.end()
            found += 1
            if found >= _MOST_FINDINGS:
                return


def _candidates(rule: Rule, text: str) -> Iterator[int]:
    for trigger in rule.triggers:
        at = text.find(trigger)
        while at >= 0:
            if rule.anywhere or at == 0 or not text[at - 1].isalnum():
                yield at
            at = text.find(trigger, at + len(trigger))


def _decoded_hit(hit: Hit, view: Reading) -> Hit:
    start = hit.start if view.start is None else view.start
    return Hit(hit.kind, 1 - (1 - hit.weight) / 2, start, hit.text, view.encoding)


def _is_allowed(hit: Hit, allowed: frozenset[str]) -> bool:
    if hit.kind == "blocked.phrase":
        return False
    words = hit.text.strip().casefold()
    return hit.kind in allowed or (bool(words) and any(words in phrase for phrase in allowed))


def _risk(hits: list[Hit]) -> float:
    """One less the chance that every kind found is harmless; a kind counts once, by its heaviest hit."""
    heaviest: dict[str, float] = {}
    for hit in hits:
        heaviest[hit.kind] = max(hit.weight, heaviest.get(hit.kind, 0.0))
    harmless = 1.0
    for weight in heaviest.values():
        harmless *= 1 - weight
    return round(1 - harmless, 4)


def _finding(hit: Hit, part: Part) -> Finding:
    starts = [start for start, _ in part.places]
    index = bisect.bisect_right(starts, hit.start) - 1
    base, path = part.places[index] if index >= 0 else (0, "")
    before = part.text[base : hit.start]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    shown = f"{part.name}.{path}" if path else part.name
    what = hit.kind.replace("secret.", "looks like a secret: ").replace("_", " ")
    said = f'{what}: "{" ".join(hit.text.split())[:120]}"' if hit.text else what
    hidden = f" (written in {hit.encoding})" if hit.encoding else ""
    return Finding(
        kind=hit.kind,
        severity="warning",
        message=said + hidden,
        where=Where(shown, line, column),
        text=hit.text.strip(),
        hint=_advice(hit.kind),
    )


def _advice(kind: str) -> str:
    return ADVICE.get(kind, "Remove the secret, and revoke it if it was ever sent or committed.")


def _result(risk: float, findings: list[Finding], level: Level) -> DetectionResult:
    is_safe = risk < THRESHOLDS[level]
    flags = sorted({finding.kind for finding in findings})
    return DetectionResult(
        is_safe=is_safe,
        confidence=round(max(0.5, 1 - risk if is_safe else risk), 4),
        flags=flags,
        risk_score=risk,
        recommendations=[_advice(flag) for flag in flags],
        findings=tuple(sorted(findings, key=lambda finding: (str(finding.where), finding.kind))),
    )
