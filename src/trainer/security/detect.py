"""Screening: what in a text, or in the parts of a prompt that its author did not write, speaks to the model."""

from __future__ import annotations

import bisect
import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from trainer.core.errors import Where
from trainer.core.secrets import find_secrets
from trainer.core.values import DataBlock, Finding, Json, Prompt, Severity
from trainer.security.characters import hidden_characters
from trainer.security.classifier import SuspiciousPassage, most_suspicious
from trainer.security.normalise import mixed_words, plain
from trainer.security.patterns import ADVICE, RULES, Rule
from trainer.security.policy import PolicyRule, first_rule
from trainer.security.readings import DecodedText, readings
from trainer.security.verdict import THRESHOLDS, DetectionResult, Level

_MOST_CANDIDATES = 10_000
"""Places one trigger is followed up in one reading; a text with more is an attack by itself."""
_MOST_FINDINGS = 20
"""Findings of one rule in one reading."""


_DISCUSSION = re.compile(
    r"prompt[ -]injection|jailbreak(?:s|ing)?\b|attack(?:s|er|ers)\b|adversar\w{1,8}|red[- ]?team\w{0,4}"
    r"|exfiltrat\w{1,6}|vulnerabilit\w{1,4}|owasp|mitigat\w{1,6}|guardrails?|research\w{0,4}|malicious|detect(?:s|or|ion|ed|ing)\b"
    r"|defen[cs]es?\b|benign|payloads?|threats?|scann?(?:er|ing)\b|classifier",
    re.IGNORECASE,
)
"""Words of those who write about attacks."""
_SIGNS = frozenset(("injection.marks", "injection.command", "injection.flood"))
"""Kinds that are signs rather than words: they count by themselves, whatever the words around them are like."""
_COMMAND = re.compile(r"\s{0,20}(?:SYSTEM\s?:|IGNORE\b)")
_DOUBT = 0.1
"""What the classifier must say for the rules to count by themselves: on harmless texts below it they are wrong."""
_SHORTEST_ORDER = 12
"""Letters of a string of data that can hold an order."""
_NEARBY = 2_000
"""Letters on both sides of a passage in which such words are counted."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of untrusted text."""

    name: str
    """As findings call it: `data:quote`, `param:TICKER`, a context's path."""
    text: str
    places: tuple[tuple[int, str], ...] = ()
    """For a part joined from several strings: where each starts, and its dotted path."""
    source: str = ""
    """Where it comes from, as rules of the policy name it: the name of a data source."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matched."""

    kind: str
    weight: float
    start: int
    text: str
    encoding: str = ""
    rule: str = ""
    """What a rule of the policy decided on it: `warn` or `block`; empty where none did."""
    reason: str = ""
    """Of that rule."""


def screen(
    text: str,
    *,
    level: Level = "moderate",
    allow: Iterable[str] = (),
    block: Iterable[str] = (),
    name: str = "text",
    classify: bool = True,
    rules: Sequence[PolicyRule] = (),
) -> DetectionResult:
    """What the text attempts; `allow` are flags or whole phrases let through, `block` are phrases always refused.

    Without `classify` the patterns alone decide; `rules` decide on flags before all else.
    """
    return screen_parts([Part(name, text)], level=level, allow=allow, block=block, classify=classify, rules=rules)


def screen_prompt(
    prompt: Prompt,
    *,
    level: Level = "moderate",
    allow: Iterable[str] = (),
    block: Iterable[str] = (),
    classify: bool = True,
    rules: Sequence[PolicyRule] = (),
) -> DetectionResult:
    """What the prompt's parameters, data and contexts attempt; its own instruction is trusted."""
    return screen_parts(
        untrusted_parts(prompt),
        level=level,
        allow=allow,
        block=block,
        classify=classify,
        rules=rules,
        instruction=prompt.instruction,
    )


