"""What does an HTTPRoute do to a request on its way?

https://gateway-api.sigs.k8s.io/reference/spec/#httproutefilter
"""

from __future__ import annotations

from collections.abc import Iterable

from canarylab.ingress_rules.paths import split_target
from canarylab.playground.kube.api import Object
from canarylab.playground.network.gateway.matches import Match
from canarylab.playground.network.http.head import Field, Head
from canarylab.playground.network.http.verdicts import Answer

SUPPORTED = frozenset({"RequestHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite"})


def applied(head: Head, filters: Iterable[Object], match: Match) -> Head:
    """The request as the pod gets it."""
    for entry in filters:
        if entry["type"] == "RequestHeaderModifier":
            head = with_headers(head, entry["requestHeaderModifier"])
        elif entry["type"] == "URLRewrite":
            rewrite = entry["urlRewrite"]
            head = head._replace(
                host=rewrite.get("hostname", head.host),
                target=_target(head.target, rewrite.get("path"), match),
            )
    return head


def redirection(head: Head, filters: Iterable[Object], match: Match) -> Answer | None:
    """Where a client is sent instead, if it is."""
    for entry in filters:
        if entry["type"] == "RequestRedirect":
            redirect = entry["requestRedirect"]
            target = _target(head.target, redirect.get("path"), match)
            location = f"{_origin(head, redirect)}{target}"
            return Answer(redirect.get("statusCode", 302), b"", (("Location", location),))
    return None


def mirrored(filters: Iterable[Object]) -> list[Object]:
    """The mirrors among them."""
    return [entry["requestMirror"] for entry in filters if entry["type"] == "RequestMirror"]


def with_headers(head: Head, change: Object) -> Head:
    """Set, add and remove, in this order."""
    named, fields = dict(head.named), list(head.fields)
    for entry in change.get("set") or []:
        fields = [*_without(fields, entry["name"]), _field(entry)]
        named[entry["name"].lower()] = entry["value"]
    for entry in change.get("add") or []:
        fields.append(_field(entry))
        before = named.get(entry["name"].lower())
        named[entry["name"].lower()] = f"{before}, {entry['value']}" if before else entry["value"]
    for name in change.get("remove") or []:
        fields = _without(fields, name)
        named.pop(name.lower(), None)
    return head._replace(fields=fields, named=named)


def _target(target: str, change: Object | None, match: Match) -> str:
    if change is None:
        return target
    path, query = split_target(target)
    if change["type"] == "ReplaceFullPath":
        return (change["replaceFullPath"] or "/") + query
    rest = path[len(match.path.rstrip("/")) :]
    new = change["replacePrefixMatch"].rstrip("/")
    return (new + rest or "/") + query


def _origin(head: Head, redirect: Object) -> str:
    """Scheme, host and port; a port that goes without saying is not said."""
    scheme = redirect.get("scheme", "http")
    host, _, asked_port = head.host.partition(":")
    usual = {"http": 80, "https": 443}[scheme]
    port = redirect.get("port") or (usual if "scheme" in redirect else int(asked_port or 80))
    said = "" if port == usual else f":{port}"
    return f"{scheme}://{redirect.get('hostname', host)}{said}"


def _without(fields: Iterable[Field], name: str) -> list[Field]:
    unwanted = name.lower().encode("latin-1")
    return [field for field in fields if field[0].lower() != unwanted]


def _field(entry: Object) -> Field:
    return entry["name"].encode("latin-1"), entry["value"].encode("utf-8")
