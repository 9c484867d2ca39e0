"""Douyin's open platform over HTTP: authentication, signatures, faults and the methods."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aftersales.platforms.douyin.signing import verify
from aftersales.sandbox.douyin import codes, methods, order_methods
from aftersales.sandbox.douyin.backend import Sandbox
from aftersales.sandbox.douyin.codes import CallRefused, RefusalCode, envelope, refusal
from aftersales.sandbox.douyin.faults import Fault, linger
from aftersales.sandbox.signed_requests import instant
from cases.errors import CaseError

_TOLERANCE: Final = 600
"""How far a request's timestamp may be off, in seconds."""
_MILLISECONDS: Final = 10**11
"""Timestamps from this value on are in milliseconds."""

Method = Callable[[Sandbox, str, dict[str, Any]], dict[str, Any]]

_TOKEN_METHODS: Final[Mapping[str, Method]] = {
    "token.create": methods.create_token,
    "token.refresh": methods.refresh_token,
}
"""Called for an application, without an access token."""
_SHOP_METHODS: Final[Mapping[str, Method]] = {
    "afterSale.Detail": methods.detail,
    "afterSale.List": methods.list_,
    "afterSale.operate": methods.operate,
    "afterSale.fillLogistics": methods.fill_logistics,
    "afterSale.submitEvidence": methods.submit_evidence,
    "afterSale.rejectReasonCodeList": methods.reject_reasons,
    "afterSale.applyLogisticsIntercept": methods.intercept,
    "order.orderDetail": order_methods.detail,
    "logistics.trackNoRouteDetail": order_methods.track,
}
"""Called for the shop of the access token."""


def routes(sandbox: Sandbox) -> list[Route]:
    """Return the routes below the platform's base address."""

    async def endpoint(request: Request) -> Response:
        body = (await request.body()).decode("utf-8", "replace")
        method = ".".join(part for part in request.path_params["path"].split("/") if part)
        fault = sandbox.faults.draw(method)
        if fault:
            return await _faulty(sandbox, request, fault, method, body)
        return JSONResponse(answer(sandbox, request.query_params, method, body))

    return [Route("/{path:path}", endpoint, methods=["POST"])]


def answer(sandbox: Sandbox, query: Mapping[str, str], method: str, body: str) -> dict[str, Any]:
    """Answer a call, right or wrong, with a whole envelope."""
    try:
        app_key, params = _admitted(sandbox, query, method, body)
        if method in _TOKEN_METHODS:
            return envelope(_TOKEN_METHODS[method](sandbox, app_key, params))
        shop_id = _shop(sandbox, app_key, query.get("access_token", ""))
        return envelope(_SHOP_METHODS[method](sandbox, shop_id, params))
    except CallRefused as refused:
        return refusal(refused.code)
    except CaseError as refused:
        return refusal(codes.BUSINESS._replace(sub_msg=str(refused)))


def _admitted(sandbox: Sandbox, query: Mapping[str, str], method: str, body: str) -> tuple[str, dict[str, Any]]:
    app_key = query.get("app_key", "")
    secret = sandbox.secret_of("douyin", app_key)
    if secret is None:
        raise CallRefused(codes.APP_MISSING)
    if query.get("method") != method or not verify(secret, query, body):
        raise CallRefused(codes.SIGNATURE_WRONG)
    if abs(_stamp(query.get("timestamp", "")) - sandbox.clock.real()) > _TOLERANCE:
        raise CallRefused(codes.TIMESTAMP_WRONG)
    if method not in _TOKEN_METHODS and method not in _SHOP_METHODS:
        raise CallRefused(codes.METHOD_UNKNOWN)
    try:
        params = json.loads(body)
    except (ValueError, RecursionError):
        raise CallRefused(codes.BODY_WRONG) from None
    if not isinstance(params, dict):
        raise CallRefused(codes.BODY_WRONG)
    return app_key, params


def _stamp(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        try:
            return int(instant(text).timestamp())
        except ValueError:
            raise CallRefused(codes.TIMESTAMP_WRONG) from None
    stamp = int(text[:20])
    return stamp // 1000 if stamp >= _MILLISECONDS else stamp


def _shop(sandbox: Sandbox, app_key: str, token: str) -> str:
    if not token:
        raise CallRefused(codes.TOKEN_MISSING)
    grant = sandbox.grants.by_access(token)
    if grant is None:
        raise CallRefused(codes.TOKEN_UNKNOWN)
    if grant.app_key != app_key:
        raise CallRefused(codes.TOKEN_OF_ANOTHER_APP)
    if grant.access_until <= sandbox.now():
        raise CallRefused(codes.TOKEN_EXPIRED)
    return grant.shop_id


async def _faulty(sandbox: Sandbox, request: Request, fault: Fault, method: str, body: str) -> Response:
    if fault.kind == "refuse":
        return JSONResponse(refusal(RefusalCode(fault.code, fault.sub_code, "业务处理失败", fault.text)))
    if fault.kind == "expired_token":
        grant = sandbox.grants.by_access(request.query_params.get("access_token", ""))
        if grant:
            sandbox.expire_tokens(grant.shop_id)
    if fault.kind == "http_500":
        if fault.performed:
            answer(sandbox, request.query_params, method, body)
        return PlainTextResponse("Internal Server Error", 500)
    if fault.kind == "timeout" and not fault.performed:
        await linger(request, fault.seconds)
        return PlainTextResponse("Gateway Timeout", 504)
    result = answer(sandbox, request.query_params, method, body)
    if fault.kind in ("timeout", "slow"):
        await linger(request, fault.seconds)
    return JSONResponse(result)
