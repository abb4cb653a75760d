"""Annotations of an Ingress, parsed."""

from __future__ import annotations

import pytest

from canarylab.ingress_rules.annotations import DEFAULT_BODY_LIMIT, parse_annotations

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


@pytest.mark.parametrize(
    "name",
    [
        f"{PREFIX}auth-type",
        f"{PREFIX}canary-wieght",
        "ingress.kubernetes.io/rewrite-target",
        "traefik.ingress.kubernetes.io/router.tls",
        "nginx.org/server-snippets",
        "cert-manager.io/cluster-issuer",
    ],
)
def test_what_is_asked_of_a_controller_and_not_served_is_named(name: str) -> None:
    assert parse_annotations({f"{PREFIX}canary": "true", name: "x"}).not_served == (name,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (f"{PREFIX}ssl-redirect", "false"),
        (f"{PREFIX}rewrite-target", "/"),
        ("kubernetes.io/ingress.class", "nginx"),
        ("kubectl.kubernetes.io/last-applied-configuration", "{}"),
        ("example.com/owner", "me"),
    ],
)
def test_what_asks_for_nothing_or_is_served_is_not_named(name: str, value: str) -> None:
    assert parse_annotations({name: value}).not_served == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [("canary", "yes"), ("use-regex", "on"), ("proxy-body-size", "8 MB")],
)
def test_a_value_that_cannot_be_read_is_named(name: str, value: str) -> None:
    assert parse_annotations({PREFIX + name: value}).unparsable == ((name, value),)


def test_spaces_around_a_number_make_it_unreadable() -> None:
    parsed = parse_annotations(
        {
            f"{PREFIX}canary": "true",
            f"{PREFIX}canary-weight": " 20",
            f"{PREFIX}canary-weight-total": "200\n",
        }
    )

    assert parsed.canary is not None
    assert (parsed.canary.weight, parsed.canary.total) == (0, 100)
    assert parsed.unparsable_weights == (("canary-weight", " 20"), ("canary-weight-total", "200\n"))


@pytest.mark.parametrize("value", [" true", "true\n"])
def test_spaces_around_true_make_it_unreadable(value: str) -> None:
    parsed = parse_annotations({f"{PREFIX}canary": value, f"{PREFIX}use-regex": value})

    assert parsed.canary is None
    assert not parsed.use_regex
    assert parsed.unparsable == (("canary", value), ("use-regex", value))


def test_a_rewrite_target_has_no_spaces_around_it() -> None:
    parsed = parse_annotations({f"{PREFIX}rewrite-target": " /"})

    assert (parsed.rewrite_target, parsed.ignored_rewrite) == ("", " /")


def test_spaces_around_a_text_are_dropped() -> None:
    parsed = parse_annotations(
        {f"{PREFIX}canary": "true", f"{PREFIX}canary-by-header": " canary\n"}
    )

    assert parsed.canary is not None
    assert parsed.canary.header == "canary"
