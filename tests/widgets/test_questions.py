"""What can be asked, and whether an answer is what the rules said."""

from __future__ import annotations

import pytest

from canarylab.widgets.questions import Answered, Explained, Typed, as_said, verdict

PROD = Explained("/", {"prod:80": 1.0}, "/", 0, ())
BOTH = Explained("/", {"prod:80": 0.9, "canary:80": 0.1}, "/", 0, ())
NOBODY = Explained("", {}, "", 404, ())
BEHIND_PROD = frozenset({"prod:80"})


def answered(code: str, pod: str | None, backends: frozenset[str] = frozenset()) -> Answered:
    return Answered(code, None, pod, "", backends)


@pytest.mark.parametrize(
    ("explained", "answer", "held", "said"),
    [
        (PROD, answered("200 OK", "a", BEHIND_PROD), True, "a is a ready pod of prod:80."),
        (PROD, answered("404 Not Found", "a", BEHIND_PROD), True, "a is a ready pod of prod:80."),
        (PROD, answered("200 OK", "b"), False, "b is no ready pod of prod:80."),
        (BOTH, answered("200 OK", "b"), False, "b is no ready pod of prod:80 and canary:80."),
        (PROD, answered("502 Bad Gateway", None), None, "to prod:80, the answer names no pod."),
        (NOBODY, answered("404 Not Found", None), True, "is 404 Not Found and names no pod."),
        (NOBODY, answered("200 OK", None), False, "is 200 OK and names no pod."),
        (NOBODY, answered("404 Not Found", "a"), False, "where the ingress itself should have."),
    ],
)
def test_an_answer_is_compared_with_the_rules(
    explained: Explained, answer: Answered, held: bool | None, said: str
) -> None:
    assert as_said(explained, answer) is held
    assert verdict(explained, answer).endswith(said)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (Typed("canary", "a.b"), "Begin with a slash"),
        (Typed("/a b", "a.b"), "%20"),
        (Typed("", "a.b"), "Begin with a slash"),
        (Typed("/", "http://a.b/"), "Write it like foo.bar.com"),
        (Typed("/", "a.b", "", "always"), "no name"),
        (Typed("/", "a.b", "X Canary", "always"), "cannot name a header"),
        (Typed("/", "a.b", "X-Canary", "a\nb"), "cannot be sent"),
        (Typed("/", "a.b", "Host", "c.d"), "fields of its own"),
        (Typed("/", "a.b", "cookie", "a=b"), "fields of its own"),
        (Typed("/", "a.b", "", "", "tester", "a; b"), "semicolon"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_way_out(typed: Typed, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        typed.question()


def test_fields_become_a_request() -> None:
    typed = Typed(" /canary?a=b ", "foo.bar.com ", "X-Canary", "always", "tester", "never")
    assert typed.question() == (
        "/canary?a=b",
        "foo.bar.com",
        {"X-Canary": "always"},
        {"tester": "never"},
    )


def test_what_is_typed_is_told_in_a_line() -> None:
    typed = Typed("/", "foo.bar.com", "X-Canary", "always", "tester", "never")
    assert str(typed) == "/ as foo.bar.com, with X-Canary: always, with cookie tester: never"
