"""Which program sends through which kind of channel, and how often it may."""

from collections.abc import Hashable
from typing import Protocol, assert_never

from notices.channels import Channel, DingtalkChannel, FeishuChannel, MailChannel, WebhookChannel, WecomChannel
from notices.dingtalk import Dingtalk
from notices.feishu import Feishu
from notices.limits import DINGTALK, FEISHU, FREE, WECOM, Rate
from notices.mail import Mail
from notices.notice import Notice
from notices.webhook import Webhook
from notices.wecom import Wecom
from platforms.transport import Transport


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
