"""The whole draft: what is known is read once, then each section is written from its share of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from trainer.core.digest import pretty
from trainer.core.values import DataBlock, Json, Prompt
from trainer.draft import domain, markup, wording
from trainer.draft.allot import Share, allot, rows_of
from trainer.draft.cubes import Entity
from trainer.draft.markup import escaped
from trainer.draft.model import Fact
from trainer.draft.outline import OutlineSection, default_outline, outline
from trainer.draft.passages import split
from trainer.draft.plain import is_bare, prompt_of
from trainer.draft.reading import read
from trainer.draft.sections import Knowledge, written
from trainer.draft.structured import fill


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished draft."""

    text: str
    figures: tuple[dict[str, Json], ...]
    """The data behind it: title, printed text, storage key and path, and the formula of derived figures."""


def write(request: str | Prompt, *, schema: Mapping[str, Json] | None = None) -> Draft:
    """The draft of a report in the prompt's language, or a JSON document where a schema is asked for."""
    prompt = request if isinstance(request, Prompt) else prompt_of(request)
    if isinstance(request, Prompt) and is_bare(request):
        prompt = prompt_of(request.text)
        prompt = replace(prompt, output=replace(prompt.output, language=request.output.language))
    with wording.writing_in(prompt.output.language):
        return _written(prompt, schema)


def _written(prompt: Prompt, schema: Mapping[str, Json] | None) -> Draft:
    entities = read(prompt.data, prompt.params)
    wanted = schema or prompt.output.schema
    if wanted:
        return Draft(pretty(fill(wanted, prompt)), _figures([fact for entity in entities for fact in entity.facts]))
    knowledge = _knowledge(prompt, entities)
    shares = allot(_sections(prompt, entities), knowledge.rows, entities)
    parts = [_note(prompt), *(written(shares, knowledge) if shares else [wording.say("nothing")])]
    return Draft("\n\n".join(part for part in parts if part) + "\n", _figures(_used(shares, knowledge)))


def _knowledge(prompt: Prompt, entities: Sequence[Entity]) -> Knowledge:
    recognised = tuple(domain.recognised(entity) for entity in entities)
    derived = tuple(domain.derived(entity, concepts) for entity, concepts in zip(entities, recognised, strict=True))
    return Knowledge(
        entities=tuple(entities),
        concepts=recognised,
        rows=rows_of(entities, derived) if entities else (),
        notices=tuple(domain.notices(entity, concepts) for entity, concepts in zip(entities, recognised, strict=True)),
        passages=split(prompt.contexts),
    )


def _sections(prompt: Prompt, entities: Sequence[Entity]) -> tuple[OutlineSection, ...]:
    if prompt.output.sections:
        return outline(prompt.output.sections, prompt.body or prompt.text)
    question = prompt.body.strip().partition("\n\n")[0] if prompt.contexts else ""
    return default_outline(prompt.data, question, has_contexts=bool(prompt.contexts), has_data=bool(entities))


def _note(prompt: Prompt) -> str:
    """What stands at the top: that no model wrote this, and what it was made from."""
    blocks = "; ".join(_block_name(block) for block in prompt.data[:8])
    contexts = wording.say("note_contexts", many=len(prompt.contexts) > 1) if prompt.contexts else ""
    data = wording.say("note_data", blocks=blocks) if blocks else wording.say("note_no_data")
    note = wording.say("note", data=data, contexts=contexts)
    wanted = prompt.output.language
    if not wording.is_known(wanted):
        note += " " + wording.say("other_language", wanted=escaped(wanted, most=40))
    return markup.quote(note)


def _block_name(block: DataBlock) -> str:
    return wording.say(
        "note_block",
        name=escaped(block.name, most=40),
        subject=wording.say("note_subject", subject=escaped(block.subject, most=60)) if block.subject else "",
        source=escaped(block.source, most=40),
        when=wording.say("note_when", day=wording.day(block.as_of)) if block.as_of else "",
    )


def _used(shares: Sequence[Share], knowledge: Knowledge) -> list[Fact]:
    facts = [fact for share in shares for row in share.rows for fact in row.facts if fact]
    facts += [cell for share in shares for _, records in share.series for c in records.columns for _, cell in c.known]
    facts += [fact for notices in knowledge.notices for notice in notices for fact in notice.facts]
    return list(dict.fromkeys(facts))


def _figures(facts: Sequence[Fact]) -> tuple[dict[str, Json], ...]:
    return tuple(_figure(fact) for fact in facts)


def _figure(fact: Fact) -> dict[str, Json]:
    figure: dict[str, Json] = {"title": fact.title, "text": fact.text, "key": fact.source.key, "path": fact.path}
    if fact.formula:
        inputs = [{"key": fact_input.source.key, "path": fact_input.path} for fact_input in fact.inputs]
        figure |= {"formula": fact.formula, "inputs": inputs}
    return figure
