"""What words mean the same in reports: tokens of text and of data titles, brought to one spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from trainer.checks.periods import folded

# One line a concept: its tokens, then the phrases that mean it, already folded and stemmed (see `_stem`).
_CONCEPTS = """
revenue: revenue; sale; net sale; turnover; top line; umsatz; umsatze; umsatzerlos; erlos; chiffre d affaire;
  vente; net revenue; total revenue; fatturato
net income: net income; net profit; net earning; net result; net loss; bottom line; profit after tax; loss after
  tax; net income to common; reingewinn; nettogewinn; jahresuberschuss; nettoverlust; reinverlust;
  konzerngewinn; resultat net; benefice net; perte nette; utile netto; profit; gewinn; verlust; benefice; loss
gross profit: gross profit; gross income; bruttogewinn; bruttoergebni; rohertrag; benefice brut; resultat brut
operating income: operating income; operating profit; operating result; operating loss; operating earning;
  betriebsergebni; betriebsgewinn; betriebsverlust; resultat operationnel; resultat d exploitation; perte
  operationnelle
gross margin: gross margin; gross profit margin; bruttomarge; marge brute; marge beneficiaire brute
operating margin: operating margin; operating profit margin; betriebsmarge; operative marge; ebit margin; marge
  operationnelle; marge d exploitation
net margin: net margin; profit margin; net profit margin; net income margin; nettomarge; gewinnmarge; marge
  nette; umsatzrendite
ebitda margin: ebitda margin; ebitda marge; marge ebitda; marge d ebitda
market capitalisation: market cap; market capitalisation; market capitalization; market value; stock market
  value; equity value; borsenwert; marktkapitalisierung; borsenkapitalisierung; marktwert; capitalisation
  boursiere; capitalisation
enterprise value: enterprise value; ev; unternehmenswert; valeur d entreprise
share price: share price; price; stock price; closing price; share closed; stock closed; aktienkur; schlusskur;
  kur; cour; cour de l action; prix de l action; price of the share; price of share
revenue growth: revenue growth; sale growth; umsatzwachstum; croissance du chiffre d affaire
research development: research and development; research development; r d; r and d; research spending; forschung
  und entwicklung; forschungsaufwand; forschungsausgaben; recherche et developpement; research and development
  spending; research and development expense
selling general administration: sg a; sg and a; selling general and administration; selling general and
  administrative; selling and administrative
cost revenue: cost of revenue; cost of sale; cost of good sold; cog; umsatzkosten; herstellungskosten; cout des
  vente
cash: cash; total cash; cash and equivalent; cash and cash equivalent; cash and short term investment; cash
  pile; flussige mittel; flussigen mittel; liquiden mittel; liquide mittel; barmittel; kassenbestand;
  tresorerie; liquidite
debt: debt; total debt; borrowing; gesamtverschuldung; verschuldung; schulden; finanzschulden; dette; dette
  totale; endettement
net debt: net debt; nettoverschuldung; nettoschulden; dette nette
operating cash flow: operating cash flow; cash flow from operation; cash from operation; operativer cashflow;
  operating cashflow; flux de tresorerie operationnel; flux de tresorerie d exploitation
free cash flow: free cash flow; fcf; freier cashflow; free cashflow; flux de tresorerie disponible; flux de
  tresorerie libre
eps: earning per share; eps; gewinn je aktie; ergebni je aktie; gewinn pro aktie; benefice par action; bpa; loss
  per share; net income per share
pe: price to earning; price earning; pe; p e; p e ratio; price earning ratio; price to earning ratio; pe ratio;
  kgv; kur gewinn verhaltni; price earning multiple; earning multiple
pe trailing: price to trailing earning; time trailing earning; trailing price to earning
pe forward: price to forward earning; time forward earning; time expected earning; forward price to earning
price book: price to book; price book; p b; kur buchwert verhaltni; book multiple; time book; price to book
  value
price sale: price to sale; price sale; p s; kur umsatz verhaltni; price to revenue; time sale
enterprise value revenue: ev to revenue; ev revenue; ev sale; enterprise value to revenue; enterprise value to
  sale
enterprise value ebitda: ev to ebitda; ev ebitda; enterprise value to ebitda
employee: employee; full time employee; staff; workforce; headcount; people; mitarbeiter; mitarbeitende;
  mitarbeitenden; beschaftigte; angestellte; employe; salarie; collaborateur; effectif
dividend yield: dividend yield; yield; dividendenrendite; rendement du dividende; rendement
dividend: dividend; dividende; dividend rate; dividend per share; ausschuttung; annual dividend
payout ratio: payout ratio; payout; ausschuttungsquote; taux de distribution
share outstanding: share outstanding; outstanding share; share in issue; aktien im umlauf; ausstehende aktien;
  action en circulation; number of share
float: float; free float; floating share; streubesitz; flottant
short interest: short interest; share short; sold short; short position; leerverkaufte aktien; leerverkauft
insider: insider; held by insider; insider ownership; insidern
institution: institution; institutional investor; held by institution; institutional ownership; institutionelle
  anleger; institutionnel; institutional holder
