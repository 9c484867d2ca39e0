"""Who may say what: an application speaks for the shops that it serves, and a message for a case of its own shop."""

from collections.abc import Mapping
from typing import Any, Final

from aftersales.platforms.access import Access
from aftersales.platforms.inbound import CaseKey
from cases.errors import BadForm

NOT_ITS_APP: Final = (
    "店铺 {shop} 授权的是另一应用,消息不作数 / refused: shop {shop} is served by another application than {app}, "
    "which signed the message"
)
NOT_ITS_SHOP: Final = (
    "案件属于另一店铺,店铺 {shop} 的消息不作数 / refused: the case is of another shop than {shop}, "
    "which the message names"
)


class NotItsShop(BadForm):
    """A message about a shop that its sender does not speak for: it moves nothing, whatever it says."""


class Senders:
    """What our credentials say of who may send what."""

    def __init__(self, blocks: Mapping[str, Access[Any]]) -> None:
        """Take each marketplace's block of the secrets file, by its name."""
        self._blocks = blocks

    def check(self, marketplace: str, app_key: str, case: CaseKey) -> None:
        """Raise NotItsShop if another application serves the case's shop, NoCredentials if the file knows no such shop.

        Messages without an application did not come as a push, which anybody can send.
        """
        if app_key and self._blocks[marketplace].app_key_of(case.shop_id) != app_key:
            raise NotItsShop(NOT_ITS_APP.format(shop=case.shop_id, app=app_key), ("shop_id",))
