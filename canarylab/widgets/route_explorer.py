"""The route explorer: which rule and which pods a request reaches, and what really answers.

It explains at every change of a field, and sends nothing until the button is pressed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import ipywidgets

from canarylab.errors import IngressAddressError
from canarylab.text import join_words, percent
from canarylab.traffic import Request
from canarylab.traffic.http import HttpResponse
from canarylab.widgets.panel import (
    DEBOUNCE_S,
    WRAPPED,
    Panel,
    button,
    commands_html,
    static_commands_html,
)

if TYPE_CHECKING:  # widgets import nothing of clusters; `IngressClient` returns the value
    from canarylab.release.ingress import RouteExplanation

_LABEL = {"description_width": "7.5em"}
_ROWS = (("Path", "Host"), ("Header name", "Header value"), ("Cookie name", "Cookie value"))

_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_HOST = re.compile(r"[\w.:\[\]-]*", re.ASCII)
_PATH = re.compile(r"/[!-~]*")
_VALUE = re.compile(r"[ -~]*")

# The two columns are side by side where there is room, and one below the other where there is not.
_COLUMNS_STYLE = "display:flex;flex-wrap:wrap;gap:4px 32px;line-height:1.5;margin:8px 0"
_COLUMN_STYLE = "flex:1 1 320px;min-width:0"
# Jupyter floats the names of a list and gives them a fifth of its width.
_NAME_STYLE = "float:none;width:auto;margin:0;padding:0;white-space:nowrap;font-weight:normal"
_VALUE_STYLE = (
    "float:none;width:auto;margin:0;padding:0;white-space:pre-wrap;overflow-wrap:anywhere;"
    "font-family:var(--jp-code-font-family,monospace)"
)
_LIST_STYLE = (
    "display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 12px;margin:4px 0"
)
_SHOWN_CHARACTERS = 2_000  # of a response body
_NOT_SENT = "Not sent yet. Press Send the request."
_MISSING = "not in the response"


class IngressMethods(Protocol):
    """The methods of `IngressClient` that the explorer calls."""

    @property
    def url(self) -> str:
        """Where Ingresses answer."""

    def explain(self, path: str, request: Request) -> RouteExplanation:
        """Where the rules send a request; nothing is sent."""

    def get(self, path: str, request: Request) -> HttpResponse:
        """Send the request."""

    def ready_pods(self, backend: str) -> set[str]:
        """The ready pods of a backend of a `RouteExplanation`."""


class RouteExplorer(Panel):
    """Fields for a request, its route by the rules, and the response beside it."""

    name = "Route explorer"

    def __init__(
        self,
        ingresses: IngressMethods,
        *,
        path: str = "/",
        host: str = "",
        debounce_s: float = DEBOUNCE_S,
    ) -> None:
        super().__init__(debounce_s=debounce_s)
        self._ingresses = ingresses
        self.explanation: RouteExplanation | None = None
        self.observed: ObservedResponse | None = None
        self.command = ""
        self._fields = {label: _field(label) for row in _ROWS for label in row}
        self._fields["Path"].value, self._fields["Host"].value = path, host
        for field in self._fields.values():
            field.observe(lambda _: self._explain_soon(), "value")
        send = button("Send the request")
        send.on_click(lambda _: self._schedule("send", partial(self._send, self.form)))
        self._route_html, self._commands_html = ipywidgets.HTML(), ipywidgets.HTML()
        lines = [*([self._fields[each] for each in row] for row in _ROWS), [send]]
        rows = [ipywidgets.Box(line, layout=WRAPPED) for line in lines]
        self._start(*rows, self._status_html, self._route_html, self._commands_html)
        self._explain_soon()

    @property
    def form(self) -> RequestForm:
        """What the fields hold."""
        return RequestForm(*(field.value for field in self._fields.values()))

    def static_html(self) -> str:
        """The request, its route and its response."""
        route = route_html(self.explanation, self.observed)
        return f"<p>{escape(self._summary)}</p>{route}{static_commands_html(self._commands)}"

    def __repr__(self) -> str:
        reasons = self.explanation.reasons if self.explanation else ()
        return "\n".join([self._summary, *reasons])

    @property
    def _summary(self) -> str:
        return f"{self.name}: {self.form}. {self.status}"

    def _explain_soon(self) -> None:
        self._schedule("explain", partial(self._explain, self.form))

    def _explain(self, form: RequestForm) -> None:
        self.explanation, self.observed, self.command = None, None, ""
        try:
            path, request = form.request()
            self.explanation = self._ingresses.explain(path, request)
            with suppress(IngressAddressError):  # without one there is nothing to send it to
                self.command = curl_command(self._ingresses.url + path, request)
            self._set_status(f"By the rules {_destination_sentence(self.explanation)}")
        finally:
            self._draw()

    def _send(self, form: RequestForm) -> None:
        self.observed = None
        try:
            path, request = form.request()
            self._set_status("Sending the request...")
            self.explanation = self._ingresses.explain(path, request)
            self.observed = self._observe(self._ingresses.get(path, request), self.explanation)
            self._set_status(f"{self.observed.status}. {verdict(self.explanation, self.observed)}")
        finally:
            self._draw()

    def _observe(self, response: HttpResponse, explanation: RouteExplanation) -> ObservedResponse:
        headers = {name.lower(): value for name, value in response.headers.items()}
        pod = headers.get("x-pod")
        backends = frozenset(
            each for each in explanation.shares if pod and pod in self._ingresses.ready_pods(each)
        )
        status = f"{response.status} {response.reason}".strip()
        return ObservedResponse(status, headers.get("x-version"), pod, response.body, backends)

    def _draw(self) -> None:
        self._route_html.value = route_html(self.explanation, self.observed)
        identity = f"commands-{self._commands_html.model_id}"
        self._commands_html.value = commands_html(self._commands, identity=identity)

    @property
    def _commands(self) -> list[str]:
        return [self.command] if self.command else []


class RequestForm(NamedTuple):
    """What the fields hold, not checked yet."""

    path: str
    host: str
    header: str = ""
    header_value: str = ""
    cookie: str = ""
    cookie_value: str = ""

    def __str__(self) -> str:
        host = f" as {self.host}" if self.host else ""
        header = f"{self.header}: {self.header_value}" if self.header else ""
        cookie = f"cookie {self.cookie}: {self.cookie_value}" if self.cookie else ""
        return ", with ".join([f"{self.path}{host}", *(each for each in (header, cookie) if each)])

    def request(self) -> tuple[str, Request]:
        """The path and the request; a ValueError names the field that does not fit.

        >>> RequestForm("/canary", "foo.bar.com", "X-Canary", "always").request()[1].headers
        {'X-Canary': 'always'}
        """
        path, host = self.path.strip(), self.host.strip()
        if not _PATH.fullmatch(path):
            raise ValueError(
                f'The path "{path}" cannot be sent. Begin with a slash, and write a space as %20.'
            )
        if not _HOST.fullmatch(host):
            raise ValueError(f'The host "{host}" cannot be sent. Write it like foo.bar.com.')
        headers = _name_and_value("header", self.header, self.header_value)
        for name in headers:
            if name.lower() in {"host", "cookie"}:
                raise ValueError(f"{name} has fields of its own here. Write it there.")
        cookies = _name_and_value("cookie", self.cookie, self.cookie_value)
        if any(";" in value for value in cookies.values()):
            raise ValueError("A semicolon would end the cookie. Leave it out.")
        return path, Request(host=host or None, headers=headers, cookies=cookies)


class ObservedResponse(NamedTuple):
    """What came back."""

    status: str
    """The code and the reason phrase: "200 OK"."""
    version: str | None
    pod: str | None
    body: str
    backends: frozenset[str] = frozenset()
    """The backends of the explanation that have this pod."""

    @property
    def code(self) -> int:
        """The number at the beginning of the status."""
        return int(self.status.split()[0])


def follows_rules(explanation: RouteExplanation, observed: ObservedResponse) -> bool | None:
    """Whether the response is what the rules say; None if it names no pod.

    >>> from canarylab.release.ingress import RouteExplanation
    >>> by_rules = RouteExplanation({"prod:80": 1.0}, "/", 0, ())
    >>> observed = ObservedResponse("200 OK", "1.0", "pod-a", "", frozenset({"prod:80"}))
    >>> follows_rules(by_rules, observed)
    True
    """
    if explanation.status:
        return observed.code == explanation.status and observed.pod is None
    if observed.pod is None:
        return None
    return bool(observed.backends)


def verdict(explanation: RouteExplanation, observed: ObservedResponse) -> str:
    """Whether the response follows the rules, and the evidence, in one sentence."""
    follows = follows_rules(explanation, observed)
    if follows is None:
        backends = _destination(explanation)
        return f"Cannot be told: the rules lead to {backends}, the response names no pod."
    start = "As the rules say" if follows else "Not as the rules say"
    return f"{start}: {_evidence(explanation, observed)}."


def curl_command(url: str, request: Request) -> str:
    """The curl command that sends the same request.

    >>> curl_command("http://127.0.0.1:8080/", Request(host="foo.bar.com"))
    "curl -i -H 'Host: foo.bar.com' http://127.0.0.1:8080/"
    """
    headers = {**({"Host": request.host} if request.host else {}), **request.headers}
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    for name, value in request.cookies.items():
        options += ["-b", f"{name}={value}"]
    return shlex.join(["curl", "-i", *options, url])


def route_html(explanation: RouteExplanation | None, observed: ObservedResponse | None) -> str:
    """Two columns: the route by the rules, and the response."""
    left = _section("By the rules", _rules_html(explanation)) if explanation else ""
    right = _section("The response", _response_html(explanation, observed)) if explanation else ""
    return f'<div style="{_COLUMNS_STYLE}">{left}{right}</div>'


def _destination(explanation: RouteExplanation) -> str:
    if explanation.status:
        return f"the ingress itself, which answers {explanation.status}"
    shares = explanation.shares
    if len(shares) == 1:
        return next(iter(shares))
    return join_words(f"{backend} ({percent(share)})" for backend, share in shares.items())


def _destination_sentence(explanation: RouteExplanation) -> str:
    if explanation.status:
        return f"the ingress itself answers {explanation.status}."
    return f"it goes to {_destination(explanation)}."


def _evidence(explanation: RouteExplanation, observed: ObservedResponse) -> str:
    if observed.pod is None:
        return f"the response is {observed.status} and names no pod"
    if observed.backends:
        return f"{observed.pod} is a ready pod of {join_words(sorted(observed.backends))}"
    if explanation.status:
        return f"{observed.pod} answered; the rules say that the ingress itself answers"
    return f"{observed.pod} is no ready pod of {join_words(explanation.shares)}"


def _name_and_value(kind: str, name: str, value: str) -> Mapping[str, str]:
    name, value = name.strip(), value.strip()
    if not name and not value:
        return {}
    if not name:
        raise ValueError(f"The {kind} has a value and no name. Fill in both, or neither.")
    if not _TOKEN.fullmatch(name):
        raise ValueError(f'"{name}" cannot name a {kind}. Use letters, digits and hyphens.')
    if not _VALUE.fullmatch(value):
        raise ValueError(
            f"The {kind} {name} has characters that cannot be sent. Use plain letters."
        )
    return {name: value}


def _rules_html(explanation: RouteExplanation) -> str:
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in explanation.reasons)
    target = explanation.path if not explanation.status else "nothing: no pod gets the request"
    facts = _facts_html(
        [
            ("Rule", explanation.rule or "none"),
            ("Goes to", _destination(explanation)),
            ("Path the pod receives", target),
        ]
    )
    return (
        f"{facts}<div><strong>Why</strong></div>"
        f'<ol style="margin:4px 0;padding-left:24px">{reasons}</ol>'
    )


def _response_html(explanation: RouteExplanation, observed: ObservedResponse | None) -> str:
    if observed is None:
        return f'<p style="margin:4px 0">{_NOT_SENT}</p>'
    facts = _facts_html(
        [
            ("Status", observed.status),
            ("X-Version", observed.version or _MISSING),
            ("X-Pod", observed.pod or _MISSING),
            ("Body", _shortened(observed.body)),
        ]
    )
    sentence = escape(verdict(explanation, observed))
    return f'{facts}<p style="margin:4px 0"><strong>{sentence}</strong></p>'


def _section(title: str, content: str) -> str:
    heading = f'<div style="font-size:1.1em;margin:4px 0"><strong>{title}</strong></div>'
    return f'<section aria-label="{title}" style="{_COLUMN_STYLE}">{heading}{content}</section>'


def _facts_html(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f'<dt style="{_NAME_STYLE}">{name}</dt><dd style="{_VALUE_STYLE}">{escape(value)}</dd>'
        for name, value in pairs
    )
    return f'<dl style="{_LIST_STYLE}">{rows}</dl>'


def _shortened(body: str) -> str:
    body = body.strip()
    if len(body) <= _SHOWN_CHARACTERS:
        return body
    return f"{body[:_SHOWN_CHARACTERS]}... ({len(body):,} characters in all)"


def _field(label: str) -> Any:
    return ipywidgets.Text(
        description=label, style=_LABEL, layout={"width": "23em", "max_width": "100%"}
    )
