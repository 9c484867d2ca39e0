"""The documents agree with the code: commands, targets, paths, links, fields, settings and examples."""

import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from aftersales.authoring.process_lists import LISTS, renewed
from aftersales.cli import main
from aftersales.cli.cases.acting import OPERATOR_UPDATES
from aftersales.cli.reference import DOCUMENTS
from aftersales.gateway.app import make_gateway
from aftersales.gateway.inbox import Inbox
from aftersales.importing.case_files import read_case
from aftersales.platforms.credentials import Secrets, read_secrets
from aftersales.platforms.inbound import MessageState
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.web_ui import link, list_address, saved_views
from aftersales.simulation.result import FIRED, in_seconds
from aftersales.simulation.scenario import Answers, Expectation, Scenario, ScenarioFile, ScenarioStep
from cases.messages import ExpiryOutcome, Opening
from tests.support.places import ROOT
from tests.support.platforms.pushing import RecordingFeed
from tests.support.platforms.serving import calling
from workflows.engine.machine import CaseMachine
from workflows.engine.view import view
from workflows.registry import PROCESSES

NOW = datetime(2026, 1, 5, 1, tzinfo=UTC)
COMMANDS: dict[str, Any] = {name: main.load_command(name) for name in main.COMMANDS}
REGISTRIES = (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("golang", "org"))
HOMES = ("root", "home", "opt", "tmp", "work", "Users")
FORBIDDEN = re.compile(
    "|".join([*(re.escape(".".join(parts)) for parts in REGISTRIES), *(f"(?<![\\w./~$}}])/{home}/" for home in HOMES)])
)
SUFFIXES = (".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".json")
INSTALLED_OR_LEFT = (".venv", ".aftersales")
OF_OTHERS = ("temporal.toml",)
WATCHED_STATES = (MessageState.FAILED, MessageState.UNREADABLE, MessageState.REFUSED)
"""The states of messages that somebody should look at."""


def files(*patterns: str) -> list[Path]:
    """Return the files of the repository, also those that are not committed yet."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def text(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def command_lines(document: str) -> list[str]:
    """Return the lines that a reader types: those of the blocks marked as sh."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", document, flags=re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def words_of(program: str, document: str) -> list[list[str]]:
    """Return the arguments of every call of a program that a reader types."""
    calls = [shlex.split(line) for line in command_lines(document)]
    return [call[1:] for call in calls if Path(call[0]).name == program]


def in_backticks(document: str) -> list[str]:
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"```.*?```", "", document, flags=re.DOTALL))


def repository_paths(document: str) -> set[str]:
    """Return the words, typed or in backticks, that can only be paths of the repository."""
    typed = [word for line in command_lines(document) for word in shlex.split(line)]
    words = [word for word in (*in_backticks(document), *typed) if re.fullmatch(r"[\w.*/-]+", word)]
    tops = {path.name for path in ROOT.iterdir()}
    return {
        word
        for word in words
        if (word.endswith(("/", *SUFFIXES)) or ("/" in word and word.split("/")[0] in tops))
        and word.split("/")[0] not in (*INSTALLED_OR_LEFT, *OF_OTHERS)
        and not word.startswith((".", "/"))
    }


def exists(name: str, beside: Path) -> bool:
    return any(any(folder.glob(name)) if "*" in name else (folder / name).exists() for folder in (ROOT, beside))


TEXTS = [pytest.param(path, id=short(path)) for path in files("*.md")]
EXAMPLES = ROOT / "examples"
SCENARIOS = [pytest.param(path, id=path.name) for path in sorted((EXAMPLES / "scenarios").iterdir())]
CASES = [pytest.param(path, id=path.name) for path in sorted((EXAMPLES / "cases").iterdir())]


@pytest.mark.parametrize("path", TEXTS)
def test_every_command_in_a_document_exists(path: Path) -> None:
    # A name after the program's, anywhere in the backticks; `aftersales: ...` is a message, not a command.
    named = {name for words in in_backticks(text(path)) for name in re.findall(r"(?:^|/)aftersales ([a-z]\S*)", words)}
    typed = {words[0] for words in words_of("aftersales", text(path))}

    assert (named | typed) - set(COMMANDS) == set()


@pytest.mark.parametrize("path", TEXTS)
def test_every_option_that_a_reader_types_exists(path: Path) -> None:
    for command, *words in words_of("aftersales", text(path)):
        options = {option for parameter in COMMANDS[command].params for option in parameter.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, command


@pytest.mark.parametrize("path", TEXTS)
def test_every_make_target_in_a_document_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), flags=re.MULTILINE))
    typed = {words[0] for words in words_of("make", text(path)) if words}
    named = {name for words in in_backticks(text(path)) for name in re.findall(r"\bmake ([a-z]+)$", words)}

    assert (typed | named) - targets == set()


