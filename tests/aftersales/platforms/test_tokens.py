"""Tokens: one renewal at a time, between tasks and between processes, and nothing lost or shown."""

import asyncio
import json
import stat
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from aftersales.platforms.tokens import AHEAD, Renew, Token, TokenStore

NOW = 1_768_960_800.0
WEEK = 604_800.0


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Platform:
    """Issues a1, a2, ...; while ``gate`` is closed it does not answer."""

    def __init__(self, clock: Clock, seconds: float = WEEK) -> None:
        self.clock, self.seconds = clock, seconds
        self.before: list[Token | None] = []
        self.asked, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def renew(self, before: Token | None) -> Token:
        self.before.append(before)
        number = len(self.before)
        self.asked.set()
        await self.gate.wait()
        return Token.lasting(f"a{number}", f"r{number}", self.seconds, self.clock())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def platform(clock: Clock) -> Platform:
    return Platform(clock)


async def ask(store: TokenStore, renew: Renew, shop: str = "S1", refused: str | None = None) -> str:
    secret = SecretStr(refused) if refused else None
    return (await store.token("douyin", shop, renew, refused=secret)).get_secret_value()


@pytest.fixture(params=["memory", "files"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> TokenStore:
    return TokenStore(tmp_path / "tokens" if request.param == "files" else None, clock=clock)


async def test_a_token_is_obtained_once_and_kept(store: TokenStore, platform: Platform) -> None:
    assert [await ask(store, platform.renew) for _ in range(3)] == ["a1", "a1", "a1"]
    assert platform.before == [None]


async def test_every_shop_has_its_own(store: TokenStore, platform: Platform) -> None:
    assert await ask(store, platform.renew, "S1") != await ask(store, platform.renew, "S2")


async def test_a_token_is_renewed_shortly_before_its_end(store: TokenStore, platform: Platform, clock: Clock) -> None:
    await ask(store, platform.renew)
    clock.now = NOW + WEEK - AHEAD - 1
    assert await ask(store, platform.renew) == "a1"
    clock.now += 1
    assert await ask(store, platform.renew) == "a2"
    before = platform.before[1]
    assert before is not None
    assert before.refresh_token == SecretStr("r1")


async def test_a_short_lived_token_is_used_for_most_of_its_life(store: TokenStore, clock: Clock) -> None:
    platform = Platform(clock, seconds=10)
    await ask(store, platform.renew)
    clock.now += 8.9
    assert await ask(store, platform.renew) == "a1"
    clock.now += 0.2
    assert await ask(store, platform.renew) == "a2"


async def test_tasks_that_ask_together_wait_for_one_renewal(store: TokenStore, platform: Platform) -> None:
    platform.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(ask(store, platform.renew)) for _ in range(20)]
        await asyncio.sleep(0)
        platform.gate.set()
    assert {task.result() for task in asked} == {"a1"}
    assert len(platform.before) == 1


async def test_tasks_whose_token_was_refused_renew_it_once(store: TokenStore, platform: Platform) -> None:
    await ask(store, platform.renew)
    asked = await asyncio.gather(*(ask(store, platform.renew, refused="a1") for _ in range(20)))
    assert set(asked) == {"a2"}
    assert len(platform.before) == 2


async def test_a_token_that_was_refused_before_the_last_renewal_renews_nothing(
    store: TokenStore, platform: Platform
) -> None:
    await ask(store, platform.renew)
    await ask(store, platform.renew, refused="a1")
    assert await ask(store, platform.renew, refused="a1") == "a2"


async def test_a_renewal_that_fails_leaves_the_next_one_free(store: TokenStore, platform: Platform) -> None:
    async def fail(before: Token | None) -> Token:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await ask(store, fail)
    assert await ask(store, platform.renew) == "a1"


async def test_stores_on_one_folder_renew_once(tmp_path: Path, clock: Clock, platform: Platform) -> None:
    stores = [TokenStore(tmp_path, clock=clock) for _ in range(6)]
    for number, refused in enumerate([None, "a1"], 1):
        platform.gate.clear()
        platform.asked.clear()
        asked = [asyncio.create_task(ask(store, platform.renew, refused=refused)) for store in stores]
        await platform.asked.wait()
        for store in stores:  # by now each has a thread that waits for the lock, or has it
            await asyncio.wrap_future(store._waiting.submit(int))
        platform.gate.set()
        assert set(await asyncio.gather(*asked)) == {f"a{number}"}
        assert len(platform.before) == number


PROGRAM = """
import asyncio, sys
from pathlib import Path
from aftersales.platforms.tokens import Token, TokenStore

folder, refused = Path(sys.argv[1]), sys.argv[2]

async def renew(before):
    with (folder / "renewals").open("a") as file:
        file.write("begun\\n")
    await asyncio.sleep(0.1)  # a renewal takes its time: whoever does not wait would be seen
    number = (folder / "renewals").read_text().count("begun")
    with (folder / "renewals").open("a") as file:
        file.write("ended\\n")
    return Token.lasting(f"a{number}", f"r{number}", 604800, __import__("time").time())

async def ask():
    from pydantic import SecretStr
    store = TokenStore(folder)
    secret = SecretStr(refused) if refused else None
    asked = await asyncio.gather(*(store.token("douyin", "S1", renew, refused=secret) for _ in range(5)))
    print(",".join(sorted({token.get_secret_value() for token in asked})))

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(ask())
"""


async def processes(folder: Path, refused: str) -> list[str]:
    """Return the tokens of four processes that ask at the same moment, five tasks each."""
    started = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROGRAM, str(folder), refused),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
    return [(await process.communicate())[0].decode().strip() for process in started]


