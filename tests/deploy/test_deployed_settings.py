"""The settings in Dockerfile, compose files and chart are ours, and none that production needs is left out."""

import re
from pathlib import Path

import pytest
from temporalio.envconfig import ClientConfig

from aftersales.runtime.settings import Settings
from tests.support.places import DOCS, ROOT

DEPLOY = ROOT / "deploy"
DEPLOYED = {
    "image": [DEPLOY / "Dockerfile"],
    "compose": [*sorted((DEPLOY / "compose").rglob("*.yaml")), DEPLOY / "compose" / "make_secrets.sh"],
    "chart": sorted((DEPLOY / "helm" / "rendered").iterdir()),
}
OF_COMPOSE_ALONE = {"AFTERSALES_TAG", "AFTERSALES_USER"}
"""Variables of the compose files: which image, and as whom."""
WRITTEN = [path for path in DOCS.glob("*.md") if path.name != "settings.md"]
VARIABLE = re.compile(r"\bAFTERSALES_[A-Z_]+[A-Z]\b")


def variables(*paths: Path) -> set[str]:
    return {name for path in paths for name in VARIABLE.findall(path.read_text(encoding="utf-8"))}


OURS = {f"AFTERSALES_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("way", DEPLOYED)
def test_every_setting_in_what_is_deployed_exists(way: str) -> None:
    found = variables(*DEPLOYED[way])

    assert found
    assert found - OF_COMPOSE_ALONE - OURS == set()


@pytest.mark.parametrize("way", ["compose", "chart"])
def test_every_setting_that_is_not_deployed_is_explained(way: str) -> None:
    assert OURS - variables(*DEPLOYED[way]) - variables(*WRITTEN) == set()


@pytest.mark.parametrize("way", ["compose", "chart"])
def test_no_setting_of_a_trial_is_deployed(way: str) -> None:
    of_trials = {f"AFTERSALES_{name}" for name in ("PORT", "UI_PORT", "SANDBOX_PORT", "PRETEND_PLATFORMS")}

    assert variables(*DEPLOYED[way]) & of_trials == set()


def test_temporals_own_variables_are_those_that_its_client_reads() -> None:
    rollout = (DEPLOY / "helm" / "rendered" / "rollout.yaml").read_text(encoding="utf-8")
    given = dict(re.findall(r"name: (TEMPORAL_\w+), value: \"?([^\"}\s]+)\"?}", rollout))
    read = ClientConfig.load_client_connect_config(
        disable_file=True,
        override_env_vars={name: "/dev/null" if name.endswith("_PATH") else value for name, value in given.items()},
    )

    assert read["target_host"] == given.pop("TEMPORAL_ADDRESS")
    assert read["namespace"] == given.pop("TEMPORAL_NAMESPACE")
    tls = read["tls"]
    assert not isinstance(tls, bool)
    assert tls
    assert (tls.domain, given.pop("TEMPORAL_TLS")) == (given.pop("TEMPORAL_TLS_SERVER_NAME"), "true")
    assert (tls.client_cert, tls.client_private_key, tls.server_root_ca_cert) == (b"", b"", b"")
    assert set(given) == {f"TEMPORAL_TLS_{name}_PATH" for name in ("CLIENT_CERT", "CLIENT_KEY", "SERVER_CA_CERT")}, (
        "each was read, from an empty file"
    )
