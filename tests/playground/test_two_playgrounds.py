"""Two playgrounds on one machine, of two users if possible, run lesson 03 at the same time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from canarylab.playground import daemon_control
from canarylab.playground.home import Home
from tests.built_images import built
from tests.needs import needs

pytestmark = needs("linux")
REQUESTS = 200
OTHER_USER = 12345
STORY = """
import json, sys
from pathlib import Path
from canarylab import Lab
from canarylab.runtime import wait_until

here, other = map(Path, sys.argv[1:])
lab = Lab("playground")
lab.reset("02-production")
lab.apply("manifests/03-canary/canary.yaml")
lab.wait_ready("nodeapp-canary")
here.touch()
wait_until(other.exists, timeout_s=60)
sample = lab.sample("nodeapp-svc", requests=200)
print(json.dumps({
    "url": lab.url("nodeapp-svc"),
    "versions": {each.pod: each.version for each in lab.ready_endpoints()},
    "by_pod": sample.by_pod,
    "by_version": sample.by_version,
    "failed": sample.failed,
}))
"""


class User(NamedTuple):
    """A home, and what a command of its user begins with."""

    home: Home
    prefix: tuple[str, ...]

    def tell_the_story(self, here: Path, other: Path) -> subprocess.Popen[str]:
        """Start lesson 03; it samples when `other` is there."""
        return subprocess.Popen(
            [*self.prefix, sys.executable, "-c", STORY, str(here), str(other)],
            env={
                **os.environ,
                "HOME": str(self.home.root.parent),
                "CANARYLAB_HOME": str(self.home.root),
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
        )


class Users(NamedTuple):
    """Both of them."""

    one: User
    two: User


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder in which every user may write."""
    folder = Path(tempfile.mkdtemp(prefix="canarylab-two-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def users(shared: Path) -> Iterator[Users]:
    """Two users with the app's images."""
    made = []
    for name, prefix in (("one", ()), ("two", _as_other_user())):
        root = shared / name
        home = Home(root / ".canarylab")
        home.prepare()
        built(home.images)
        if prefix:
            for path in (root, *root.rglob("*")):
                os.lchown(path, OTHER_USER, OTHER_USER)
        made.append(User(home, prefix))
    with ExitStack() as ending:
        for user in made:
            ending.callback(daemon_control.down, user.home)
        yield Users(*made)


def _as_other_user() -> tuple[str, ...]:
    """Another Unix user, who may read what we may; nothing where we may not become one."""
    prefix = (
        "setpriv",
        f"--reuid={OTHER_USER}",
        f"--regid={OTHER_USER}",
        "--clear-groups",
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
    )
    if os.geteuid() != 0 or shutil.which(prefix[0]) is None:
        return ()
    works = subprocess.run(
        [*prefix, sys.executable, "-c", ""], check=False, capture_output=True, cwd="/"
    )
    return prefix if works.returncode == 0 else ()


def test_each_gets_the_answers_of_its_own_pods_alone(users: Users, shared: Path) -> None:
    one, two = shared / "one.ready", shared / "two.ready"
    stories = [users[0].tell_the_story(one, two), users[1].tell_the_story(two, one)]
    told: list[dict[str, Any]] = [json.loads(story.communicate()[0]) for story in stories]

    assert told[0]["url"] != told[1]["url"]
    for each in told:
        assert each["failed"] == 0
        assert each["by_pod"].keys() == each["versions"].keys()
        assert sorted(each["versions"].values()) == ["1.0", "1.0", "1.0", "2.0"]
        assert sum(each["by_pod"].values()) == REQUESTS
        # 50 expected; outside of these bounds once in a million samples
        assert 22 <= each["by_version"]["2.0"] <= 83
