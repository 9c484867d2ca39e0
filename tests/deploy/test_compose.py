"""The compose files: what is published, who runs as whom, and that their secrets are taken by our programs."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from aftersales.cli.main import COMMANDS
from aftersales.desk.access.access_file import AccessFile
from aftersales.importing.case_files import read_shops
from aftersales.notifications.channels import read_channels
from aftersales.platforms.credentials import read_secrets
from aftersales.runtime.encryption.key_ring import KeyRing
from aftersales.runtime.secret_files import kept_secret
from tests.support.places import ROOT

FOLDER = ROOT / "deploy" / "compose"


def read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return read


COMPOSE = read("compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("aftersales:")}
JOBS = {"temporal-schema", "temporal-namespace", "migrate", "setup"}


def test_it_runs_what_a_shop_needs() -> None:
    assert set(SERVICES) == {"postgres", "temporal", "temporal-ui", "worker", "gateway", "desk", "codec", *JOBS}


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_can_write_to_its_image_or_has_rights(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].startswith("${AFTERSALES_USER:?")


def test_only_gateway_and_desk_are_published_and_to_this_machine_unless_told_otherwise() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert set(published) == {"gateway", "desk"}
    assert all(re.fullmatch(r"\$\{\w+:-127\.0\.0\.1:\d+\}:\d+", port) for ports in published.values() for port in ports)


def test_administrators_publish_web_ui_and_codec_server_to_their_machine_alone() -> None:
    services = read("compose.admin.yaml")["services"]

    assert set(services) == {"temporal-ui", "codec"}
    assert [
        port for service in services.values() for port in service["ports"] if not port.startswith("127.0.0.1:")
    ] == []


def test_what_needs_no_outside_is_in_a_network_that_has_none() -> None:
    assert COMPOSE["networks"]["cluster"] == {"internal": True}
    outside = {name for name, service in SERVICES.items() if service["networks"] != ["cluster"]}

    assert outside == {"worker", "gateway", "desk"}


def test_images_of_others_are_pinned_and_temporals_are_those_that_are_tested_with() -> None:
    others = {service["image"] for service in SERVICES.values()} - {service["image"] for service in OURS.values()}

    assert {image.rpartition(":")[2] for image in others if image.startswith("temporalio/")} == {"1.32.0", "2.54.1"}
    assert [image for image in others if not re.search(r":\d+\.\d+", image)] == []


@pytest.mark.parametrize("name", sorted(set(SERVICES) - JOBS - {"temporal-ui"}))
def test_every_service_says_how_it_is(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", ["worker", "gateway", "desk", "codec"])
def test_ours_are_asked_whether_they_are_ready(name: str) -> None:
    environment = SERVICES[name]["environment"]

    assert "127.0.0.1:9464/readyz" in SERVICES[name]["healthcheck"]["test"][-1]
    assert environment["AFTERSALES_METRICS_ADDRESS"] == "0.0.0.0:9464"


@pytest.mark.parametrize("name", OURS)
def test_ours_run_a_command_that_exists(name: str) -> None:
    assert [word for word in OURS[name]["command"] if word not in COMMANDS] == []


@pytest.mark.parametrize("name", ["worker", "gateway", "desk"])
def test_ours_start_once_the_ledger_and_the_search_attributes_are_there(name: str) -> None:
    waits = {other: how["condition"] for other, how in SERVICES[name]["depends_on"].items()}

    assert waits == dict.fromkeys(("migrate", "setup"), "service_completed_successfully")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_the_secrets_that_its_settings_name_and_no_other(name: str) -> None:
    service = SERVICES[name]
    given = yaml.safe_dump([service.get("environment", {}), service.get("entrypoint", [])])
    scripts = [FOLDER / "postgres" / "databases.sh"] if name == "postgres" else []
    scripts += [FOLDER / "temporal" / "schema.sh"] if name == "temporal-schema" else []
    read_by = given + "".join(path.read_text(encoding="utf-8") for path in scripts)
    named = set(re.findall(r"/run/secrets/(\w+)", read_by.replace("${name}_password", "")))
    named |= {"temporal_password", "aftersales_password"} if name == "postgres" else set()

    assert named == set(service.get("secrets", []))


def test_no_secret_is_written_in_a_compose_file() -> None:
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    words = yaml.safe_dump(COMPOSE)
    assert (
        re.findall(r"(?i)(?:password|token|secret)\w*: (?!/run/secrets|\n)\S+", re.sub(r"file: \S+", "", words)) == []
    )


def test_a_worker_has_time_to_finish() -> None:
    worker = SERVICES["worker"]

    seconds = float(worker["environment"]["AFTERSALES_GRACEFUL_SHUTDOWN_SECONDS"])
    assert int(worker["stop_grace_period"].removesuffix("s")) > seconds


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder, in which secrets were made."""
    folder = tmp_path_factory.mktemp("deployed") / "compose"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("secrets", "data", ".env", "shops.yaml"))
    make(folder)
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", folder / "make_secrets.sh", *arguments], capture_output=True, text=True, check=not arguments
    )


def test_every_secret_of_the_compose_file_is_made_for_its_owner_alone(made: Path) -> None:
    files = [made / secret["file"] for secret in COMPOSE["secrets"].values()]

    assert {path.name for path in files} == {path.name for path in (made / "secrets").iterdir()}
    assert {stat.S_IMODE(path.stat().st_mode) for path in [*files, made / ".env"]} == {0o600}
    assert {stat.S_IMODE((made / name).stat().st_mode) for name in ("secrets", "data")} == {0o700}


def test_the_files_that_are_made_are_taken_by_our_programs(made: Path) -> None:
    secrets = made / "secrets"

    assert read_secrets(secrets / "platforms.yaml").gateway.status_token
    assert read_channels(secrets / "channels.yaml") is not None
    assert KeyRing(secrets / "keys.yaml").readers
    assert AccessFile(secrets / "access.yaml").access.users == ()
    assert len(kept_secret(secrets / "desk_secret")) >= 32
    assert read_shops(made / "shops.yaml") == {}
    assert (secrets / "ledger_passfile").read_text().count(":") == 4


def test_nothing_that_was_made_is_made_again(made: Path) -> None:
    before = {path: path.read_bytes() for path in (made / "secrets").iterdir()}

    done = make(made)

    assert "made:" not in done.stdout
    assert {path: path.read_bytes() for path in (made / "secrets").iterdir()} == before


def test_containers_run_as_whoever_made_the_secrets_but_never_as_root(made: Path) -> None:
    ((user, group),) = re.findall(r"^AFTERSALES_USER=(\d+):(\d+)$", (made / ".env").read_text(), re.MULTILINE)

    assert "0" not in (user, group)
    assert (made / "secrets" / "keys.yaml").stat().st_uid == int(user) == (os.getuid() or 10001)


def test_an_argument_is_refused_in_one_line(made: Path) -> None:
    done = make(made, "--force")

    assert (done.returncode, done.stderr) == (2, "usage: ./make_secrets.sh (no arguments)\n")


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.sh")), ids=lambda path: path.name)
def test_a_script_is_one_of_the_plain_shell_that_stops_at_the_first_fault(path: Path) -> None:
    subprocess.run(["sh", "-n", path], check=True)
    lines = path.read_text(encoding="utf-8").splitlines()

    assert lines[0] == "#!/bin/sh"
    assert "set -eu" in lines
    assert os.access(path, os.X_OK)


def test_what_is_made_is_not_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert {f"deploy/compose/{name}" for name in (".env", "data/", "secrets/", "shops.yaml")} <= set(ignored)