@pytest.mark.parametrize("path", TEXTS)
def test_every_path_in_a_document_exists(path: Path) -> None:
    missing = {name for name in repository_paths(text(path)) if not exists(name, path.parent)}

    assert missing - {"history.json"} == set()  # what a command in a document writes


@pytest.mark.parametrize("path", TEXTS)
def test_every_relative_link_of_a_document_leads_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)", text(path))
    relative = [target for target in targets if not re.match(r"[a-z]+:", target)]

    assert [target for target in relative if not (path.parent / target).exists()] == []


def test_every_picture_is_shown_by_a_document() -> None:
    shown = {
        (path.parent / target).resolve()
        for path in files("*.md")
        for target in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", text(path))
    }

    assert [short(path) for path in (ROOT / "docs" / "images").iterdir() if path not in shown] == []


@pytest.mark.parametrize("path", TEXTS)
def test_every_setting_in_a_document_exists(path: Path) -> None:
    variables = {f"AFTERSALES_{name.upper()}" for name in Settings.model_fields}

    assert set(re.findall(r"AFTERSALES_[A-Z_]+[A-Z]", text(path))) - variables == set()


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_the_kept_reference_is_the_generated_one(name: str) -> None:
    assert text(ROOT / "docs" / name) == DOCUMENTS[name](), "out of date: run `make docs`"


@pytest.mark.parametrize(
    ("name", "lists"),
    [
        ("README.md", [None]),
        ("README.zh-CN.md", [None]),
        ("docs/operators.md", [None]),
        ("docs/index.md", [None]),
        ("docs/operations.md", ["views", "steps"]),
    ],
)
def test_the_lists_of_processes_in_a_document_are_those_of_the_registry(name: str, lists: list[str | None]) -> None:
    held = re.findall(r"^<!-- processes(?:: (\w+))? -->$", text(name), flags=re.MULTILINE)

    assert [kind or None for kind in held] == lists
    assert renewed(Path(name), text(name)) == text(name), "out of date: run `make docs`"
    for process in PROCESSES.values():
        assert all(process.name in LISTS[kind](Path(name)) for kind in lists)


def test_a_decision_that_is_handed_over_after_a_look_in_the_ledger_is_listed_as_a_task() -> None:
    rows = LISTS["steps"](Path("README.md")).splitlines()
    [row] = [row for row in rows if row.startswith("| `douyin_shipment` |")]
    through_interface, tasks = (cell.strip() for cell in row.strip("|").split("|")[1:])

    assert through_interface == "-"
    assert "在抖店发货并上传物流单号" in tasks
    assert "核对单号" not in tasks  # the ledger alone is asked: nobody has to do anything


def test_the_states_of_every_process_in_the_rule_book_are_those_of_its_charts() -> None:
    rules = text("docs/rules.md")
    held = set(re.findall(r"^<!-- ((?:order )?states: \w+) -->$", rules, flags=re.MULTILINE))

    assert held == {
        *(f"states: {name}" for name in PROCESSES),
        *(f"order states: {name}" for name, process in PROCESSES.items() if process.order_chart),
    }
    assert renewed(Path("docs/rules.md"), rules) == rules, "out of date: run `make docs`"


@pytest.mark.parametrize("path", TEXTS)
def test_no_list_of_processes_is_written_by_hand(path: Path) -> None:
    outside = re.sub(r"<!-- processes.*?<!-- /processes -->", "", text(path), flags=re.DOTALL)
    lines = [line for line in outside.splitlines() if sum(name in line for name in PROCESSES) > 2]

    assert path.parent.name == "rulebook" or lines == []


def test_both_readmes_give_the_same_commands() -> None:
    assert set(command_lines(text("README.md"))) == set(command_lines(text("README.zh-CN.md")))


@pytest.mark.parametrize("name", ["README.zh-CN.md", "docs/operators.md"])
def test_a_chinese_document_has_chinese_punctuation(name: str) -> None:
    prose, _ = re.subn(r"^```.*?^```|<!-- processes.*?/processes -->", "", text(name), flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`\n]*`|「[^」\n]*」|\]\([^)\n]*\)", "", prose)

    assert re.findall(r".*[\u4e00-\u9fff][,:;?()].*|.*[,:;?()][\u4e00-\u9fff].*", prose) == []


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_cases_of_a_readme_are_sample_cases_and_its_decisions_are_rules(readme: str) -> None:
    samples = {
        f"{process.name}/{process.open_case(opening).facts.own_id}"
        for process, opening in (read_case(path, {}, NOW) for path in sorted((EXAMPLES / "cases").iterdir()))
    }
    about_a_case = ("show", "act", "report")
    calls = [words for words in words_of("aftersales", text(readme)) if words[0] in about_a_case and "/" in words[1]]

    assert calls
    assert set(re.findall(r"\b(?:douyin_reship|claim_1688|anxinjian_split)/\d+", text(readme))) <= samples
    assert {words[1] for words in calls} <= samples
    for _, case_id, rule, *_ in (words for words in calls if words[0] != "show"):
        assert rule in (*PROCESSES[case_id.split("/")[0]].rules, *OPERATOR_UPDATES)


