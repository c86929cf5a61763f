"""From the keys that led to each value to measures: named by what distinguishes them, with the units they may be in."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from trainer.core.values import Field
from trainer.facts.corrections import Corrections, lookup
from trainer.facts.shapes import Keys, is_metric
from trainer.facts.units import FRACTION, PERCENT, field_units, head_units, is_money, percent_units
from trainer.facts.values import Aggregate, Dimension, Facts, LeftOut, Measure, Member, Observation, Source, Time, Unit
from trainer.facts.words import data_file, fold, name_words, split_name, text_words, title_of, vocabulary


@dataclass(frozen=True, slots=True)
class RawObservation:
    """A value before its measure has a name."""

    value: Decimal
    step: Decimal
    keys: Keys
    """From the root, list indices and keys along an axis left out."""
    members: Mapping[str, str]
    time: Time | None
    source: Source
    units: tuple[Unit, ...]
    """What its own cell or row says."""
    currencies: tuple[Unit, ...] = ()
    """What money around it is in."""
    is_filed: bool = False
    """Whether its row says when it was reported as well, so that the same figure may stand there again."""


@dataclass(frozen=True, slots=True)
class _Naming:
    """What the keys of one measure say."""

    parts: Keys
    """The keys that tell something, units and cadence taken off."""
    units: tuple[Unit, ...]
    title: str
    description: str
    money: bool
    is_difference: bool = False
    """Whether a key beside it gives the same in per cent, so that it is none."""
    is_named_percent: bool = False
    """Whether only its name says per cent, which may mean a fraction."""


def build(
    raw: Sequence[RawObservation],
    dimensions: Mapping[str, Sequence[Member]],
    left_out: Sequence[LeftOut],
    *,
    fields: Mapping[str, Field],
    titles: Mapping[Keys, Field],
    corrections: Corrections,
    name: str,
) -> Facts:
    """Facts of raw observations: measures named and united, doubles taken out."""
    by_keys: dict[Keys, list[RawObservation]] = defaultdict(list)
    for observation in raw:
        by_keys[observation.keys].append(observation)
    beside = Counter(keys[:-1] for keys in by_keys)
    namings = {
        keys: _naming(keys, fields, titles, corrections, name=name, alone=beside[keys[:-1]] == 1) for keys in by_keys
    }
    namings = _with_units_told_apart(namings)
    ids = _identifiers(namings)
    measures = _measures(namings, ids, by_keys, corrections)
    observations: list[Observation] = []
    doubles: list[LeftOut] = list(left_out)
    earlier: dict[tuple[object, ...], Decimal] = {}
    for one in raw:
        measure = ids[one.keys]
        place = (measure, tuple(sorted(one.members.items())), one.time and (one.time.start, one.time.end))
        if one.is_filed and one.time is not None and earlier.get(place) == one.value:
            doubles.append(LeftOut(one.source, "twin", f"the same value of {measure} stands before"))
            continue
        earlier[place] = one.value
        own = _own_units(one, namings[one.keys], measures[measure])
        observations.append(Observation(one.value, one.step, measure, one.members, one.time, one.source, own))
    dims = {
        dimension: Dimension(dimension, _dimension_words(dimension), tuple(members))
        for dimension, members in dimensions.items()
        if members
    }
    return Facts(tuple(observations), measures, dims, corrections.definitions, tuple(doubles))


def _naming(
    keys: Keys,
    fields: Mapping[str, Field],
    titles: Mapping[Keys, Field],
    corrections: Corrections,
    *,
    name: str,
    alone: bool,
) -> _Naming:
    meaning = fields.get(".".join(keys)) or titles.get(keys)
    stated = units = field_units(meaning.unit) if meaning else ()
    parts: list[str] = []
    for at, key in enumerate(keys):
        stripped, own = head_units(key)
        units = units or own
        stripped = _without_cadence(stripped)
        words = name_words(stripped)
        joined = "".join(words)
        is_leaf = at == len(keys) - 1
        wrapper = (joined in vocabulary("value") and (alone or not is_leaf)) or (
            joined in (vocabulary("wrapper") if is_leaf else vocabulary("container"))
        )
        if not words or wrapper or set(words) <= set(vocabulary("cadence")):
            continue
        parts.append(stripped)
    if not parts:
        stem = name.rpartition("/")[2].partition(".")[0]
        parts = [stem if is_metric(stem) else "value"]
    leaf = keys[-1] if keys else parts[-1]
    corrected = lookup(corrections.titles, ".".join(keys), leaf, parts[-1])
    title = corrected or (meaning.title if meaning else "")
    stated = lookup(corrections.units, ".".join(keys), leaf, parts[-1], title) or stated
    named_percent = not stated and PERCENT in units
    units = stated or units
    description = lookup(corrections.descriptions, ".".join(keys), leaf) or (meaning.description if meaning else "")
    statistic = len(parts) > 1 and set(name_words(parts[-1])) <= vocabulary("statistic")
    money = is_money(title or (" ".join(parts[-2:]) if statistic else parts[-1]))
    return _Naming(tuple(parts), units, title, description, money, is_named_percent=named_percent)


def _with_units_told_apart(namings: Mapping[Keys, _Naming]) -> dict[Keys, _Naming]:
    """Keys that differ by their unit alone (`change`, `changePercent`) keep it in their names."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for naming in namings.values():
        kinds[_joined(naming.parts)].add(naming.units[0].kind if naming.units else "")
    result: dict[Keys, _Naming] = {}
    for keys, naming in namings.items():
        if len(kinds[_joined(naming.parts)]) < 2:
            result[keys] = naming
        elif naming.units:
            result[keys] = replace(naming, parts=(*naming.parts[:-1], keys[-1] if keys else "value"))
        else:
            result[keys] = replace(naming, is_difference=True, money=True)
    return result


