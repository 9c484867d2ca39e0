"""Parameters of Douyin's methods. Unknown fields are ignored, as the platform does, and so are those that are null."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from aftersales.sandbox.douyin.codes import MOST_ITEMS, PARAMETER_WRONG, CallRefused


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


WireId = Annotated[str, BeforeValidator(_digits), StringConstraints(pattern=r"^[0-9]{1,19}$")]
"""An id: a number or its decimal text."""
NonEmpty = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Params(BaseModel):
    """Base of all parameters."""

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
    need_operation_record: bool = False


_SORTED_BY = r"^(update_time|apply_time|status_deadline) (asc|desc)$"


class ListOf(Params):
    """``afterSale.List``; of the ends of its windows only ``end_time`` is exclusive."""

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
    standard_aftersale_status: tuple[int, ...] = ()
    order_by: tuple[Annotated[str, StringConstraints(pattern=_SORTED_BY)], ...] = ()


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
    items: Annotated[tuple[OperateItem, ...], Field(min_length=1, max_length=MOST_ITEMS)]


class FillLogistics(Params):
    """``afterSale.fillLogistics``."""

    aftersale_id: WireId
    send_type: int
    company_code: NonEmpty
    tracking_no: NonEmpty


class SubmitEvidence(Params):
    """``afterSale.submitEvidence``."""

    aftersale_id: WireId
    comment: str = ""
    evidence: tuple[Url, ...]


class RejectReasons(Params):
    """``afterSale.rejectReasonCodeList``."""

    aftersale_id: WireId | None = None


class OrderDetail(Params):
    """``order.orderDetail``."""

    shop_order_id: WireId


class Track(Params):
    """``logistics.trackNoRouteDetail``."""

    logistics_code: NonEmpty
    track_no: NonEmpty


class Target(Params):
    """A parcel to stop."""

    company_code: NonEmpty
    tracking_no: NonEmpty


class Intercept(Params):
    """``afterSale.applyLogisticsIntercept``."""

    after_sale_id: WireId
    op_from: int
    intercept_targets: Annotated[tuple[Target, ...], Field(min_length=1)]


P = TypeVar("P", bound=Params)


def take(model: type[P], params: dict[str, Any]) -> P:
    """Read a method's parameters; raises CallRefused that names what is wrong."""
    try:
        return model.model_validate(_without_nulls(params))
    except ValidationError as bad:
        faults = bad.errors(include_url=False, include_context=False, include_input=False)
        detail = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
    raise CallRefused(PARAMETER_WRONG, f"参数有误: {detail}")


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nulls(item) for name, item in value.items() if item is not None}
        case list():
            return [_without_nulls(item) for item in value]
    return value
