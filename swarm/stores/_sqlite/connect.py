"""Opening a file of runs: for its one writer, and for reading."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from swarm.errors import StoreError
from swarm.stores._sqlite import schema
from swarm.stores._sqlite.faults import is_damage, translated
from swarm.stores.base import SCHEMA

__all__ = [
    "FileOptions",
    "Warn",
    "create_private",
    "filesystem_of",
    "open_reader",
    "open_writer",
    "refuse_other",
]

Warn = Callable[[str], None]

WAL_BYTES = 64 * 1024 * 1024  # what the log is cut back to after it was larger
CHECKPOINT_PAGES = 1000
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "fuse.sshfs")
MOUNTS = Path("/proc/mounts")
HEADER_BYTES, NAME_AT = 100, 68  # of an SQLite file; where its application's name is
TABLES = ("runs", "journal", "totals", "blobs", "questions", "graphs")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How a file of runs is used.

    Attributes:
        full: every commit reaches the disk before it is acknowledged. busy_s: how long to wait for a
            lock of another program. file_bytes: of the file at most.
    """

    full: bool
    busy_s: float
    file_bytes: int

    @property
    def pages(self) -> int:
        """Pages that the file may have."""
        return max(1, self.file_bytes // schema.PAGE_BYTES)


def refuse_other(path: Path) -> None:
    """Raise `unsupported` for what is no file: a folder, a device, a pipe (which nobody may ever write to)."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # it is not there, or whoever opens it is told why it cannot be
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no file"
        hint = "name a file for the runs"
        raise StoreError(f"this is {what}", where=str(path), hint=hint, code="unsupported")


def open_writer(path: Path, options: FileOptions, warn: Warn, *, is_known: bool) -> sqlite3.Connection:
    """Open the file to write to, made if it is not there; a damaged one is set aside and told of.

    The caller holds the lock.

    Args:
        is_known: it was a file of runs before. If not, one that cannot be read is somebody else's.

    Raises:
        StoreError: `schema`: it is somebody else's.
    """
    try:
        return _open(path, options)
    except UnicodeDecodeError:
        pass  # what SQLite says of a damaged schema quotes it
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise translated(error, str(path)) from error
    if not is_known and not _is_ours(path):
        hint = "name another file for the runs"
        raise StoreError(
            "this file holds something else than runs", where=str(path), hint=hint, code="schema"
        )
    aside = _set_aside(path)
    warn(f"the runs in {path} are damaged: they are kept as {aside}, and new ones begin in {path}")
    try:
        return _open(path, options)
    except sqlite3.Error as error:
        raise translated(error, str(path)) from error


def open_reader(path: Path, busy_s: float) -> sqlite3.Connection:
    """Open the file to read from; one that is not there is like an empty one."""
    refuse_other(path)
    there = path.exists() and path.stat().st_size > 0
    file = _connect(_reading(path) if there else ":memory:", busy_s)
    try:
        if not there:
            schema.migrate(file, path)
        elif schema.check_version(file, path) < SCHEMA:
            hint = "open it for writing once (swarm runs gc)"
            raise StoreError("the runs are of an earlier version", where=str(path), hint=hint, code="schema")
        _set_common(file)
        file.execute("PRAGMA query_only = ON")
        file.execute("PRAGMA wal_autocheckpoint = 0")  # only the owner may touch the log
    except BaseException:
        file.close()
        raise
    return file


def create_private(path: Path) -> None:
    """Make an empty file that only its owner may read; SQLite gives its log the same rights.

    Raises:
        FileExistsError: it is there already.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def filesystem_of(path: Path, mounts: str) -> str:
    """Return the type of the file system that holds an absolute path, given a table like `/proc/mounts`."""
    best, found = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        folder = fields[1].encode().decode("unicode_escape")  # a blank is written as \040
        if path.is_relative_to(folder) and len(folder) >= len(best):
            best, found = folder, fields[2]
    return found


def _open(path: Path, options: FileOptions) -> sqlite3.Connection:
    _refuse_network(path)
    if not path.exists():
        create_private(path)
    elif path.stat().st_size:
        _look_at(path, options.busy_s)
    file = _connect(str(path), options.busy_s)
    try:
        if schema.check_version(file, path) == 0:
            schema.begin_layout(file)
        _set_up_writing(file, options)
        schema.migrate(file, path)
    except BaseException:
        file.close()
        raise
    return file


def _look_at(path: Path, busy_s: float) -> None:
    """Raise if a file is damaged where it shows at once: in its header, its schema, its root pages.

    It is only read: SQLite deletes the log of a file that it cannot make sense of, and in the log are
    the last commits.
    """
    with closing(_connect(_reading(path), busy_s)) as file:
        try:
            if schema.check_version(file, path) == SCHEMA:
                for table in TABLES:
                    file.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise  # else its maker was killed, before it had a log: whoever may write undoes that


def _reading(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


def _connect(name: str, busy_s: float) -> sqlite3.Connection:
    file = sqlite3.connect(
        name, timeout=busy_s, isolation_level=None, uri=name.startswith("file:"), check_same_thread=False
    )
    file.text_factory = _text
    return file


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")  # a damaged text does not fit its checksum any more


def _set_common(file: sqlite3.Connection) -> None:
    file.execute("PRAGMA foreign_keys = ON")
    file.execute("PRAGMA trusted_schema = OFF")  # what is in the file cannot call functions
    file.execute("PRAGMA cell_size_check = ON")
    file.execute("PRAGMA mmap_size = 0")  # a read error of a mapped file kills the process


def _set_up_writing(file: sqlite3.Connection, options: FileOptions) -> None:
    _set_common(file)
    file.execute("PRAGMA journal_mode = WAL")
    set_sync(file, full=options.full)
    file.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    file.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")


def set_sync(file: sqlite3.Connection, *, full: bool) -> None:
    """Say whether a commit waits for the disk; without, a power cut may take the last ones."""
    file.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")


def _is_ours(path: Path) -> bool:
    """Return whether the header of a file, which may be damaged, still says that it holds runs."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    return header[NAME_AT : NAME_AT + 4] == schema.APPLICATION.to_bytes(4, "big")


def _set_aside(path: Path) -> Path:
    """Rename a damaged file, with its log, to a name that is free, and return that."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    path.rename(aside)
    log = Path(f"{path}-wal")
    if log.exists():
        log.rename(f"{aside}-wal")
    Path(f"{path}-shm").unlink(missing_ok=True)
    return aside


def _refuse_network(path: Path) -> None:
    """Raise if the file would be on a network file system: several machines cannot share a log's index."""
    if not MOUNTS.exists():
        return
    found = filesystem_of(Path(os.path.realpath(path)), MOUNTS.read_text(encoding="utf-8", errors="replace"))
    if found in NETWORK:
        what = f"runs cannot be kept on a network file system ({found}): its locks are not reliable"
        raise StoreError(what, where=str(path), hint="name a file on a local disk", code="unsupported")
