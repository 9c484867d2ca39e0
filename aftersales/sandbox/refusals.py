"""How Douyin says no: HTTP 200 and a code other than 10000.  T: read in third-party tables of codes, here only."""

from typing import Any, Final, NamedTuple

SUCCESS: Final = 10000


class No(NamedTuple):
    """Code, sub-code and texts of a refusal."""

    code: int
    sub_code: str
    msg: str
    sub_msg: str


APP_MISSING: Final = No(40001, "isv.app-id-missing", "缺少必选参数", "认证失败，app_key不存在")
SIGNATURE_WRONG: Final = No(40003, "isv.signature-invalid", "非法的参数", "签名校验失败")
TIMESTAMP_WRONG: Final = No(40003, "isv.timestamp-invalid", "非法的参数", "时间戳不合法")
TOKEN_MISSING: Final = No(40001, "isv.access-token-missing", "缺少必选参数", "认证失败，access_token不能为空")
TOKEN_EXPIRED: Final = No(40003, "isv.access-token-expired", "非法的参数", "access_token已过期")
TOKEN_UNKNOWN: Final = No(
    40003, "isv.access-token-no-existed", "非法的参数", "access_token不存在，请使用最新的access_token访问"
)
TOKEN_OF_ANOTHER_APP: Final = No(
    40003, "isv.access-token-invalid", "非法的参数", "app_key和access_token不匹配，请仔细检查"
)
BODY_WRONG: Final = No(40003, "isv.parameter-format-invalid", "非法的参数", "业务参数json解析失败")
PARAMETER_WRONG: Final = No(40004, "isv.parameter-invalid", "非法的参数", "参数有误")
METHOD_UNKNOWN: Final = No(70000, "isp.api-service-off", "接口服务已下线", "API不存在或API已下线")
NOT_AUTHORIZED: Final = No(30001, "dop.authorization-no-existed", "操作权限不足", "店铺授权已失效，请重新授权")
GRANT_WRONG: Final = No(
    50001, "dop.token-generate-failed:grant-type-invalid", "平台处理失败", "grant_type参数取值不正确"
)
CODE_WRONG: Final = No(50001, "dop.token-generate-failed:code-invalid", "平台处理失败", "生成token失败，code参数不正确")
REFRESH_EXPIRED: Final = No(
    50001, "dop.token-generate-failed:token-expired", "平台处理失败", "生成token失败，token已过期"
)
REFRESH_UNKNOWN: Final = No(
    50001, "dop.token-generate-failed:token-invalid", "平台处理失败", "生成token失败，token不存在"
)
BUSINESS: Final = No(50002, "isv.business-failed:1", "业务处理失败", "业务处理失败")
RECORD_UNKNOWN: Final = No(50002, "isv.business-failed:-10004", "业务处理失败", "售后单不存在")
RECORD_OF_ANOTHER_SHOP: Final = No(50002, "isv.business-failed:-10005", "业务处理失败", "售后单不属于该店铺")
NUMBER_UNKNOWN: Final = No(50002, "isv.business-failed:-10004", "业务处理失败", "记录不存在")
STALE: Final = No(50002, "isv.business-failed:-10009", "业务处理失败", "售后单已变更，请刷新后重试")
UNAVAILABLE: Final = No(20000, "dop.service-error", "服务不可用", "内部错误")


class WireRefused(Exception):
    """A call is answered with a refusal."""

    def __init__(self, no: No, text: str = "") -> None:
        """``text`` replaces the refusal's own, where there is more to say."""
        super().__init__(text or no.sub_msg)
        self.no = no._replace(sub_msg=text or no.sub_msg)


def envelope(data: Any) -> dict[str, Any]:
    """Wrap what a call led to."""
    return {"code": SUCCESS, "msg": "success", "sub_code": "", "sub_msg": "", "data": data, "log_id": "sandbox"}


def refusal(no: No) -> dict[str, Any]:
    """Wrap a refusal."""
    return {**no._asdict(), "data": None, "log_id": "sandbox"}
