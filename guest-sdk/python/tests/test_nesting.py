"""JSON that is nested deeply, as a component reads it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from socklet_guest import _nesting

Nested = Callable[[int], str]


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(json.JSONDecoder, "decode", json.JSONDecoder.decode)
    _nesting.install()
    yield


@pytest.mark.parametrize(
    "nested",
    [
        lambda levels: "[" * levels + "]" * levels,
        lambda levels: '{"a":' * levels + "1" + "}" * levels,
        lambda levels: '["]", "\\"]", "\\\\", ' * levels + "1" + "]" * levels,
        lambda levels: "[[],{}," * levels + "[" + "]" * (levels + 1),
        lambda levels: '["é", "\\u00e9", ' * levels + "1" + "]" * levels,
    ],
)
def test_what_is_deep_is_refused(nested: Nested) -> None:
    for levels in (1, 490):
        assert json.loads(nested(levels)) == json.loads(nested(levels).encode())
    for levels in (501, 100_000):
        with pytest.raises(RecursionError, match="nested more than 500 levels deep"):
            json.loads(nested(levels))
    with pytest.raises(RecursionError):
        json.load(io.StringIO(nested(501)))
    # Nor is the rest of it needed.
    with pytest.raises(RecursionError):
        json.loads(nested(501)[: -501 // 2])


@pytest.mark.parametrize(
    "value",
    [
        [{}] * 1000,
        [[[]]] * 1000,
        "[" * 1000,
        {"[" * 1000: "{" * 1000},
        ['"[' * 1000, "\\" * 999 + "[" * 1000, '\\"' * 1000, "[\\"],
        {"text": "[{" * 1000, "é": "\ud800["},
    ],
)
def test_what_is_large_is_read(value: Any) -> None:
    assert json.loads(json.dumps(value)) == value
    assert json.loads(json.dumps(value, ensure_ascii=False)) == value


def test_what_is_no_json_is_told_as_ever() -> None:
    for text in ("", '"[' * 600, "[]" * 600, "[],\\" * 600):
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)