def _without_cadence(key: str) -> str:
    """`quarterlyTotalRevenue` without how long its records are."""
    parts = split_name(key)
    cadence = data_file("vocabulary.yaml")["cadence"]
    if len(parts) > 1 and fold(parts[0]) in cadence and fold(parts[0]).endswith(("ly", "ual")):
        return key[len(parts[0]) :].lstrip(" _-.")
    return key


def _identifiers(namings: Mapping[Keys, _Naming]) -> dict[Keys, str]:
    """A measure's id: its last telling key, with as many keys before it as it takes to tell it from others."""
    ids: dict[Keys, str] = {}
    groups: dict[tuple[str, ...], list[Keys]] = defaultdict(list)
    for keys, naming in namings.items():
        groups[tuple(_snake(part) for part in naming.parts)].append(keys)
    by_leaf: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for parts in groups:
        by_leaf[parts[-1]].append(parts)
    for leaf, alike in by_leaf.items():
        length = 1
        while len(alike) > 1 and len({parts[-length:] for parts in alike}) < len(alike) and length < 12:
            length += 1
        for parts in alike:
            base = ".".join(parts[-length:]) if len(alike) > 1 else leaf
            titles = {namings[keys].title for keys in groups[parts]}
            for keys in groups[parts]:
                # Equal keys under different titles of a source are different things.
                ids[keys] = (
                    base
                    if len(titles) == 1
                    else f"{base}.{_snake(namings[keys].title or '.'.join(keys[-1:]) or 'value')}"
                )
    return ids


def _snake(key: str) -> str:
    return "_".join(fold(part) for part in split_name(key)) or key


def _joined(parts: Sequence[str]) -> str:
    return ".".join(_snake(part) for part in parts)