target: price target; target price; target; kursziel; objectif de cour
analyst: analyst; number of analyst; analyst opinion; analysten; analyste
average: average; mean; durchschnitt; mittelwert; moyenne; moyen
median: median; mediane
low: low; lowest; minimum; least; tief; tiefstand; niedrigste; plu bas; tiefst; bottom
high: high; highest; maximum; peak; most; hoch; hochststand; hochste; plu haut; top
volume: volume; trading volume; share traded; handelsvolumen; volume d echange
return asset: return on asset; roa; gesamtkapitalrendite; rendement de l actif
return equity: return on equity; roe; eigenkapitalrendite; rendement de fond propre
debt equity: debt to equity; debt equity; verschuldungsgrad; gearing
current ratio: current ratio; liquiditat dritten grade; ratio de liquidite generale
quick ratio: quick ratio; acid test; ratio de liquidite reduite
book value: book value; buchwert; valeur comptable
tax: tax; income tax; steuern; ertragssteuern; impot
interest expense: interest expense; interest cost; zinsaufwand; charge d interet
trailing: trailing; trailing twelve month; ttm; last twelve month; past twelve month
forward: forward; expected; erwartet; erwartete; attendu; prevu; next year
estimate: estimate; forecast; consensu; schatzung; prognose; estimation; prevision; expectation; erwartung
growth: growth; increase; wachstum; zuwach; croissance; rate of growth; grew; wuchs
change: change; veranderung; variation; evolution; difference; delta
beta: beta
previou close: previou close; prior close; vortagesschluss; cloture precedente
open: opening price; opened; eroffnungskur
surprise: surprise; beat; uberraschung
capital expenditure: capital expenditure; capex; investitionen; investissement
asset: asset; total asset; bilanzsumme; aktiven; actif; total de l actif
equity: equity; shareholder equity; stockholder equity; eigenkapital; capitaux propre
liability: liability; total liability; verbindlichkeiten; passif
inventory: inventory; vorrate; stock de marchandise
strong buy: strong buy
strong sell: strong sell
"""
_STOP_WORDS = """
the a an of and to in on for at by with from as is was are were be its it this that or der die das und von den
zu im des für fur auf ein eine bei mit le la les de du et un une en au aux par sur est pour d l s dem per pro je
total reported
"""
_STOP = frozenset(_STOP_WORDS.split())
_TOKEN = re.compile(
    r"(?P<n>\d+|fifty-two|two-hundred|fifty)[\s-]*(?P<unit>day|week|month|tag|tage|woche|wochen|jour|semaine|mois|monat|monate)[a-z]*"
    r"|(?P<word>[^\W\d_]+)|(?P<amp>&)"
)
_UNITS = {"tag": "day", "tage": "day", "jour": "day", "woche": "week", "wochen": "week", "semaine": "week"}
_UNITS |= {"mois": "month", "monat": "month", "monate": "month"}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[._]+")
_LONGEST = 5


@lru_cache(maxsize=1)
def _phrases() -> dict[tuple[str, ...], tuple[str, ...]]:
    phrases: dict[tuple[str, ...], tuple[str, ...]] = {}
    for line in _CONCEPTS.replace("\n  ", " ").strip().splitlines():
        concept, _, names = line.partition(":")
        for name in names.split(";"):
            phrases[tuple(name.split())] = tuple(concept.split())
    return phrases


def labels(text: str) -> list[tuple[str, int, int]]:
    """The canonical tokens of a text, each with the start and end of the phrase it came from."""
    return list(_labels(text))


@lru_cache(maxsize=8192)
def title_labels(title: str) -> frozenset[str]:
    """The canonical tokens of a datum's title."""
    return frozenset(token for token, _, _ in _labels(title))


def path_words(path: str) -> str:
    """The last part of a dotted path as words: `quarterly.totalRevenue` is `total Revenue`."""
    return " ".join(_CAMEL.split(path.rpartition(".")[2]))


def _labels(text: str) -> Iterator[tuple[str, int, int]]:
    tokens = list(_tokens(text))
    phrases = _phrases()
    at = 0
    while at < len(tokens):
        for length in range(min(_LONGEST, len(tokens) - at), 0, -1):
            phrase = phrases.get(tuple(token for token, _, _ in tokens[at : at + length]))
            if phrase is not None and _joined(tokens, at, length, text):
                for token in phrase:
                    yield token, tokens[at][1], tokens[at + length - 1][2]
                at += length
                break
        else:
            if tokens[at][0] not in _STOP:
                yield tokens[at]
            at += 1


def _joined(tokens: list[tuple[str, int, int]], at: int, length: int, text: str) -> bool:
    """Whether the tokens stand in one phrase: no stop, comma or number between them."""
    return all(
        not re.search(r"[.,;:()\d]", text[tokens[index][2] : tokens[index + 1][1]])
        for index in range(at, at + length - 1)
    )


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    for found in _TOKEN.finditer(folded(text)):
        if found["n"]:
            number = {"fifty-two": "52", "two-hundred": "200", "fifty": "50"}.get(found["n"], found["n"])
            yield number + _UNITS.get(found["unit"], found["unit"]), found.start(), found.end()
        elif found["word"]:
            yield _stem(found["word"]), found.start(), found.end()


@lru_cache(maxsize=16384)
def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word
