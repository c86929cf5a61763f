"""Companies, products and people an answer names: they occur in the data, the contexts or the instruction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from trainer.checks.citations import given_text
from trainer.checks.document import CheckedBlock, read_document
from trainer.core.errors import Where
from trainer.core.values import Finding, Prompt, Verdict

_COMPANIES = """
abbott abbvie accenture adidas adobe airbus alibaba allianz alphabet alstom altria amazon amgen apple
arcelormittal asml astellas astrazeneca baidu barclays basf bayer biogen biontech blackrock blackstone bmw
boeing broadcom carrefour caterpillar chevron chiesi cisco citigroup clariant comcast credit-suisse csl daiichi
danone dassault dell deloitte disney equinor ericsson exxonmobil facebook ferrari fujitsu generali genentech
genmab gilead givaudan glencore goldman google gsk heineken hermès hitachi holcim honda honeywell hsbc huawei
ibm incyte infosys intel ionis ipsen johnson&johnson jpmorgan kering kpmg kuehne lonza lufthansa lundbeck lvmh
mastercard mcdonald mckesson medtronic mercedes merck michelin microsoft moderna mondelez nestlé netflix nike
nintendo nokia novartis novo nvidia oracle panasonic paypal pepsico pfizer philips porsche qualcomm regeneron
renault richemont roche salesforce samsung sandoz sanofi santander sap schindler siemens sony spotify starbucks
stellantis stryker swatch swisscom takeda telefonica tesla teva texaco toyota uber ubs unilever vale vertex
viatris visa vodafone volkswagen volvo walmart zoetis
"""
KNOWN_COMPANIES = frozenset(_COMPANIES.split())
"""Names that are companies wherever they stand, so that another company's name is found in any language."""

_VERB = (
    r"reported|reports|holds|held|has|had|employs|employed|posted|earned|earns|trades|sells|sold|owns|generated|achieved"
    r"|closed|booked|erzielte|beschäftigt|hält|hat|meldete|verzeichnete|compte|emploie|détient|réalise|affiche"
)
_NAME = r"[A-ZÄÖÜÉ][\w&’'-]*[a-zäöüéè][\w&]*(?:\s+[A-ZÄÖÜÉ][\w&-]+){0,3}"
_LEGAL = re.compile(
    rf"\b({_NAME})(?:,)?\s+(?:Inc|Incorporated|Corp|Corporation|Ltd|Limited|PLC|plc|LLC|AG|SA|SE|NV|GmbH|SpA)\b"
)
_ACTING = re.compile(rf"(?<![\w])({_NAME})(?:[’']s)?\s+(?:{_VERB})\b")
_WORD = re.compile(r"[^\W\d_][\w&’'-]*[^\W_]|[^\W\d_]")
_PLAIN_WORDS = """
the a an this that these those it its their his her our we they he she as at in on by for from with of to over
under after before between both each all no only such more most many much one two three revenue sales net gross
cash debt company companies group management analysts insiders institutions investors shareholders income profit
loss ebitda operating free total market share shares stock enterprise price first second third last next here
there year quarter what which who how and or but if while when since during without within against across about
above below der die das ein eine im in am an bei von zu für auf nach mit über unter umsatz gewinn verlust le la
les un une des en au aux du de son sa ses
"""
_PLAIN = frozenset(_PLAIN_WORDS.split())


def check_entities(text: str, *, prompt: Prompt, foreign: Sequence[str] = ()) -> Verdict:
    """Whether the names in an answer occur in what its prompt held; `entities` scores the share that does.

    `foreign` are the names that other reports are about: one of them in this report is an error.
    """
    given_names = given_text(prompt).casefold()
    names = sorted({(start, name) for start, name in _named(text, foreign)})
    unknown = [(start, name) for start, name in names if not _is_known(name, given_names)]
    strangers = {name.casefold() for name in foreign}
    findings = tuple(_finding(text, start, name, name.casefold() in strangers) for start, name in unknown)
    return Verdict(findings, {"entities": round(1 - len(unknown) / len(names), 4) if names else 1.0})


def _finding(text: str, start: int, name: str, stranger: bool) -> Finding:
    where = Where("answer", text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
    if stranger:
        message = f"{name} is what another report is about, and nothing here names it"
        return Finding("foreign_name", "error", message, where, name, "name the company this report is about")
    message = f"nothing given to the model names {name}"
    return Finding("unknown_name", "warning", message, where, name, "name only what the data and contexts name")


def _named(text: str, foreign: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Where a name stands: of the given and the well-known, with a legal form, doing what companies do."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    names = sorted((name for name in foreign if name.strip()), key=lambda name: (-len(name), name))
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)") if names else None
    for block in read_document(text).blocks:
        if block.kind in ("code", "front", "chart") or block.appendix:
            continue
        offset = starts[block.line - 1]
        yield from ((offset + at, name) for at, name in _in_block(block, pattern))


def _in_block(block: CheckedBlock, foreign: re.Pattern[str] | None) -> Iterator[tuple[int, str]]:
    taken: list[tuple[int, int]] = []
    for match in foreign.finditer(block.text) if foreign else ():
        taken.append(match.span())
        yield match.start(), match[0]
    for pattern in (_LEGAL, _ACTING):
        for match in pattern.finditer(block.text):
            name = _trimmed(match[1])
            start = match.start(1) + match[1].rfind(name) if name else 0
            if name and not _overlaps(start, start + len(name), taken):
                taken.append((start, start + len(name)))
                yield start, name
    for match in _WORD.finditer(block.text):
        word = re.sub(r"[’']s$", "", match[0])
        if word.casefold() in KNOWN_COMPANIES and word[:1].isupper() and not _overlaps(*match.span(), taken):
            yield match.start(), word


def _overlaps(start: int, end: int, taken: list[tuple[int, int]]) -> bool:
    return any(start < stop and begin < end for begin, stop in taken)


def _trimmed(name: str) -> str:
    """The name without plain words that stand before it: `In Pfizer` is `Pfizer`."""
    words = name.split()
    while words and words[0].casefold() in _PLAIN:
        words = words[1:]
    return " ".join(words)


def _is_known(name: str, given_names: str) -> bool:
    folded = re.sub(r"[’']s$", "", name.casefold())
    if re.search(rf"(?<!\w){re.escape(folded)}(?!\w)", given_names):
        return True
    return all(re.search(rf"(?<!\w){re.escape(word)}", given_names) for word in folded.split())
