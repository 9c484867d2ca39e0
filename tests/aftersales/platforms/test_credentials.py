"""The file of credentials: read by its owner alone, named where it is wrong, and never quoted."""

import os
import stat
import traceback
from pathlib import Path

import pytest

from aftersales.platforms.credentials import CurrentSecrets, Secrets, read_secrets
from cases.errors import BadForm
from tests.support.records.key_files import rewritten

FULL = """\
douyin:
  apps: [{app_key: K1, app_secret: hush-1}]
  shops:
    - {shop_id: S1, app_key: K1}
    - {shop_id: S2, app_key: K1, authorization_code: hush-2}
jd:
  address: http://127.0.0.1:9/jd/
  apps: [{app_key: K2, app_secret: hush-3}]
  shops: [{shop_id: S3, app_key: K2, access_token: hush-4}]
alibaba_1688:
  apps: [{app_key: K3, app_secret: hush-5}]
  shops: [{shop_id: S4, app_key: K3, access_token: hush-6}]
  acknowledgement: '{"ok":true}'
taobao:
  apps: [{app_key: K4, app_secret: hush-7}]
  shops: [{shop_id: S5, app_key: K4, access_token: hush-8}]
"""


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secrets.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def refused(folder: Path, text: str) -> str:
    """Return the error for a file, after checking that it quotes nothing of the file."""
    with pytest.raises(BadForm) as caught:
        read_secrets(written(folder, text))
    shown = "".join(traceback.format_exception(caught.value))
    assert "hush" not in shown.replace("read_secrets(written(folder, text))", "")
    assert str(folder / "secrets.yaml") in str(caught.value)
    return str(caught.value)


def test_every_platform_has_its_shops(tmp_path: Path) -> None:
    secrets = read_secrets(written(tmp_path, FULL))

    douyin = secrets.douyin.shop("S1")
    assert (douyin.app_key, douyin.app_secret.get_secret_value(), douyin.authorization_code) == ("K1", "hush-1", None)
    code = secrets.douyin.shop("S2").authorization_code
    assert code is not None
    assert code.get_secret_value() == "hush-2"
    for shop, app_key, secret, token in [
        (secrets.jd.shop("S3"), "K2", "hush-3", "hush-4"),
        (secrets.alibaba_1688.shop("S4"), "K3", "hush-5", "hush-6"),
        (secrets.taobao.shop("S5"), "K4", "hush-7", "hush-8"),
    ]:
        assert (shop.app_key, shop.app_secret.get_secret_value()) == (app_key, secret)
        assert shop.access_token.get_secret_value() == token
    assert secrets.taobao.app("K4").app_secret.get_secret_value() == "hush-7"


def test_an_address_is_the_platforms_own_unless_another_is_given(tmp_path: Path) -> None:
    secrets = read_secrets(written(tmp_path, FULL))

    assert secrets.jd.address == "http://127.0.0.1:9/jd"
    assert secrets.douyin.address == "https://openapi-fxg.jinritemai.com"
    assert secrets.alibaba_1688.acknowledgement == '{"ok":true}'


@pytest.mark.parametrize("number", [1, 2, 4, 7])
def test_a_secret_that_was_copied_with_white_space_is_refused_by_its_place(tmp_path: Path, number: int) -> None:
    assert "首尾有空格" in refused(tmp_path, FULL.replace(f"hush-{number}", f"'hush-{number} '"))


def test_every_block_may_be_left_out(tmp_path: Path) -> None:
    secrets = read_secrets(written(tmp_path, "{}"))

    assert secrets == Secrets()
    assert secrets.alibaba_1688.acknowledgement == "success"
    with pytest.raises(BadForm, match="no credentials for shop: S1"):
        secrets.douyin.shop("S1")
    with pytest.raises(BadForm, match="no credentials for shop: S1"):
        secrets.jd.shop("S1")
    with pytest.raises(BadForm, match="no credentials for app: K1"):
        secrets.douyin.app("K1")


