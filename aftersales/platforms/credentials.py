"""What we show the platforms so that they let us in: read from one YAML file that only its owner may read."""

from pathlib import Path
from typing import Generic, Self, TypeVar

from pydantic import model_validator

from aftersales.runtime.secret_files import Address, Secret, duplicate, read_secret_file
from cases.errors import BadForm
from cases.models import Id, Strict, Text


class App(Strict):
    """An application as registered with a platform."""

    app_key: Id
    app_secret: Secret


class DouyinShop(Strict):
    """A shop that lets our application in itself, or by a code that it gave once."""

    shop_id: Id
    app_key: Id
    authorization_code: Secret | None = None


class TokenShop(Strict):
    """A shop whose access token was obtained in the platform's console."""

    shop_id: Id
    app_key: Id
    access_token: Secret


class DouyinCredentials(DouyinShop):
    """All that is needed to obtain a token of a shop, and to sign calls."""

    app_secret: Secret


class TokenCredentials(TokenShop):
    """All that is needed to sign calls for a shop."""

    app_secret: Secret


AShop = TypeVar("AShop", DouyinShop, TokenShop)


class Access(Strict, Generic[AShop]):
    """A platform's address, our applications there, and the shops that they serve."""

    address: Address
    apps: tuple[App, ...] = ()
    shops: tuple[AShop, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for what, names in (
            ("app_key", [app.app_key for app in self.apps]),
            ("shop_id", [shop.shop_id for shop in self.shops]),
        ):
            if name := duplicate(names):
                raise ValueError(f"{what} 重复 / duplicate: {name}")
        known = {app.app_key for app in self.apps}
        for shop in self.shops:
            if shop.app_key not in known:
                raise ValueError(f"店铺 {shop.shop_id} 的 app_key 不在 apps 中 / its app_key is not among the apps")
        return self

    def app(self, app_key: str) -> App:
        """Give the application; raises BadForm where it is unknown."""
        for app in self.apps:
            if app.app_key == app_key:
                return app
        raise BadForm(f"没有该应用的凭据 / no credentials for app: {app_key}", ("app_key",))

    def _shop(self, shop_id: str) -> AShop:
        for shop in self.shops:
            if shop.shop_id == shop_id:
                return shop
        raise BadForm(f"没有该店铺的凭据 / no credentials for shop: {shop_id}", ("shop_id",))


class DouyinAccess(Access[DouyinShop]):
    """Douyin's block."""

    address: Address = "https://openapi-fxg.jinritemai.com"

    def shop(self, shop_id: str) -> DouyinCredentials:
        """Give a shop's credentials; raises BadForm where there are none."""
        shop = self._shop(shop_id)
        return DouyinCredentials(**dict(shop), app_secret=self.app(shop.app_key).app_secret)


class TokenAccess(Access[TokenShop]):
    """The block of a platform whose tokens come from its console."""

    def shop(self, shop_id: str) -> TokenCredentials:
        """Give a shop's credentials; raises BadForm where there are none."""
        shop = self._shop(shop_id)
        return TokenCredentials(**dict(shop), app_secret=self.app(shop.app_key).app_secret)


class JdAccess(TokenAccess):
    """JD's block."""

    address: Address = "https://api.jd.com"


class Alibaba1688Access(TokenAccess):
    """1688's block; ``acknowledgement`` is what a pushed message is answered with."""

    address: Address = "https://gw.open.1688.com"
    acknowledgement: Text = "success"


class TaobaoAccess(TokenAccess):
    """Taobao's block."""

    address: Address = "https://gw.api.taobao.com"


class GatewayAccess(Strict):
    """Who may ask the gateway how it fares; without a token nobody may."""

    status_token: Secret | None = None


class Secrets(Strict):
    """Every platform's block; one that is not given knows no app and no shop.  ``gateway`` is our own."""

    douyin: DouyinAccess = DouyinAccess()
    jd: JdAccess = JdAccess()
    alibaba_1688: Alibaba1688Access = Alibaba1688Access()
    taobao: TaobaoAccess = TaobaoAccess()
    gateway: GatewayAccess = GatewayAccess()


def read_secrets(path: Path) -> Secrets:
    """Read the file; raises BadForm that names file and field, also where others than its owner may read it."""
    return read_secret_file(Secrets, path)
