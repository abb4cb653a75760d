"""What can one ask an Ingress, and is the answer what its rules said?

The explorer knows nothing of clusters. Whoever has one gives it a `RouteBoard`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from canarylab.traffic.text import listed, percent

_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_HOST = re.compile(r"[\w.:\[\]-]*", re.ASCII)
_PATH = re.compile(r"/[!-~]*")
_TEXT = re.compile(r"[ -~]*")


class Explained(NamedTuple):
    """Where a request goes by the rules."""

    rule: str
    """The host and path of the rule, and whose it is; empty where no rule has it."""
    backends: Mapping[str, float]
    """Who may answer, and what share of such requests; empty where the ingress answers itself."""
    path: str
    """What the pod is asked for."""
    status: int
    """What the ingress itself answers; 0 where the request goes on to a pod."""
    reasons: tuple[str, ...]
    """One sentence for each step of the way."""


class Answered(NamedTuple):
    """What came back."""

    status: str
    """The code and its words: "200 OK"."""
    version: str | None
    pod: str | None
    body: str
    backends: frozenset[str] = frozenset()
    """Which backends of the explanation this pod stands behind."""

    @property
    def code(self) -> int:
        """The number at the beginning of the status."""
        return int(self.status.split()[0])


class RouteBoard(Protocol):
    """Ingresses that can be asked. `*question` fills in a whole question."""

    def explain(
        self, path: str, host: str, headers: Mapping[str, str], cookies: Mapping[str, str]
    ) -> Explained:
        """Where it goes by the rules. Nothing is sent."""

    def ask(
        self, path: str, host: str, headers: Mapping[str, str], cookies: Mapping[str, str]
    ) -> tuple[Explained, Answered]:
        """Send it, and say where the rules send it at that moment."""

    def command(
        self, path: str, host: str, headers: Mapping[str, str], cookies: Mapping[str, str]
    ) -> str:
        """What sends the same from a terminal."""


class Question(NamedTuple):
    """One request, checked."""

    path: str
    host: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str]


class Typed(NamedTuple):
    """What stands in the fields, whatever it is."""

    path: str
    host: str
    header: str = ""
    header_value: str = ""
    cookie: str = ""
    cookie_value: str = ""

    def __str__(self) -> str:
        host = f" as {self.host}" if self.host else ""
        said = ((self.header, self.header_value), (self.cookie, self.cookie_value))
        (header, cookie) = (f"{name}: {value}" if name else "" for name, value in said)
        extra = [header, f"cookie {cookie}" if cookie else ""]
        return ", with ".join([f"{self.path}{host}", *(each for each in extra if each)])

    def question(self) -> Question:
        """The request that the fields make; a ValueError says which of them does not fit.

        >>> Typed("/canary", "foo.bar.com", "X-Canary", "always").question().headers
        {'X-Canary': 'always'}
        """
        path, host = self.path.strip(), self.host.strip()
        if not _PATH.fullmatch(path):
            raise ValueError(
                f'The path "{path}" cannot be sent. Begin with a slash, and write a space as %20.'
            )
        if not _HOST.fullmatch(host):
            raise ValueError(f'The host "{host}" cannot be sent. Write it like foo.bar.com.')
        headers = _pair("header", self.header, self.header_value)
        for name in headers:
            if name.lower() in {"host", "cookie"}:
                raise ValueError(f"{name} has fields of its own here. Write it there.")
        cookies = _pair("cookie", self.cookie, self.cookie_value)
        if any(";" in value for value in cookies.values()):
            raise ValueError("A semicolon would end the cookie. Leave it out.")
        return Question(path, host, headers, cookies)


def as_said(explained: Explained, answered: Answered) -> bool | None:
    """Is the answer what the rules said? None where the answer does not tell.

    >>> by_rules = Explained("/", {"prod:80": 1.0}, "/", 0, ())
    >>> as_said(by_rules, Answered("200 OK", "1.0", "pod-a", "", frozenset({"prod:80"})))
    True
    """
    if explained.status:
        return answered.code == explained.status and answered.pod is None
    if answered.pod is None:
        return None
    return bool(answered.backends)


def verdict(explained: Explained, answered: Answered) -> str:
    """Whether the rules said so, and how one can tell, in a sentence."""
    held = as_said(explained, answered)
    if held is None:
        return f"Cannot be told: the rules lead to {going(explained)}, the answer names no pod."
    before = "As the rules said" if held else "Not as the rules said"
    return f"{before}: {_evidence(explained, answered)}."


def going(explained: Explained) -> str:
    """Who answers by the rules.

    >>> going(Explained("/", {"prod:80": 0.9, "canary:80": 0.1}, "/", 0, ()))
    'prod:80 (90 %) and canary:80 (10 %)'
    """
    if explained.status:
        return f"the ingress itself, which answers {explained.status}"
    shares = explained.backends.items()
    if len(shares) == 1:
        return next(iter(explained.backends))
    return listed(f"{backend} ({percent(share)})" for backend, share in shares)


def expectation(explained: Explained) -> str:
    """Who answers by the rules, in a sentence."""
    if explained.status:
        return f"By the rules the ingress itself answers {explained.status}."
    return f"By the rules it goes to {going(explained)}."


def _evidence(explained: Explained, answered: Answered) -> str:
    if answered.pod is None:
        return f"the answer is {answered.status} and names no pod"
    if answered.backends:
        return f"{answered.pod} is a ready pod of {listed(sorted(answered.backends))}"
    if explained.status:
        return f"{answered.pod} answered, where the ingress itself should have"
    return f"{answered.pod} is no ready pod of {listed(explained.backends)}"


def _pair(what: str, name: str, value: str) -> dict[str, str]:
    name, value = name.strip(), value.strip()
    if not name and not value:
        return {}
    if not name:
        raise ValueError(f"The {what} has a value and no name. Fill in both, or neither.")
    if not _TOKEN.fullmatch(name):
        raise ValueError(f'"{name}" cannot name a {what}. Use letters, digits and hyphens.')
    if not _TEXT.fullmatch(value):
        raise ValueError(f"The {what} {name} has signs that cannot be sent. Use plain letters.")
    return {name: value}
