"""Services by description alone: named resources, ways of paging, POST, GraphQL, XML, and walks that do not end."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from trainer.core.errors import SourceError, UsageError
from trainer.sources import SourceContext, create_source

ROWS = [{"id": f"r{number}", "amount": number * 1.5} for number in range(1, 8)]
Answer = tuple[bytes | object, dict[str, str]]


class Service:
    """Answers by a function of path and parameters; used as a context manager."""

    def __init__(self, answer: Callable[[str, dict], Answer]) -> None:
        self.asked: list[tuple[str, dict]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                self.reply(url.path, {name: values[0] for name, values in parse_qs(url.query).items()})

            def do_POST(self) -> None:
                self.reply(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def reply(self, path: str, parameters: dict) -> None:
                service.asked.append((path, parameters))
                body, headers = answer(path, parameters)
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(200)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def __enter__(self) -> Service:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def ask(clock):
    def ask(answer, query: dict, **settings):
        with Service(answer) as service:
            apis = {"shop": {"base_url": service.url, "per_second": 1000, **settings}}
            source = create_source("api", SourceContext(clock), apis=apis, retries=0)
            try:
                return source.retrieve({"api": "shop", **query}), service.asked
            except SourceError as error:
                error.asked = service.asked
                raise

    return ask


def stripe(_: str, parameters: dict) -> Answer:
    """Pages by the last identifier, and a word on whether there are more."""
    ids = [row["id"] for row in ROWS]
    first = ids.index(parameters["starting_after"]) + 1 if "starting_after" in parameters else 0
    return {"data": ROWS[first : first + 3], "has_more": first + 3 < len(ROWS)}, {}


def counted(_: str, parameters: dict) -> Answer:
    page = int(parameters.get("page", 1))
    return {"items": ROWS[(page - 1) * 3 : page * 3], "pages": 3}, {}


def by_header(_: str, parameters: dict) -> Answer:
    first = int(parameters.get("cursor", 0))
    return ROWS[first : first + 3], {"X-Next": str(first + 3)} if first + 3 < len(ROWS) else {}


def in_body(_: str, parameters: dict) -> Answer:
    first = parameters["offset"]
    return {"hits": ROWS[first : first + parameters["limit"]], "total": len(ROWS)}, {}


def graphql(_: str, body: dict) -> Answer:
    first = int(body["variables"].get("after") or 0)
    following = {"hasNextPage": first + 3 < len(ROWS), "endCursor": str(first + 3)}
    return {"data": {"deals": {"nodes": ROWS[first : first + 3], "pageInfo": following}}}, {}


def linked(path: str, parameters: dict) -> Answer:
    first = int(parameters.get("from", 0))
    links = f'<{path}?from=0>; rel="first", <{path}?from={first + 3}>; title="a"; rel=next'
    return ROWS[first : first + 3], {"Link": links if first + 3 < len(ROWS) else f'<{path}?from=0>; rel="first"'}


def in_envelope(path: str, parameters: dict) -> Answer:
    first = int(parameters.get("from", 0))
    return {"d": {"results": ROWS[first : first + 3]}, "odata.nextLink": f"{path[1:]}?from={first + 3}"} if (
        first + 3 < len(ROWS)
    ) else {"d": {"results": ROWS[first:]}}, {}


WALKS = {
    "the last identifier": (
        stripe,
        {"select": "/data", "paging": {"kind": "cursor", "parameter": "starting_after", "next": "data[-1].id"}},
        {"more": "/has_more"},
    ),
    "a number of pages": (counted, {"select": "/items", "paging": {"kind": "page"}}, {"total": "/pages"}),
    "a header": (by_header, {"paging": {"kind": "cursor", "parameter": "cursor", "next_header": "X-Next"}}, {}),
    "an offset in the body": (
        in_body,
        {
            "method": "POST",
            "select": "/hits",
            "paging": {"kind": "offset", "parameter": "offset", "size": 3, "size_parameter": "limit"},
        },
        {"total": "/total"},
    ),
    "a GraphQL connection": (
        graphql,
        {
            "select": "/deals/nodes",
            "paging": {"kind": "cursor", "parameter": "after", "next": "/deals/pageInfo/endCursor"},
        },
        {"more": "/deals/pageInfo/hasNextPage"},
    ),
    "one of several links": (linked, {"paging": {"kind": "link"}}, {}),
    "a link in the body": (
        in_envelope,
        {"select": "d.results", "paging": {"kind": "link"}},
        {"next": '"odata.nextLink"'},
    ),
}


@pytest.mark.parametrize("name", WALKS)
def test_all_pages_are_walked_and_none_twice(ask, name):
    answer, settings, paging = WALKS[name]
    query = {"path": "/rows"} if answer is not graphql else {"path": "/q", "graphql": "query($after: String) {deals}"}
    result, asked = ask(answer, query, **{**settings, "paging": {**settings["paging"], **paging}})

    assert result.data == {"records": ROWS}
    assert len(asked) == 3


@pytest.mark.parametrize("last", [{}, {"items": None}, {"items": []}])
def test_a_last_page_may_leave_out_its_empty_list(ask, last):
    answer = lambda _, given: ({"items": [{"id": given["page"]}]} if int(given["page"]) < 3 else last, {})  # noqa: E731

    assert ask(answer, {"path": "/x", "select": "/items"}, paging={"kind": "page"})[0].data["records"] == [
        {"id": "1"},
        {"id": "2"},
    ]


def test_pages_that_come_round_again_are_an_error(ask):
    turns = iter(["b", "a", "b", "a"])
    answer = lambda *_: ({"items": [{"id": 1}], "next": next(turns)}, {})  # noqa: E731

    with pytest.raises(SourceError, match="the pages of shop go round in circles") as caught:
        ask(answer, {"path": "/x", "select": "/items"}, paging={"kind": "cursor", "parameter": "c", "next": "/next"})
    assert len(caught.value.asked) == 3


def test_a_service_that_does_not_know_the_parameter_of_pages_is_an_error(ask):
    with pytest.raises(SourceError, match="shop sends the same page again and again") as caught:
        ask(lambda *_: (ROWS, {}), {"path": "/x"}, paging={"kind": "page", "parameter": "p"})
    assert len(caught.value.asked) == 2


def test_a_walk_may_be_allowed_more_pages_or_fewer(ask):
    answer = lambda _, given: ([{"page": given["page"]}] if int(given["page"]) <= 120 else [], {})  # noqa: E731

    assert len(ask(answer, {"path": "/x"}, paging={"kind": "page"}, max_pages=130)[0].data["records"]) == 120
    with pytest.raises(SourceError, match=r"shop has more than 5 pages\n  .*max_pages"):
        ask(answer, {"path": "/x"}, paging={"kind": "page"}, max_pages=5)


RESOURCES = {
    "orders": {
        "path": "/customers/{customer}/orders",
        "parameters": {"status": "paid"},
        "select": "/orders",
        "fields": {"records.total": {"title": "Total", "unit": "EUR"}},
        "subject": "Orders",
    },
    "deals": {"graphql": "query($stage: String) { deals }", "path": "/graphql", "select": "/deals"},
}


def test_a_resource_has_a_name_a_path_to_fill_in_and_settings_of_its_own(ask):
    answer = lambda *_: ({"orders": [{"total": 3.5}]}, {})  # noqa: E731
    query = {"resource": "orders", "customer": "a/b", "year": 2024}
    result, asked = ask(answer, query, resources=RESOURCES, select="/nothing")

    assert asked == [("/customers/a%2Fb/orders", {"status": "paid", "year": "2024"})]
    assert result.data == {"records": [{"total": 3.5}]}
    assert result.metadata["subject"] == "Orders"
    assert result.metadata["fields"] == {"records.total": {"title": "Total", "unit": "EUR"}}


def test_a_resource_may_be_a_graphql_query(ask):
    result, asked = ask(
        lambda *_: ({"data": {"deals": [1]}}, {}), {"resource": "deals", "stage": "won"}, resources=RESOURCES
    )

    assert asked == [("/graphql", {"query": RESOURCES["deals"]["graphql"], "variables": {"stage": "won"}})]
    assert result.data == {"records": [1]}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"resource": "order"}, 'unknown resource of shop "order"\n  did you mean "orders"'),
        ({"resource": "orders"}, 'the query field "customer" of the resource orders is missing'),
        ({}, 'the query field "path" of source api is missing\n  or a resource: deals, orders'),
        ({"resource": "orders", "path": "/x", "customer": "1"}, "a query has a path or a resource, not both"),
        ({"path": "/x", "select": "a["}, '"select" is not a JMESPath'),
    ],
)
def test_what_a_query_gets_wrong_is_told_before_anything_is_sent(ask, query, message):
    with pytest.raises(UsageError, match=message.replace("[", r"\[")):
        ask(lambda *_: ({}, {}), query, resources=RESOURCES)


def test_the_key_names_the_resource(clock):
    apis = {"shop": {"base_url": "https://x.example", "resources": RESOURCES}}
    source = create_source("api", SourceContext(clock), apis=apis)

    assert source.key({"api": "shop", "resource": "orders", "customer": 7}) == "api:shop:orders:customer=7"
    assert "shop (deals, orders)" in source.get_schema().description


RATES = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01">
  <gesmes:subject>Reference rates</gesmes:subject>
  <Cube><Cube time="2025-02-28">
    <Cube currency="USD" rate="1.0411"/><Cube currency="JPY" rate="157.07"/><Cube currency="TRY" rate="38"/>
  </Cube></Cube>
</gesmes:Envelope>"""


