"""Which program sends through which kind of channel, and how often it may."""

from collections.abc import Hashable
from typing import Protocol, assert_never

from aftersales.notifications.channels import (
    Channel,
    DingtalkChannel,
    FeishuChannel,
    MailChannel,
    WebhookChannel,
    WecomChannel,
)
from aftersales.notifications.dingtalk import Dingtalk
from aftersales.notifications.feishu import Feishu
from aftersales.notifications.mail import Mail
from aftersales.notifications.notice import Notice
from aftersales.notifications.rate_limit import DINGTALK, FEISHU, FREE, WECOM, Rate
from aftersales.notifications.webhook import Webhook
from aftersales.notifications.wecom import Wecom
from aftersales.runtime.http_client import Transport


class Sender(Protocol):
    """Sends a notice through one channel."""

    async def send(self, notice: Notice) -> None:
        """Send once; raises PlatformRefused or PlatformUnreachable."""


def sender_of(channel: Channel, transport: Transport) -> Sender:
    """The program that sends through a channel."""
    match channel:
        case FeishuChannel():
            return Feishu(channel, transport)
        case DingtalkChannel():
            return Dingtalk(channel, transport)
        case WecomChannel():
            return Wecom(channel, transport)
        case WebhookChannel():
            return Webhook(channel, transport)
        case MailChannel():
            return Mail(channel)
        case _:
            assert_never(channel)


def rates_of(channel: Channel) -> tuple[Rate, ...]:
    """How often the channel may be used."""
    return {"feishu": FEISHU, "dingtalk": DINGTALK, "wecom": WECOM}.get(channel.type, FREE)


def robot_of(channel: Channel) -> Hashable:
    """What has the rate: two shops may be told through the same robot."""
    match channel:
        case FeishuChannel() | DingtalkChannel() | WecomChannel():
            return channel.type, channel.address, channel.key
        case WebhookChannel():
            return channel.type, channel.address
        case MailChannel():
            return channel.type, channel.host, channel.port
        case _:
            assert_never(channel)
