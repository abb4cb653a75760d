"""Is `$(NAME)` replaced as Kubernetes replaces it?"""

from __future__ import annotations

import pytest

from canarylab.playground.node.expansion import expand


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("$(A)", "1"),
        ("$(A)$(B)", "12"),
        ("x$(A)y", "x1y"),
        ("$(C)", "$(C)"),  # unknown
        ("$$(A)", "$(A)"),  # escaped
        ("$$$(A)", "$1"),
        ("$$", "$"),
        ("$", "$"),
        ("$A", "$A"),  # a shell's business
        ("${A}", "${A}"),
        ("$(A", "$(A"),
        ("$()", "$()"),
    ],
)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expected