@pytest.mark.parametrize("kind", ["application/xml", "text/xml; charset=utf-8", "application/atom+xml"])
def test_xml_is_read_by_names_with_one_type_a_path(ask, kind):
    settings = {"select": "/Envelope/Cube/Cube/Cube", "as_of": '"Envelope".Cube.Cube."@time"'}
    result, _ = ask(lambda *_: (RATES, {"Content-Type": kind}), {"path": "/rates"}, **settings)

    assert result.data["records"] == [
        {"@currency": "USD", "@rate": 1.0411},
        {"@currency": "JPY", "@rate": 157.07},
        {"@currency": "TRY", "@rate": 38},
    ]
    assert result.metadata["as_of"] == "2025-02-28"


@pytest.mark.parametrize(
    ("body", "records"),
    [
        (b"<feed><title>x</title><entry><n>1</n></entry></feed>", [{"n": 1}]),
        (b"<feed><title>x</title></feed>", []),
        (b"<feed><entry><n>1</n></entry><entry><n>2</n></entry></feed>", [{"n": 1}, {"n": 2}]),
    ],
)
def test_what_is_selected_of_xml_is_a_list_however_long(ask, body, records):
    xml = {"Content-Type": "application/xml"}

    assert ask(lambda *_: (body, xml), {"path": "/x"}, select="/feed/entry")[0].data == {"records": records}


