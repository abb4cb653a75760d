"""What is a GatewayClass?"""

from __future__ import annotations

from dataclasses import replace

from canarylab.playground.apiserver.custom.references import (
    ANY_OBJECT,
    CONTROLLER,
    conditions,
    pending,
)
from canarylab.playground.apiserver.custom.shape import listing, structure, text

_PENDING = pending("Accepted")

_SPEC = structure(
    "What is asked of the class.",
    {
        "controllerName": replace(
            CONTROLLER.meant_as("Which program serves the Gateways of this class."), is_fixed=True
        )
    },
    description=text("A few words about the class.", maxLength=64),
    parametersRef=ANY_OBJECT.meant_as("An object with settings for the program."),
)
_STATUS = structure(
    "What the program says of the class.",
    conditions=conditions().or_else(_PENDING),
    supportedFeatures=listing(
        "What the program can do.",
        structure("One feature.", {"name": text("Its name.")}),
        by=("name",),
        maxItems=64,
    ),
).or_else({"conditions": _PENDING})

GATEWAY_CLASS = structure(
    "A sort of Gateway, and the program that serves it.", {"spec": _SPEC}, status=_STATUS
)
