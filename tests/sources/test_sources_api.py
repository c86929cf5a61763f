from __future__ import annotations

import time

import pytest

from servers.rest import RECORDS, SECRET, RestServer
from trainer.core.errors import SourceError, UsageError
from trainer.core.secrets import keep_secret
from trainer.sources import SourceContext, api_paging, create_source
from trainer.sources.http_client import Response
from trainer.sources.pointer import NotThere, resolve


@pytest.fixture
def rest():
    with RestServer() as running:
        yield running


@pytest.fixture
def ask(rest, clock):
    """The answer to a query of the service `shop`, described by the keywords."""

    def asked(path: str, query: dict | None = None, environ: dict | None = None, **settings):
        apis = {"shop": {"base_url": rest.url, "per_second": 1000, **settings}}
        source = create_source("api", SourceContext(clock, environ=environ or {}), apis=apis, retries=0)
        return source.retrieve({"api": "shop", "path": path, **(query or {})})

    return asked


def test_fields_of_a_query_become_url_parameters(ask, rest):
    result = ask("/one", {"b": True, "a": ["x", "y"]}, parameters={"a": "z", "c": 1})

    assert result.data == {"given": {"a": "x,y", "b": "true", "c": "1"}, "price": 1.5}
    assert rest.paths == ["/one?a=x%2Cy&b=true&c=1"]
    assert result.metadata["url"] == f"{rest.url}/one?a=x%2Cy&b=true&c=1"


def test_the_data_is_selected_by_pointer(ask):
    assert ask("/list", select="/result/items").data == {"records": RECORDS}
    assert ask("/list", {"select": "/result/items/1"}).data == {"id": 2, "code": "002"}
    assert ask("/list", {"select": "/result/items/1/code"}).data == {"value": "002"}


def test_a_pointer_into_nothing_says_what_there_is(ask):
    with pytest.raises(SourceError, match="nothing at /result/itmes: there are items"):
        ask("/list", select="/result/itmes")


@pytest.mark.parametrize(
    ("path", "records"),
    [("/csv", [{"id": 1, "code": "001"}, {"id": 2, "code": "002"}]), ("/lines", [{"id": 1}, {"id": 2}])],
)
def test_csv_and_json_lines_are_read_too(ask, path, records):
    assert ask(path).data == {"records": records}


@pytest.mark.parametrize(
    ("path", "paging", "asked"),
    [
        ("/numbered", {"kind": "page", "size": 3}, 3),
        ("/numbered", {"kind": "page"}, 4),
        (
            "/offset",
            {"kind": "offset", "parameter": "skip", "start": 0, "size_parameter": "limit", "size": 3},
            3,
        ),
        ("/cursor", {"kind": "cursor", "parameter": "token", "next": "/next"}, 3),
        ("/linked", {"kind": "link", "next": ""}, 3),
    ],
)
def test_all_pages_are_asked_for_and_none_twice(ask, rest, path, paging, asked):
    select = "" if path == "/linked" else "/items"

    assert ask(path, paging=paging, select=select).data == {"records": RECORDS}
    assert len(rest.requests) == len(set(rest.paths)) == asked


def test_pages_of_a_query_end_the_walk(ask, rest):
    result = ask(
        "/cursor", {"pages": 2}, paging={"kind": "cursor", "parameter": "token", "next": "/next"}, select="/items"
    )

    assert result.data == {"records": RECORDS[:6]}
    assert len(rest.requests) == 2


def test_an_endless_walk_is_an_error_and_not_half_the_data(ask, rest):
    with pytest.raises(SourceError, match="shop has more than 100 pages"):
        ask("/endless", paging={"kind": "cursor", "parameter": "token", "next": "/next"}, select="/items")
    assert len(rest.requests) == 100


def test_the_next_page_cannot_be_on_another_server(ask):
    with pytest.raises(SourceError, match="the next page of shop is on another server"):
        ask("/astray", paging={"kind": "link", "next": "/next"}, select="/items")


AUTHS = [
    {"kind": "bearer", "env": "SHOP_KEY"},
    {"kind": "header", "name": "X-Api-Key", "env": "SHOP_KEY"},
    {"kind": "query", "name": "key", "env": "SHOP_KEY"},
    {"kind": "basic", "user_env": "SHOP_USER", "env": "SHOP_KEY"},
]


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: auth["kind"])
def test_who_asks_is_said_by_what_the_environment_holds(ask, auth):
    result = ask("/private", environ={"SHOP_KEY": SECRET, "SHOP_USER": "ann"}, auth=auth)

    assert result.data == {"welcome": True}
    assert SECRET not in repr(result)


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: auth["kind"])
def test_a_key_that_is_refused_is_not_in_the_message(ask, auth):
    with pytest.raises(SourceError, match="shop answered 401") as caught:
        ask("/private", environ={"SHOP_KEY": "wrong-key", "SHOP_USER": "ann"}, auth=auth)

    assert "wrong-key" not in str(caught.value)


