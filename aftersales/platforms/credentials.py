"""The secrets file: one YAML file with every marketplace's credentials, readable by its owner alone."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from pydantic import SecretStr, create_model

from aftersales.platforms.access import Access
from aftersales.platforms.marketplace import installed_marketplaces
from aftersales.runtime.secret_files import Secret, read_secret_file
from aftersales.runtime.watched_file import WatchedFile
from cases.models import Strict

Block = TypeVar("Block", bound=Access[Any])


class GatewayAccess(Strict):
    """The gateway's own block: the token that opens its status; without one nobody may see it."""

    status_token: Secret | None = None


class SecretsBase(Strict):
    """The blocks of the file; one that is left out knows no application and no shop."""

    gateway: GatewayAccess = GatewayAccess()

    def block(self, kind: type[Block]) -> Block:
        """Return the block of that type."""
        return next(block for _, block in self if isinstance(block, kind))

    def of(self, marketplace: str) -> Access[Any]:
        """Return a marketplace's block."""
        block: Access[Any] = getattr(self, marketplace)
        return block


if TYPE_CHECKING:
    Secrets = SecretsBase
else:
    # The fields depend on which packages there are, which no type checker can see.
    Secrets = create_model(
        "Secrets",
        __base__=SecretsBase,
        **{name: (marketplace.access, marketplace.access()) for name, marketplace in installed_marketplaces().items()},
    )


def read_secrets(path: Path) -> Secrets:
    """Read the file; raises BadForm that names file and field, or if others than its owner may read it."""
    return read_secret_file(Secrets, path)


class SecretBlocks(Protocol):
    """Whoever knows the marketplaces' blocks."""

    def of(self, marketplace: str) -> Access[Any]:
        """Return a marketplace's block."""


class CurrentSecrets:
    """The secrets file as it is at each moment: who holds a block of it uses a new secret from the next call on."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises BadForm, as ``read_secrets`` does."""
        self._file = WatchedFile(path, read_secrets)

    def of(self, marketplace: str) -> Access[Any]:
        """Return a marketplace's block, whose fields are those of the file at each moment."""
        return cast("Access[Any]", _CurrentBlock(lambda: self._file.content.of(marketplace)))

    def status_token(self) -> SecretStr | None:
        """Return the token that opens the gateway's status at the moment."""
        return self._file.content.gateway.status_token


class _CurrentBlock:
    def __init__(self, read: Callable[[], Access[Any]]) -> None:
        self._read = read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read(), name)