def test_every_field_of_a_scenario_is_described() -> None:
    described = set(in_backticks(text("docs/simulate.md")))
    models = (ScenarioFile, ScenarioStep, Expectation, Answers, ExpiryOutcome)

    assert {name for model in models for name in model.model_fields} - described == set()


def test_every_field_that_simulate_prints_is_described() -> None:
    process, opening = read_case(EXAMPLES / "cases" / "douyin_reship_1_never_received.yaml", {}, NOW)
    seen = view(CaseMachine(process, "douyin_reship/A1", process.open_case(Opening.model_validate(opening))), NOW)
    printed = {*in_seconds(seen, NOW, [], []), *FIRED, "history", "events", "bytes"}

    assert printed - set(in_backticks(text("docs/simulate.md"))) == set()


def test_the_scenario_shown_in_the_documents_can_be_played(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(process: .*?)```", text("docs/simulate.md"), flags=re.DOTALL)
    assert shown
    for number, scenario in enumerate(shown):
        path = tmp_path / f"{number}.yaml"
        path.write_text(scenario, encoding="utf-8")
        Scenario(path)


def test_the_credentials_shown_in_the_documents_are_taken(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```yaml\n(douyin:.*?)```", text("docs/operations.md"), flags=re.DOTALL)
    path = tmp_path / "secrets.yaml"
    path.write_text(shown, encoding="utf-8")
    path.chmod(0o600)
    secrets = read_secrets(path)

    assert [shop.shop_id for shop in secrets.douyin.shops] == ["4463798", "4463799"]
    assert set(yaml.safe_load(shown)) <= set(Secrets.model_fields)


def test_the_views_of_the_documents_are_those_that_setup_prints() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    listed_at = list_address(Settings.model_fields["ui_address"].default, "default")
    for name, query in saved_views([]).items():
        assert f"| [{name}]({link(listed_at, query, name)}) | `{query}` |" in text


def test_every_symptom_that_the_handbook_explains_is_printed_by_the_code() -> None:
    _, _, table = text("docs/operations.md").partition("## When something is wrong")
    symptoms = [words.removesuffix(" ...") for words in re.findall(r"^\| `([^`]+)`", table, flags=re.MULTILINE)]
    code = "".join(text(path) for path in files("aftersales/**.py", "workflows/**.py"))

    assert symptoms
    assert [words for words in symptoms if words not in code] == []


async def test_every_figure_that_the_gateway_shows_is_one_to_watch(tmp_path: Path) -> None:
    section = text("docs/operations.md").partition("\n## Figures to watch\n")[2].partition("\n## ")[0]
    given = "of this test"
    async with Inbox(tmp_path / "inbox.db") as inbox:
        app = make_gateway([], inbox, RecordingFeed().feed, status_token=lambda: SecretStr(given))
        async with calling(app) as client:
            answer = await client.get("/status", headers={"authorization": f"Bearer {given}"})
    figures = {
        f"states.{figure}" if figure in WATCHED_STATES else figure for figure in (*answer.json(), *WATCHED_STATES)
    }
    assert [figure for figure in sorted(figures - {"states"}) if f"`{figure}`" not in section] == []


def test_what_the_gateway_shows_of_its_inbox_is_described() -> None:
    described = set(in_backticks(text("docs/operations.md")))

    assert {str(state) for state in MessageState} | {"longest_waiting_seconds"} <= described
    assert {"/douyin", "/1688", "/healthz", "/readyz", "/status"} <= described


@pytest.mark.parametrize("path", SCENARIOS)
def test_every_example_scenario_can_be_played(path: Path) -> None:
    assert Scenario(path).file.steps


@pytest.mark.parametrize("path", CASES)
def test_every_example_case_can_be_opened(path: Path) -> None:
    process, opening = read_case(path, {}, NOW)

    assert process.open_case(opening).facts.own_id


def test_every_decision_is_in_the_index() -> None:
    decisions = {path.name for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}

    assert set(re.findall(r"\((\d{4}[^)]*)\)", text("docs/adr/README.md"))) == decisions


def test_no_text_names_a_package_registry_or_a_place_on_a_machine() -> None:
    lines = []
    for path in files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if FORBIDDEN.search(line):
                lines.append(f"{short(path)}:{number}: {line.strip()[:100]}")

    assert lines == []