def test_a_key_is_asked_for_by_name_where_it_is_not_set(ask, rest):
    with pytest.raises(UsageError, match="the environment variable SHOP_KEY is not set"):
        ask("/private", auth=AUTHS[0])
    assert rest.requests == []


def test_a_key_that_comes_back_in_the_next_link_is_kept_out_of_every_address(ask, rest):
    result = ask("/linked", environ={"SHOP_KEY": SECRET}, auth=AUTHS[2], paging={"kind": "link"})

    assert len(result.data["records"]) == 7
    assert [path.count(SECRET) for path in rest.paths] == [1, 1, 1]
    assert SECRET not in result.metadata["url"]


def test_a_key_follows_a_redirect_within_the_server_and_never_to_another(ask, rest):
    environ = {"SHOP_KEY": SECRET}

    assert ask("/moved", environ=environ, auth=AUTHS[0]).data == {"welcome": True}
    with RestServer() as other:
        rest.elsewhere = f"{other.url}/one"
        ask("/away", environ=environ, auth=AUTHS[0])
        assert "authorization" not in other.requests[0][1]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/nothing", 'shop answered 404: {"error": "no /nothing"}'),
        ("/page", "shop answered with a page for people"),
        ("/broken", "/broken:2:5: shop: not valid JSON: Expecting ':' delimiter"),
    ],
)
def test_what_a_service_gets_wrong_is_one_clear_error(ask, path, message):
    with pytest.raises(SourceError) as caught:
        ask(path)

    assert message in str(caught.value)


@pytest.mark.parametrize("path", ["http://elsewhere/", "//elsewhere/", "/a?b=1", "/../admin", "/a b", "/a#b"])
def test_a_path_is_a_path_alone(ask, rest, path):
    with pytest.raises(UsageError, match="is not a path"):
        ask(path)
    assert rest.requests == []


def test_all_faults_of_a_description_are_told_at_once(clock):
    source = create_source(
        "api",
        SourceContext(clock=clock),
        apis={
            "a": {"base_url": "example.org", "select": "items[", "auth": {"kind": "header", "env": "X"}},
            "b": {"base_ulr": "https://example.org", "paging": {"kind": "cursr", "parameter": "p"}},
            "c": {
                "base_url": "https://example.org",
                "paging": {"kind": "cursor"},
                "auth": {"kind": "basic", "env": "X"},
            },
            "d": {"base_url": "https://example.org", "paging": {"kind": "cursr"}},
            "e": [],
        },
    )

    assert [problem.message for problem in source.problems()] == [
        "apis.a.base_url is not a URL",
        'apis.a.select is not a JMESPath: Invalid jmespath expression: Incomplete expression:: "items["',
        "apis.a.auth.name is missing",
        'unknown setting in apis.b "base_ulr"',
        "apis.b.base_url is missing",
        "apis.c.paging.next is missing",
        "apis.c.auth.user_env is missing",
        'unknown value of apis.d.paging.kind "cursr"',
        "apis.e must be a mapping",
    ]


def test_a_service_that_is_described_wrongly_stops_no_other(rest, clock):
    apis = {"shop": {"base_url": rest.url}, "broken": {"base_url": "nowhere"}}
    source = create_source("api", SourceContext(clock), apis=apis)

    assert source.retrieve({"api": "shop", "path": "/one"}).data["price"] == 1.5
    with pytest.raises(UsageError, match=r"apis\.broken\.base_url is not a URL"):
        source.retrieve({"api": "broken", "path": "/one"})
    assert source.health().detail == "apis.broken.base_url is not a URL"


def test_a_login_in_the_address_is_used_and_never_shown(rest, clock):
    settings = {"base_url": rest.url.replace("//", f"//ann:{SECRET}@")}
    source = create_source("api", SourceContext(clock), apis={"shop": settings}, retries=0)
    result = source.retrieve({"api": "shop", "path": "/private"})

    assert result.data == {"welcome": True}
    assert SECRET not in str(result.metadata)
    with pytest.raises(SourceError) as caught:
        source.retrieve({"api": "shop", "path": "/nothing"})
    assert SECRET not in str(caught.value)


def test_an_address_that_is_none_is_told_without_what_it_may_hold(clock):
    apis = {"shop": {"base_url": f"http://ann:{SECRET}/x==@127.0.0.1"}}
    with pytest.raises(UsageError, match=r"base_url is not a URL\n.*percent-encode") as caught:
        create_source("api", SourceContext(clock), apis=apis).retrieve({"api": "shop", "path": "/x"})
    assert SECRET not in str(caught.value)


