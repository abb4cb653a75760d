"""What can be done to requests and answers on their way."""

from __future__ import annotations

from typing import Any

import pytest

from canarylab.playground.apiserver.custom.http_filter import FILTERS
from canarylab.playground.apiserver.rules.custom_defaults import filled
from canarylab.playground.kube.api import Object
from tests.playground.apiserver.specimens import http_route, mirror, rewrite, rule, said

HEADERS = {"set": [{"name": "X-Canary", "value": "always"}], "remove": ["Cookie"]}
OTHER = {"group": "example.com", "kind": "Step", "name": "a"}
GOOD: dict[str, tuple[str, Any]] = {
    "CORS": ("cors", {"allowOrigins": ["https://*.a.example"]}),
    "ExtensionRef": ("extensionRef", OTHER),
    "RequestHeaderModifier": ("requestHeaderModifier", HEADERS),
    "RequestMirror": ("requestMirror", mirror()["requestMirror"]),
    "RequestRedirect": ("requestRedirect", {"hostname": "a.example"}),
    "ResponseHeaderModifier": ("responseHeaderModifier", HEADERS),
    "URLRewrite": ("urlRewrite", rewrite()["urlRewrite"]),
}


def problems(*filters: Object) -> list[str]:
    """What is said of these filters, without the way to them."""
    sentences = said(http_route({"filters": list(filters)}))
    return [one.partition("Invalid value: ")[2] for one in sentences]


def step(type_: str) -> Object:
    field, settings = GOOD[type_]
    return {"type": type_, field: settings}


def test_the_good_ones_are_all_there_are() -> None:
    assert FILTERS.items is not None
    assert GOOD.keys() == set(FILTERS.items.fields["type"].limits["enum"])


@pytest.mark.parametrize("type_", GOOD)
def test_a_filter_in_order(type_: str) -> None:
    assert problems(step(type_)) == []


@pytest.mark.parametrize("type_", GOOD)
def test_a_filter_without_its_settings(type_: str) -> None:
    field, _ = GOOD[type_]
    assert problems({"type": type_}) == [
        f"filter.{field} must be specified for {type_} filter.type"
    ]


@pytest.mark.parametrize("type_", GOOD)
def test_settings_of_another_filter(type_: str) -> None:
    field, settings = GOOD[type_]
    other = step("URLRewrite" if type_ == "ExtensionRef" else "ExtensionRef")
    assert problems({**other, field: settings}) == [
        f"filter.{field} must be nil if the filter.type is not {type_}"
    ]


@pytest.mark.parametrize("type_", GOOD)
def test_most_filters_come_once(type_: str) -> None:
    repeated = [] if type_ in ("ExtensionRef", "RequestMirror") else [type_]
    assert problems(step(type_), step(type_)) == [
        f"{name} filter cannot be repeated" for name in repeated
    ]


def test_nobody_is_both_sent_away_and_served() -> None:
    assert problems(step("RequestRedirect"), step("URLRewrite")) == [
        "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, "
        "but not both"
    ]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (
            {"type": "ReplaceFullPath"},
            "replaceFullPath must be specified when type is set to 'ReplaceFullPath'",
        ),
        (
            {"type": "ReplacePrefixMatch"},
            "replacePrefixMatch must be specified when type is set to 'ReplacePrefixMatch'",
        ),
        (
            {"type": "ReplaceFullPath", "replaceFullPath": "/", "replacePrefixMatch": "/"},
            "type must be 'ReplacePrefixMatch' when replacePrefixMatch is set",
        ),
    ],
)
def test_a_new_path_says_what_it_replaces(path: Object, problem: str) -> None:
    assert problems({"type": "URLRewrite", "urlRewrite": {"path": path}}) == [problem]


def test_a_mirror_gets_a_share_in_one_way() -> None:
    both = mirror(percent=10, fraction={"numerator": 1})
    assert said(http_route(rule(filters=[both]))) == [
        "spec.rules[0].filters[0].requestMirror: Invalid value: "
        "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter"
    ]


def test_a_part_is_no_more_than_the_whole() -> None:
    assert problems(mirror(fraction={"numerator": 101})) == [
        "numerator must be less than or equal to denominator"
    ]


@pytest.mark.parametrize(
    ("field", "others"),
    [("allowOrigins", "origins"), ("allowMethods", "methods"), ("allowHeaders", "methods")],
)
def test_all_is_all(field: str, others: str) -> None:
    second = {"allowOrigins": "http://a.example", "allowMethods": "GET", "allowHeaders": "X-A"}
    name = field[0].upper() + field[1:]
    assert problems({"type": "CORS", "cors": {field: ["*", second[field]]}}) == [
        f"{name} cannot contain '*' alongside other {others}"
    ]


def test_a_redirect_is_temporary_if_nobody_says_more() -> None:
    [made] = filled(FILTERS, [step("RequestRedirect")])
    assert made["requestRedirect"]["statusCode"] == 302


def test_a_status_that_is_no_redirect() -> None:
    wrong = {"type": "RequestRedirect", "requestRedirect": {"statusCode": 200}}
    assert said(http_route({"filters": [wrong]}))[0] == (
        "spec.rules[0].filters[0].requestRedirect.statusCode: Unsupported value: 200: "
        'supported values: "301", "302", "303", "307", "308"'
    )
