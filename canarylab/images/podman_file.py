"""Which Dockerfile is Podman given?

Podman reuses `ENV APP_VERSION=${APP_VERSION}` from its cache whatever the build argument says
(github.com/containers/buildah, issue 5501), so that version 2.0 would be version 1.0 again under
another name. With the version written in its place, Podman sees that the line has changed.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MENTIONED = re.compile(r"\$APP_VERSION\b|\$\{APP_VERSION\}")


def settled(text: str, version: str) -> str:
    """The same Dockerfile, with this version wherever it mentions the argument.

    >>> settled("ENV APP_VERSION=${APP_VERSION}", "2.0")
    'ENV APP_VERSION=2.0'
    """
    return _MENTIONED.sub(version, text)


@contextmanager
def settled_file(app: Path, version: str) -> Iterator[Path]:
    """A copy of the app's Dockerfile with this version settled; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="canarylab-") as folder:
        file = Path(folder) / "Dockerfile"
        file.write_text(settled((app / "Dockerfile").read_text(), version))
        yield file
