"""Signed calls of Douyin's open platform; a shop's access token is obtained and renewed on the way."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import SecretStr

from aftersales.monitoring.platform_calls import platform_call
from aftersales.platforms.access import Access, Shop
from aftersales.platforms.douyin import signing
from aftersales.platforms.tokens import Token, TokenStore
from aftersales.platforms.wording import platform_words, sendable_text
from aftersales.runtime.clock_skew import clock_measured
from aftersales.runtime.http.http_client import Transport
from aftersales.runtime.secret_files import Address, Secret
from cases.errors import ClockWrong, PlatformRefused, PlatformUnreachable

PLATFORM = "douyin"
SUCCESS = 10000
BUSY_CODES = frozenset({20000, 20001, 60000})
"""Codes of a service that is down, too slow, or called too often: a retry helps.  From third-party code only."""
REFUSED_AS_BUSY = frozenset({("afterSale.operate", "isp.service-error:10000")})
"""Methods, and the sub-codes with which they refuse for good although the code is one of BUSY_CODES."""
TOKEN_OVER = frozenset({"isv.access-token-expired", "isv.access-token-no-existed", "isv.access-token-invalid"})
"""Codes of an access token that is not, or no longer, accepted.  From third-party code only."""
CLOCK_WRONG = frozenset({"isv.timestamp-invalid"})
"""Codes of a timestamp that is not the platform's.  From third-party code only."""
JSON = {"content-type": "application/json;charset=UTF-8"}
HIDDEN = "***"


class DouyinShop(Shop):
    """A shop that authorises our application itself, or by a code that it gave once."""

    authorization_code: Secret | None = None


class DouyinCredentials(DouyinShop):
    """Everything needed to obtain a shop's token and to sign calls for it."""

    app_secret: Secret


class DouyinAccess(Access[DouyinShop]):
    """Douyin's block in the secrets file."""

    address: Address = "https://openapi-fxg.jinritemai.com"

    def shop(self, shop_id: str) -> DouyinCredentials:
        """Return a shop's credentials; raises BadForm if there are none."""
        shop = self._shop(shop_id)
        return DouyinCredentials(**dict(shop), app_secret=self.app(shop.app_key).app_secret)


class Answer(NamedTuple):
    """The platform's answer to a method: codes, text and data."""

    method: str
    code: int
    sub_code: str
    text: str
    data: dict[str, Any]
    log_id: str = ""

    @property
    def words(self) -> str:
        """The platform's own words, and its number of the call, by which it can be asked about."""
        return " ".join(part for part in (self.text, f"(log_id {self.log_id})" if self.log_id else "") if part)

    def content(self) -> dict[str, Any]:
        """Return the data; raises PlatformRefused with codes and text if the platform refused."""
        if self.code != SUCCESS:
            codes = f"code {self.code}, sub_code {self.sub_code or '-'}"
            codes += f", log_id {self.log_id}" if self.log_id else ""
            raise PlatformRefused(f"抖店拒绝 / Douyin refused {self.method}: {self.text} ({codes})")
        return self.data


