"""The desk answers as its OpenAPI document says, whatever it is asked, and never with a fault (schemathesis)."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.transport.asgi import ASGI_TRANSPORT

from agent_desk.app import build
from agent_desk.door import COOKIE
from agent_desk.live import Feed
from hotline.db import Database

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_NOWHERE = Database("sqlite://")
DOCUMENT = build(_NOWHERE, Feed(_NOWHERE, ""), Path()).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.config.seed = 12345
THERE = {"call_id": "20261122-151805-0abcd", "name": "target", "field": "title"}
"""What is really there, for the parameters of a path: what is made up is nearly never."""


@pytest.fixture(scope="module")
def fuzzed_desk(shared_desk):
    shared_desk.add_account("target")
    return shared_desk


def send(desk, case, **headers: str):
    """As an administrator who logs in anew for each request: one of the requests is to log out."""
    browser = desk.browser()
    return ASGI_TRANSPORT.send(
        case, app=desk.app, cookies={COOKIE: browser.token}, headers={"X-CSRF-Token": browser.csrf, **headers}
    )


@SCHEMA.parametrize()
@settings(
    max_examples=15, derandomize=True, database=None, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
def test_every_answer_is_one_the_document_speaks_of(fuzzed_desk, case):
    case.validate_response(send(fuzzed_desk, case), checks=[*CHECKS, negative_data_rejection])
    known = {key: THERE[key] for key in case.path_parameters or {} if key in THERE}
    if known:
        case.path_parameters = {**case.path_parameters, **known}
        case.validate_response(send(fuzzed_desk, case), checks=CHECKS)


def test_the_document_is_what_the_desk_gives_out(shared_desk):
    assert shared_desk.stranger().get("/api/openapi.json").json() == DOCUMENT


def test_every_answer_that_is_no_success_is_a_problem_in_the_document():
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and (path, status) not in {
                    ("/api/calls/{call_id}/recording", "400"),
                    ("/api/calls/{call_id}/recording", "416"),
                }:
                    assert set(answer["content"]) == {"application/problem+json"}, (method, path, status)


def test_what_comes_over_the_websocket_is_in_the_document_too():
    schemas = DOCUMENT["components"]["schemas"]
    kinds = {"LiveRecord", "LiveWords", "LiveTick", "LiveReady", "LiveReset"}
    assert kinds <= set(schemas)
    assert {one["$ref"].rsplit("/", 1)[1] for one in schemas["LiveMessage"]["oneOf"]} == kinds


def test_each_operation_has_a_name_of_its_own():
    names = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names)) == 18
