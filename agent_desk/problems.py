"""What a request that cannot be served is told: RFC 9457 problem details, in words a person at a desk can use."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One field of a request that does not fit."""

    field: str
    message: str


class ProblemView(BaseModel):
    """The body of every answer that is not a success (RFC 9457)."""

    type: str = Field(description="A short word that programs can rely on: `about:blank`, or one of the desk's own.")
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldProblem] | None = None


class Problem(Exception):
    """Raised anywhere in a request; `type` is for programs, `detail` (Chinese) for the person."""

    def __init__(self, status: int, type: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.type, self.detail, self.headers = status, type, detail, headers


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's OpenAPI: it may answer with these problems."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemView"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def answer(
    status: int,
    type: str = "about:blank",
    detail: str | None = None,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    view = ProblemView(type=type, title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    return JSONResponse(view.model_dump(exclude_none=True), status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Every error of `app` becomes a problem."""

    @app.exception_handler(Problem)
    async def ours(_request: Request, problem: Problem) -> JSONResponse:
        return answer(problem.status, problem.type, problem.detail, headers=problem.headers)

    @app.exception_handler(HTTPException)
    async def frameworks(_request: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def unfit(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            FieldProblem(field=".".join(str(part) for part in one["loc"]), message=str(one["msg"]))
            for one in error.errors()
        ]
        return answer(422, "invalid", "请求的内容不符合要求", errors)

    @app.exception_handler(DBAPIError)
    async def database_away(_request: Request, error: DBAPIError) -> JSONResponse:
        log.error("database does not take it", error=str(error.orig))
        return answer(
            503, "database-away", "数据库暂时不可用，请稍后再试；通话和录音不受影响", headers={"Retry-After": "5"}
        )


def fault(error: Exception, path: str) -> JSONResponse:
    """The answer when we are at fault. The log says where, not what the error says: that may be somebody's words."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    log.error("request failed", path=path, error=type(error).__name__, file=at.filename, line=at.lineno)
    return answer(500, "fault", "服务出现故障，已记入日志")
