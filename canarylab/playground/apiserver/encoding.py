"""How do objects look on the wire?"""

from __future__ import annotations

import json

from canarylab.playground.kube.api import Object

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encoded(obj: Object) -> bytes:
    """Compact JSON.

    >>> encoded({"kind": "Pod", "metadata": {}})
    b'{"kind":"Pod","metadata":{}}'
    """
    return _encode(obj).encode(errors="surrogatepass")
