"""Who may talk to the API server, and how do they prove it?

The API can start processes, so on a machine with other users, and with a browser that visits
other people's pages, it is open to nobody without the token. TLS is needed as well: kubectl sends
a token to https addresses only.
"""

from __future__ import annotations

import base64
import os
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
import yaml

NAME = "playground"


@dataclass(frozen=True)
class Access:
    """One run of the API server: its certificates and its token."""

    authority_pem: bytes
    certificate: trustme.LeafCert
    token: str

    def ssl_context(self) -> ssl.SSLContext:
        """For the server's side."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.certificate.configure_cert(context)
        return context


def make_access() -> Access:
    """New certificates for loopback and a token of 256 bits."""
    authority = trustme.CA(organization_name="canarylab playground")
    return Access(
        authority_pem=authority.cert_pem.bytes(),
        certificate=authority.issue_cert("127.0.0.1", "::1", "localhost"),
        token=secrets.token_hex(32),
    )


def write_kubeconfig(path: Path, access: Access, port: int) -> None:
    """Write what kubectl needs, readable by its owner alone, in one step."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": NAME,
                "cluster": {
                    "server": f"https://127.0.0.1:{port}",
                    "certificate-authority-data": base64.b64encode(access.authority_pem).decode(),
                },
            }
        ],
        "users": [{"name": NAME, "user": {"token": access.token}}],
        "contexts": [
            {"name": NAME, "context": {"cluster": NAME, "user": NAME, "namespace": "default"}}
        ],
        "current-context": NAME,
    }
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        yaml.safe_dump(content, file, sort_keys=False)
    draft.rename(path)
