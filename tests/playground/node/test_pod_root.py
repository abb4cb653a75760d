"""Tests of a container's own root: what is in it, and what its writes reach."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from canarylab.kube_objects import Key
from canarylab.playground.node import pod_root
from canarylab.playground.node.mount_pod_root import HOST_PID
from canarylab.playground.node.pod_root import (
    SETTING,
    container_plan,
    find_way,
    program,
    read_report,
    refusal,
    write_plan,
)
from tests.playground.node.node_fixture import (
    SPACE,
    Node,
    build,
    communicate,
    fetch,
    node,
    pod,
    python,
    server,
    shell,
)
from tests.waiting import until

NAMES = {"/etc/hostname": "web-1\n", "/etc/hosts": "127.64.0.9\tweb-1\n"}
pytestmark = pytest.mark.usefixtures("own_root")


async def output_of(script: str, here: Node, **fields: object) -> str:
    """What a container prints that runs this script to its end."""
    await here.api.put(pod(shell(f"{script}; echo the end", **fields), restartPolicy="Never"))
    await here.wrote("the end")
    return (await here.log()).removesuffix("the end\n")


async def test_an_absolute_path_is_one_of_the_image(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        (folder := build(here.home).root / "srv/shop").mkdir(parents=True)
        (folder / "word").write_text("canary")
        assert await output_of("cat /srv/shop/word", here) == "canary"


async def test_a_program_in_usr_local_bin_of_the_image_is_found(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        add_program(build(here.home).root / "usr/local/bin/start-app")
        assert await output_of("start-app", here) == "started\n"


async def test_the_path_of_the_image_is_that_of_its_folders(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        image = build(here.home, env={"PATH": "/app/bin:/usr/bin:/bin"})
        add_program(image.root / "app/bin/serve")
        assert await output_of("serve", here) == "started\n"


async def test_a_program_that_was_copied_to_bin_is_beside_those_of_the_machine(
    tmp_path: Path,
) -> None:
    async with node(tmp_path) as here:
        add_program(build(here.home).root / "bin/serve")
        assert await output_of("serve; ls /bin/sh", here) == "started\n/bin/sh\n"


async def test_node_is_where_the_image_of_node_has_it(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        printed = await output_of("/usr/local/bin/node -p 1+1; which node npm yarn", here)
        folder = "/usr/local/bin"
        assert printed == f"2\n{folder}/node\n{folder}/npm\n{folder}/yarn\n"


async def test_the_pod_knows_its_own_name(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        printed = await output_of("hostname; cat /etc/hostname; tail -1 /etc/hosts", here)
        ip = (await here.pod())["status"]["podIP"]
        assert printed == f"web-1\nweb-1\n{ip}\tweb-1\n"


@pytest.mark.parametrize(
    ("name", "spec", "host"),
    [("web-1", {"hostname": "busybox-1"}, "busybox-1"), (f"{'w' * 62}-{'x' * 9}", {}, "w" * 62)],
)
async def test_a_pod_has_the_host_name_of_a_real_cluster(
    tmp_path: Path, name: str, spec: dict[str, str], host: str
) -> None:
    script = "hostname; cat /etc/hostname; echo $HOSTNAME; tail -1 /etc/hosts; echo the end"
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(script), name=name, restartPolicy="Never", **spec))
        await here.wrote("the end", name)
        ip = (await here.pod(name))["status"]["podIP"]
        assert await here.log(name) == f"{host}\n" * 3 + f"{ip}\t{host}\nthe end\n"


async def test_a_pod_with_a_subdomain_has_its_full_name_in_etc_hosts(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        container = shell("hostname; tail -1 /etc/hosts; sleep 600")
        await here.api.put(pod(container, hostname="first", subdomain="web"))
        ip = (await here.ready())["status"]["podIP"]
        await here.wrote(f"first\n{ip}\tfirst.web.lab.svc.cluster.local\tfirst\n")


async def test_host_aliases_are_in_etc_hosts(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        aliases = [{"ip": "127.0.0.9", "hostnames": ["db.local", "db"]}]
        container = shell("tail -1 /etc/hosts; sleep 600")
        await here.api.put(pod(container, hostAliases=aliases))
        await here.wrote("127.0.0.9\tdb.local\tdb\n")


async def test_home_has_nothing_of_this_machine_but_python(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        assert await output_of("cd && pwd && ls -A -I .pyenv && ls /home", here) == "/root\nnode\n"


async def test_writes_reach_neither_the_machine_nor_the_image(tmp_path: Path) -> None:
    name = f"canarylab-{os.getpid()}"
    folders = ("/etc", "/opt", "/srv", "/tmp", "/usr/local", "/var/log", "/")
    async with node(tmp_path) as here:
        root = build(here.home).root
        (root / "srv").mkdir()
        (root / "srv/word").write_text("canary")
        script = f"for each in {' '.join(folders)}; do touch $each/{name} || exit; done; "
        assert await output_of(script + "rm /srv/word && ls /srv", here) == f"{name}\n"
        assert not [each for each in folders if Path(each, name).exists()]
        assert [str(each.relative_to(root)) for each in sorted(root.rglob("*"))] == [
            "srv",
            "srv/word",
        ]


async def test_a_restarted_container_starts_from_its_image(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("ls /srv; touch /srv/note; echo ran; exit 1")))
        await until(here.has_restarted(1))
        await here.wrote("ran\n")
        assert await here.log() == "ran\n"


async def test_exec_and_probes_see_what_the_container_wrote(tmp_path: Path) -> None:
    probe = {"exec": {"command": ["cat", "/data/note"]}, "periodSeconds": 1}
    script = "mkdir /data; echo canary > /data/note; exec sleep 600"
    async with node(tmp_path) as here:
        await here.api.put(pod(shell(script, readinessProbe=probe)))
        await here.ready()
        read = ["sh", "-c", "cat note; hostname; pwd"]
        process = await here.kubelet.execute(Key(SPACE, "web-1"), ["env", "-C", "/data", *read])
        _, output, _ = await communicate(process)
        assert output == b"canary\nweb-1\n/data\n"


async def test_an_app_answers_on_the_address_of_its_pod(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(server()))
        ready = await here.ready()
        assert await fetch(ready["status"]["podIP"]) == "web-1"


async def test_a_working_directory_that_is_missing_is_created(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        assert await output_of("pwd", here, workingDir="/srv/new/one") == "/srv/new/one\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["no-such-program"], 'exec: "no-such-program": executable file not found in $PATH'),
        (["/srv/none"], 'exec: "/srv/none": no such file or directory'),
        (["/etc"], 'exec: "/etc": permission denied'),
        ([""], 'exec: "": executable file not found in $PATH'),
    ],
)
async def test_a_program_that_cannot_be_started_is_named(
    tmp_path: Path, command: list[str], message: str
) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod({**server(), "command": command}, restartPolicy="Never"))
        await until(here.state_is("terminated", "StartError"))
        end = (await here.state())["state"]["terminated"]
        assert (end["exitCode"], end["message"]) == (128, message)


async def test_no_signal_is_ignored_and_no_file_is_open(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(shell("grep SigIgn /proc/self/status; ls /proc/self/fd; sleep 99")))
        await here.wrote("3\n")  # the folder that ls reads
        _, mask, *files = (await here.log()).split()

    ignored = {number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1}
    # Signals 32 and 33 are the C library's own; what started the tests may have left them ignored.
    assert not ignored & signal.valid_signals()
    assert files == ["0", "1", "2", "3"]


async def test_the_python_of_the_daemon_is_visible(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        await here.api.put(pod(python("print('python', flush=True)"), restartPolicy="Never"))
        await here.wrote("python")


@pytest.mark.usefixtures("machine_paths")
async def test_without_a_root_an_absolute_path_of_the_image_is_found(tmp_path: Path) -> None:
    async with node(tmp_path) as here:
        (folder := build(here.home).root / "srv/shop").mkdir(parents=True)
        (folder / "word").write_text("canary")
        assert await output_of("cat /srv/shop/word", here) == "canary"


def test_a_mount_is_seen_at_its_path(tmp_path: Path, own_root: str) -> None:
    (source := tmp_path / "source").mkdir()
    (source / "colour").write_text("yellow")
    paths = ("/etc/app/config", "/var/run/secrets/app", "/usr/share/html", "/a/b", "/a/b/c")
    mounts = [(source, path, False) for path in paths]
    words = [f"{path}/colour" for path in paths]
    assert run(tmp_path, own_root, ["cat", *words], mounts) == "yellow" * len(paths)


def test_one_file_can_be_mounted_over_a_file(tmp_path: Path, own_root: str) -> None:
    (source := tmp_path / "source").write_text("mounted")
    assert (
        run(tmp_path, own_root, ["cat", "/etc/fstab"], [(source, "/etc/fstab", True)]) == "mounted"
    )


def test_a_mount_can_be_read_only(tmp_path: Path, own_root: str) -> None:
    (source := tmp_path / "source").mkdir()
    script = "touch /one/x 2>/dev/null || touch /two/x; ls /one /two"
    mounts = [(source, "/one", True), (source, "/two", False)]
    assert run(tmp_path, own_root, ["sh", "-c", script], mounts) == "/one:\nx\n\n/two:\nx\n"


@pytest.mark.parametrize(
    "path",
    [
        "/usr/local/bin/node",
        "/usr/local/bin/node/below",
        "/usr/local/lib/node_modules/npm/below",
        "/image/below",
        "/one/link/below",
        "/one/../one/link",
        "/dev/link/below",
        "/proc/self/cwd/below",
    ],
)
@pytest.mark.parametrize("has_folder", [True, False])
def test_a_mount_whose_path_has_links_changes_nothing_of_the_machine(
    tmp_path: Path, own_root: str, path: str, has_folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine := tmp_path / "machine/npm").mkdir(parents=True)
    (tmp_path / "machine/node").write_text("the machine's")
    links = {"bin/node": machine.with_name("node"), "lib/node_modules/npm": machine}
    monkeypatch.setattr(
        "canarylab.playground.nodejs.installed_links",
        lambda: {f"/usr/local/{name}": str(target) for name, target in links.items()},
    )
    for folder in (volume := tmp_path / "volume", tmp_path / "image"):
        folder.mkdir()
        (folder / ("link" if folder == volume else "image")).symlink_to(machine)
    source = tmp_path / "source"
    source.mkdir() if has_folder else source.write_text("mounted")
    before = contents(tmp_path / "machine")
    monkeypatch.chdir(machine)
    with suppress(subprocess.CalledProcessError):  # a few of these paths can be no folder
        run(tmp_path, own_root, ["true"], [(volume, "/one", False), (source, path, False)])
    assert contents(tmp_path / "machine") == before


def test_a_mount_at_a_link_is_seen_where_the_link_leads(tmp_path: Path, own_root: str) -> None:
    (volume := tmp_path / "volume").mkdir()
    (volume / "link").symlink_to("/srv/shop")
    (source := tmp_path / "source").write_text("canary")
    mounts = [(volume, "/data", False), (source, "/data/link/word", False)]
    assert run(tmp_path, own_root, ["cat", "/srv/shop/word"], mounts) == "canary"


def test_a_mount_over_the_whole_root_is_refused(tmp_path: Path, own_root: str) -> None:
    (volume := tmp_path / "volume").mkdir()
    (volume / "link").symlink_to("/")
    with pytest.raises(subprocess.CalledProcessError, match="exit status 127"):
        mounts = [(volume, "/data", False), (volume, "/data/link", False)]
        run(tmp_path, own_root, ["true"], mounts)


@pytest.mark.parametrize("folder", ["/dev", "/sys/kernel", "/proc/sys/kernel"])
def test_what_the_kernel_shows_is_read_only(folder: str, tmp_path: Path, own_root: str) -> None:
    script = f"test -w {folder} && echo writable; echo a word > /dev/null"
    assert run(tmp_path, own_root, ["sh", "-c", script]) == ""


def test_shared_memory_is_that_of_the_container(tmp_path: Path, own_root: str) -> None:
    name = f"/dev/shm/{tmp_path.name}"
    assert run(tmp_path, own_root, ["sh", "-c", f"echo canary > {name}; cat {name}"]) == "canary\n"
    assert not Path(name).exists()


def test_a_container_can_open_a_terminal(tmp_path: Path, own_root: str) -> None:
    script = "import os, pty; print(os.ttyname(pty.openpty()[1])[:9])"
    assert run(tmp_path, own_root, [sys.executable, "-c", script]) == "/dev/pts/\n"


def test_a_folder_with_a_comma_and_a_colon_can_be_an_image(tmp_path: Path, own_root: str) -> None:
    (image := tmp_path / "a,b:c\\d").mkdir()
    (image / "word").write_text("canary")
    assert run(tmp_path, own_root, ["cat", "/word"], image=image) == "canary"


def test_the_python_of_the_system_hides_no_image(
    tmp_path: Path, own_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.base_prefix", "/usr")
    image = str(tmp_path)
    plan = container_plan(image, way=own_root, base=image, names=NAMES, mounts=())
    assert "/usr" not in {path for _, path, _ in plan["binds"]}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount something below /usr")
def test_a_folder_of_the_machine_may_have_a_mount_below(tmp_path: Path, own_root: str) -> None:
    mounted = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs x /usr/share && exec "$@"', "sh"]
    add_program(tmp_path / "image/usr/local/bin/start-app")
    assert run(tmp_path, own_root, ["start-app"], around=mounted) == "started\n"


def test_the_way_can_be_forced(tmp_path: Path, own_root: str) -> None:
    assert find_way(str(tmp_path)) == (own_root, "")


def test_where_no_other_proc_can_be_mounted_processes_are_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SETTING)
    monkeypatch.setattr(pod_root, "refusal", lambda way, base: "" if way == HOST_PID else "refused")
    assert find_way(str(tmp_path)) == (HOST_PID, "")


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("no", "no"), ("yes", "yes, not to root, user, user-host-pid or no")],
)
def test_without_the_way_the_setting_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, reason: str
) -> None:
    monkeypatch.setenv(SETTING, setting)
    assert find_way(str(tmp_path)) == ("no", f"CANARYLAB_POD_ROOT is set to {reason}")


def test_a_root_may_have_many_users_and_host_names(tmp_path: Path, own_root: str) -> None:
    users = "".join(f"user-{number}:x:{number}:0::/:/bin/sh\n" for number in range(9999))
    (tmp_path / "image/etc").mkdir(parents=True)
    (tmp_path / "image/etc/passwd").write_text(users)
    assert run(tmp_path, own_root, ["grep", "-c", "^user-", "/etc/passwd"]) == "9999\n"


def test_a_refusal_has_the_words_of_the_system(tmp_path: Path, own_root: str) -> None:
    missing = tmp_path / "missing"
    assert refusal(own_root, str(missing)) == f"No such file or directory: {missing}"


def add_program(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text("#!/bin/sh\necho started\n")
    file.chmod(0o755)


def contents(folder: Path) -> dict[Path, bytes | None]:
    """Everything in a folder, with the contents of files."""
    return {each: each.read_bytes() if each.is_file() else None for each in folder.rglob("*")}


def run(
    tmp_path: Path,
    way: str,
    argv: Sequence[str],
    mounts: Sequence[tuple[Path, str, bool]] = (),
    **more: Any,
) -> str:
    """The output of a command in a root of its own."""
    image, around = more.get("image", tmp_path / "image"), more.get("around", ())
    for folder in (base := tmp_path / "base", image):
        folder.mkdir(exist_ok=True)
    plan = container_plan(str(image), way=way, base=str(base), names=NAMES, mounts=mounts)
    reading, writing = os.pipe()
    file = write_plan(plan, folder="/", has_ctype=True, report=writing)
    command = [*around, *program(file, argv)]
    with open(reading) as report:  # noqa: PTH123  a descriptor
        ran = subprocess.run(command, check=True, stdout=PIPE, text=True, pass_fds=[writing, file])
        os.close(writing)
        os.close(file)
        pid = read_report(report.read()).pid
    if pid is not None:
        ran.returncode = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    ran.check_returncode()
    return ran.stdout
