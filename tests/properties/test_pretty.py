"""JSON for people is byte for byte what the library writes: hashes over it are signed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.pretty import pretty

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20)


@given(values)
def test_it_is_what_the_library_writes(value: Any) -> None:
    assert pretty(value) == json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        pretty({"a": float("nan")})
    with pytest.raises(TypeError, match="a key must be text, not int"):
        pretty({1: "a"})