def test_what_came_from_the_environment_is_masked_and_not_cached(rest, clock, tmp_path):
    keep_secret(SECRET)
    context = SourceContext(clock, cache=tmp_path)
    settings = {"base_url": rest.url, "parameters": {"key": SECRET}, "headers": {"X-Api-Key": SECRET}}
    source = create_source("api", context, apis={"shop": settings}, retries=0)
    result = source.retrieve({"api": "shop", "path": "/tagged"})

    assert result.metadata["url"] == f"{rest.url}/tagged?key=********"
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_records_are_made_by_a_jmespath(ask):
    result = ask("/list", select="/result/items", map="[?id > `5`].{number: id, name: code}")

    assert result.data == {"records": [{"number": 6, "name": "006"}, {"number": 7, "name": "007"}]}
    assert ask("/list", map="{count: length(result.items)}").data == {"count": 7}


def test_a_jmespath_that_is_none_or_does_not_fit_is_told(ask):
    with pytest.raises(UsageError, match=r"apis\.shop\.map is not a JMESPath: .*"):
        ask("/list", map="items[")
    with pytest.raises(SourceError, match="shop: map does not fit the answer: "):
        ask("/one", map="length(price)")


def test_a_graphql_query_is_posted_with_the_other_fields_as_variables(ask, rest):
    query = "query ($id: Int) { trials(id: $id) { id day } }"
    result = ask("/graphql", {"graphql": query, "id": 7}, select="/trials")

    assert result.data == {"records": [{"id": 7, "day": "2025-02-28"}]}
    assert rest.requests[-1] == ("/graphql", {"query": query, "variables": {"id": 7}})
    assert (result.metadata["as_of"], result.metadata["url"]) == ("2025-02-28", f"{rest.url}/graphql")


def test_an_error_in_a_graphql_answer_is_an_error(ask):
    with pytest.raises(SourceError, match="shop: no field fail\n  check the GraphQL query"):
        ask("/graphql", {"graphql": "{ fail }"})


@pytest.mark.parametrize(
    ("body", "settings", "as_of"),
    [
        ({"rows": [{"date": "2025-01-31"}, {"date": "2025-02-28", "v": 1}]}, {}, "2025-02-28"),
        ({"rows": [{"updatedAt": "2025-02-01T10:00:00Z"}, {"forecast_date": "2026-01-01"}]}, {}, "2025-02-01"),
        (
            {"meta": {"valid": "2025-02-14T00:00:00"}, "rows": [{"date": "2025-02-28"}]},
            {"as_of": "/meta/valid"},
            "2025-02-14",
        ),
        ({"rows": [{"v": 1}]}, {}, "2024-12-30"),
        ({"rows": [{"name": "2025-02-28", "date": "soon"}]}, {}, "2024-12-30"),
    ],
)
def test_an_answer_is_dated_by_what_it_says_itself(ask, rest, body, settings, as_of):
    rest.body = body

    assert ask("/given", **settings).metadata["as_of"] == as_of


def test_an_answer_that_names_no_day_has_none(ask):
    assert "as_of" not in ask("/one").metadata


def test_the_key_is_made_of_service_path_and_parameters(clock):
    source = create_source("api", SourceContext(clock=clock), apis={"shop": {"base_url": "https://shop.example"}})

    assert source.key({"api": "shop", "path": "/tea", "size": "m"}) == "api:shop:/tea:size=m"


@pytest.mark.parametrize(
    ("key", "health"), [(SECRET, (True, "reaches shop")), ("wrong-key", (False, "shop answered 401"))]
)
def test_health_says_whether_a_key_is_taken(rest, clock, key, health):
    apis = {"shop": {"base_url": f"{rest.url}/private", "auth": {"kind": "bearer", "env": "SHOP_KEY"}}}
    answer = create_source("api", SourceContext(clock, environ={"SHOP_KEY": key}), apis=apis).health()

    assert (answer.ok, answer.detail.partition(":")[0]) == health


def test_without_a_service_the_source_is_not_healthy(clock):
    health = create_source("api", SourceContext(clock=clock)).health()

    assert (health.ok, health.detail) == (False, "no service is described under data_retriever.sources.api.apis")


@pytest.mark.parametrize(("pointer", "found"), [("", {"a/b": [{"~": 1}]}), ("/a~1b/0/~0", 1), ("/a~1b", [{"~": 1}])])
def test_a_pointer_is_followed(pointer, found):
    assert resolve({"a/b": [{"~": 1}]}, pointer) == found


@pytest.mark.parametrize("pointer", ["/x", "/a~1b/1", "/a~1b/-1", "/a~1b/00", "/a~1b/٠", "/a~1b/0/~0/x"])
def test_a_pointer_that_leads_nowhere_is_told(pointer):
    with pytest.raises(NotThere, match=f"nothing at {pointer}: there "):
        resolve({"a/b": [{"~": 1}]}, pointer)


@pytest.mark.parametrize("piece", ["<", "<a>;", "<a>; rel=", '<a>; rel="', "<a>; rel=nex "])
def test_a_header_of_links_is_read_in_linear_time(piece):
    response = Response(200, {"link": piece * 50_000}, b"", "https://example.com")
    started = time.process_time()

    assert api_paging._link(response) is None
    assert time.process_time() - started < 2
