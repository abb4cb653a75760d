"""Node.js, its programs, and the preload with which an app runs in its pod unchanged."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from canarylab.playground.address_range import local_address
from canarylab.playground.nodejs import POD_IP, node_options, nodejs_bin, path_with_nodejs
from tests.needs import needs

pytestmark = needs("linux")

POD = "127.95.241.7"
INSIDE = local_address(POD)


def node(script: str, *, options: Sequence[str] = (), **environment: str) -> str:
    """What the script prints, run as in a pod."""
    done = subprocess.run(
        [str(nodejs_bin() / "node"), *options, "-e", script],
        env={"NODE_OPTIONS": node_options(""), POD_IP: POD, "HOSTNAME": "web-1", **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()


def listening_at(arguments: str) -> str:
    """What a server says of its address after `listen(arguments)`, as JSON."""
    return node(
        "const server = require('net').createServer();"
        f"server.listen({arguments});"
        "const say = () => { console.log(JSON.stringify(server.address())); server.close(); };"
        "server.on('listening', say);"
    )


def listening(arguments: str) -> str:
    """The host in that address."""
    return str(json.loads(listening_at(arguments))["address"])


@pytest.mark.parametrize(
    "arguments",
    [
        "0",
        "'0'",
        "",
        "null",
        "undefined, () => {}",
        "() => {}",
        "0, () => {}",
        "0, 511",
        "0, undefined, () => {}",
        "0, '0.0.0.0'",
        "0, '::', () => {}",
        "0, '0.0.0.0', 511, () => {}",
        "{port: 0}",
        "{port: 0, host: '::'}, () => {}",
        "{port: '0', host: '0.0.0.0', exclusive: true}",
        "{}",
    ],
)
def test_listening_on_all_addresses_listens_on_the_pod_s_address(arguments: str) -> None:
    assert listening(arguments) == POD


@pytest.mark.parametrize(
    "arguments", ["0, 'localhost'", "0, '127.0.0.1'", "{port: 0, host: '::1'}"]
)
def test_listening_on_localhost_is_not_reachable_from_outside(arguments: str) -> None:
    assert listening(arguments) == INSIDE


def test_another_address_stays_as_it_is() -> None:
    assert listening("0, '127.95.241.8'") == "127.95.241.8"


def test_a_unix_socket_stays_one(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    assert listening_at(json.dumps(path)) == json.dumps(path)


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost"])
@pytest.mark.parametrize("url", ["http://localhost:", "http://127.0.0.1:"])
def test_a_program_finds_its_own_server_on_localhost(host: str, url: str) -> None:
    script = f"""
    const server = require('http').createServer((_, answer) => answer.end('found'));
    server.listen(0, '{host}', async () => {{
      const answer = await fetch('{url}' + server.address().port);
      console.log(await answer.text());
      process.exit();
    }});"""
    assert node(script) == "found"


def test_another_program_of_the_pod_finds_a_server_on_localhost() -> None:
    ask = "fetch(process.argv[1]).then(answer => answer.text()).then(console.log)"
    script = f"""
    const server = require('http').createServer((_, answer) => answer.end('found'));
    server.listen(0, '127.0.0.1', () => {{
      const url = 'http://localhost:' + server.address().port;
      const other = require('child_process').spawn(process.execPath, ['-e', "{ask}", url]);
      other.stdout.pipe(process.stdout);
      other.on('exit', () => process.exit());
    }});"""
    assert node(script) == "found"


@pytest.mark.parametrize(
    "how", ["require('os').hostname()", "(await import('node:os')).hostname()"]
)
def test_the_host_name_is_the_pod_s(how: str) -> None:
    assert node(f"(async () => console.log({how}))()") == "web-1"


def test_the_only_network_interface_has_the_pod_s_address() -> None:
    found = json.loads(node("console.log(JSON.stringify(os.networkInterfaces()))"))
    assert [entry["address"] for entry in found["eth0"]] == [POD]


def test_outside_a_pod_nothing_is_changed() -> None:
    done = subprocess.run(
        [str(nodejs_bin() / "node"), "-p", "os.hostname()"],
        env={"NODE_OPTIONS": node_options(""), "HOSTNAME": "web-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == os.uname().nodename


@pytest.mark.parametrize(("memory", "megabytes"), [(None, 512), (256 * 2**20, 128)])
def test_the_heap_follows_the_limit_for_memory(memory: int | None, megabytes: int) -> None:
    limit = "require('v8').getHeapStatistics().heap_size_limit / 2 ** 20"
    found = node(f"console.log({limit})", NODE_OPTIONS=node_options("", memory=memory))
    assert megabytes <= float(found) < megabytes + 10


def test_the_second_of_the_compilers_is_off() -> None:
    often = "const sum = (a) => { let s = 0; for (let i = 0; i < 1e4; i++) s += a; return s; };"
    traced = node(f"{often} for (let i = 0; i < 2e4; i++) sum(i);", options=["--trace-opt"])
    assert "TURBOFAN" in traced
    assert "MAGLEV" not in traced


def test_compiled_code_is_cached_although_the_program_is_killed(tmp_path: Path) -> None:
    (tmp_path / "own.cjs").write_text("module.exports = () => 1;")
    script = f"""
    require('{tmp_path}/own.cjs')();
    require('net').createServer().listen(0);
    setInterval(() => {{
      if (require('fs').readdirSync('{tmp_path}/cache', {{recursive: true}}).length > 1)
        process.kill(process.pid, 'SIGKILL');
    }}, 20);"""
    with pytest.raises(subprocess.CalledProcessError) as killed:
        node(script, NODE_COMPILE_CACHE=str(tmp_path / "cache"))
    assert killed.value.returncode == -9


def test_the_pod_s_own_node_options_come_last_and_so_win() -> None:
    assert node_options("--max-old-space-size=256").endswith(" --max-old-space-size=256")


@pytest.mark.parametrize("program", ["node", "npm", "npx", "yarn"])
def test_every_program_of_nodejs_runs(program: str) -> None:
    path = path_with_nodejs("/usr/bin:/bin")

    asked = subprocess.run(
        ["/usr/bin/env", f"PATH={path}", program, "--version"], capture_output=True, check=False
    )

    assert asked.returncode == 0, asked.stderr


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["server.js", "a"], "server a"),
        (["./server.js"], "server"),
        (["-e", "console.log(1)"], "1"),
        (["run.sh"], "a program"),
        (["echo", "-n", "a"], "a"),
        (["sh", "-c", "echo $0"], "sh"),
    ],
)
def test_the_entrypoint_runs_node_unless_there_is_such_a_program(
    tmp_path: Path, arguments: list[str], output: str
) -> None:
    (tmp_path / "server.js").write_text("console.log('server', ...process.argv.slice(2))")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "run.sh"
    program.write_text("#!/bin/sh\necho a program")
    program.chmod(0o755)
    done = subprocess.run(
        ["docker-entrypoint.sh", *arguments],
        env={"PATH": path_with_nodejs(f"{tmp_path}/bin:/usr/bin:/bin")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == output


@pytest.mark.parametrize("option", ["--inspect=0.0.0.0:0", "--inspect=localhost:0"])
def test_a_debugger_that_a_script_starts_listens_on_the_pod_s_address(option: str) -> None:
    said = node("console.log(require('inspector').url())", options=[option])
    assert said.startswith(f"ws://{POD}:")


def test_a_debugger_without_an_address_listens_on_that_of_the_pod() -> None:
    options = node_options("", debug_host=POD)
    said = node(
        "console.log(require('inspector').url())", options=["--inspect"], NODE_OPTIONS=options
    )
    assert said.startswith(f"ws://{POD}:9229/")