def test_nothing_shows_a_secret(tmp_path: Path) -> None:
    secrets = read_secrets(written(tmp_path, FULL))

    shown = f"{secrets!r} {secrets} {secrets.douyin.shop('S2')!r} {secrets.jd.shop('S3')} {secrets.model_dump_json()}"
    assert "hush" not in shown


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o644])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(BadForm, match=rf"secrets\.yaml: .*{mode:04o}.*chmod 600"):
        read_secrets(written(tmp_path, FULL, mode))


def test_a_file_that_its_owner_may_only_read_is_taken(tmp_path: Path) -> None:
    assert read_secrets(written(tmp_path, FULL, 0o400)).jd.shops


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadForm, match=r"none\.yaml: .*No such file"):
        read_secrets(tmp_path / "none.yaml")
    with pytest.raises(BadForm, match="Is a directory"):
        read_secrets(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("app_secret: hush-1", "app_secret: 4711", "douyin.apps.0.app_secret"),
        ("app_secret: hush-1", "app_secret: ''", "douyin.apps.0.app_secret"),
        (", app_secret: hush-1", "", "douyin.apps.0.app_secret"),
        ("app_key: K1, app_secret", "app_key: 6839, app_secret", "douyin.apps.0.app_key"),
        (", access_token: hush-4", "", "jd.shops.0.access_token"),
        ("shop_id: S1", "shop_id: 1", "douyin.shops.0.shop_id"),
        ("shop_id: S1", "shop_id: S2", "duplicate: S2"),
        ("shop_id: S1, app_key: K1", "shop_id: S1, app_key: K9", "S1 的 app_key 不在 apps 中"),
        ("address: http://127.0.0.1:9/jd/", "address: 'jd.com?hush'", "jd.address"),
        ("taobao:", "taobao: {}\ntmall:", "tmall"),
        ("taobao:", "pinduoduo: hush\ntaobao:", "pinduoduo"),
        ("acknowledgement:", "acknowledgment:", "alibaba_1688.acknowledgment"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in FULL

    assert named in refused(tmp_path, FULL.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "hush", "- hush", "null"])
def test_a_file_that_holds_no_blocks_is_refused(tmp_path: Path, text: str) -> None:
    assert "须为 JSON 对象" in refused(tmp_path, text)


@pytest.mark.parametrize(
    "text", ["douyin:\n  apps: [hush", "a: hush\n\tb: hush: hush", "hush: !!python/object:hush {}"]
)
def test_a_file_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    assert "not valid YAML (line " in refused(tmp_path, text)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    path.write_bytes(b"\xff\xfehush\xd8")
    with pytest.raises(BadForm, match="not valid YAML"):
        read_secrets(path)


def test_a_mounted_secret_of_root_that_its_group_may_read_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fstat
    owner = 0

    def mounted(descriptor: int) -> os.stat_result:
        status = list(real(descriptor))
        status[stat.ST_UID] = owner
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", mounted)
    assert read_secrets(written(tmp_path, FULL, 0o440)).of("jd").apps
    for mode in (0o640, 0o444, 0o460, 0o450):
        with pytest.raises(BadForm, match=f"{mode:04o}"):
            read_secrets(written(tmp_path, FULL, mode))
    owner = 1000  # whoever owns it could open it to others, and has
    with pytest.raises(BadForm, match="0440"):
        read_secrets(written(tmp_path, FULL, 0o440))


def test_a_rotated_secret_counts_from_the_next_use_on_and_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, FULL)
    current = CurrentSecrets(path)
    jd = current.of("jd")
    assert (jd.shop("S3").access_token.get_secret_value(), current.status_token()) == ("hush-4", None)
    rotated = FULL.replace("hush-4", "hush-44") + "gateway: {status_token: hush-9}\n"
    rewritten(path, rotated)
    token = current.status_token()
    assert token is not None
    assert (jd.shop("S3").access_token.get_secret_value(), token.get_secret_value()) == ("hush-44", "hush-9")
    rewritten(path, "jd: nonsense")
    assert jd.shop("S3").access_token.get_secret_value() == "hush-44"
    assert jd.app("K2").app_key == jd.app_key_of("S3") == "K2"
