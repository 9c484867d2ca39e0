"""All settings: environment variables that begin with AFTERSALES_."""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from cases.errors import BadForm

Port = Annotated[int, Field(ge=1, le=65535)]
TOKENS: Final = "tokens"
"""The folder of access tokens in the data folder, shared by all programs that call the marketplaces."""


def _networks(text: str) -> str:
    for part in filter(None, (part.strip() for part in text.split(","))):
        ip_network(part)  # raises ValueError
    return text


Networks = Annotated[str, AfterValidator(_networks)]
"""Addresses and networks, with commas between them."""


class Settings(BaseSettings):
    """Settings of workers and commands; the connection to Temporal uses Temporal's own variables and profiles."""

    model_config = SettingsConfigDict(env_prefix="AFTERSALES_", extra="ignore")

    task_queue: str = Field("aftersales", min_length=1, description="task queue of workflows and activities")
    data_dir: Path = Field(Path(".aftersales"), description="folder of the embedded server, the ledger and journals")
    tokens_dir: Path | None = Field(
        None, description="folder of the shops' access tokens, for machines that share one; default: in the data folder"
    )
    shops_file: Path | None = Field(None, description="YAML file with each shop's own policy figures")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="lowest severity that is logged"
    )
    log_format: Literal["json", "console"] = Field("json", description="json for machines, console for people")
    metrics_address: str | None = Field(
        None, description="host:port that serves /metrics to Prometheus, and /healthz and /readyz; for every process"
    )
    tracing: bool = Field(
        default=False,
        description="true: spans are sent by OTLP, as the standard variables OTEL_* say; needs the extra `tracing`",
    )
    build_id: str | None = Field(None, description="build id of this worker; turns worker versioning on")
    deployment_name: str = Field("aftersales", description="deployment of the build id")
    max_cached_workflows: PositiveInt = Field(1000, description="cases cached in memory")
    max_concurrent_workflow_tasks: PositiveInt = Field(100, description="concurrent workflow tasks")
    max_concurrent_activities: PositiveInt = Field(100, description="concurrent activities")
    max_activities_per_second: PositiveFloat | None = Field(None, description="activities per second of this worker")
    max_task_queue_activities_per_second: PositiveFloat | None = Field(
        None, description="activities per second of all workers of the queue"
    )
    max_activities_per_shop_per_second: PositiveFloat | None = Field(
        None, description="activities per second of each shop, over all workers of the queue"
    )
    graceful_shutdown_seconds: PositiveFloat = Field(
        10.0, description="time for running activities to finish on SIGTERM"
    )
    port: Port = Field(7233, description="port of the embedded Temporal server")
    ui_port: Port = Field(8233, description="port of its Web UI")
    ledger_url: SecretStr | None = Field(
        None,
        description="database of the ledger: sqlite:///FILE or postgresql+psycopg://...; default: in the data folder",
    )
    ui_address: str = Field(
        "http://127.0.0.1:8233", pattern=r"^https?://\S+$", description="Web UI, for links in notifications"
    )
    channels_file: Path | None = Field(None, description="YAML file with each shop's notification channels")
    secrets_file: Path | None = Field(None, description="YAML file with the platforms' credentials")
    keys_file: Path | None = Field(
        None, description="YAML file with the keys that encrypt what Temporal stores; without it nothing is encrypted"
    )
    codec_host: str = Field("127.0.0.1", min_length=1, description="address the codec server listens on")
    codec_port: Port = Field(8403, description="port the codec server listens on")
    pretend_platforms: bool = Field(
        default=False,
        description="true: without credentials every platform call is pretended to succeed; else no worker starts",
    )
    operator: str | None = Field(None, description="who decides by `act`, if not the user of this machine")
    sandbox_port: Port = Field(8401, description="port of the sandbox that `up` runs if there are no credentials")
    gateway_host: str = Field("127.0.0.1", min_length=1, description="address the gateway listens on")
    gateway_port: Port = Field(8400, description="port the gateway listens on")
    desk_host: str = Field("127.0.0.1", min_length=1, description="address the desk listens on")
    desk_port: Port = Field(8402, description="port the desk listens on")
    desk_address: str | None = Field(
        None, pattern=r"^https?://[^\s/?#@]+/?$", description="address under which browsers reach the desk"
    )
    desk_access_file: Path | None = Field(None, description="YAML file that says who may log in on the desk")
    desk_trusted_proxies: Networks = Field(
        "", description="addresses of the proxies in front of the desk, with commas; their headers are believed"
    )
    desk_secret_file: Path | None = Field(
        None, description="file with the secret that signs the desk's sessions; default: one in the data folder"
    )
    desk_idle_minutes: PositiveInt = Field(120, description="minutes after which an unused login on the desk ends")
    desk_login_hours: PositiveInt = Field(12, description="hours after which every login on the desk ends")
    gateway_body_limit: PositiveInt = Field(1024 * 1024, description="longest message of a platform, in bytes")

    @property
    def ledger_address(self) -> str | Path:
        """The ledger's address, which may contain a password and is never printed, or its SQLite file."""
        return self.ledger_url.get_secret_value() if self.ledger_url else self.data_dir / "ledger.sqlite3"

    @property
    def tokens_folder(self) -> Path:
        """The folder of the shops' access tokens."""
        return self.tokens_dir or self.data_dir / TOKENS


def names_keys() -> bool:
    """Return whether a file of keys is named, whatever the other settings are."""
    return bool(os.environ.get("AFTERSALES_KEYS_FILE"))


def load_settings(**overrides: Any) -> Settings:
    """Read the settings, with overrides that are not None; raises BadForm that names the variable."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as bad:
        fault = bad.errors(include_url=False)[0]
        name = f"AFTERSALES_{'.'.join(str(part) for part in fault['loc']).upper()}"
        raise BadForm(f"{name}: {fault['msg']}") from bad
