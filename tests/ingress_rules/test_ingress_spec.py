"""Annotations of an Ingress, parsed."""

from __future__ import annotations

import pytest

from canarylab.ingress_rules.ingress_spec import DEFAULT_BODY_LIMIT, parse_annotations

PREFIX = "nginx.ingress.kubernetes.io/"


@pytest.mark.parametrize("digits", [19, 5000])
def test_numbers_beyond_64_bits_count_as_not_given(digits: int) -> None:
    number = "9" * digits
    parsed = parse_annotations(
        {
            f"{PREFIX}proxy-body-size": number,
            f"{PREFIX}canary": "true",
            f"{PREFIX}canary-weight": number,
            f"{PREFIX}canary-weight-total": number,
        }
    )

    assert parsed.body_limit == DEFAULT_BODY_LIMIT
    assert parsed.canary is not None
    assert (parsed.canary.weight, parsed.canary.total) == (0, 100)
