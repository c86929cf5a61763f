import time

import pytest

from trainer.security import find_personal, restore_personal, treat_personal

HOLDS = [
    ("Write to emma.o'hara@corp.example today.", "email", "emma.o'hara@corp.example"),
    ("Call +49 30 901820 now", "phone", "+49 30 901820"),
    ("Call (212) 555-0187.", "phone", "(212) 555-0187"),
    ("fax: 212-555-0188", "phone", "212-555-0188"),
    ("Tel. 030/9018-2020", "phone", "030/9018-2020"),
    ("IBAN DE89 3704 0044 0532 0130 00 of", "iban", "DE89 3704 0044 0532 0130 00"),
    ("card 4111 1111 1111 1111,", "card", "4111 1111 1111 1111"),
    ("amex 3782-822463-10005", "card", "3782-822463-10005"),
    ("SSN 536-90-4399", "national_id.us_ssn", "536-90-4399"),
    ("social security number 536904399", "national_id.us_ssn", "536904399"),
    ("NINO AB 12 34 56 C", "national_id.gb_nino", "AB 12 34 56 C"),
    ("CPF 529.982.247-25", "national_id.br_cpf", "529.982.247-25"),
    ("NIR 2 95 10 99 126 111 93", "national_id.fr_nir", "2 95 10 99 126 111 93"),
    ("DNI 54362315K", "national_id.es_dni", "54362315K"),
    ("CF RCCMNL83S18D969H", "national_id.it_codicefiscale", "RCCMNL83S18D969H"),
    ("PESEL 44051401359", "national_id.pl_pesel", "44051401359"),
    ("AHV 756.9217.0769.85", "national_id.ch_ssn", "756.9217.0769.85"),
    ("from 203.0.113.77 at", "ip", "203.0.113.77"),
    ("from 2001:db8::8a2e:370:7334 at", "ip", "2001:db8::8a2e:370:7334"),
    ("lives at 44 Main Street, Springfield", "address", "44 Main Street"),
    ("wohnt Hauptstraße 12 in", "address", "Hauptstraße 12"),
    ("habite 12 rue de la Paix", "address", "12 rue de la Paix"),
    ("born 12.03.1980 in", "birth_date", "12.03.1980"),
]


@pytest.mark.parametrize(("text", "kind", "value"), HOLDS)
def test_what_is_personal_is_found_where_it_stands(text, kind, value):
    assert [(span.kind, text[span.start : span.end]) for span in find_personal(text)] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "Revenue 212 555 0187 and 1,234 2,345 3,456; (2,345) 1,120-1,130",
        "card 4111 1111 1111 1112, order 1234 5678 9012 3456",
        "IBAN DE89 3704 0044 0532 0130 01",
        "SSN 000-12-3456, part 123-45-678",
        "ISIN US00287Y1091, CIK 0001551152, accession 0001551152-25-000010, DOI 10.1000/182",
        "version 1.2.3.4.5, 127.0.0.1, section 3.4.2, 2024-12-31 and 12/31/2024",
        "$ 54,300 2023 2022 2021 | 45.2% 44.1% 212.555.0187%",
        "The Street rallied; 5 Largest Drivers of growth; 10 Ways to save",
        "user@localhost, a@b, @name, 12:30:45, 00:1A:2B:3C:4D:5E",
    ],
)
def test_figures_and_identifiers_are_not_personal(text):
    assert find_personal(text) == []


def test_masked_text_holds_nothing_of_it():
    text = "Mail a@corp.example, card 4111 1111 1111 1111."

    assert treat_personal(text) == ("Mail [email], card [card].", {})


def test_tokens_are_put_back():
    text = "a@corp.example wrote to b@corp.example and a@corp.example."
    treated, values = treat_personal(text, "token")

    assert treated == "[email#1] wrote to [email#2] and [email#1]."
    assert restore_personal(treated, values) == text


def test_a_digest_is_the_same_for_the_same_value_and_key_alone():
    one, two = (treat_personal("a@corp.example", "hash", key=key)[0] for key in (b"one", b"two"))

    assert one == treat_personal("a@corp.example", "hash", key=b"one")[0]
    assert one != two
    with pytest.raises(ValueError, match="needs a key"):
        treat_personal("a@corp.example", "hash")


def test_only_the_kinds_asked_for_are_looked_for():
    text = "a@corp.example, +49 30 901820, CPF 529.982.247-25"

    assert [span.kind for span in find_personal(text, ["email", "national_id"])] == ["email", "national_id.br_cpf"]


@pytest.mark.parametrize("piece", ["1 ", "1-", "a@", "a.", "0 (", "::1", "12 rue a ", "+1 ", "1.", "Ab "])
def test_hostile_repetition_takes_linear_time(piece):
    def seconds(length):
        text = piece * (length // len(piece))
        start = time.process_time()
        find_personal(text)
        return time.process_time() - start

    seconds(1_000)
    assert seconds(200_000) < 1.0 + 40 * seconds(20_000)
