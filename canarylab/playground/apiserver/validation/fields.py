"""Tables of checks: which rule holds for which field of an object.

A check takes the path of a field and its value, and returns the errors. In `fields` a missing field
has the value None, which the checks take as Go's zero value; `optional_fields` leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from canarylab.errors import Cause
from canarylab.playground.apiserver.field_errors import (
    check_one_of,
    invalid,
    invalid_for_each,
    required,
    unsupported,
)
from canarylab.playground.apiserver.validation import names

Check: TypeAlias = Callable[[str, Any], Iterable[Cause]]
Problems: TypeAlias = Callable[[str], list[str]]


def fields(**checks: Check) -> Check:
    """Check the fields of an object, in this order, also those that are missing.

    >>> [cause.field for cause in fields(ip=needed(), name=needed())("spec", {"ip": "::1"})]
    ['spec.name']
    """

    def check(field: str, value: Any) -> Iterator[Cause]:
        found = value or {}
        for name, rule in checks.items():
            yield from rule(f"{field}.{name}", found.get(name))

    return check


def optional_fields(**checks: Check) -> Check:
    """Check those fields of an object that are there, in this order."""

    def check(field: str, value: Any) -> Iterator[Cause]:
        for name, rule in checks.items():
            found = value.get(name)
            if found is not None:
                yield from rule(f"{field}.{name}", found)

    return check


def every(*checks: Check) -> Check:
    """Make several checks of one value, one after the other."""

    def check(field: str, value: Any) -> Iterator[Cause]:
        for rule in checks:
            yield from rule(field, value)

    return check


def each(rule: Check) -> Check:
    """Check every item of a list."""

    def check(field: str, value: Any) -> Iterator[Cause]:
        for index, item in enumerate(value or ()):
            yield from rule(f"{field}[{index}]", item)

    return check


def filled(rule: Check) -> Check:
    """Check a value only if it is not empty."""
    return lambda field, value: rule(field, value) if value else ()


def needed(rule: Check | None = None, detail: str = "") -> Check:
    """Check that there is a value, and then the value."""

    def check(field: str, value: Any) -> Iterable[Cause]:
        if not value:
            return [required(field, detail)]
        return rule(field, value) if rule else ()

    return check


def spelled(problems: Problems) -> Check:
    """Check the spelling of a text."""
    return lambda field, value: invalid_for_each(field, value or "", problems(value or ""))


def one_of(*supported: str) -> Check:
    """Check that there is a value, and a supported one."""
    return lambda field, value: check_one_of(field, value or "", supported)


def among(*supported: str) -> Check:
    """Check that a value is supported; an empty one is not."""
    return lambda field, value: (
        () if value in supported else [unsupported(field, value or "", supported)]
    )


def between(low: int, high: int) -> Check:
    """Check that a number is in a range."""
    return lambda field, value: (
        ()
        if low <= (value or 0) <= high
        else [invalid(field, value or 0, f"must be between {low} and {high}, inclusive")]
    )


def positive(field: str, value: int | None) -> list[Cause]:
    """Check that a number is over 0."""
    number = value or 0
    return [] if number > 0 else [invalid(field, number, "must be greater than zero")]


def at_most(limit: int, things: str) -> Check:
    """Check how long a list is."""
    detail = f"must not have more than {limit} {things}"
    return lambda field, value: [invalid(field, value, detail)] if len(value or ()) > limit else ()


def refused(detail: str) -> Check:
    """Refuse a value, whichever it is."""
    return lambda field, value: [invalid(field, value, detail)]


DNS_LABEL = spelled(names.dns_label_problems)
DNS_SUBDOMAIN = spelled(names.dns_subdomain_problems)
QUALIFIED_NAME = spelled(names.qualified_name_problems)
IP_ADDRESS = spelled(names.address_problems)
PORT_NUMBER = between(1, 65535)
_SEGMENT = spelled(names.path_segment_problems)
NAMED = fields(kind=needed(_SEGMENT), name=needed(_SEGMENT))
"""A reference to an object of a kind."""