def screen_parts(
    parts: Iterable[Part],
    *,
    level: Level = "moderate",
    allow: Iterable[str] = (),
    block: Iterable[str] = (),
    classify: bool = True,
    rules: Sequence[PolicyRule] = (),
    instruction: str = "",
) -> DetectionResult:
    """What the parts attempt; the risk is that of the worst part. `rules` decide on flags before all else."""
    allowed = frozenset(item.casefold() for item in allow)
    blocked = [plain(phrase).lower() for phrase in block if phrase.strip()]
    risk = 0.0
    findings: list[Finding] = []
    for part in parts:
        names = (part.name, part.source) if part.source else (part.name,)
        part_risk, hits = _judged(
            part,
            blocked,
            allowed,
            functools.partial(first_rule, rules, names=names, instruction=instruction),
            classify=classify,
        )
        risk = max(risk, part_risk)
        is_unsafe = part_risk >= THRESHOLDS[level]
        for hit in hits:
            severity: Severity = "error" if is_unsafe and hit.rule != "warn" else "warning"
            findings.append(replace(_finding(hit, part), severity=severity))
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
    return Part(f"data:{block.name}", "\n".join(text for _, text in strings), tuple(places), block.source)


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


def _judged(
    part: Part,
    blocked: list[str],
    allowed: frozenset[str],
    rule_for: Callable[[str], PolicyRule | None],
    *,
    classify: bool,
) -> tuple[float, list[Hit]]:
    """The risk of a part, and what it comes from."""
    text = part.text
    reading, *disguised = readings(text)
    hits = [*_character_hits(text), *_secret_hits(text), *_command_hits(reading.text), *_reading_hits(reading, blocked)]
    kinds = {hit.kind for hit in hits}
    for other in disguised:
        revealed = [_decoded_hit(hit, other) for hit in _reading_hits(other, blocked) if hit.kind not in kinds]
        kinds.update(hit.kind for hit in revealed)
        hits += revealed
    let_through = [hit for hit in hits if _is_allowed(hit, allowed, rule_for(hit.kind))]
    hits = [_ruled(hit, rule_for(hit.kind)) for hit in hits if hit not in let_through]
    passage = _most_suspicious(part, reading.text) if classify else None
    accepted = [*let_through, *(hit for hit in hits if hit.rule == "warn")]
    suspected = rule_for("injection.suspected")
    if (
        passage is None
        or "injection.suspected" in allowed
        or (suspected is not None and suspected.then == "pass")
        or any(passage.start <= hit.start < passage.end for hit in accepted)
    ):
        return _combined(hits), hits
    words = [hit for hit in hits if hit.kind.startswith("injection.") and not hit.encoding and hit.kind not in _SIGNS]
    others = _combined([hit for hit in hits if hit not in words])
    is_discussion = _discusses(reading.text, passage)
    chance = _chance(passage.probability, _combined(words), is_discussion=is_discussion)
    if not words and passage.probability >= 0.5 and chance >= THRESHOLDS["strict"]:
        excerpt = reading.text[passage.start : passage.end][:200]
        hit = _ruled(Hit("injection.suspected", chance, passage.start, excerpt), suspected)
        hits.append(hit)
        chance = hit.weight
    if is_discussion and (words or passage.probability >= 0.5):
        hits.append(_ruled(Hit("discusses_injection", 0.0, passage.start, ""), rule_for("discusses_injection")))
    is_refused = any(hit.rule == "block" for hit in hits)
    return 1.0 if is_refused else round(1 - (1 - chance) * (1 - others), 4), hits


def _ruled(hit: Hit, rule: PolicyRule | None) -> Hit:
    """The hit as a rule of the policy weighs it."""
    if rule is None or rule.then == "pass":
        return hit
    return replace(hit, weight=1.0 if rule.then == "block" else 0.0, rule=rule.then, reason=rule.reason)


def _most_suspicious(part: Part, text: str) -> SuspiciousPassage:
    """The passage of a part most like an instruction; of data that of one string: cells make no sentence together."""
    if not part.places:
        return most_suspicious(text)
    starts = [start for start, _ in part.places]
    best = SuspiciousPassage(0.0, 0, 0)
    for start, end in zip(starts, [*(start - 1 for start in starts[1:]), len(part.text)], strict=True):
        if end - start >= _SHORTEST_ORDER:
            passage = most_suspicious(plain(part.text[start:end]))
            best = max(best, replace(passage, start=start + passage.start, end=start + passage.end), key=_probability)
    return best


