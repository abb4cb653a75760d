"""Why did a build with Docker fail, and what to try?

`explained` is given what the builder said; it looks at nothing else. Every message ends with how
to go on without Docker, because no lesson should end here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from canarylab.errors import BuildError
from canarylab.images.base import WITHOUT_DOCKER
from canarylab.images.output import Begun

_STATUS = re.compile(r"(?:exit code:|non-zero code:|exit status) (\d+)")
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_TOO_MANY = re.compile(r"toomanyrequests|too many requests|pull rate limit", re.IGNORECASE)
_OFFLINE = re.compile(
    r"no such host|name resolution|dial tcp|network is unreachable|i/o timeout|"
    r"TLS handshake timeout|Client\.Timeout exceeded|connection refused|proxyconnect",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"manifest unknown|pull access denied|repository does not exist|not found", re.IGNORECASE
)


def explained(reference: str, failing: Begun | None, last: Sequence[str]) -> BuildError:
    """The error to raise; `last` are the builder's last lines, `failing` the step they tell of."""
    text = "\n".join([*last, *(failing.said if failing else ())])
    if _FULL.search(text):
        return _said(
            last,
            f"The engine's disk is full, so {reference} could not be built. "
            "`docker system df` shows what takes the space, `docker system prune` frees some.",
        )
    if failing is None or failing.instruction.upper().startswith(("FROM", "ARG")):
        return _said(last, _about_the_base_image(reference, "\n".join(last)))
    status = _STATUS.search("\n".join(reversed(last)))
    ended = f"ended with exit status {status[1]}" if status else "failed"
    return _said(
        failing.said or last,
        f"{reference}, step {failing.number} of {failing.total}: `{failing.instruction}` {ended}. "
        "Its last lines stand above; mend what they name and build again.",
    )


def _about_the_base_image(reference: str, text: str) -> str:
    if _TOO_MANY.search(text):
        return (
            f"The base image of {reference} could not be fetched: Docker Hub has counted too many "
            "downloads from this address. Log in with `docker login`, or try again in a few hours."
        )
    if _OFFLINE.search(text):
        return (
            f"The base image of {reference} could not be fetched: the registry cannot be reached "
            "from here. Look at the network and the proxy, and build again."
        )
    if _UNKNOWN.search(text):
        return (
            f"The base image of {reference} is not in the registry. "
            "Correct the name in the FROM line of the Dockerfile, and build again."
        )
    return f"{reference} could not be built. Mend what the lines above name, and build again."


def _said(lines: Sequence[str], words: str) -> BuildError:
    return BuildError("\n".join([*lines, words, WITHOUT_DOCKER]))
