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

import yaml

from canarylab.errors import SetupError
from canarylab.kube_objects import Object
from canarylab.playground.home import write_atomically
from canarylab.ports import LOOPBACK

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
    import trustme  # noqa: PLC0415  slow to import

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
    if (credentials := read_credentials(file)) is None:
        credentials = make_credentials()
        write_atomically(file, json.dumps(asdict(credentials)))
    return credentials


def read_credentials(file: Path) -> Credentials | None:
    """The credentials in the file; None if there are none that can be used."""
    try:
        credentials = Credentials(**json.loads(file.read_text()))
        credentials.ssl_context()
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, OSError) as exc:
        logger.warning("%s cannot be used: %s", file, exc)
        return None
    return credentials


def read_kubeconfig(path: Path) -> Object:
    """What `write_kubeconfig` has made, empty if nothing; raise SetupError for other clusters.

    Another namespace or context that kubectl has added to the playground's own is all the same.
    """
    try:
        document = yaml.safe_load(path.read_text()) or {}
        found = {name: value for name, value in document.items() if value}
        names = {each["name"] for part in ("clusters", "users") for each in found.get(part, ())}
        servers = [each["cluster"]["server"] for each in found.get("clusters", ())]
        if names <= {NAME} and all(each.startswith(f"https://{LOOPBACK}:") for each in servers):
            return found
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError):
        pass
    raise SetupError(
        f"{path} is the playground's kubeconfig, and what is there now is not of its making. Move "
        "that to another place, such as ~/.kube/config, and try again."
    )


def write_kubeconfig(path: Path, credentials: Credentials, port: int) -> None:
    """Write the kubeconfig, readable by its owner alone; keep the contexts that are in it."""
    authority = base64.b64encode(credentials.authority.encode()).decode()
    context = {"cluster": NAME, "user": NAME, "namespace": "default"}
    cluster = {
        "server": f"https://{LOOPBACK}:{port}",
        "certificate-authority-data": authority,
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "contexts": [{"name": NAME, "context": context}],
        "current-context": NAME,
        **read_kubeconfig(path),
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": NAME, "user": {"token": credentials.token}}],
    }
    write_atomically(path, yaml.safe_dump(content, sort_keys=False))
