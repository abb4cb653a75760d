"""How is it said which certificates a Gateway shows, and which it believes?"""

from __future__ import annotations

from typing import Any

from canarylab.playground.apiserver.custom.references import ANY_OBJECT, PORT, SECRET
from canarylab.playground.apiserver.custom.shape import (
    Rule,
    listing,
    mapping,
    structure,
    text,
    word,
)


def _has_certificate(tls: Any) -> bool:
    has_any = bool(tls.get("certificateRefs") or tls.get("options"))
    return tls["mode"] != "Terminate" or has_any


LISTENER_TLS = structure(
    "The certificate of a listener.",
    certificateRefs=listing("Secrets with certificates.", SECRET, maxItems=64),
    mode=word("Where encryption ends.", "Terminate", "Passthrough").or_else("Terminate"),
    options=mapping(
        "Settings that only some programs know.",
        text("The value.", minLength=0, maxLength=4096),
        maxProperties=16,
    ),
).kept_to(
    Rule("certificateRefs or options must be specified when mode is Terminate", _has_certificate)
)

_VALIDATION = structure(
    "How clients are to prove who they are.",
    {
        "caCertificateRefs": listing(
            "Whose certificates are believed.", ANY_OBJECT, minItems=1, maxItems=8
        )
    },
    mode=word("Whether others are let in.", "AllowValidOnly", "AllowInsecureFallback").or_else(
        "AllowValidOnly"
    ),
)
_CLIENTS = structure("What is asked of clients.", validation=_VALIDATION)


def _ports_differ(settings: Any) -> bool:
    ports = [one["port"] for one in settings]
    return len(ports) == len(set(ports))


GATEWAY_TLS = structure(
    "Encryption for the whole Gateway.",
    backend=structure(
        "Towards the Services.",
        clientCertificateRef=SECRET.meant_as("The certificate the Gateway shows."),
    ),
    frontend=structure(
        "Towards the clients.",
        {"default": _CLIENTS},
        perPort=listing(
            "For single ports.",
            structure("For one port.", {"port": PORT, "tls": _CLIENTS}),
            by=("port",),
            maxItems=64,
        ).kept_to(
            Rule("Port for TLS configuration must be unique within the Gateway", _ports_differ)
        ),
    ),
)
