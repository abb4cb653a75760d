"""Validation of names, labels, ports and metadata (apimachinery/pkg/util/validation).

The functions `..._problems` return the problems of a text in Kubernetes' words, or an empty list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from ipaddress import ip_address
from typing import Any

from canarylab.errors import Cause
from canarylab.kube_objects import Object
from canarylab.playground.apiserver.field_errors import (
    check_not_negative,
    forbidden,
    invalid,
    invalid_for_each,
    required,
    too_long,
)
from canarylab.playground.kube.api import FOREGROUND_FINALIZER, ORPHAN_FINALIZER

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
MAX_ANNOTATION_BYTES = 256 * 1024  # bytes, keys and values of one object together
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
COMPARISONS = ("Gt", "Lt")  # of the labels of nodes

_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = rf"({_QUALIFIED})?"
_CONFIG_KEY = r"[-._a-zA-Z0-9]+"
_PERCENT = r"[0-9]+%"
_WILDCARD = rf"\*\.{SUBDOMAIN}"
_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character"
)
_SEARCH_LABEL = r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SEARCH = rf"{_SEARCH_LABEL}(\.{_SEARCH_LABEL})*"
_SEARCH_RULE = _SUBDOMAIN_RULE.replace("'-' or '.'", "'_', '-' or '.'")
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character"
)
_QUALIFIED_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character"
)
_LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character"
)
_CONFIG_KEY_RULE = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
_PERCENT_RULE = "a valid percent string must be a numeric string followed by an ending '%'"
_WILDCARD_RULE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
    "must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric "
    "character"
)
_VARIABLE_RULE = (
    "a valid environment variable name must consist only of printable ASCII characters other "
    "than '='"
)

_STANDARD_FINALIZERS = frozenset({"kubernetes", ORPHAN_FINALIZER, FOREGROUND_FINALIZER})
_OWNER_FIELDS = ("apiVersion", "kind", "name", "uid")
_OWNER_FLAGS = ("controller", "blockOwnerDeletion")
_TWO_CONTROLLERS = (
    'Only one reference can have Controller set to true. Found "true" in references for '
)


def dns_subdomain_problems(text: str) -> list[str]:
    """Check a name of most objects: lower case, digits, `-` and `.`, at most 253 characters."""
    return _too_long(text, 253) + _no_match(
        text, SUBDOMAIN, pattern_error(_SUBDOMAIN_RULE, SUBDOMAIN, "example.com")
    )


def wildcard_subdomain_problems(text: str) -> list[str]:
    """Check a host of an Ingress with a wildcard, `*.example.com`."""
    problem = pattern_error(_WILDCARD_RULE, _WILDCARD, "*.example.com")
    return _too_long(text, 253) + _no_match(text, _WILDCARD, problem)


def search_path_problems(text: str) -> list[str]:
    """Check a domain in which DNS looks for names: as a subdomain, with underscores."""
    problem = pattern_error(_SEARCH_RULE, _SEARCH, "example.com")
    return _too_long(text, 253) + _no_match(text, _SEARCH, problem)


def address_problems(text: str) -> list[str]:
    """Check an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    return []


def dns_label_problems(text: str) -> list[str]:
    """Check a name of a container, Service or namespace: without dots, at most 63 characters.

    >>> dns_label_problems("node-app-1.0")
    ['must not contain dots']
    """
    problem = pattern_error(_LABEL_RULE, LABEL, "my-name", "123-abc")
    if re.fullmatch(SUBDOMAIN, text):
        problem = "must not contain dots"
    return _too_long(text, 63) + _no_match(text, LABEL, problem)


def qualified_name_problems(text: str) -> list[str]:
    """Check a key of a label or annotation, `example.com/track` or `track`."""
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        rule = pattern_error(_QUALIFIED_RULE, _QUALIFIED, "MyName", "my.name", "123-abc")
        return [
            f"a qualified name {rule} with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')"
        ]
    problems = [f"prefix part {problem}" for problem in _prefix_problems(prefix)] if slash else []
    return problems + [f"name part {problem}" for problem in _name_part_problems(name)]


def label_value_problems(text: str) -> list[str]:
    """Check a value of a label: at most 63 characters, may be empty."""
    rule = pattern_error(_LABEL_VALUE_RULE, _LABEL_VALUE, "MyValue", "my_value", "12345")
    return _too_long(text, 63) + _no_match(text, _LABEL_VALUE, rule)