def _measures(
    namings: Mapping[Keys, _Naming],
    ids: Mapping[Keys, str],
    by_keys: Mapping[Keys, Sequence[RawObservation]],
    corrections: Corrections,
) -> dict[str, Measure]:
    keys_of: dict[str, list[Keys]] = defaultdict(list)
    for keys, measure in ids.items():
        keys_of[measure].append(keys)
    titles = {measure: _title(measure, namings[keys[0]]) for measure, keys in keys_of.items()}
    words = {measure: _words(titles[measure], [namings[keys] for keys in keys_of[measure]]) for measure in keys_of}
    frequency = Counter(word for of in words.values() for word in of)
    measures: dict[str, Measure] = {}
    for measure, all_keys in keys_of.items():
        observations = [one for keys in all_keys for one in by_keys[keys]]
        naming = namings[all_keys[0]]
        measures[measure] = Measure(
            measure,
            titles[measure],
            tuple(sorted(words[measure], key=lambda word: (frequency[word], words[measure].index(word)))),
            _measure_units(naming, observations),
            lookup(corrections.aggregates, measure, titles[measure]) or _aggregate(titles[measure], naming),
            naming.description,
        )
    return measures


def _title(measure: str, naming: _Naming) -> str:
    if naming.title:
        return naming.title
    length = measure.count(".") + 1 if "." in measure and _joined(naming.parts[-1:]) != measure else 1
    parts = [title_of(part) for part in reversed(naming.parts[-length:])]
    return ", ".join([parts[0], *(part[:1].lower() + part[1:] if not part.isupper() else part for part in parts[1:])])


def _words(title: str, namings: Sequence[_Naming]) -> list[str]:
    """The words of title and leaf first, those of the keys above after them."""
    words = [*text_words(title), *name_words(title)]
    for naming in namings:
        words += [word for part in reversed(naming.parts) for word in name_words(part)]
    return list(dict.fromkeys(word for word in words if len(word) > 1 or ord(word[0]) > 0x2E80))


def _measure_units(naming: _Naming, observations: Sequence[RawObservation]) -> tuple[Unit, ...]:
    if naming.is_named_percent and all(abs(one.value) <= 1 for one in observations):
        return (FRACTION, PERCENT)
    if naming.units:
        return naming.units
    own = list(dict.fromkeys(unit for one in observations for unit in one.units))
    if own:
        return tuple(own)
    last = [word for part in naming.parts[-1:] for word in name_words(part)][-1:] or [""]
    values = [one.value for one in observations]
    is_share = last[0] in vocabulary("percent") - {"share"} and not naming.title and not naming.is_difference
    if is_share and all(abs(value) <= 1000 for value in values):
        explicit = last[0] in ("percent", "percentage", "pct")
        return percent_units(values) if explicit else (*percent_units(values), Unit("count", ""))
    if not naming.money:
        return ()
    return tuple(dict.fromkeys(unit for one in observations for unit in _quoted(naming, one.currencies)))


def _quoted(naming: _Naming, currencies: tuple[Unit, ...]) -> tuple[Unit, ...]:
    """The currency of the quotation, which stands first, for what a market quotes; any of them for the rest."""
    return currencies[:1] if set(name_words(naming.title or naming.parts[-1])) & vocabulary("quoted") else currencies


def _own_units(one: RawObservation, naming: _Naming, measure: Measure) -> tuple[Unit, ...]:
    """An observation's units where they are narrower than its measure's."""
    if naming.units:
        return ()
    own = one.units or (
        _quoted(naming, one.currencies) if naming.money and {unit.kind for unit in measure.units} == {"money"} else ()
    )
    return own if own and own != measure.units else ()


def _aggregate(title: str, naming: _Naming) -> Aggregate:
    words = set(text_words(title)) | set(name_words(naming.parts[-1]))
    if words & vocabulary("intensive") or any(
        unit.kind in ("percent", "points", "ratio", "index") or unit.per for unit in naming.units
    ):
        return "mean"
    return "mean" if any(unit.symbol in ("degC", "degF", "K", "µg/m^3", "mg/m^3") for unit in naming.units) else "sum"


def _dimension_words(name: str) -> tuple[str, ...]:
    return tuple(word for word in name_words(re.sub(r"(?i)[_ ]?(name|id|code)$", "", name) or name))
