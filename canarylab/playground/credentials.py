"""TLS certificates, token and kubeconfig of the API server.

The API can start processes, so on a machine with other users, and with a browser that visits
other people's pages, nobody may use it without the token. TLS is needed as well: kubectl sends
a token to https addresses only.
"""

from __future__ import annotations

import base64
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
import yaml

from canarylab.playground.home import write_atomically

NAME = "playground"


@dataclass(frozen=True)
class Credentials:
    """Certificates and token of one run of the API server."""

    authority_pem: bytes
    certificate: trustme.LeafCert
    token: str

    def ssl_context(self) -> ssl.SSLContext:
        """Return the TLS context of the server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.certificate.configure_cert(context)
        return context


def make_credentials() -> Credentials:
    """Create certificates for loopback and a token of 256 bits."""
    authority = trustme.CA(organization_name="canarylab playground")
    return Credentials(
        authority_pem=authority.cert_pem.bytes(),
        certificate=authority.issue_cert("127.0.0.1", "::1", "localhost"),
        token=secrets.token_hex(32),
    )


def write_kubeconfig(path: Path, credentials: Credentials, port: int) -> None:
    """Write the kubeconfig, readable by its owner alone."""
    authority = base64.b64encode(credentials.authority_pem).decode()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": NAME,
                "cluster": {
                    "server": f"https://127.0.0.1:{port}",
                    "certificate-authority-data": authority,
                },
            }
        ],
        "users": [{"name": NAME, "user": {"token": credentials.token}}],
        "contexts": [
            {"name": NAME, "context": {"cluster": NAME, "user": NAME, "namespace": "default"}}
        ],
        "current-context": NAME,
    }
    write_atomically(path, yaml.safe_dump(content, sort_keys=False))