async def test_processes_that_ask_together_renew_once(tmp_path: Path) -> None:
    assert await processes(tmp_path, "") == ["a1"] * 4
    assert await processes(tmp_path, "a1") == ["a2"] * 4
    assert (tmp_path / "renewals").read_text().split() == ["begun", "ended"] * 2


async def test_a_token_outlives_its_process_and_only_its_owner_may_read_it(
    tmp_path: Path, clock: Clock, platform: Platform
) -> None:
    folder = tmp_path / "a" / "tokens"
    await ask(TokenStore(folder, clock=clock), platform.renew)

    assert await ask(TokenStore(folder, clock=clock), platform.renew) == "a1"
    assert {path.name for path in folder.iterdir()} == {"douyin-S1.json", "douyin-S1.lock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_token_is_passed_to_the_platform_that_renews_it_even_after_a_restart(
    tmp_path: Path, clock: Clock, platform: Platform
) -> None:
    await ask(TokenStore(tmp_path, clock=clock), platform.renew)
    await ask(TokenStore(tmp_path, clock=clock), platform.renew, refused="a1")
    before = platform.before[1]
    assert before is not None
    assert before.refresh_token == SecretStr("r1")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"access_token": "a9"}', "\xff"])
async def test_a_damaged_file_is_replaced(tmp_path: Path, clock: Clock, platform: Platform, content: str) -> None:
    (tmp_path / "douyin-S1.json").write_text(content, encoding="latin-1")
    (tmp_path / "douyin-S1.new").write_text("left by a crash")

    assert await ask(TokenStore(tmp_path, clock=clock), platform.renew) == "a1"
    assert json.loads((tmp_path / "douyin-S1.json").read_text()).get("access_token") == "a1"


async def test_what_cannot_be_written_is_not_lost(tmp_path: Path, clock: Clock, platform: Platform) -> None:
    store = TokenStore(tmp_path, clock=clock)
    (tmp_path / "douyin-S1.json").mkdir()
    with pytest.raises(OSError, match="douyin-S1"):
        await ask(store, platform.renew)
    assert await ask(store, platform.renew) == "a1"
    assert len(platform.before) == 1


async def test_who_stops_waiting_for_another_process_does_not_keep_the_lock(
    tmp_path: Path, clock: Clock, platform: Platform
) -> None:
    platform.gate.clear()
    first, second, third = (TokenStore(tmp_path, clock=clock) for _ in range(3))
    renewing = asyncio.create_task(ask(first, platform.renew))
    await platform.asked.wait()
    waiting = asyncio.create_task(ask(second, platform.renew))
    await asyncio.sleep(0)
    await asyncio.wrap_future(second._waiting.submit(int))  # by now the thread before it waits for the lock
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    platform.gate.set()

    assert await renewing == "a1"
    assert await ask(third, platform.renew) == "a1"
    assert await ask(third, platform.renew, refused="a1") == "a2"


async def test_a_caller_that_is_cut_short_does_not_lose_the_token_that_is_being_renewed(
    store: TokenStore, platform: Platform
) -> None:
    platform.gate.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await ask(store, platform.renew)
    platform.gate.set()

    assert await ask(store, platform.renew) == "a1"
    assert len(platform.before) == 1


async def test_a_wait_for_another_process_does_not_stop_the_event_loop(
    tmp_path: Path, clock: Clock, platform: Platform
) -> None:
    platform.gate.clear()
    stores = [TokenStore(tmp_path, clock=clock) for _ in range(2)]
    asked = [asyncio.create_task(ask(store, platform.renew)) for store in stores]
    await platform.asked.wait()
    platform.gate.set()  # reached only because nobody blocks
    assert await asyncio.gather(*asked) == ["a1", "a1"]


async def test_other_shops_are_not_kept_waiting(store: TokenStore, platform: Platform, clock: Clock) -> None:
    platform.gate.clear()
    slow = asyncio.create_task(ask(store, platform.renew, "S1"))
    await platform.asked.wait()
    assert await ask(store, Platform(clock).renew, "S2") == "a1"
    platform.gate.set()
    await slow


def test_a_token_shows_nothing() -> None:
    assert "hush" not in repr(Token.lasting("hush-1", "hush-2", 1, NOW))
