"""Input from stray clients or the Web UI's JSON box: unexpected arguments and undecodable payloads."""

from typing import Any

from temporalio.api.common.v1 import Payload

ARGUMENTS: dict[str, list[Any]] = {
    "none": [],
    "null": [None],
    "number": [7],
    "huge number": [1e308],
    "string": ["agree"],
    "empty string": [""],
    "boolean": [True],
    "list": [[1, None]],
    "empty object": [{}],
    "nested junk": [{"a": {"b": [None, {"c": [[[]]]}]}}],
    "unknown fields": [{"serial": "x", "rule": 1, "reason": [], "carrier": {}, "evidence": 3, "kind": None}],
    "far instants": [{"rule": "sign", "occurred_at": "0001-01-01T00:00:00+14:00", "deadline": "9999-12-31T23:59:59Z"}],
    "deep": [[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]],
    "two": [{}, {}],
    "three": [1, "x", None],
}


def _json(data: bytes) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=data)


PAYLOADS: dict[str, list[Payload]] = {
    "bytes": [Payload(metadata={"encoding": b"binary/plain"}, data=b"\xff\x00")],
    "protobuf without its type": [Payload(metadata={"encoding": b"json/protobuf"}, data=b"{}")],
    "protobuf of an unknown type": [
        Payload(metadata={"encoding": b"json/protobuf", "messageType": b"no.such.Type"}, data=b"{}")
    ],
    "binary protobuf": [Payload(metadata={"encoding": b"binary/protobuf"}, data=b"\xff\xff")],
    "encrypted": [Payload(metadata={"encoding": b"binary/encrypted"}, data=b"\x01")],
    "without encoding": [Payload(data=b"{}")],
    "an encoding that is not text": [Payload(metadata={"encoding": b"\xff\xfe"}, data=b"{}")],
    "nothing at all": [Payload()],
    "json that is none": [_json(b"{agree")],
    "json of another encoding": [_json('{"理由": 1}'.encode("gb18030"))],
    "empty json": [_json(b"")],
    "json too deep": [_json(b"[" * 5000 + b"]" * 5000)],
    "a number too large": [_json(b"1" + b"0" * 5000)],
    "not a number": [_json(b'{"serial": NaN}')],
    "a lone surrogate": [_json(b'{"rule": "\\ud800"}')],
    "one that can be read and one that cannot": [_json(b"{}"), _json(b"{")],
}
