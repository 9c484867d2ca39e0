"""Douyin's own codes: statuses, reasons, lengths of its clocks, tags of messages, refusals."""

from enum import IntEnum
from typing import Any, Final, NamedTuple

AFTER_SALE_TYPE: Final = 7

MERCHANT_HANDLING: Final = 48 * 3600
"""Seconds for the merchant to handle an application; then it is agreed automatically (DR-4)."""
SHIPPING: Final = 48 * 3600
"""Seconds for the merchant to ship after the agreement (DR-5)."""
BUYER_WINDOW: Final = 48 * 3600
"""Seconds for the buyer to modify the application or call in the platform (DR-7, DR-9)."""
EVIDENCE_WINDOW: Final = 24 * 3600
"""Seconds for the merchant to hand in evidence that the platform asks for; the sandbox's own figure."""
NO_DEADLINE: Final = 0
MOST_ITEMS: Final = 20
"""How many after-sales one call may operate on."""
MOST_PIECES: Final = 4
"""How many pieces of evidence one call may submit."""

NEVER_RECEIVED: Final = "一直未收到货"
REASON_TEXTS: Final = {
    "never_received": NEVER_RECEIVED,
    "short_shipped": "商家少发/漏发",
    "other": "其他",
}
"""The platform's texts for the reasons of DR-1; any other text counts as ``other``."""
REASON_CODES: Final = {NEVER_RECEIVED: 701, "商家少发/漏发": 702}
OTHER_REASON_CODE: Final = 703
"""The reasons' codes are the sandbox's own figures."""

REJECT_REASONS: Final = ((7001, "商品已正常送达", "Y"), (7002, "商品未少发漏发", "Y"), (7003, "其他", "N"))
"""(code, text, whether evidence is needed) of a refusal; the sandbox's own figures."""


class AfterSaleStatus(IntEnum):
    """The status of an after-sale."""

    AWAITING_MERCHANT = 6
    AWAITING_SHIPMENT = 8
    """Also while the buyer's window of DR-9 runs."""
    REFUNDED = 12
    SHIPPED = 13
    RECEIVED = 14
    REFUSED = 27
    CLOSED = 28


LISTED_STATUSES: Final = frozenset({6, 7, 8, 11, 12, 13, 14, 27, 28, 29})
"""The statuses that a list can be filtered by."""


class ArbitrationStatus(IntEnum):
    """The status of the platform's arbitration; how one has ended its conclusion says."""

    NONE = 0
    IN_PROGRESS = 1
    EVIDENCE_WANTED = 4
    NEGOTIATION = 5
    ENDED = 255


class ArbitrateConclusion(IntEnum):
    """For whom the platform has ruled; an arbitration that ended without a conclusion was called off."""

    NONE = 0
    FOR_BUYER = 1
    FOR_SELLER = 2
    REFUND_AT_ONCE = 3


UNDER_ARBITRATION: Final = frozenset(
    {ArbitrationStatus.IN_PROGRESS, ArbitrationStatus.EVIDENCE_WANTED, ArbitrationStatus.NEGOTIATION}
)


class MessageTag:
    """Tags of pushed messages.

    No tag is known for a refused reship and for a reship that the buyer signed for: nothing is pushed then.
    """

    CREATED = "200"
    REFUNDED = "206"
    CLOSED = "207"
    MODIFIED = "208"
    DEADLINE_CHANGED = "209"
    ARBITRATION_OPENED = "212"
    EVIDENCE_WANTED = "213"
    EVIDENCE_GIVEN = "214"
    ARBITRATION_CANCELLED = "215"
    ARBITRATION_RULED = "216"
    RESHIP_SHIPPED = "226"
    RESHIP_AGREED = "227"


_SUCCESS: Final = 10000


class RefusalCode(NamedTuple):
    """Code, sub-code and texts of a refusal."""

    code: int
    sub_code: str
    msg: str
    sub_msg: str


