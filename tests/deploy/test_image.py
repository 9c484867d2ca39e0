"""The image: what is in it, what is not, as whom it runs; checked by the text of its Dockerfile."""

import re
import tomllib

import pytest
from typer.testing import CliRunner

from aftersales.cli import trials
from aftersales.cli.main import COMMANDS, app
from tests.support.places import ROOT
from tests.test_packages import SOURCES

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile: each one's name, and the rest in one line."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    pairs = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [(name, rest) for name, rest in pairs]


ALL = instructions()
LAST = max(number for number, (name, _) in enumerate(ALL) if name == "FROM")
BUILT, RUN = ALL[:LAST], ALL[LAST:]


def of(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for instruction, rest in stage if instruction == name]


def test_the_image_is_built_in_two_stages_of_one_pinned_python_that_we_support() -> None:
    (python,) = [rest for rest in of(ALL, "ARG") if rest.startswith("PYTHON=")]

    assert [rest.split()[0] for rest in of(ALL, "FROM")] == ["python:${PYTHON}"] * 2
    assert f"Programming Language :: Python :: {python.removeprefix('PYTHON=').split('-')[0]}" in PROJECT["classifiers"]
    assert "-slim-" in python


def test_it_runs_as_a_user_without_rights_and_what_it_runs_is_not_its_own() -> None:
    assert of(RUN, "USER") == ["10001:10001"]
    assert of(RUN, "COPY") == ["--from=build /srv/aftersales /srv/aftersales"], "by root, before the user is another"
    assert [name for name, _ in RUN if name in ("COPY", "USER")] == ["COPY", "USER"]
    assert "--shell /usr/sbin/nologin" in " ".join(of(RUN, "RUN"))


def test_everything_is_installed_at_the_pinned_versions_and_nothing_else_is_fetched() -> None:
    installs = re.findall(r"pip\S*(?: --python \S+)? install ([^&]*)", " && ".join(of(BUILT, "RUN")))

    assert len(installs) == 2
    assert [words for words in installs if "--constraint constraints.txt" not in words] == []
    assert of(ALL, "ADD") == []
    assert re.findall(r"\b(?:curl|wget|apt-get|apk)\b", DOCKERFILE) == []
    assert "--no-build-isolation" in DOCKERFILE, "else pip fetches the newest builder"


def test_its_extras_are_the_driver_of_the_ledger_and_tracing_and_no_server_comes_along() -> None:
    extras = re.findall(r'"aftersales\[([^\]]*)\]', DOCKERFILE)
    servers = [name for name in PROJECT["optional-dependencies"]["embedded"] if name in str(PROJECT["dependencies"])]

    assert extras == ["postgresql,tracing"]
    assert servers == []
    assert "! ls /srv/aftersales/bin/temporal" in DOCKERFILE


def test_the_sandbox_is_taken_out() -> None:
    assert "rm -r /srv/aftersales/lib/python3*/site-packages/aftersales/sandbox" in " ".join(of(BUILT, "RUN"))


def test_it_writes_to_its_volumes_alone_and_says_how_it_is() -> None:
    environment = " ".join(of(RUN, "ENV"))

    assert "PYTHONDONTWRITEBYTECODE=1" in environment
    assert "AFTERSALES_DATA_DIR=/var/lib/aftersales/data" in environment
    assert "AFTERSALES_METRICS_ADDRESS=0.0.0.0:9464" in environment
    (health,) = of(RUN, "HEALTHCHECK")
    assert "127.0.0.1:9464/healthz" in health


def test_its_labels_say_which_build_of_which_commit_it_is() -> None:
    labels = " ".join(of(RUN, "LABEL"))

    assert 'org.opencontainers.image.version="${BUILD_ID}"' in labels
    assert 'org.opencontainers.image.revision="${REVISION}"' in labels
    assert {"BUILD_ID=unknown", "REVISION=unknown"} <= set(of(RUN, "ARG"))


def test_it_runs_a_worker_unless_told_otherwise_and_hears_signals_itself() -> None:
    (command,) = of(RUN, "CMD")

    assert of(RUN, "ENTRYPOINT") == ['["aftersales"]']
    assert command.strip('[]"') in COMMANDS


def test_the_builder_is_sent_what_a_wheel_is_made_from_and_no_more() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line.removeprefix("!") for line in lines if line.startswith("!")]
    copied = [word for rest in of(BUILT, "COPY") for word in rest.split()[:-1]]

    assert next(line for line in lines if not line.startswith("#")) == "*"
    assert sorted(kept) == sorted({*SOURCES, "constraints.txt"})
    assert sorted(copied) == sorted(kept)


@pytest.mark.parametrize("command", ["up", "sandbox"])
def test_without_the_sandbox_a_command_for_trials_says_so_in_one_line(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "find_spec", lambda name: None if name == "aftersales.sandbox" else object())

    result = CliRunner().invoke(app, [command])

    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "the sandbox is not part of this installation" in result.stderr