def config_map_key_problems(text: str) -> list[str]:
    """Check a key of a ConfigMap, which becomes the name of a file."""
    rule = pattern_error(_CONFIG_KEY_RULE, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name")
    problems = _too_long(text, 253) + _no_match(text, _CONFIG_KEY, rule)
    if text in (".", ".."):
        problems.append(f"must not be '{text}'")
    elif text.startswith(".."):
        problems.append("must not start with '..'")
    return problems


def env_var_name_problems(text: str) -> list[str]:
    """Check a name of an environment variable."""
    plain = all(" " <= character <= "~" and character != "=" for character in text)
    return [] if plain else [_VARIABLE_RULE]


def percent_problems(text: str) -> list[str]:
    """Check a percentage, `25%`."""
    return _no_match(text, _PERCENT, pattern_error(_PERCENT_RULE, _PERCENT, "1%", "93%"))


def controller_path_problems(text: str) -> list[str]:
    """Check the path behind the domain in the name of a controller."""
    return _no_match(text, _PATH, f"Invalid path (regex used for validation is '{_PATH}')")


def path_segment_problems(text: str) -> list[str]:
    """Check a name that is one segment of a URL path.

    >>> path_segment_problems("a/b")
    ["may not contain '/'"]
    """
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{character}'" for character in "/%" if character in text]


def port_number_problems(number: int) -> list[str]:
    """Check a port number."""
    return [] if 1 <= number <= 65535 else ["must be between 1 and 65535, inclusive"]


def port_name_problems(text: str) -> list[str]:
    """Check a name of a container's port."""
    problems = _too_long(text, 15)
    if not re.fullmatch(r"[-a-z0-9]+", text):
        problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", text):
        problems.append("must contain at least one letter (a-z)")
    if "--" in text:
        problems.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def port_problems(value: int | str) -> list[str]:
    """Check a port by number or name."""
    return port_number_problems(value) if isinstance(value, int) else port_name_problems(value)


@cache
def pattern_error(rule: str, pattern: str, *examples: str) -> str:
    """The message of a rule, with its examples and pattern.

    >>> pattern_error("must be a digit", "[0-9]", "1", "2")
    "must be a digit (e.g. '1',  or '2', regex used for validation is '[0-9]')"
    """
    listed = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {listed}regex used for validation is '{pattern}')"


def _prefix_problems(text: str) -> list[str]:
    return dns_subdomain_problems(text) if text else ["must be non-empty"]


def _name_part_problems(text: str) -> list[str]:
    problems = _too_long(text, 63) if text else ["must be non-empty"]
    rule = pattern_error(_QUALIFIED_RULE, _QUALIFIED, "MyName", "my.name", "123-abc")
    return problems + _no_match(text, _QUALIFIED, rule)


def _too_long(text: str, limit: int) -> list[str]:
    return [f"must be no more than {limit} characters"] if len(text.encode()) > limit else []


def _no_match(text: str, pattern: str, problem: str) -> list[str]:
    return [] if re.fullmatch(pattern, text) else [problem]


def validate_metadata(
    meta: Object,
    name_rule: Callable[[str], list[str]],
    *,
    namespaced: bool,
    any_finalizer: bool = False,
) -> Iterator[Cause]:
    """Errors of `metadata`; `name_rule` is the rule for names of the kind.

    Of a few kinds any finalizer is allowed; of the others it has a domain or is a standard one.
    """
    name = meta.get("name", "")
    if name:
        yield from invalid_for_each("metadata.name", name, name_rule(name))
    else:
        yield required("metadata.name", "name or generateName is required")
    namespace = meta.get("namespace", "")
    if namespaced and namespace:
        yield from invalid_for_each("metadata.namespace", namespace, dns_label_problems(namespace))
    elif namespace:
        yield forbidden("metadata.namespace", "not allowed on this type")
    yield from check_not_negative("metadata.generation", meta.get("generation"))
    yield from validate_labels("metadata.labels", meta.get("labels"))
    yield from validate_annotations("metadata.annotations", meta.get("annotations"))
    yield from _owners(meta.get("ownerReferences", []))
    finalizers = meta.get("finalizers", [])
    yield from _finalizers(finalizers)
    for index, name in enumerate(() if any_finalizer else finalizers):
        yield from validate_standard_finalizer(f"metadata.finalizers[{index}]", name)


