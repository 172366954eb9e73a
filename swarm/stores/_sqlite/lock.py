"""One process owns a file of runs: a lock of the operating system, which dies with its holder.

Two connections that write and checkpoint one WAL file can damage it in SQLite before 3.51.3, and the
writer knows in memory what is in the file. Source: `reliability.md` §3b.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from swarm.errors import StoreError

__all__ = ["FileLock", "holder_of"]

if sys.platform == "win32":
    import msvcrt

    FAR = 1 << 30  # the byte that is locked; the first ones can be read by whoever is refused

    def _try_lock(fd: int) -> None:
        os.lseek(fd, FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)

    _try_shared_lock = _try_lock  # there is no other
else:
    import fcntl

    def _try_lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _try_shared_lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)


class FileLock:
    """The lock beside a file: `<file>.lock`, which names the process that holds it.

    The file of the lock stays when the lock is let go: to delete it would let two processes lock
    two files of one name.

    Attributes:
        is_known: the file had an owner before, so whatever is in it now, it was one of runs.

    Raises:
        StoreError: code `owned`, another process (or another store of this one) holds it.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _try_lock(self._fd)
        except OSError as error:
            holder = _read(self._fd)
            os.close(self._fd)
            raise _owned(path, holder) from error
        self.is_known = os.fstat(self._fd).st_size > 0
        os.ftruncate(self._fd, 0)
        os.write(self._fd, b"%d\n" % os.getpid())

    def release(self, *, opened: bool = True) -> None:
        """Let go; once. What could not be opened has not been owned."""
        if not opened and not self.is_known:
            os.ftruncate(self._fd, 0)
        os.close(self._fd)


def holder_of(path: Path) -> str:
    """Return the id of the process that holds the lock beside a file, "" where none does.

    To look takes a shared lock for a moment: any number may look at once, and whoever takes the lock at that
    very moment is refused although `holder_of` then names nobody.

    Raises:
        OSError: the lock may not be read.
    """
    try:
        fd = os.open(f"{path}.lock", os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        _try_shared_lock(fd)
    except OSError:
        return _read(fd) or "(unknown)"
    finally:
        os.close(fd)
    return ""


def _read(fd: int) -> str:
    return os.read(fd, 32).decode("ascii", "replace").strip()


def _owned(path: Path, holder: str) -> StoreError:
    if holder == str(os.getpid()):
        what, hint = "this process has the runs open already", "use one store for one file"
    else:
        what = f"the runs are in use by process {holder or '(unknown)'}"
        hint = "wait until it ends, or stop it; reading works meanwhile (swarm runs ls)"
    return StoreError(what, where=str(path), hint=hint, code="owned")
