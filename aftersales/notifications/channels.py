"""Which shop is told through which channels, and when: read from one YAML file that only its owner may read.

A shop has a list of channels.  What is told in a channel's quiet hours waits until they end.
"""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, RootModel, StringConstraints, model_validator

from aftersales.notifications.notice import Kind, Notice
from aftersales.runtime.secret_files import Address, Secret, read_secret_file, twice
from cases.models import Id, Strict, Text
from cases.shanghai import SHANGHAI

FORM = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"
DAY = timedelta(days=1)


def _some_time(hours: str) -> str:
    begin, _, end = hours.partition("-")
    if begin == end:
        raise ValueError("起止时间相同 / begin and end are the same")
    return hours


QuietHours = Annotated[str, StringConstraints(pattern=FORM), AfterValidator(_some_time)]
"""From when to when nobody is to be disturbed, Shanghai time, as in 22:00-08:00."""


def quiet_until(hours: str, now: datetime) -> datetime | None:
    """When the quiet hours end in which the instant lies, or None."""
    begin, end = (time.fromisoformat(each) for each in hours.split("-"))
    here = now.astimezone(SHANGHAI)
    clock = here.time()
    if not (begin <= clock < end if begin < end else clock >= begin or clock < end):
        return None
    ends = datetime.combine(here.date(), end, SHANGHAI)
    return (ends if ends > here else ends + DAY).astimezone(now.tzinfo)


class ChannelBase(Strict):
    """What all channels have; ``kinds``: what is told through it, everything where it is not given."""

    name: Id
    quiet_hours: QuietHours | None = None
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] | None = None

    def takes(self, notice: Notice) -> bool:
        """Whether a notice of this kind is told here."""
        return self.kinds is None or notice.kind in self.kinds

    def send_at(self, notice: Notice, now: datetime) -> datetime:
        """When to tell it: now, or when the quiet hours end, unless that is past the notice's deadline."""
        ends = quiet_until(self.quiet_hours, now) if self.quiet_hours else None
        if ends is None or (notice.deadline is not None and notice.deadline <= ends):
            return now
        return ends


class FeishuChannel(ChannelBase):
    """A custom robot of a Feishu group: ``key`` ends its address, ``secret`` signs."""

    type: Literal["feishu"]
    address: Address = "https://open.feishu.cn/open-apis/bot/v2/hook"
    key: Secret
    secret: Secret | None = None


class DingtalkChannel(ChannelBase):
    """A custom robot of a DingTalk group: ``key`` is its access token, ``secret`` signs."""

    type: Literal["dingtalk"]
    address: Address = "https://oapi.dingtalk.com/robot/send"
    key: Secret
    secret: Secret | None = None


class WecomChannel(ChannelBase):
    """A robot of a WeCom group: who knows its ``key`` may send."""

    type: Literal["wecom"]
    address: Address = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
    key: Secret


class WebhookChannel(ChannelBase):
    """A program of the shop's own that takes notices as JSON, signed with ``secret``."""

    type: Literal["webhook"]
    address: Address
    secret: Secret


class MailChannel(ChannelBase):
    """A mail server; without encryption it is given no password."""

    type: Literal["mail"]
    host: Text
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Annotated[Path, Field(strict=False)] | None = None
    user: Text | None = None
    password: Secret | None = None
    sender: Text
    to: Annotated[tuple[Text, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user 与 password 须同时给出 / user and password go together")
        if self.password is not None and self.encryption == "none":
            raise ValueError("不加密时不得给出 password / no password without encryption")
        return self


Channel = Annotated[
    FeishuChannel | DingtalkChannel | WecomChannel | WebhookChannel | MailChannel, Field(discriminator="type")
]


class Channels(RootModel[dict[Id, tuple[Channel, ...]]]):
    """Every shop's channels."""

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for shop, channels in self.root.items():
            if name := twice([each.name for each in channels]):
                raise ValueError(f"{shop}: name 重复 / given twice: {name}")
        return self

    def of(self, shop_id: str) -> tuple[Channel, ...]:
        """The channels of a shop, none where it is not named."""
        return self.root.get(shop_id, ())


def read_channels(path: Path) -> Channels:
    """Read the file; raises BadForm that names file and field, also where others than its owner may read it."""
    return read_secret_file(Channels, path)