def _probability(passage: SuspiciousPassage) -> float:
    return passage.probability


def _chance(likeness: float, rules: float, *, is_discussion: bool) -> float:
    """The chance that a text is an attack where one in twenty is: by the classifier, the rules, and what it is about.

    A logistic regression on texts kept from training; the words of those who write about attacks weigh against it,
    since they quote them. Where the classifier is no more than doubtful (`_DOUBT`) the rules count by themselves too.
    """
    likeness = min(max(likeness, 1e-6), 1 - 1e-6)
    log_odds = 1.1 * max(-4.0, math.log(likeness / (1 - likeness))) + 1.8 * rules - 5.5 * is_discussion - 2.7
    by_rules = rules if likeness >= _DOUBT and not is_discussion else 0.0
    return max(1 / (1 + math.exp(-log_odds)), by_rules)


def _discusses(text: str, passage: SuspiciousPassage) -> bool:
    """Whether the text around the passage is about attacks: three different words of those who write about them."""
    nearby = text[max(0, passage.start - _NEARBY) : passage.end + _NEARBY]
    return len({match[0].lower()[:7] for match in _DISCUSSION.finditer(nearby)}) >= 3


def _character_hits(text: str) -> Iterator[Hit]:
    if hidden := hidden_characters(text):
        smuggled = any(text[at] >= "\U000e0000" for at in hidden)
        yield Hit("obfuscation.hidden", 0.8 if smuggled or len(hidden) > 2 else 0.45, hidden[0], "")
    if mixed := mixed_words(text):
        yield Hit("obfuscation.lookalikes", 0.65 if len(mixed) > 2 else 0.45, *mixed[0])


def _command_hits(text: str) -> Iterator[Hit]:
    if command := _COMMAND.match(text):
        yield Hit("injection.command", 0.65, command.start(), command[0])


def _secret_hits(text: str) -> Iterator[Hit]:
    for secret in find_secrets(text)[:_MOST_FINDINGS]:
        yield Hit(f"secret.{secret.kind}", 0.7, secret.start, "")


def rule_hits(text: str) -> Iterator[Hit]:
    """What the rules alone find in a text, as it stands."""
    lowered = text.lower()
    shown = text if len(text) == len(lowered) else lowered
    for rule in RULES:
        yield from _rule_hits(rule, lowered, shown)


def _reading_hits(reading: DecodedText, blocked: list[str]) -> Iterator[Hit]:
    yield from rule_hits(reading.text)
    lowered = reading.text.lower()
    for phrase in blocked:
        if (at := lowered.find(phrase)) >= 0:
            yield Hit("blocked.phrase", 1.0, at, phrase)


def _rule_hits(rule: Rule, text: str, shown: str) -> Iterator[Hit]:
    count = 0
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
            count += 1
            if count >= _MOST_FINDINGS:
                return


def _candidates(rule: Rule, text: str) -> Iterator[int]:
    for trigger in rule.triggers:
        at = text.find(trigger)
        while at >= 0:
            if rule.anywhere or at == 0 or not text[at - 1].isalnum():
                yield at
            at = text.find(trigger, at + len(trigger))


def _decoded_hit(hit: Hit, reading: DecodedText) -> Hit:
    start = hit.start if reading.start is None else reading.start
    return Hit(hit.kind, 1 - (1 - hit.weight) / 2, start, hit.text, reading.encoding)


def _is_allowed(hit: Hit, allowed: frozenset[str], rule: PolicyRule | None) -> bool:
    if hit.kind == "blocked.phrase":
        return False
    if rule is not None:
        return rule.then == "pass"
    words = hit.text.strip().casefold()
    return hit.kind in allowed or (bool(words) and any(words in phrase for phrase in allowed))


def _combined(hits: list[Hit]) -> float:
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
    message = f'{what}: "{" ".join(hit.text.split())[:120]}"' if hit.text else what
    hidden = f" (written in {hit.encoding})" if hit.encoding else ""
    return Finding(
        kind=hit.kind,
        severity="warning",
        message=message + hidden,
        where=Where(shown, line, column),
        text=hit.text.strip(),
        hint=hit.reason or _advice(hit.kind),
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
