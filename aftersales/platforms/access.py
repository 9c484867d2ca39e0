"""A marketplace's block in the secrets file: its address, our applications there, and the shops they serve."""

from typing import Any, Generic, Self, TypeVar

from pydantic import model_validator

from aftersales.runtime.secret_files import Address, Secret, duplicate
from cases.errors import NoCredentials
from cases.models import Id, Name, Strict


class App(Strict):
    """An application as registered with a marketplace."""

    app_key: Id
    app_secret: Secret


class Shop(Strict):
    """A shop, and the application that it authorises."""

    shop_id: Id
    app_key: Id


class TokenShop(Shop):
    """A shop whose access token was obtained in the marketplace's console."""

    access_token: Secret


class TokenCredentials(TokenShop):
    """Everything needed to sign calls for a shop."""

    app_secret: Secret


AShop = TypeVar("AShop", bound=Shop)


class Access(Strict, Generic[AShop]):
    """The base of every marketplace's block."""

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
        app_keys = {app.app_key for app in self.apps}
        for shop in self.shops:
            if shop.app_key not in app_keys:
                raise ValueError(f"店铺 {shop.shop_id} 的 app_key 不在 apps 中 / its app_key is not among the apps")
        return self

    def app(self, app_key: str) -> App:
        """Return the application; raises NoCredentials if it is unknown."""
        for app in self.apps:
            if app.app_key == app_key:
                return app
        raise NoCredentials(f"没有该应用的凭据 / no credentials for app: {app_key}", ("app_key",))

    def app_key_of(self, shop_id: str) -> str:
        """Return the application that serves a shop; raises NoCredentials if none does."""
        return self._shop(shop_id).app_key

    def _shop(self, shop_id: str) -> AShop:
        for shop in self.shops:
            if shop.shop_id == shop_id:
                return shop
        raise NoCredentials(f"没有该店铺的凭据 / no credentials for shop: {shop_id}", ("shop_id",))


class TokenAccess(Access[TokenShop]):
    """The block of a marketplace whose tokens come from its console."""

    def shop(self, shop_id: str) -> TokenCredentials:
        """Return a shop's credentials; raises NoCredentials if there are none."""
        return _credentials(self, self._shop(shop_id))


class NamedShop(TokenShop):
    """A shop that messages call by the name of its ``user``; without one, by its id."""

    user: Name | None = None


class NamedAccess(Access[NamedShop]):
    """The block of a marketplace whose messages name the user that has authorised us, not the shop."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if name := duplicate([_name(shop) for shop in self.shops]):
            raise ValueError(f"user 重复 / duplicate: {name}")
        return self

    def shop(self, shop_id: str) -> TokenCredentials:
        """Return a shop's credentials; raises NoCredentials if there are none."""
        return _credentials(self, self._shop(shop_id))

    def shop_called(self, user: str) -> NamedShop:
        """Return the shop that messages call so; raises NoCredentials if it is none of ours."""
        for shop in self.shops:
            if _name(shop) == user:
                return shop
        raise NoCredentials(f"没有该用户的店铺 / no shop is called so: {user}", ("user",))


def _name(shop: NamedShop) -> str:
    return shop.user or shop.shop_id


def _credentials(access: Access[Any], shop: TokenShop) -> TokenCredentials:
    return TokenCredentials(
        shop_id=shop.shop_id,
        app_key=shop.app_key,
        access_token=shop.access_token,
        app_secret=access.app(shop.app_key).app_secret,
    )
