"""The words that ask for arithmetic or say a direction, in English, German and French."""

from __future__ import annotations

import re
from functools import lru_cache

CHANGE = re.compile(
    r"\b(?:up|down|rose|rise[sn]?|rising|fell|fall(?:s|en|ing)?|gr[eo]w(?:s|n|ing)?|growth|increas\w*"
    r"|decreas\w*|declin\w*|chang\w*"
    r"|higher|lower|gain\w*|dropp?\w*|climb\w*|slipp?\w*|jump\w*|shr[aiu]nk\w*|expand\w*|yoy|qoq"
    r"|year[- ]over[- ]year|plus|minus"
    r"|more|less|fewer|above|below|premium|discount|upside|downside|distance|ahead|larger|smaller|greater|doubled|delta|δ"
    r"|surge\w*|advanc\w*|added|lost|improv\w*|worsen\w*|narrow\w*|widen\w*"
    r"|gestiegen|stieg\w*|gesunken|sank|fiel\w*|gefallen|wuchs\w*|gewachsen|zuwachs|wachstum|rückgang|zunahme"
    r"|abnahme|veränderung"
    r"|mehr|weniger|über|unter|höher|tiefer|niedriger|erhöh\w*|verringer\w*"
    r"|hausse|baisse|recul\w*|progress\w*|croissance|augment\w*|diminu\w*|variation|supérieur\w*|inférieur\w*|évolution|bondi|chut\w*)\b"
    r"|[+Δ]",
    re.IGNORECASE,
)
DOWN = re.compile(
    r"\b(?:down|fell|fall(?:s|en|ing)?|decreas\w*|declin\w*|lower|dropp?\w*|slipp?\w*|shr[aiu]nk\w*|below|less|fewer|minus|negative"
    r"|discount|downside|loss(?:es)?|lost|smaller|outflow|burn\w*|used|deficit|worsen\w*|narrow\w*|under|missed|worse"
    r"|gesunken|sank|fiel\w*|gefallen|rückgang|abnahme|weniger|unter|tiefer|niedriger|verlust\w*|verringer\w*|negativ\w*|minderung"
    r"|baisse\w*|recul\w*|diminu\w*|perte\w*|inférieur\w*|chut\w*|moins|négati\w*|verlor\w*|abfluss\w*)\b",
    re.IGNORECASE,
)
UP = re.compile(
    r"\b(?:up|rose|rise[sn]?|rising|gr[eo]w(?:s|n|ing)?|growth|increas\w*|higher|gain\w*|climb\w*|jump\w*|expand\w*|above|more|plus|premium"
    r"|upside|larger|greater|surge\w*|advanc\w*|added|improv\w*|ahead|beat|over"
    r"|gestiegen|stieg\w*|wuchs\w*|gewachsen|zuwachs|wachstum|zunahme|mehr|über|höher|erhöh\w*"
    r"|hausse|progress\w*|croissance|augment\w*|supérieur\w*|bondi)\b|\+",
    re.IGNORECASE,
)
DISTANCE = re.compile(
    r"\b(?:above|below|over|under|than|distance|premium|discount|upside|downside|away|gap|against|relative|versus|vs|gegen|gegenüber|rapport|über|unter|abstand|entfernt|als"
    r"|supérieur\w*|inférieur\w*|écart|que)\b",
    re.IGNORECASE,
)
TOTAL = re.compile(
    r"\b(?:sum|total\w*|together|combined|altogether|insgesamt|zusammen|summe|gesamt\w*|ensemble|somme"
    r"|four quarters|year as a whole|cumul\w*|twelve months|12 months)\b",
    re.IGNORECASE,
)
AVERAGE = re.compile(r"\b(?:average\w*|mean|durchschnitt\w*|mittel|moyenne?|ø)\b", re.IGNORECASE)
DIFFERENCE = re.compile(
    r"\b(?:net|gap|difference|between|by|spread|remain\w*|left|after|differenz|netto\w*|um|écart"
    r"|différence|de|exceed\w*|surplus)\b",
    re.IGNORECASE,
)
YEARLY = re.compile(
    r"\b(?:cagr|compound\w*|annuali[sz]ed|per year|a year|annual growth|yearly|pro jahr|jährlich\w*"
    r"|p\.?\s?a\.?|par an|annuel\w*)\b",
    re.IGNORECASE,
)
RANGE = re.compile(r"\b(?:range|spanne|bandbreite|fourchette)\b", re.IGNORECASE)
RUNWAY = re.compile(r"\b(?:runway|last\w*|enough for|reicht|reichweite|suffi\w*|covers?|cover)\b", re.IGNORECASE)


@lru_cache(maxsize=8192)
def says(cue: re.Pattern[str], text: str) -> bool:
    """Whether a text has a cue's words; remembered, as the figures of one sentence ask the same."""
    return bool(cue.search(text))


def says_direction(clause: str) -> bool:
    """Whether the words close to a figure say one direction, and only one."""
    return says(DOWN, clause) != says(UP, clause)


def says_negative(clause: str) -> bool:
    """Whether the words close to a figure say that it went or is below."""
    return says(DOWN, clause) and not says(UP, clause)
