"""What is an HTTPRoute: which requests go where?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from canarylab.playground.apiserver.custom.durations import seconds
from canarylab.playground.apiserver.custom.http_filter import FILTERS
from canarylab.playground.apiserver.custom.http_match import ANY_PATH, MATCH
from canarylab.playground.apiserver.custom.parents import PARENT_RULES
from canarylab.playground.apiserver.custom.references import (
    BACKEND,
    CONTROLLER,
    HOSTNAME,
    PARENT,
    SECTION,
    conditions,
)
from canarylab.playground.apiserver.custom.shape import Rule, listing, number, structure, text

_MOST_MATCHES = 128
_DURATION = text("How long, 10s for example.", pattern="^([0-9]{1,5}(h|m|s|ms)){1,4}$")

_BACKEND = replace(
    BACKEND,
    fields={
        **BACKEND.fields,
        "filters": FILTERS.meant_as("What is done to requests that go to this Service."),
        "weight": number(
            "The Service's share, as a part of the sum of all weights of the rule.",
            minimum=0, maximum=1000000,
        ).or_else(1),
    },
)  # fmt: skip


def _gives_way(timeouts: Any) -> bool:
    """The Service may not have longer than the whole; a zero means for ever."""
    if not {"request", "backendRequest"} <= timeouts.keys():
        return True
    whole = seconds(timeouts["request"])
    return whole == 0 or seconds(timeouts["backendRequest"]) <= whole


_TIMEOUTS = structure(
    "How long it may take.",
    backendRequest=_DURATION.meant_as("Until the Service has answered."),
    request=_DURATION.meant_as("Until the client has its answer."),
).kept_to(Rule("backendRequest timeout cannot be longer than request timeout", _gives_way))


def _sends_elsewhere(rule: Any) -> bool:
    return any("requestRedirect" in step for step in rule.get("filters", []))


def _replaces_prefix(filters: Iterable[Any], field: str) -> int:
    """How many of these replace the part of the path that was matched."""
    paths = (step.get(field, {}).get("path", {}) for step in filters)
    return sum(
        path.get("type") == "ReplacePrefixMatch" and "replacePrefixMatch" in path for path in paths
    )


def _has_one_prefix(rule: Any) -> bool:
    matches = rule.get("matches", [])
    return len(matches) == 1 and matches[0].get("path", {}).get("type") == "PathPrefix"


def _prefix_rule(type_: str, field: str) -> Rule:
    return Rule(
        f"When using {type_} filter with path.replacePrefixMatch, "
        "exactly one PathPrefix match must be specified",
        lambda rule: _replaces_prefix(rule.get("filters", []), field) != 1 or _has_one_prefix(rule),
    )


def _prefix_rule_within(when: str, type_: str, field: str) -> Rule:
    def holds(rule: Any) -> bool:
        counts = [
            _replaces_prefix(backend.get("filters", []), field)
            for backend in rule.get("backendRefs", [])
        ]
        return counts.count(1) != 1 or _has_one_prefix(rule)

    return Rule(
        f"Within backendRefs, {when} using {type_} filter with path.replacePrefixMatch, "
        "exactly one PathPrefix match must be specified",
        holds,
    )


_RULE = structure(
    "Requests of one sort, what is done to them, and where they go.",
    backendRefs=listing("Which Services get them.", _BACKEND, maxItems=16),
    filters=FILTERS,
    matches=listing("Which requests: those of any of these.", MATCH, maxItems=64).or_else(
        [{"path": ANY_PATH}]
    ),
    name=SECTION.meant_as("The name of the rule."),
    timeouts=_TIMEOUTS,
).kept_to(
    Rule(
        "RequestRedirect filter must not be used together with backendRefs",
        lambda rule: not rule.get("backendRefs") or not _sends_elsewhere(rule),
    ),
    _prefix_rule("RequestRedirect", "requestRedirect"),
    _prefix_rule("URLRewrite", "urlRewrite"),
    _prefix_rule_within("when", "RequestRedirect", "requestRedirect"),
    _prefix_rule_within("When", "URLRewrite", "urlRewrite"),
)


def _names_differ(rules: Any) -> bool:
    names = [rule["name"] for rule in rules if "name" in rule]
    return len(names) == len(set(names))


_SPEC = structure(
    "What is asked of the route.",
    hostnames=listing("For which hosts.", HOSTNAME, maxItems=16),
    parentRefs=listing("What it is attached to.", PARENT, maxItems=32).kept_to(*PARENT_RULES),
    rules=listing("Where requests go.", _RULE, minItems=1, maxItems=16)
    .or_else([{"matches": [{"path": ANY_PATH}]}])
    .kept_to(
        Rule("Rule name must be unique within the route", _names_differ),
        Rule(
            "While 16 rules and 64 matches per rule are allowed, the total number of matches "
            "across all rules in a route must be less than 128",
            lambda rules: sum(len(rule.get("matches", [])) for rule in rules) <= _MOST_MATCHES,
        ),
    ),
)
_STATUS = structure(
    "How the route is doing.",
    {
        "parents": listing(
            "What each parent says of it.",
            structure(
                "What one parent says of it.",
                {
                    "conditions": conditions(minItems=1),
                    "controllerName": CONTROLLER,
                    "parentRef": PARENT,
                },
            ),
            maxItems=32,
        )
    },
)

HTTP_ROUTE = structure(
    "Where requests go, by their host, path and headers.", {"spec": _SPEC}, status=_STATUS
)
