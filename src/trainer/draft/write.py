"""The whole draft: what is known is read once, then each section is written from its share of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainer.core.digest import pretty
from trainer.core.values import DataBlock, Json, Prompt
from trainer.draft import domain, english, markup
from trainer.draft.allot import Share, allot, rows_of
from trainer.draft.markup import escaped
from trainer.draft.model import Entity, Fact
from trainer.draft.outline import Section, default_outline, outline
from trainer.draft.passages import split
from trainer.draft.plain import is_bare, prompt_of
from trainer.draft.reading import read
from trainer.draft.sections import Known, written
from trainer.draft.structured import fill

_NOTHING = (
    "There is nothing to draft from: the prompt names no data, no contexts and no sections. "
    "Name them in an instruction, or put JSON in a fenced block below the question."
)
_ONLY_ENGLISH = " It is in English, the only language that the draft writer knows."


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished draft."""

    text: str
    figures: tuple[dict[str, Json], ...]
    """The data behind it: title, printed text, storage key and path, and the formula of derived figures."""


def write(asked: str | Prompt, *, schema: Mapping[str, Json] | None = None) -> Draft:
    """The draft of a report, or a JSON document where a schema is asked for."""
    prompt = asked if isinstance(asked, Prompt) else prompt_of(asked)
    if isinstance(asked, Prompt) and is_bare(asked):
        prompt = prompt_of(asked.text)
    entities = read(prompt.data, prompt.params)
    wanted = schema or prompt.output.schema
    if wanted:
        return Draft(pretty(fill(wanted, prompt)), _figures([fact for entity in entities for fact in entity.facts]))
    known = _known(prompt, entities)
    shares = allot(_sections(prompt, entities), known.rows, entities)
    parts = [_note(prompt), *(written(shares, known) if shares else [_NOTHING])]
    return Draft("\n\n".join(part for part in parts if part) + "\n", _figures(_used(shares, known)))


def _known(prompt: Prompt, entities: Sequence[Entity]) -> Known:
    recognised = tuple(domain.recognised(entity) for entity in entities)
    made = tuple(domain.derived(entity, known) for entity, known in zip(entities, recognised, strict=True))
    return Known(
        entities=tuple(entities),
        concepts=recognised,
        rows=rows_of(entities, made) if entities else (),
        notices=tuple(domain.notices(entity, known) for entity, known in zip(entities, recognised, strict=True)),
        passages=split(prompt.contexts),
    )


def _sections(prompt: Prompt, entities: Sequence[Entity]) -> tuple[Section, ...]:
    if prompt.output.sections:
        return outline(prompt.output.sections, prompt.body or prompt.text)
    question = prompt.body.strip().partition("\n\n")[0] if prompt.contexts else ""
    return default_outline(prompt.data, question, has_contexts=bool(prompt.contexts), has_data=bool(entities))


def _note(prompt: Prompt) -> str:
    """What stands at the top: that no model wrote this, and what it was made from."""
    made_from = [_block_name(block) for block in prompt.data[:8]]
    data = f"the data ({'; '.join(made_from)})" if made_from else "no data"
    contexts = f" and {'one context' if len(prompt.contexts) == 1 else 'the contexts'} of the instruction"
    return markup.quote(
        f"**No language model wrote this text.** The draft writer made it by rule from {data}"
        f"{contexts if prompt.contexts else ''}. "
        "Every figure stands in the data or follows from it by plain arithmetic."
        f"{'' if prompt.output.language.lower().startswith('en') else _ONLY_ENGLISH}"
    )


def _block_name(block: DataBlock) -> str:
    of = f" of {escaped(block.subject, most=60)}" if block.subject else ""
    when = f", {english.day(block.as_of)}" if block.as_of else ""
    return f"{escaped(block.name, most=40)}{of} from {escaped(block.source, most=40)}{when}"


def _used(shares: Sequence[Share], known: Known) -> list[Fact]:
    facts = [fact for share in shares for row in share.rows for fact in row.facts if fact]
    facts += [cell for share in shares for _, found in share.series for c in found.columns for _, cell in c.known]
    facts += [fact for found in known.notices for notice in found for fact in notice.facts]
    return list(dict.fromkeys(facts))


def _figures(facts: Sequence[Fact]) -> tuple[dict[str, Json], ...]:
    return tuple(_figure(fact) for fact in facts)


def _figure(fact: Fact) -> dict[str, Json]:
    figure: dict[str, Json] = {"title": fact.title, "text": fact.text, "key": fact.source.key, "path": fact.path}
    if fact.formula:
        inputs = [{"key": each.source.key, "path": each.path} for each in fact.inputs]
        figure |= {"formula": fact.formula, "inputs": inputs}
    return figure