def validate_standard_finalizer(field: str, name: str) -> Iterator[Cause]:
    """Errors of a finalizer without a domain, which has to be one of Kubernetes' own."""
    if "/" not in name and name not in _STANDARD_FINALIZERS:
        problem = "name is neither a standard finalizer name nor is it fully qualified"
        yield invalid(field, name, problem)


def validate_labels(field: str, given: Mapping[str, str] | None) -> Iterator[Cause]:
    """Errors of labels, or of a map that selects by labels."""
    for key, value in sorted((given or {}).items()):
        yield from invalid_for_each(field, key, qualified_name_problems(key))
        yield from invalid_for_each(field, value, label_value_problems(value))


def validate_annotations(field: str, given: Mapping[str, str] | None) -> Iterator[Cause]:
    """Errors of annotations; values may be anything, up to a total size."""
    size = 0
    for key, value in sorted((given or {}).items()):
        yield from invalid_for_each(field, key, qualified_name_problems(key.lower()))
        size += len(key.encode()) + len(value.encode())
    if size > MAX_ANNOTATION_BYTES:
        yield too_long(field, MAX_ANNOTATION_BYTES)


def validate_selector(field: str, given: Mapping[str, Any]) -> Iterator[Cause]:
    """Errors of a label selector."""
    yield from validate_labels(f"{field}.matchLabels", given.get("matchLabels"))
    for index, entry in enumerate(given.get("matchExpressions", [])):
        yield from validate_expression(f"{field}.matchExpressions[{index}]", entry)


def validate_expression(
    field: str,
    entry: Mapping[str, Any],
    operators: Collection[str] = OPERATORS,
    *,
    check_values: bool = True,
) -> Iterator[Cause]:
    """Errors of an expression that selects by one label, of nodes with two more operators."""
    operator, values = entry.get("operator", ""), entry.get("values", [])
    if operator not in operators:
        yield invalid(f"{field}.operator", operator, "not a valid selector operator")
    elif operator in ("In", "NotIn"):
        if not values:
            yield required(
                f"{field}.values", "must be specified when `operator` is 'In' or 'NotIn'"
            )
    elif operator in COMPARISONS:
        if len(values) != 1:
            yield required(
                f"{field}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'"
            )
    elif values:
        yield forbidden(
            f"{field}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        )
    yield from invalid_for_each(
        f"{field}.key", entry.get("key", ""), qualified_name_problems(entry.get("key", ""))
    )
    for index, value in enumerate(values if check_values else ()):
        yield from invalid_for_each(f"{field}.values[{index}]", value, label_value_problems(value))


def _owners(given: Sequence[Object]) -> Iterator[Cause]:
    """Errors of owner references, which Kubernetes reports without the index."""
    field, controllers = "metadata.ownerReferences", list[str]()
    for owner in given:
        api_version = owner.get("apiVersion", "")
        if api_version.count("/") > 1 or not api_version.rpartition("/")[2]:
            yield invalid(f"{field}.apiVersion", api_version, "version must not be empty")
        for name in ("kind", "name", "uid"):
            if not owner.get(name):
                yield invalid(f"{field}.{name}", "", "must not be empty")
        if (api_version, owner.get("kind")) == ("v1", "Event"):
            problem = "/v1, Kind=Event is disallowed from being an owner"
            yield invalid(field, _owner_as_go(owner), problem)
        if owner.get("controller"):
            controllers.append(f"{owner.get('kind', '')}/{owner.get('name', '')}")
            if len(controllers) > 1:
                found = f"{controllers[0]} and {controllers[-1]}"
                yield invalid(
                    field, [_owner_as_go(each) for each in given], _TWO_CONTROLLERS + found
                )


def _owner_as_go(owner: Object) -> Object:
    flags = {name: owner[name] for name in _OWNER_FLAGS if name in owner}
    return {**{name: owner.get(name, "") for name in _OWNER_FIELDS}, **flags}


def _finalizers(given: list[str]) -> Iterator[Cause]:
    for name in given:
        yield from invalid_for_each("metadata.finalizers", name, qualified_name_problems(name))
    if {ORPHAN_FINALIZER, FOREGROUND_FINALIZER} <= set(given):
        yield invalid(
            "metadata.finalizers",
            given,
            "finalizer orphan and foregroundDeletion cannot be both set",
        )
