"""The way to log in that the settings name."""

from aftersales.desk.access.access_file import AccessFile
from aftersales.desk.access.addresses import Proxies, host_name, is_loopback
from aftersales.desk.access.local_login import PasswordLogin
from aftersales.desk.access.login import Login, OneUser
from aftersales.desk.access.openid_login import OpenIdLogin
from aftersales.desk.access.proxy_login import ProxyLogin
from aftersales.runtime.client.sender_header import this_user
from aftersales.runtime.settings import Settings
from cases.errors import BadForm


def configured_login(settings: Settings) -> Login:
    """Return the way to log in; raises BadForm, naming the setting, if the desk would be open to strangers."""
    if settings.desk_access_file is None:
        _refuse_others(settings)
        return OneUser(this_user())
    if not is_loopback(settings.desk_host) and settings.desk_address is None:
        raise BadForm(
            "AFTERSALES_DESK_ADDRESS: 监听其他地址时须设置浏览器访问的地址 / "
            "expected the address under which browsers reach the desk, since it does not listen on this machine alone"
        )
    file = AccessFile(settings.desk_access_file)
    if file.access.users is not None:
        return PasswordLogin(file)
    if file.access.oidc is not None:
        return OpenIdLogin(file)
    proxies = Proxies(settings.desk_trusted_proxies)
    if not proxies:
        raise BadForm(
            "AFTERSALES_DESK_TRUSTED_PROXIES: 须设置代理的地址 / expected the addresses of the proxies to be believed"
        )
    return ProxyLogin(file, proxies)


def _refuse_others(settings: Settings) -> None:
    public = host_name(settings.desk_address.partition("://")[2]) if settings.desk_address else "localhost"
    if not is_loopback(settings.desk_host) or not is_loopback(public):
        name = "AFTERSALES_DESK_ADDRESS" if is_loopback(settings.desk_host) else "AFTERSALES_DESK_HOST"
        raise BadForm(
            f"{name}: 没有登录方式时只能在本机使用,须设置 AFTERSALES_DESK_ACCESS_FILE / "
            "without a way to log in the desk is for this machine alone: set AFTERSALES_DESK_ACCESS_FILE"
        )
