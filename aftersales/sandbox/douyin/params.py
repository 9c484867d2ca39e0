"""What Douyin's methods take: unknown fields are passed over, as the platform does."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from aftersales.sandbox.douyin.codes import PARAMETER_WRONG, CallRefused


def _digits(given: Any) -> Any:
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


WireId = Annotated[str, BeforeValidator(_digits), StringConstraints(pattern=r"^[0-9]{1,19}$")]
"""An id, as a number or as its decimal text."""
Given = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Params(BaseModel):
    """The base of all."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TokenCreate(Params):
    """``token.create``."""

    grant_type: str
    code: str = ""
    shop_id: Annotated[str, BeforeValidator(_digits)] = ""


class TokenRefresh(Params):
    """``token.refresh``."""

    grant_type: str
    refresh_token: str


class Detail(Params):
    """``afterSale.Detail``."""

    after_sale_id: WireId


class ListOf(Params):
    """``afterSale.List``; the window closes with ``update_end_time`` included."""

    aftersale_type: int | None = None
    aftersale_status: int | None = None
    order_id: WireId | None = None
    aftersale_id: WireId | None = None
    update_start_time: int | None = None
    update_end_time: int | None = None
    start_time: int | None = None
    end_time: int | None = None
    page: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=1, le=100)]
    order_by: tuple[Literal["update_time asc", "update_time desc", "apply_time asc", "apply_time desc"], ...] = ()


class OperateEvidence(Params):
    """A piece of evidence of an operation."""

    type: int = 1
    url: Url
    desc: str = ""


class OperateItem(Params):
    """One after-sale of ``afterSale.operate``."""

    aftersale_id: WireId
    reason: str = ""
    remark: str = ""
    evidence: tuple[OperateEvidence, ...] = ()
    reject_reason_code: int | None = None
    update_time: int | None = None


class Operate(Params):
    """``afterSale.operate``."""

    type: int
    items: Annotated[tuple[OperateItem, ...], Field(min_length=1, max_length=50)]


class FillLogistics(Params):
    """``afterSale.fillLogistics``."""

    aftersale_id: WireId
    send_type: int
    company_code: Given
    tracking_no: Given


class SubmitEvidence(Params):
    """``afterSale.submitEvidence``."""

    aftersale_id: WireId
    comment: str = ""
    evidence: tuple[Url, ...]


class RejectReasons(Params):
    """``afterSale.rejectReasonCodeList``."""

    aftersale_id: WireId | None = None


class Logistics(Params):
    """``order.logisticsAdd`` and ``order.logisticsEdit``."""

    order_id: WireId
    company_code: Given
    logistics_code: Given


class Track(Params):
    """``logistics.trackNoRouteDetail``."""

    logistics_code: Given
    track_no: Given


class Target(Params):
    """A parcel to stop."""

    company_code: Given
    tracking_no: Given


class Intercept(Params):
    """``afterSale.applyLogisticsIntercept``."""

    after_sale_id: WireId
    op_from: int
    intercept_targets: Annotated[tuple[Target, ...], Field(min_length=1)]


P = TypeVar("P", bound=Params)


def take(model: type[P], params: dict[str, Any]) -> P:
    """Read a method's parameters; raises WireRefused that names what is wrong."""
    try:
        return model.model_validate(params)
    except ValidationError as bad:
        faults = bad.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
    raise CallRefused(PARAMETER_WRONG, f"参数有误: {told}")
