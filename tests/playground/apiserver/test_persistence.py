"""Objects in the file: groups, refusals, versions, and files that cannot be used."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from canarylab.errors import GoneError, SetupError, StatusError
from canarylab.kube_objects import Key, Object
from canarylab.playground.apiserver import handlers, persistence
from canarylab.playground.apiserver.persistence import Changes, GroupCommit, ObjectFile, ObjectId
from canarylab.playground.apiserver.store import PlannedWrite, Store
from tests.needs import needs
from tests.playground.apiserver.server import Server, config_map, running_server

FULL = "database or disk is full"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def thing(name: str, **data: str) -> Object:
    meta = {"name": name, "namespace": "lab"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def put(store: Store, name: str, **data: str) -> Object:
    return store.commit(PlannedWrite("write", thing(name, **data)))


def restored(path: Path) -> Store:
    """What the next daemon would have."""
    with closing(ObjectFile(path)) as file:
        return Store(GroupCommit(file))


class FailingFile(ObjectFile):
    """Refuses to write as long as it has a problem."""

    problem: str | None = None
    transactions = 0

    def write(self, changes: Changes, reserved: int) -> None:
        if self.problem is not None:
            raise sqlite3.OperationalError(self.problem)
        self.transactions += 1
        super().write(changes, reserved)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "objects.db"


@pytest.fixture
def file(path: Path) -> Iterator[FailingFile]:
    file = FailingFile(path)
    yield file
    file.close()


async def test_what_is_stored_is_there_after_a_kill(path: Path) -> None:
    lost = ObjectFile(path)  # never closed, as in a process that was killed
    group = GroupCommit(lost)
    store = Store(group)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_run(group))
        put(store, "a", colour="blue")
        await store.until_stored()
        copied = path.with_name("copy.db")
        for part in path.parent.glob("objects.db*"):
            part.with_name(part.name.replace("objects", "copy")).write_bytes(part.read_bytes())
        running.cancel()
    found = restored(copied).find("ConfigMap", Key("lab", "a"))
    assert found is not None
    assert found["data"] == {"colour": "blue"}


async def _run(group: GroupCommit) -> None:
    async with group.running():
        await asyncio.Event().wait()


async def test_a_removed_object_stays_removed(path: Path, file: FailingFile) -> None:
    group = GroupCommit(file)
    store = Store(group)
    async with group.running():
        made = put(store, "a")
        await store.until_stored()
        store.commit(PlannedWrite("remove", made))
    assert restored(path).all("ConfigMap") == []


async def test_the_end_writes_what_still_waits(path: Path, file: FailingFile) -> None:
    group = GroupCommit(file)
    store = Store(group)
    async with group.running():
        put(store, "a")
    assert restored(path).version == store.version


async def test_many_writes_share_a_transaction(file: FailingFile) -> None:
    group = GroupCommit(file)
    store, before = Store(group), file.transactions
    async with group.running():
        for number in range(1000):
            put(store, f"a{number}")
        await store.until_stored()
        assert file.transactions == before + 1


async def test_no_version_is_used_twice_although_nothing_was_stored(
    path: Path, file: FailingFile
) -> None:
    store = Store(GroupCommit(file))  # its writer does not run
    given_out = put(store, "a")["metadata"]["resourceVersion"]
    file.close()
    assert restored(path).version > int(given_out)


async def test_a_watch_of_the_time_before_is_gone(path: Path, file: FailingFile) -> None:
    group = GroupCommit(file)
    store = Store(group)
    async with group.running():
        put(store, "a")
        version = store.version
        await store.until_stored()
        put(store, "b")
    with pytest.raises(GoneError, match="too old"):
        restored(path).subscribe("ConfigMap", since=version)


async def test_a_full_disk_refuses_the_write_and_those_after_it(file: FailingFile) -> None:
    group = GroupCommit(file, retry_s=3600)
    store = Store(group)
    async with group.running():
        file.problem = FULL
        put(store, "a")
        with pytest.raises(StatusError, match=FULL) as refused:
            await store.until_stored()
        assert refused.value.code == 500
        with pytest.raises(StatusError, match=FULL):
            put(store, "b")
        assert store.find("ConfigMap", Key("lab", "b")) is None


@asynccontextmanager
async def server_on_full_disk(file: FailingFile, folder: Path) -> AsyncIterator[Server]:
    """A server whose disk becomes full when it runs."""
    group = GroupCommit(file, retry_s=0)
    async with group.running(), running_server(folder, Store(group)) as server:
        await server.api.store.until_stored()
        file.problem = FULL
        yield server
        file.problem = None


async def test_the_api_says_what_is_wrong_with_the_disk(file: FailingFile, tmp_path: Path) -> None:
    async with server_on_full_disk(file, tmp_path) as server:
        first = await server.request("POST", CONFIG_MAPS, config_map("first"))
        second = await server.request("POST", CONFIG_MAPS, config_map("second"))
        names = {each["metadata"]["name"] for each in (await server.get(CONFIG_MAPS))["items"]}
    for refused in (first, second):
        assert (refused.code, refused.body["reason"]) == (500, "InternalError")
        assert f"{file.path} cannot be written: {FULL}. Make room" in refused.body["message"]
    assert "is not stored yet" in first.body["message"]
    assert "was refused" in second.body["message"]
    assert names == {"first"}


@needs("kubectl")
async def test_kubectl_shows_what_is_wrong_with_the_disk(file: FailingFile, tmp_path: Path) -> None:
    async with server_on_full_disk(file, tmp_path) as server:
        done = await server.kubectl("create configmap web")
    assert done.code == 1
    assert f"{file.path} cannot be written: {FULL}" in done.err


async def test_the_server_is_not_ready_while_the_disk_is_full(
    file: FailingFile, tmp_path: Path
) -> None:
    async with server_on_full_disk(file, tmp_path) as server:
        await server.request("POST", CONFIG_MAPS, config_map("first"))
        ready = await server.request("GET", "/readyz")
        alive = await server.request("GET", "/livez")
        without = await server.request("GET", "/readyz?exclude=database")
        why = await server.request("GET", "/readyz/database")
    assert (ready.code, ready.body) == (
        500,
        "[+]ping ok\n[-]database failed: reason withheld\nreadyz check failed\n",
    )
    assert (alive.code, without.code) == (200, 200)
    assert why.code == 500
    assert f"{file.path} cannot be written: {FULL}" in why.body


async def test_controllers_wait_for_the_disk(file: FailingFile, tmp_path: Path) -> None:
    async with server_on_full_disk(file, tmp_path) as server:
        await server.request("POST", CONFIG_MAPS, config_map("first"))
        writing = asyncio.create_task(server.api.create(config_map("by-a-controller")))
        await server.get(CONFIG_MAPS)
        assert not writing.done()
        file.problem = None
        await writing


async def test_it_goes_on_when_there_is_room_again(path: Path, file: FailingFile) -> None:
    group = GroupCommit(file, retry_s=0)
    store = Store(group)
    async with group.running():
        file.problem = FULL
        put(store, "a")
        with pytest.raises(StatusError):
            await store.until_stored()
        waiting = asyncio.create_task(store.until_writable())
        file.problem = None
        await waiting
        put(store, "b")
        await store.until_stored()
    assert [each["metadata"]["name"] for each in restored(path).all("ConfigMap")] == ["a", "b"]


async def test_a_slow_disk_refuses_until_it_has_stored(file: FailingFile) -> None:
    group = GroupCommit(file, slow_s=0)
    store = Store(group)
    async with group.running():
        put(store, "a")
        with pytest.raises(StatusError, match="the disk has not stored it within"):
            await store.until_stored()
        await store.until_writable()
        await store.until_stored()


async def test_it_refuses_when_the_reserved_versions_are_used_up(
    file: FailingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persistence, "RESERVED_VERSIONS", 3)
    store = Store(GroupCommit(file))  # its writer does not run
    put(store, "a")
    put(store, "b")
    with pytest.raises(StatusError, match="too many changes wait"):
        put(store, "c")


async def test_a_collection_of_more_objects_than_reserved_versions_is_deleted(
    tmp_path: Path, file: FailingFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persistence, "RESERVED_VERSIONS", 200)
    monkeypatch.setattr(handlers, "_DELETED_TOGETHER", 50)
    group = GroupCommit(file)
    store = Store(group)
    async with group.running(), running_server(tmp_path, store) as server:
        for number in range(300):
            await server.api.create(config_map(f"colours-{number}"))
            await store.until_stored()
        deleted = await server.request("DELETE", CONFIG_MAPS)
    assert len(deleted.body["items"]) == 300
    assert restored(file.path).all("ConfigMap", "default") == []


def test_only_its_owner_may_read_the_file(path: Path, file: FailingFile) -> None:
    file.write({ObjectId("ConfigMap", Key("lab", "a")): b"{}"}, 1)
    modes = {stat.S_IMODE(each.stat().st_mode) for each in path.parent.glob("objects.db*")}
    assert modes == {0o600}


def test_a_file_that_cannot_be_written_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(SetupError, match=rf"{path} cannot be used: .*make the file writable"):
        ObjectFile(path)


@pytest.mark.parametrize("damage", [b"this is no database", b"SQLite format 3\0" + b"x" * 4096])
def test_a_damaged_file_is_named(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    with pytest.raises(SetupError, match=rf"{path} cannot be used: .*canarylab down --forget"):
        ObjectFile(path)


def test_damage_in_the_middle_is_found(path: Path) -> None:
    with closing(ObjectFile(path)) as file:
        data = b'{"data": "%s"}' % (b"x" * 500)
        file.write({ObjectId("ConfigMap", Key("lab", f"a{n}")): data for n in range(100)}, 1)
    content = bytearray(path.read_bytes())
    content[8192:16384] = b"\xff" * 8192
    path.write_bytes(content)
    with pytest.raises(SetupError, match=rf"{path} cannot be used"):
        ObjectFile(path)


def test_an_object_that_is_no_json_is_damage(path: Path) -> None:
    with closing(ObjectFile(path)) as file:
        file.write({ObjectId("ConfigMap", Key("lab", "a")): b"{"}, 1)
        with pytest.raises(SetupError, match=rf"{path} cannot be used"):
            file.load(reserve=1)


def test_a_file_of_a_newer_canarylab_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(SetupError, match="a newer canarylab wrote it"):
        ObjectFile(path)
    assert path.read_bytes() == before
