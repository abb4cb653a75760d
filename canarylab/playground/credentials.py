"""TLS certificates, token and kubeconfig of the API server.

The API can start processes, so on a machine with other users, and with a browser that visits
other people's pages, nobody may use it without the token. TLS is needed as well: kubectl sends
a token to https addresses only.
"""

from __future__ import annotations

import base64
import json
import logging
import secrets
import ssl
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import trustme
import yaml

from canarylab.playground.home import write_atomically

logger = logging.getLogger(__name__)
NAME = "playground"


@dataclass(frozen=True)
class Credentials:
    """Certificates, as PEM, and token of the API server."""

    authority: str
    certificate: str
    """Private key, certificate and chain."""
    token: str

    def ssl_context(self) -> ssl.SSLContext:
        """Return the TLS context of the server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        with tempfile.NamedTemporaryFile("w") as file:  # Python loads a certificate from a file
            file.write(self.certificate)
            file.flush()
            context.load_cert_chain(file.name)
        return context


def make_credentials() -> Credentials:
    """Create certificates for loopback and a token of 256 bits."""
    authority = trustme.CA(organization_name="canarylab playground")
    issued = authority.issue_cert("127.0.0.1", "::1", "localhost")
    return Credentials(
        authority=authority.cert_pem.bytes().decode(),
        certificate=issued.private_key_and_cert_chain_pem.bytes().decode(),
        token=secrets.token_hex(32),
    )


def kept_credentials(file: Path) -> Credentials:
    """The credentials in the file, so that clients of an earlier daemon go on; else new ones.

    Only its owner can read the file.
    """
    try:
        credentials = Credentials(**json.loads(file.read_text()))
        credentials.ssl_context()
    except FileNotFoundError:
        pass
    except (ValueError, TypeError, OSError) as exc:
        logger.warning("%s cannot be used, new credentials are made: %s", file, exc)
    else:
        return credentials
    credentials = make_credentials()
    write_atomically(file, json.dumps(asdict(credentials)))
    return credentials


def write_kubeconfig(path: Path, credentials: Credentials, port: int) -> None:
    """Write the kubeconfig, readable by its owner alone."""
    authority = base64.b64encode(credentials.authority.encode()).decode()
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
