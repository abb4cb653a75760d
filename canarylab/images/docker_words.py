"""What do the errors of docker-py mean, in words?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from canarylab.errors import ClusterError


@contextmanager
def in_words(doing: str) -> Iterator[None]:
    """Raise ClusterError where the engine refuses, or goes away, while it is `doing` something."""
    from docker.errors import DockerException  # noqa: PLC0415  docker-py is slow to import
    from requests.exceptions import ConnectionError as LostError  # noqa: PLC0415
    from requests.exceptions import RequestException, Timeout  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    try:
        yield
    except (LostError, Timeout):
        raise  # `engine` looks what stands in the way, and says it
    except (DockerException, RequestException, HTTPError) as exc:
        said = str(getattr(exc, "explanation", None) or exc).strip().rstrip(".")
        raise ClusterError(
            f"The engine did not go through with {doing}: {said}. "
            "Mend what it names, and run the same again."
        ) from exc
