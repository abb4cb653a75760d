"""A base image made from this machine's own files, because none can be pulled.

It has what `FROM node:24-slim` is used for: node and npm, a shell, `env`, the users root and node.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from docker import DockerClient

from canarylab.playground.nodejs import nodejs_bin

NAME, TAG = "node", "24-slim"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
NPM = "usr/local/lib/node_modules/npm"
SETTINGS = [
    "ENV PATH=/usr/local/bin:/usr/bin:/bin",
    f"ENV NODE_EXTRA_CA_CERTS=/{CERTIFICATES}",
    'CMD ["node"]',
]
USERS = "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n"
GROUPS = "root:x:0:\nnode:x:1000:\n"


def make_base_image(address: str) -> None:
    """Import it as node:24-slim."""
    client = DockerClient(base_url=address, version="auto", timeout=300)
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            _fill(archive)
        file.seek(0)
        client.api.import_image(src=file, repository=NAME, tag=TAG, changes=SETTINGS)
    client.close()


def _fill(archive: tarfile.TarFile) -> None:
    programs = {
        "usr/local/bin/node": nodejs_bin() / "node",
        "bin/sh": Path("/bin/sh"),
        "usr/bin/env": Path("/usr/bin/env"),
    }
    for name, mode in {"tmp": 0o1777, "root": 0o700, "home/node": 0o755}.items():
        _add_folder(archive, name, mode)
    for target, program in programs.items():
        archive.add(program.resolve(), target)
    for library in sorted(_libraries(programs.values())):
        archive.add(Path(library).resolve(), library.lstrip("/"))
    archive.add(nodejs_bin().parent / "lib" / "node_modules" / "npm", NPM)
    for script in ("npm", "npx"):
        _add_link(archive, f"usr/local/bin/{script}", f"/{NPM}/bin/{script}-cli.js")
    archive.add(Path(f"/{CERTIFICATES}").resolve(), CERTIFICATES)
    _add_text(archive, "etc/passwd", USERS)
    _add_text(archive, "etc/group", GROUPS)


def _libraries(programs: Iterable[Path]) -> set[str]:
    """What the programs load, by the paths at which they look for it."""
    said = subprocess.run(
        ["ldd", *map(str, programs)], capture_output=True, text=True, check=True
    ).stdout
    return set(re.findall(r"(?:=> )?(/\S+) \(0x", said))


def _add_folder(archive: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    archive.addfile(entry)


def _add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    archive.addfile(entry)


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text.encode())
    archive.addfile(entry, io.BytesIO(text.encode()))
