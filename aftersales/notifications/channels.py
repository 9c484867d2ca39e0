"""The notification channels of each shop, from one YAML file that only its owner may read.

Notices in a channel's quiet hours wait until these end.
"""

import re
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal, Protocol, Self

from pydantic import AfterValidator, Field, RootModel, SecretStr, StringConstraints, model_validator

from aftersales.notifications.notice import Kind, Notice
from aftersales.runtime.secret_files import Address, Secret, duplicate, read_secret_file
from aftersales.runtime.watched_file import WatchedFile
from cases.models import Id, Strict, Text
from cases.shanghai import SHANGHAI

_QUIET_HOURS = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_DAY = timedelta(days=1)


def _not_empty(hours: str) -> str:
    begin, _, end = hours.partition("-")
    if begin == end:
        raise ValueError("起止时间相同 / begin and end are the same")
    return hours


QuietHours = Annotated[str, StringConstraints(pattern=_QUIET_HOURS), AfterValidator(_not_empty)]
"""Quiet hours in Shanghai time, such as 22:00-08:00."""


def _only_the_key(key: SecretStr) -> SecretStr:
    if not _KEY.fullmatch(key.get_secret_value()):
        raise ValueError(
            "只填机器人地址中的 key(access_token),不要填整个地址 / expected only the key in the robot's address, "
            "letters, digits, - and _: not the whole address"
        )
    return key


RobotKey = Annotated[Secret, AfterValidator(_only_the_key)]
"""What identifies a robot: one part of its address."""


def quiet_until(hours: str, now: datetime) -> datetime | None:
    """Return when the quiet hours around an instant end, None if it is not within them."""
    begin, end = (time.fromisoformat(text) for text in hours.split("-"))
    here = now.astimezone(SHANGHAI)
    clock = here.time()
    if not (begin <= clock < end if begin < end else clock >= begin or clock < end):
        return None
    ends = datetime.combine(here.date(), end, SHANGHAI)
    return (ends if ends > here else ends + _DAY).astimezone(now.tzinfo)


class ChannelBase(Strict):
    """Base of all channels; ``kinds`` limits what is sent through it."""

    name: Id
    quiet_hours: QuietHours | None = None
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] | None = None

    def takes(self, notice: Notice) -> bool:
        """Return whether notices of this kind are sent here."""
        return self.kinds is None or notice.kind in self.kinds

    def send_at(self, notice: Notice, now: datetime) -> datetime:
        """Return when to send a notice: after the quiet hours, unless its deadline is before that."""
        ends = quiet_until(self.quiet_hours, now) if self.quiet_hours else None
        if ends is None or (notice.deadline is not None and notice.deadline <= ends):
            return now
        return ends


class FeishuChannel(ChannelBase):
    """A custom bot of a Feishu group: ``key`` is the end of its address, ``secret`` signs."""

    type: Literal["feishu"]
    address: Address = "https://open.feishu.cn/open-apis/bot/v2/hook"
    key: RobotKey
    secret: Secret | None = None


class DingtalkChannel(ChannelBase):
    """A custom bot of a DingTalk group: ``key`` is its access token, ``secret`` signs."""

    type: Literal["dingtalk"]
    address: Address = "https://oapi.dingtalk.com/robot/send"
    key: RobotKey
    secret: Secret | None = None


class WecomChannel(ChannelBase):
    """A bot of a WeCom group, identified by its ``key``."""

    type: Literal["wecom"]
    address: Address = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
    key: RobotKey


class WebhookChannel(ChannelBase):
    """A program of the shop's own, which takes notices as JSON signed with ``secret``."""

    type: Literal["webhook"]
    address: Address
    secret: Secret


class MailChannel(ChannelBase):
    """A mail server; a password is sent only over an encrypted connection."""

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
            if name := duplicate([channel.name for channel in channels]):
                raise ValueError(f"{shop}: name 重复 / duplicate name: {name}")
        return self

    def of(self, shop_id: str) -> tuple[Channel, ...]:
        """Return the channels of a shop, none if it is not in the file."""
        return self.root.get(shop_id, ())


def read_channels(path: Path) -> Channels:
    """Read the file; raises BadForm that names file and field, or if others than its owner may read it."""
    return read_secret_file(Channels, path)


class ShopChannels(Protocol):
    """Whoever knows the channels of a shop."""

    def of(self, shop_id: str) -> tuple[Channel, ...]:
        """Return the channels of a shop, none if it is not known."""


class CurrentChannels:
    """The file of channels as it is at each moment."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises BadForm, as ``read_channels`` does."""
        self._file = WatchedFile(path, read_channels)

    def of(self, shop_id: str) -> tuple[Channel, ...]:
        """Return the channels that a shop has at the moment."""
        return self._file.content.of(shop_id)

    def all(self) -> Channels:
        """Return all channels of the moment."""
        return self._file.content