class DouyinSession:
    """Calls for any of our shops, over one transport."""

    def __init__(
        self,
        access: DouyinAccess,
        transport: Transport,
        tokens: TokenStore,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._access = access
        self._transport = transport
        self._tokens = tokens
        self._clock = clock

    async def call(self, shop_id: str, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method for a shop and return its data.

        Raises PlatformRefused with the platform's codes and text, PlatformUnreachable where it is down, too slow or
        its answer cannot be understood, and NoCredentials for a shop without any.
        """
        return (await self.ask(shop_id, method, params)).content()

    async def ask(self, shop_id: str, method: str, params: Mapping[str, Any]) -> Answer:
        """Call a method for a shop and return the answer, a refusal too; raises the rest as ``call``."""
        shop = self._access.shop(shop_id)

        async def renew(before: Token | None) -> Token:
            return await self._renew(shop, before)

        token = await self._tokens.token(PLATFORM, shop_id, renew)
        answer = await self._send(shop, method, params, token)
        if answer.code != SUCCESS and answer.sub_code in TOKEN_OVER:
            token = await self._tokens.token(PLATFORM, shop_id, renew, refused=token)
            answer = await self._send(shop, method, params, token)
        return answer

    async def _renew(self, shop: DouyinCredentials, before: Token | None) -> Token:
        if before and before.refresh_token:
            params = {"refresh_token": before.refresh_token.get_secret_value(), "grant_type": "refresh_token"}
            answer = await self._send(shop, "token.refresh", params)
            if answer.code == SUCCESS:
                return self._token(answer)
        if shop.authorization_code:
            params = {"code": shop.authorization_code.get_secret_value(), "grant_type": "authorization_code"}
        else:
            params = {"code": "", "grant_type": "authorization_self", "shop_id": shop.shop_id}
        return self._token(await self._send(shop, "token.create", params))

    def _token(self, answer: Answer) -> Token:
        data = answer.content()
        access, refresh, seconds = (data.get(name) for name in ("access_token", "refresh_token", "expires_in"))
        if not (isinstance(access, str) and access and isinstance(seconds, int | float) and seconds > 0):
            raise PlatformUnreachable(f"抖店 {answer.method}: 返回中没有可用的 token / no usable token in the answer")
        return Token.lasting(access, refresh if isinstance(refresh, str) else None, float(seconds), self._clock())

    async def _send(
        self, shop: DouyinCredentials, method: str, params: Mapping[str, Any], token: SecretStr | None = None
    ) -> Answer:
        body, secret = signing.canonical(_plain(params)), shop.app_secret.get_secret_value()
        timestamp = str(int(self._clock()))
        query = {
            "app_key": shop.app_key,
            "method": method,
            "timestamp": timestamp,
            "v": signing.VERSION,
            "sign_method": signing.SIGN_METHOD,
            "sign": signing.sign(shop.app_key, secret, method, body, timestamp),
        }
        if token:
            query["access_token"] = token.get_secret_value()
        url = f"{self._access.address}/{method.replace('.', '/')}"
        code = shop.authorization_code.get_secret_value() if shop.authorization_code else None
        secrets = (secret, query["sign"], query.get("access_token"), code, params.get("refresh_token"))
        with platform_call(self._transport.platform, method) as call:
            raw = await self._transport.post(url, params=query, content=body, headers=JSON)
            answer = _answer(method, raw, [str(hidden) for hidden in secrets if hidden])
            self._raise_if_unanswered(answer)
            call.is_refused = answer.code != SUCCESS
        return answer

    def _raise_if_unanswered(self, answer: Answer) -> None:
        """Raise PlatformUnreachable for an answer that says nothing of what was asked: busy, or our clock is wrong."""
        method = answer.method
        if answer.code in BUSY_CODES and (method, answer.sub_code) not in REFUSED_AS_BUSY:
            raise PlatformUnreachable(f"抖店繁忙 / Douyin is busy: {method}: {answer.text} (code {answer.code})")
        if answer.code != SUCCESS and answer.sub_code in CLOCK_WRONG:
            with clock_measured(self._transport):
                what = "抖店不接受本机时间 / Douyin does not take our time"
                raise ClockWrong(f"{what}: {method}: {answer.text} (code {answer.code}, sub_code {answer.sub_code})")


def _plain(value: Any) -> Any:
    """Return parameters with plain texts, which every client and the platform write in the same way."""
    match value:
        case str():
            return sendable_text(value)
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value


def _answer(method: str, raw: Any, secrets: Iterable[str]) -> Answer:
    code, data = (raw.get("code"), raw.get("data")) if isinstance(raw, dict) else (None, None)
    if not isinstance(code, int) or not (data is None or isinstance(data, dict) or code != SUCCESS):
        raise PlatformUnreachable(f"抖店 {method}: 返回内容无法理解 / the answer cannot be understood")
    text = str(raw.get("sub_msg") or raw.get("msg") or "")
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    content = data if isinstance(data, dict) else {}
    log_id = platform_words(raw.get("log_id"))
    return Answer(method, code, str(raw.get("sub_code") or ""), platform_words(text), content, log_id)
