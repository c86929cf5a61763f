"""SOAP: operations by the WSDL, from a file or the web, over the HTTP that all sources share."""

from __future__ import annotations

import pytest

from servers.soap import WSDL, SoapServer
from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source

QUERY = {"service": "rates", "operation": "GetRates", "currency": "USD"}


@pytest.fixture
def soap():
    with SoapServer() as running:
        yield running


@pytest.fixture
def ask(soap, clock, tmp_path):
    (tmp_path / "rates.wsdl").write_text(soap.wsdl)

    def ask(query: dict = QUERY, environ: dict | None = None, **settings):
        services = {"rates": {"wsdl": f"{soap.url}/service?wsdl", "per_second": 1000, **settings}}
        context = SourceContext(clock, root=tmp_path, environ=environ or {})
        return create_source("soap", context, services=services, retries=0).retrieve(query)

    return ask


def test_an_operation_is_asked_and_its_answer_is_data(ask, soap):
    result = ask(fields={"records.value": {"title": "Rate", "unit": "USD"}})

    assert [row["day"] for row in result.data["records"]] == ["2025-02-27", "2025-02-28"]
    assert result.data["records"][0]["value"] == 1.048
    assert result.data["records"][0]["deals"] == 3
    assert result.metadata["as_of"] == "2025-02-28"
    assert result.metadata["fields"] == {"records.value": {"title": "Rate", "unit": "USD"}}
    assert [path for path, _, _ in soap.requests] == ["/service?wsdl", "/soap"]


def test_a_number_that_a_float_would_change_stays_as_it_is_written(ask):
    result = ask(fields={"records.value": {"title": "Rate", "unit": "USD"}})

    assert result.data["records"][1]["value"] == "12345678901234567.89"
    assert "records.value holds 1 of 2 values that are no figures in USD" in result.metadata["warnings"][0]


@pytest.mark.parametrize(
    "more", [{"filter.country": "DE", "filter.since": "2025-01-01"}, {"filter": {"country": "DE"}}]
)
def test_a_parameter_may_lie_within_another(ask, soap, more):
    ask({**QUERY, **more})

    assert "country>DE<" in soap.requests[-1][2]


def test_a_wsdl_may_be_a_file_of_the_project_and_the_service_elsewhere(ask, soap):
    ask(wsdl="rates.wsdl", address=f"{soap.url}/other")

    assert [path for path, _, _ in soap.requests] == ["/other"]


def test_a_wsdl_outside_the_project_is_not_read(ask):
    with pytest.raises(SourceError, match="rates names a file outside the project"):
        ask(wsdl="../../etc/passwd")


def test_an_empty_answer_has_no_records(ask, soap):
    soap.body = '<GetRatesResponse xmlns="http://rates.example/"/>'

    assert ask().data == {"value": None} or ask().data == {"records": []}


def test_a_fault_is_told_with_the_parameters_there_are(ask):
    with pytest.raises(SourceError, match=r"rates refused: no currency XXX\n  its parameters are currency: xsd:string"):
        ask({**QUERY, "currency": "XXX"})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({**QUERY, "operation": "GetRate"}, 'rates has no operation GetRate\n  did you mean "GetRates"'),
        ({**QUERY, "curency": "USD"}, r"rates does not fit its WSDL: .*curency(.|\n)*its parameters are currency"),
        ({**QUERY, "select": "/rats"}, "rates: nothing at /rats"),
    ],
)
def test_what_a_query_gets_wrong_is_told(ask, query, message):
    with pytest.raises(SourceError, match=message):
        ask(query)


def test_who_asks_is_said_in_a_header_or_in_the_envelope(ask, soap):
    environ = {"RATES_USER": "ann", "RATES_KEY": "s3cret-of-rates"}
    ask(environ=environ, auth={"kind": "basic", "user_env": "RATES_USER", "env": "RATES_KEY"})
    assert all(headers["Authorization"].startswith("Basic ") for _, headers, _ in soap.requests)

    soap.requests.clear()
    ask(environ=environ, auth={"kind": "wsse", "user_env": "RATES_USER", "env": "RATES_KEY"})
    assert "Username>ann<" in soap.requests[-1][2]
    assert "s3cret-of-rates" in soap.requests[-1][2]
    assert all("Authorization" not in headers for _, headers, _ in soap.requests)


@pytest.mark.parametrize("address", ["http://169.254.169.254/latest", "http://127.0.0.1:9/", "http://[::1]/"])
def test_a_wsdl_that_leads_to_a_private_address_is_refused(clock, tmp_path, address):
    (tmp_path / "rates.wsdl").write_text(WSDL.replace("http://rates.example/soap", address))
    source = create_source(
        "soap", SourceContext(clock, root=tmp_path), services={"rates": {"wsdl": "rates.wsdl"}}, retries=0
    )

    with pytest.raises(SourceError, match="a private address"):
        source.retrieve(QUERY)


ENTITY = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


def test_entities_of_a_wsdl_and_of_an_answer_are_not_followed(ask, soap, tmp_path):
    (tmp_path / "rates.wsdl").write_text(soap.wsdl.replace("<definitions", f"{ENTITY}<definitions", 1))
    with pytest.raises(SourceError, match="rates"):
        ask(wsdl="rates.wsdl")

    soap.answer = lambda _: (200, f"{ENTITY}<s:Envelope>&x;</s:Envelope>")
    with pytest.raises(SourceError, match="rates"):
        ask()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "services.rates.wsdl is missing"),
        ({"wsdl": "a.wsdl", "addres": "x"}, 'unknown setting in services.rates "addres"'),
        ({"wsdl": "a.wsdl", "address": "x"}, "services.rates.address is not a URL"),
        ({"wsdl": "a.wsdl", "auth": {"kind": "oauth"}}, "services.rates.auth.kind cannot be oauth"),
        ({"wsdl": "a.wsdl", "auth": {"kind": "wsse", "env": "X"}}, "services.rates.auth.user_env is missing"),
        ({"wsdl": "a.wsdl", "select": "a["}, "services.rates.select is not a JMESPath"),
    ],
)
def test_what_is_wrong_with_a_description_is_told(clock, settings, message):
    source = create_source("soap", SourceContext(clock), services={"rates": settings})

    assert any(problem.message.startswith(message) for problem in source.problems())
    with pytest.raises(UsageError):
        source.key(QUERY)


def test_health_counts_the_operations(ask, soap, clock):
    services = {"rates": {"wsdl": f"{soap.url}/service?wsdl"}}

    assert create_source("soap", SourceContext(clock), services=services).health().detail == "rates has 1 operations"
    assert not create_source("soap", SourceContext(clock)).health().ok