def test_the_settings_say_how_an_answer_is_read_where_its_type_does_not(ask):
    plain = {"Content-Type": "text/plain"}

    assert ask(lambda *_: (b"id;n\n1;007\n", plain), {"path": "/x"}, format="csv")[0].data == {
        "records": [{"id": 1, "n": "007"}]
    }
    assert ask(lambda *_: (b"<a><b>1</b></a>", plain), {"path": "/x"}, format="xml")[0].data == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<a><b></a>", "shop: not valid XML"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "with entities of its own"),
        (b'<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><a>&c;</a>', "with entities of its own"),
        (b"<a>" * 5000, "shop: not valid XML"),
        (b"", "shop: empty"),
    ],
)
def test_xml_that_is_none_or_follows_entities_is_one_clear_error(ask, body, message):
    with pytest.raises(SourceError, match=message):
        ask(lambda *_: (body, {"Content-Type": "application/xml"}), {"path": "/x"})


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"kind": "header", "name": "Authorization", "prefix": "Token", "env": "SHOP_KEY"}, "Token s3cret-key"),
        (
            {"kind": "header", "name": "Authorization", "prefix": "Token token=", "env": "SHOP_KEY"},
            "Token token=s3cret-key",
        ),
        ({"kind": "basic", "user_env": "SHOP_KEY"}, "Basic czNjcmV0LWtleTo="),
    ],
)
def test_a_key_may_have_a_word_before_it_or_be_a_user_without_a_password(clock, auth, header):
    seen = []
    with Service(lambda *_: ({}, {})) as service:
        handler = service.server.RequestHandlerClass
        reply = handler.reply
        handler.reply = lambda self, *given: (seen.append(self.headers["Authorization"]), reply(self, *given))
        apis = {"shop": {"base_url": service.url, "auth": auth}}
        context = SourceContext(clock, environ={"SHOP_KEY": "s3cret-key"})
        create_source("api", context, apis=apis).retrieve({"api": "shop", "path": "/x"})

    assert seen == [header]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"per_second": "fast"}, "apis.shop.per_second must be a number, not 'fast'"),
        ({"max_pages": 1.5}, "apis.shop.max_pages must be a whole number, not '1.5'"),
        ({"headers": "X: 1"}, "apis.shop.headers must be a mapping, not 'X: 1'"),
        ({"select": 3}, "apis.shop.select must be text, not '3'"),
        ({"format": "xlm"}, 'unknown value of apis.shop.format "xlm"'),
        ({"method": "PUT"}, 'unknown value of apis.shop.method "PUT"'),
        ({"resources": {"a": {}}}, "apis.shop.resources.a.path is missing"),
        ({"resources": {"a": {"pth": "/a"}}}, 'unknown setting in apis.shop.resources.a "pth"'),
        ({"resources": []}, "apis.shop.resources must be a mapping, not '[]'"),
    ],
)
def test_what_is_wrong_with_a_description_is_told(clock, settings, message):
    apis = {"shop": {"base_url": "https://x.example", **settings}}

    assert message in [problem.message for problem in create_source("api", SourceContext(clock), apis=apis).problems()]


