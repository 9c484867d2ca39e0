"""Douyin's methods that issue access tokens."""

from typing import Any

from aftersales.platforms.douyin.session import DouyinAccess
from aftersales.sandbox import params
from aftersales.sandbox.oauth_grants import Grant
from aftersales.sandbox.refusals import (
    CODE_WRONG,
    GRANT_WRONG,
    NOT_AUTHORIZED,
    REFRESH_EXPIRED,
    REFRESH_UNKNOWN,
    WireRefused,
)
from aftersales.sandbox.sandbox import Sandbox
from cases.errors import BadForm

Answer = dict[str, Any]


def create(sandbox: Sandbox, app_key: str, given: Answer) -> Answer:
    """``token.create``: for a shop of our own, or for the code that a shop gave (which counts once)."""
    asked = params.take(params.TokenCreate, given)
    if asked.grant_type == "authorization_self":
        shop_id = _own_shop(sandbox, app_key, asked.shop_id)
    elif asked.grant_type == "authorization_code":
        shop_id = _shop_of_code(sandbox, app_key, asked.code)
    else:
        raise WireRefused(GRANT_WRONG)
    return _issued(sandbox, app_key, shop_id)


def refresh(sandbox: Sandbox, app_key: str, given: Answer) -> Answer:
    """``token.refresh``."""
    asked = params.take(params.TokenRefresh, given)
    if asked.grant_type != "refresh_token":
        raise WireRefused(GRANT_WRONG)
    found = sandbox.grants.by_refresh(asked.refresh_token)
    if found is None or found.app_key != app_key:
        raise WireRefused(REFRESH_UNKNOWN)
    if found.refresh_until <= sandbox.now():
        raise WireRefused(REFRESH_EXPIRED)
    return _issued(sandbox, app_key, found.shop_id)


def _own_shop(sandbox: Sandbox, app_key: str, shop_id: str) -> str:
    try:
        if sandbox.app_key(shop_id) == app_key:
            return shop_id
    except BadForm:
        pass
    raise WireRefused(NOT_AUTHORIZED)


def _shop_of_code(sandbox: Sandbox, app_key: str, code: str) -> str:
    for shop in sandbox.apps.block(DouyinAccess).shops:
        known = shop.authorization_code.get_secret_value() if shop.authorization_code else None
        if shop.app_key == app_key and known == code and code not in sandbox.used_codes:
            sandbox.used_codes.add(code)
            return shop.shop_id
    raise WireRefused(CODE_WRONG)


def _issued(sandbox: Sandbox, app_key: str, shop_id: str) -> Answer:
    with sandbox.lock:
        now = sandbox.now()
        grant: Grant = sandbox.grants.issue(app_key, shop_id, now)
        sandbox.save()
    return {
        "access_token": grant.access_token,
        "expires_in": grant.access_until - now,
        "refresh_token": grant.refresh_token,
        "shop_id": int(shop_id) if shop_id.isdecimal() else shop_id,
        "shop_name": f"沙箱店铺 {shop_id}",
        "scope": "SCOPE",
    }
