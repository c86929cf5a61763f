"""What asks the reader of a report to act: to give a password, run a command, pay somebody, follow a link at once.

Verb and object stand in one sentence, at most a few dozen letters apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

_GAP = r"(?:[^.!?\n]|\.\d){0,60}?"
_CREDENTIALS = (
    r"(?:pass ?words?|pass ?phrases?|passcodes?|pin codes?|credentials|log-?in (?:details|data)|api[ -]?keys?"
    r"|access tokens?|seed phrases?|recovery phrases?|private keys?|credit card"
    r"|card numbers?|social security|security codes?"
    r"|one-time codes?|2fa codes?|passwort|kennwort|zugangsdaten|kreditkarte\w*|mot de passe|identifiants"
    r"|num[ée]ro de carte|contrase[ñn]a|credenciales|tarjeta de cr[ée]dito|senha|credenciais|credenziali)"
)
_GIVE = (
    r"(?:enter|type in|provide|submit|confirm|verify|validate|send(?: us| me)?|share|reply with"
    r"|give (?:us|me)|re-?enter|update|disclose|paste|gib|geben sie|best[äa]tigen sie|senden sie"
    r"|entrez|saisissez|confirmez|envoyez|introduzca"
    r"|ingrese|confirme|env[íi]e|digite|informe|inserisci|inserite|conferma|confermate)"
)
_OWNED = r"(?:your|the following|ihre?|dein|votre|vos|su|sus|tu|tus|seu|sua|suas|il tuo|la tua|le tue|tua)"
_REQUESTS: tuple[tuple[str, str], ...] = (
    ("asks for a secret of its reader", rf"\b{_GIVE}\b{_GAP}\b{_OWNED}\b{_GAP}\b{_CREDENTIALS}"),
    (
        "asks its reader to run a command",
        r"\b(?:run|paste|execute|enter|type|copy)\b" + _GAP + r"\b(?:in|into|from|on)\b" + _GAP
        + r"\b(?:terminal|command prompt|command line|powershell|shell|console|run dialog)\b",
    ),
    (
        "holds a command that runs what it downloads",
        r"\b(?:curl|wget|iwr|invoke-webrequest)\b[^\n]{0,200}?(?:\|\s{0,5}(?:sudo\s{1,5})?(?:ba|z)?sh\b|\|\s{0,5}iex\b)"
        r"|\bpowershell(?:\.exe)?\b[^\n]{0,60}?\s-e(?:nc|ncodedcommand)?\b|\bmshta\s{1,5}https?:",
    ),
    (
        "asks its reader to pay",
        r"\b(?:send|transfer|wire|pay|deposit|forward)\b" + _GAP
        + r"\b(?:bitcoins?|btc|eth(?:ereum)?|usdt|crypto\w{0,10}|gift cards?|wallet"
        r"|to (?:this|the following) account|western union)\b",
    ),
    (
        "asks its reader to follow a link",
        r"\b(?:click|tap|visit|open|go to|follow|scan|log ?in)\b" + _GAP
        + r"\b(?:here|link|below|qr[ -]?code|attachment|https?:\S{1,200})" + _GAP
        + r"\b(?:to|and|or)\b" + _GAP
        + r"\b(?:verify|confirm|unlock|restore|reactivate|claim|avoid|secure|update your|log ?in|sign in"
        r"|re-?authenticate|continue reading|keep (?:your )?access)\b",
    ),
    (
        "asks its reader to switch off a protection",
        r"\b(?:disable|turn off|switch off|deactivate|uninstall|bypass)\b" + _GAP
        + r"\b(?:anti-?virus|firewall|defender|two-factor|2fa|mfa|security software"
        r"|virus scanner|endpoint protection)\b",
    ),
)  # fmt: skip


_SURROGATE = re.compile("[\ud800-\udfff]")


def find_requests(text: str) -> Iterator[tuple[int, str, str]]:
    """Offset, what is asked, and its words, for each request of the reader."""
    text = _SURROGATE.sub("\ufffd", text)  # the engine reads UTF-8, which has none
    for message, pattern in _compiled():
        for match in pattern.finditer(text):
            yield match.start(), message, match[0]


@cache
def _compiled() -> list[tuple[str, Any]]:
    """The patterns on an engine that is linear whatever the text: `re` takes 15 s for a megabyte of `click here to`."""
    import re2

    options = re2.Options()
    options.case_sensitive = False
    return [(message, re2.compile(pattern, options)) for message, pattern in _REQUESTS]
