"""The secrets file: one YAML file with every marketplace's credentials, readable by its owner alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import create_model

from aftersales.platforms.access import Access
from aftersales.platforms.marketplace import installed_marketplaces
from aftersales.runtime.secret_files import Secret, read_secret_file
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
