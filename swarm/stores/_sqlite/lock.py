"""One process owns a file of runs: a lock of the operating system, which dies with its holder.

Two connections that write and checkpoint one WAL file can damage it in SQLite before 3.51.3, and the
writer knows in memory what is in the file. Source: `reliability.md` §3b.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from swarm.errors import StoreError

__all__ = ["FileLock"]

if sys.platform == "win32":
    import msvcrt

    FAR = 1 << 30  # the byte that is locked; the first ones can be read by whoever is refused

    def _try_lock(fd: int) -> None:
        os.lseek(fd, FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)
else:
    import fcntl

    def _try_lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """The lock beside a file: `<file>.lock`, which names the process that holds it.

    The file of the lock stays when the lock is let go: to delete it would let two processes lock
    two files of one name.

    Raises:
        StoreError: code `owned`, another process (or another store of this one) holds it.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _try_lock(self._fd)
        except OSError as error:
            holder = os.read(self._fd, 32).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise _owned(path, holder) from error
        os.ftruncate(self._fd, 0)
        os.write(self._fd, b"%d\n" % os.getpid())

    def release(self) -> None:
        """Let go; once."""
        os.close(self._fd)


def _owned(path: Path, holder: str) -> StoreError:
    if holder == str(os.getpid()):
        what, hint = "this process has the runs open already", "use one store for one file"
    else:
        what = f"the runs are in use by process {holder or '(unknown)'}"
        hint = "wait until it ends, or stop it; reading works meanwhile (swarm runs ls)"
    return StoreError(what, where=str(path), hint=hint, code="owned")
