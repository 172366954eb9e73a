"""A private PostgreSQL server for tests: made in a folder, reached over a socket in it, gone afterwards.

It is started from whatever PostgreSQL the machine has (Debian: `apt-get install postgresql`). It
listens on no port. PostgreSQL does not run as root, so a root's server runs as another user.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MISSING = "needs the programs of a PostgreSQL server: apt-get install postgresql"
DEADLINE_S = 120
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "fsync": "off",  # it is killed in the tests, but the machine is not: what was written stays
    "autovacuum_naptime": "10min",  # nothing is to happen beside the test
}


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A server that runs.

    Attributes:
        dsn: reaches it as its administrator. folder: holds its data and its socket.
        programs: where its programs are. user: who runs it; None for the user of this process.
    """

    dsn: str
    folder: Path
    programs: Path
    user: str | None

    def restart_at_once(self) -> None:
        """Stop it as if it had crashed: no commit under way ends, no goodbye is said. Then start it."""
        self._control("restart", "-m", "immediate")

    def stop(self) -> None:
        """Stop it: connections are ended, what is committed is kept."""
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        """Start it, and return when it answers."""
        self._control("start")

    def _control(self, *words: str) -> None:
        log = ("-l", str(self.folder / "log"))
        command = [self.programs / "pg_ctl", *words, "-D", self.folder / "data", "-w", "-s", *log]
        _run(command, user=self.user, folder=self.folder)


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL server here; None when there is none."""
    asked = shutil.which("pg_config")
    found = [Path(path) for path in glob.glob("/usr/lib/postgresql/*/bin")]
    if asked:
        printed = subprocess.run([asked, "--bindir"], capture_output=True, text=True, check=True, timeout=10)
        found.append(Path(printed.stdout.strip()))
    usable = [path for path in found if (path / "initdb").is_file() and (path / "pg_ctl").is_file()]
    return max(usable, key=_version, default=None)


@contextmanager
def running_server(programs: Path) -> Generator[PostgresServer]:
    """Start a server in a new folder; stop it and delete the folder at the end."""
    user = _another_user() if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(
        prefix="pg-", ignore_cleanup_errors=True
    ) as name:  # a socket's path is short
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        server = PostgresServer(
            dsn=f"postgresql://owner@/postgres?host={folder}", folder=folder, programs=programs, user=user
        )
        _initialise(server)
        server.start()
        try:
            yield server
        finally:
            server._control("stop", "-m", "immediate")  # pyright: ignore[reportPrivateUsage]  # nothing is kept


def _initialise(server: PostgresServer) -> None:
    data = server.folder / "data"
    create = [server.programs / "initdb", "-D", data, "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"]
    _run([*create, "--locale=C"], user=server.user, folder=server.folder)
    settings = {**SETTINGS, "unix_socket_directories": f"'{server.folder}'"}
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = {value}\n" for name, value in settings.items())


def _run(command: list[str | Path], *, user: str | None, folder: Path) -> None:
    """Run a program as `user`; what it prints is shown when it fails."""
    with (folder / "printed").open("w+", encoding="utf-8") as printed:  # no pipe: a server would keep it open
        done = subprocess.run(
            command, user=user, group=pwd.getpwnam(user).pw_gid if user else None, extra_groups=[] if user else None,
            cwd=folder, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, timeout=DEADLINE_S, check=False,
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )  # fmt: skip
        printed.seek(0)
        assert done.returncode == 0, f"{command[0]} {command[1]}: {printed.read()}"


def _another_user() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _version(path: Path) -> tuple[int, ...]:
    """Return the number in `/usr/lib/postgresql/15/bin`, to compare."""
    return tuple(int(part) for part in path.parent.name.split(".") if part.isdigit())