REPOSITORIES = {"acme": ["core", "site"], "none": []}


def forge(path: str, parameters: dict) -> Answer:
    """Repositories of an owner, and the issues of each, two pages for `core`."""
    _, first, *rest = path.split("/")
    if first == "owners":
        return [{"name": name, "stars": 5} for name in REPOSITORIES[rest[0]]] * 2, {}
    if path.endswith("/comments"):
        return [{"text": f"on {path}"}], {}
    if path.endswith("/owner"):
        return {"login": "acme"}, {}
    page = int(parameters.get("page", 1))
    return (
        ([{"title": f"{rest[0]} {page}", "state": parameters.get("state"), "day": "2025-01-0" + str(page)}], {})
        if (page < 3 and rest[0] == "core")
        else ([], {})
    )


FORGE = {
    "repos": {"path": "/owners/{owner}/repos"},
    "issues": {
        "path": "/repos/{repo}/issues",
        "paging": {"kind": "page", "size": 1},
        "parent": {"resource": "repos", "fields": {"repo": "name"}},
        "fields": {"records.title": {"title": "Title"}},
    },
    "comments": {
        "path": "/repos/{repo}/{title}/comments",
        "parent": {"resource": "issues", "fields": {"repo": "/repo", "title": "title"}},
    },
    "owner": {"path": "/repos/{repo}/owner", "parent": {"resource": "repos", "fields": {"repo": "name"}}},
}


