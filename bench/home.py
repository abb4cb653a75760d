"""Playgrounds that are measured: a home with the images built, and production in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from canarylab import resources
from canarylab.images.builder import VERSIONS
from canarylab.images.process_build import build_app_image
from canarylab.manifests import SERVICE
from canarylab.playground import daemon_control
from canarylab.playground.home import Home
from canarylab.release.connection import Connection
from canarylab.release.network_sync import wait_for_service
from canarylab.release.stages import reset_to


@contextmanager
def built_home() -> Iterator[Home]:
    """Removed afterwards, with any playground that runs in it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.prepare()
        for version in VERSIONS:
            build_app_image(version, home.images)
        try:
            yield home
        finally:
            daemon_control.down(home)


@contextmanager
def production_on_node_port(url: str) -> Iterator[Connection]:
    """A new playground with production, whose Service answers at this URL."""
    with built_home() as home:
        daemon_control.up(home)
        with closing(Connection(home.kubeconfig)) as connection:
            reset_to(connection, "02-production", resources.folder("manifests"))
            wait_for_service(connection, SERVICE, url)
            yield connection
