"""Why did kind fail, and what is to be done, going by its last words?

What preflight can foresee is not here. This is what shows only while a cluster is made or an image
brought in.
"""

from __future__ import annotations

from canarylab.errors import CanaryLabError, SetupError, ToolFailedError

OFFLINE = "Look at the network, or bring the images along with `canarylab bundle load FILE`."
KNOWN = (
    (
        "toomanyrequests",
        "Docker Hub allows an address 100 pulls in six hours, and they are used up",
        "Wait, sign in with `docker login`, or bring the images with `canarylab bundle load FILE`.",
    ),
    ("failed to pull image", "The node image could not be pulled", OFFLINE),
    (
        "too many open files",
        "This system allows too few inotify instances for a node",
        "Allow more with `sudo sysctl fs.inotify.max_user_instances=512`, then try again.",
    ),
    (
        "no space left on device",
        "The disk is full",
        "Remove what is not needed, for example with `docker system prune`, and try again.",
    ),
    (
        "port is already allocated",
        "Another container has port 8080 or 32089",
        "Find it with `docker ps`, stop it, and try again.",
    ),
    (
        "address already in use",
        "Another program has port 8080 or 32089",
        "Find it with `ss -ltn`, end it, and try again.",
    ),
)
NAME_IS_TAKEN = "already exist for a cluster with the name"


def explained(failure: ToolFailedError) -> CanaryLabError:
    """The failure with what to do about it, where it is one that we know; else itself."""
    said = failure.output.lower()
    for words, problem, remedy in KNOWN:
        if words in said:
            return SetupError(f"{failure.output}\n{problem}. {remedy}")
    return failure


def is_name_taken(failure: BaseException) -> bool:
    """Did somebody else make a cluster of this name a moment before?"""
    return isinstance(failure, ToolFailedError) and NAME_IS_TAKEN in failure.output