def test_each_record_of_a_parent_is_asked_for_once_and_its_name_stands_in_the_answer(ask):
    result, asked = ask(forge, {"resource": "issues", "owner": "acme", "state": "open"}, resources=FORGE)

    assert result.data["records"] == [
        {"repo": "core", "title": "core 1", "state": "open", "day": "2025-01-01"},
        {"repo": "core", "title": "core 2", "state": "open", "day": "2025-01-02"},
    ]
    assert [path for path, _ in asked] == ["/owners/acme/repos", *["/repos/core/issues"] * 3, "/repos/site/issues"]
    assert asked[0][1] == {}
    assert (result.metadata["requests"], result.metadata["as_of"]) == (2, "2025-01-02")
    assert result.metadata["fields"] == {"records.title": {"title": "Title"}}


def test_parents_have_parents_and_answers_that_are_no_lists(ask):
    result, _ = ask(forge, {"resource": "comments", "owner": "acme"}, resources=FORGE)
    assert [row["text"] for row in result.data["records"]] == [
        f"on /repos/core/core%20{page}/comments" for page in (1, 2)
    ]
    result, _ = ask(forge, {"resource": "owner", "owner": "acme"}, resources=FORGE)
    assert result.data["records"] == [{"repo": "core", "login": "acme"}, {"repo": "site", "login": "acme"}]


def test_a_query_that_names_the_record_itself_asks_no_parent(ask):
    result, asked = ask(forge, {"resource": "issues", "repo": "core", "pages": 1}, resources=FORGE)

    assert [path for path, _ in asked] == ["/repos/core/issues"]
    assert "repo" not in result.data["records"][0]


def test_a_parent_without_records_gives_none(ask):
    assert ask(forge, {"resource": "issues", "owner": "none"}, resources=FORGE)[0].data == {"records": []}


def test_more_parents_than_are_allowed_and_records_without_the_value_are_errors(ask):
    few = {**FORGE, "issues": {**FORGE["issues"], "parent": {**FORGE["issues"]["parent"], "most": 1}}}
    with pytest.raises(SourceError, match="repos gives 2 records to ask for, more than 1") as caught:
        ask(forge, {"resource": "issues", "owner": "acme"}, resources=few)
    assert len(caught.value.asked) == 1
    wrong = {**FORGE, "issues": {**FORGE["issues"], "parent": {"resource": "repos", "fields": {"repo": "slug"}}}}
    with pytest.raises(SourceError, match="record 1 of repos has no value at slug, which repo is filled from"):
        ask(forge, {"resource": "issues", "owner": "acme"}, resources=wrong)


def test_what_the_parents_path_needs_is_asked_for(ask):
    with pytest.raises(UsageError, match='the query field "owner" of the resource issues is missing'):
        ask(forge, {"resource": "issues"}, resources=FORGE)


@pytest.mark.parametrize(
    ("parent", "message"),
    [
        (
            {"resource": "repo", "fields": {"repo": "name"}},
            'unknown resource in .*parent "repo"\n  did you mean "repos"',
        ),
        ({"resource": "repos"}, "parent.fields is missing"),
        ({"fields": {"repo": "name"}}, "parent.resource is missing"),
        (
            {"resource": "comments", "fields": {"repo": "a"}},
            "parent goes round in circles: issues of comments of issues",
        ),
        ({"resource": "repos", "fields": {"repo": "a["}}, "parent.fields.repo is"),
        ({"resource": "repos", "fields": {"repo": "name"}, "most": "many"}, "parent.most must be a whole number"),
    ],
)
def test_a_parent_that_is_none_is_told(ask, parent, message):
    with pytest.raises(UsageError, match=message):
        ask(
            forge,
            {"resource": "repos", "owner": "a"},
            resources={**FORGE, "issues": {"path": "/{repo}", "parent": parent}},
        )
