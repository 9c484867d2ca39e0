"""Signatures, beside what openssl says they are."""

from aftersales.notifications import dingtalk, feishu, webhook

SECRET = "shop-secret-1"  # noqa: S105  # made up
AT = 1767574800


def test_feishus_signature_is_openssls() -> None:
    # printf '' | openssl dgst -sha256 -mac HMAC -binary \
    #   -macopt hexkey:$(printf '1767574800\nshop-secret-1' | od -An -tx1 | tr -d ' \n') | base64
    assert feishu.sign(SECRET, AT) == "9rWo1yN3qyiZVq91/ocRm0wkB8m7iKbCiUtV/+D363E="


def test_dingtalks_signature_is_openssls() -> None:
    # printf '1767574800000\nshop-secret-1' | openssl dgst -sha256 -hmac shop-secret-1 -binary | base64
    assert dingtalk.sign(SECRET, AT * 1000) == "2QTpRYWV4dLSl7vOMe+Y5L78iD9yx4iOOB2ZwE6XBf0="


def test_the_webhooks_signature_is_openssls() -> None:
    # printf '1767574800.{"key":"k1"}' | openssl dgst -sha256 -hmac shop-secret-1
    expected = "67863128abc48a47b109ca5d236fb9d09022dc127f7a05f8f748a2b7af705719"
    assert webhook.sign(SECRET, AT, b'{"key":"k1"}') == expected