APP_MISSING: Final = RefusalCode(40001, "isv.app-id-missing", "缺少必选参数", "认证失败，app_key不存在")
SIGNATURE_WRONG: Final = RefusalCode(40003, "isv.signature-invalid", "非法的参数", "签名校验失败")
TIMESTAMP_WRONG: Final = RefusalCode(40003, "isv.timestamp-invalid", "非法的参数", "时间戳不合法")
TOKEN_MISSING: Final = RefusalCode(40001, "isv.access-token-missing", "缺少必选参数", "认证失败，access_token不能为空")
TOKEN_EXPIRED: Final = RefusalCode(40003, "isv.access-token-expired", "非法的参数", "access_token已过期")
TOKEN_UNKNOWN: Final = RefusalCode(
    40003, "isv.access-token-no-existed", "非法的参数", "access_token不存在，请使用最新的access_token访问"
)
TOKEN_OF_ANOTHER_APP: Final = RefusalCode(
    40003, "isv.access-token-invalid", "非法的参数", "app_key和access_token不匹配，请仔细检查"
)
BODY_WRONG: Final = RefusalCode(40003, "isv.parameter-format-invalid", "非法的参数", "业务参数json解析失败")
PARAMETER_WRONG: Final = RefusalCode(40004, "isv.parameter-invalid:11000", "非法的参数", "参数错误")
METHOD_UNKNOWN: Final = RefusalCode(70000, "isp.api-service-off", "接口服务已下线", "API不存在或API已下线")
NOT_AUTHORIZED: Final = RefusalCode(30001, "dop.authorization-no-existed", "操作权限不足", "店铺授权已失效，请重新授权")
GRANT_WRONG: Final = RefusalCode(
    50001, "dop.token-generate-failed:grant-type-invalid", "平台处理失败", "grant_type参数取值不正确"
)
CODE_WRONG: Final = RefusalCode(
    50001, "dop.token-generate-failed:code-invalid", "平台处理失败", "生成token失败，code参数不正确"
)
REFRESH_EXPIRED: Final = RefusalCode(
    50001, "dop.token-generate-failed:token-expired", "平台处理失败", "生成token失败，token已过期"
)
REFRESH_UNKNOWN: Final = RefusalCode(
    50001, "dop.token-generate-failed:token-invalid", "平台处理失败", "生成token失败，token不存在"
)
BUSINESS: Final = RefusalCode(50002, "isv.business-failed:1", "业务处理失败", "业务处理失败")
NOTHING_FOUND: Final = RefusalCode(
    50002, "isv.business-failed:10002", "业务处理失败", "返回内容为空,重试后若错误继续存在,请联系平台"
)
WRONG_SHOP: Final = RefusalCode(50002, "isv.business-failed:12000", "业务处理失败", "无效的店铺ID,请检查后重试")
RECORD_INVALID: Final = RefusalCode(50002, "isv.business-failed:11000", "业务处理失败", "无效售后单")
ITEM_INVALID: Final = RefusalCode(20000, "isp.service-error:10000", "系统错误", "存在无效的售后单")
STATUS_WRONG: Final = RefusalCode(50002, "isv.business-failed:20309541", "业务处理失败", "售后状态错误")
NUMBER_UNKNOWN: Final = RefusalCode(50002, "isv.business-failed:-10004", "业务处理失败", "记录不存在")
ORDER_UNKNOWN: Final = RefusalCode(40004, "isv.parameter-invalid:20014", "非法的参数", "查询订单不存在")
STALE: Final = RefusalCode(50002, "isv.business-failed:-10009", "业务处理失败", "售后单已变更，请刷新后重试")


class CallRefused(Exception):
    """A call that is answered with a refusal."""

    def __init__(self, code: RefusalCode, text: str = "") -> None:
        """``text`` replaces the text of the refusal."""
        super().__init__(text or code.sub_msg)
        self.code = code._replace(sub_msg=text or code.sub_msg)


def envelope(data: Any) -> dict[str, Any]:
    """Wrap the data of an answer."""
    return {"code": _SUCCESS, "msg": "success", "sub_code": "", "sub_msg": "", "data": data, "log_id": "sandbox"}


def refusal(code: RefusalCode) -> dict[str, Any]:
    """Wrap a refusal."""
    return {**code._asdict(), "data": None, "log_id": "sandbox"}
