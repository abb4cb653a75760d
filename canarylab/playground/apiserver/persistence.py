"""Persistence of objects: one SQLite file, to which writes are committed in groups.

A write is in memory at once, and in the file when `GroupCommit.until_stored` returns; the API
server waits for that before it answers. One thread writes everything that has come in since the
last transaction in the next one, so many clients share the cost of one. The file is in WAL mode
without a sync for each transaction: what is committed survives the end of the process, however it
ends.

Watchers see a change before it is in the file. So that no resourceVersion is used twice, the file
holds one that is higher than any given out, and the next daemon continues from there. If the file
cannot be written, the API server refuses writes and the controllers wait, until it can.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from canarylab.errors import SetupError, StatusError
from canarylab.kube_objects import Key, Object

logger = logging.getLogger(__name__)

FORMAT = 1  # of the file, raised with each change that an older canarylab cannot read
RESERVED_VERSIONS = 10_000  # resourceVersions that may be given out before the next transaction
RETRY_S = 1.0  # after a transaction that failed
SLOW_S = 10.0  # after which writes are refused until the transaction has ended

_ROWS_PER_STATEMENT = 200  # each row has four parameters, of which older SQLite allows 999
_SCHEMA = """
CREATE TABLE objects (
    kind TEXT, namespace TEXT, name TEXT, value BLOB, PRIMARY KEY (kind, namespace, name)
);
CREATE TABLE reserved (version INTEGER);
INSERT INTO reserved VALUES (0);
"""


class ObjectId(NamedTuple):
    """Kind and key of an object."""

    kind: str
    key: Key


Changes = Mapping[ObjectId, bytes | None]
"""Encoded objects; None for one that was removed."""


class ObjectFile:
    """A SQLite file with all objects and the highest resourceVersion that may be in use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.touch(mode=0o600)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as exc:
            raise _cannot_be_used(path, exc) from exc
        try:
            self._prepare()
        except (sqlite3.Error, ValueError) as exc:
            self.close()
            raise _cannot_be_used(path, exc) from exc

    def load(self, *, reserve: int) -> tuple[list[Object], int]:
        """All objects, and the version from which so many are reserved for this daemon."""
        try:
            rows = self._database.execute("SELECT value FROM objects").fetchall()
            (version,) = self._database.execute("SELECT version FROM reserved").fetchone()
            self.write({}, version + reserve)
            return [json.loads(value) for (value,) in rows], int(version)
        except (sqlite3.Error, TypeError, ValueError) as exc:
            raise _cannot_be_used(self.path, exc) from exc

    def write(self, changes: Changes, reserved: int) -> None:
        """Write changes in one transaction; raise sqlite3.Error if nothing was written."""
        written = [(*_row(each), data) for each, data in changes.items() if data is not None]
        removed = [_row(each) for each, data in changes.items() if data is None]
        try:
            self._database.execute("BEGIN IMMEDIATE")
            # A statement gives way to the other threads, so few statements are quick ones.
            for start in range(0, len(written), _ROWS_PER_STATEMENT):
                rows = written[start : start + _ROWS_PER_STATEMENT]
                places = ",".join(["(?,?,?,?)"] * len(rows))
                values = [value for row in rows for value in row]
                self._database.execute(f"INSERT OR REPLACE INTO objects VALUES {places}", values)
            where = "kind = ? AND namespace = ? AND name = ?"
            self._database.executemany(f"DELETE FROM objects WHERE {where}", removed)
            self._database.execute("UPDATE reserved SET version = ?", (reserved,))
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _prepare(self) -> None:
        pragma = self._database.execute
        pragma("PRAGMA locking_mode = EXCLUSIVE")  # of one daemon, on network file systems too
        (found,) = pragma("PRAGMA user_version").fetchone()
        if found > FORMAT:
            raise ValueError("a newer canarylab wrote it")
        pragma("PRAGMA journal_mode = WAL")
        pragma("PRAGMA synchronous = NORMAL")
        if found == 0:
            self._database.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"
            )
        (problem,) = pragma("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            raise ValueError(problem)


class GroupCommit:
    """Writes changes to the file, all that wait in one transaction."""

    def __init__(
        self, file: ObjectFile, *, retry_s: float = RETRY_S, slow_s: float = SLOW_S
    ) -> None:
        self._file, self._retry_s, self._slow_s = file, retry_s, slow_s
        self.restored, self._version = file.load(reserve=RESERVED_VERSIONS)
        self._stored = self._version
        self._waiting: dict[ObjectId, bytes | None] = {}
        self._problem: str | None = None
        self._is_closing = False
        self._appended, self._progressed = asyncio.Event(), asyncio.Event()

    @property
    def version(self) -> int:
        """The resourceVersion of the last change."""
        return self._version

    def append(self, each: ObjectId, data: bytes | None, version: int) -> None:
        """Add a change to the next transaction, in place of an earlier one of the same object."""
        self._waiting[each], self._version = data, version
        self._appended.set()

    def check(self) -> None:
        """Raise StatusError if no change can be stored at present."""
        problem = self._problem
        if self._version >= self._stored + RESERVED_VERSIONS - 1:
            problem = problem or "too many changes wait"
        if problem is not None:
            raise self._refusal("this change was refused", problem, "Then send it again.")

    async def until_writable(self) -> None:
        """Wait until changes can be stored again."""
        while self._problem is not None:
            await self._progressed.wait()

    async def until_stored(self, version: int) -> None:
        """Wait until the changes up to this version are in the file; StatusError if they fail."""
        while self._stored < version:
            if self._problem is not None:
                raise self._refusal(
                    "this change is not stored yet",
                    self._problem,
                    "It will be stored then, unless the playground ends before.",
                )
            await self._progressed.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write for the length of an `async with`, and at its end what still waits."""
        writing = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._is_closing = True
            self._appended.set()
            await writing
            self._file.close()

    async def _run(self) -> None:
        await self._appended.wait()
        while not self._is_closing:
            self._appended.clear()
            await self._write()
            await self._appended.wait()
        await self._write()

    async def _write(self) -> None:
        """Write everything that waits; what could not be written waits again."""
        changes, self._waiting, version = self._waiting, {}, self._version
        ahead = 0 if self._is_closing else RESERVED_VERSIONS
        writing = asyncio.create_task(asyncio.to_thread(self._file.write, changes, version + ahead))
        _, is_slow = await asyncio.wait([writing], timeout=self._slow_s)
        if is_slow:
            self._report(f"the disk has not stored it within {self._slow_s:.0f} s")
        try:
            await writing
        except sqlite3.Error as exc:  # a full disk, for example
            self._waiting = {**changes, **self._waiting}
            self._report(str(exc))
            asyncio.get_running_loop().call_later(self._retry_s, self._appended.set)
        else:
            self._stored = version
            self._report(None)

    def _report(self, problem: str | None) -> None:
        """Set the problem, and wake up whoever waits."""
        if problem != self._problem:
            logger.warning("%s: %s", self._file.path, problem or "changes are stored again")
        self._problem = problem
        self._progressed.set()
        self._progressed = asyncio.Event()

    def _refusal(self, what: str, problem: str, consequence: str) -> StatusError:
        return StatusError(
            500,
            "InternalError",
            f"Internal error occurred: {what}, because {self._file.path} cannot be written: "
            f"{problem}. Make room on that disk, or make the file writable. {consequence}",
        )


def _row(each: ObjectId) -> tuple[str, str, str]:
    return each.kind, each.key.namespace, each.key.name


def _cannot_be_used(path: Path, problem: Exception) -> SetupError:
    remedy = "Put a copy in its place, or let `canarylab down --forget` remove it"
    if isinstance(problem, OSError | sqlite3.OperationalError):
        remedy = "Make room on that disk, or make the file writable"
    return SetupError(
        f"The objects of the playground in {path} cannot be used: {problem}. {remedy}."
    )
