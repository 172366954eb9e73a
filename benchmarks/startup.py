"""What starting costs: CPU of the commands people wait for, what they import, what is installed."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUPPORT = ROOT / "examples/support_chatbot/support.swarm.yaml"
HEAVY = ("pydantic", "networkx", "ollama", "sklearn", "ruamel", "jinja2", "rich")
TIMES = 5


def cpu_ms(*command: str) -> float:
    """Return the least CPU milliseconds of a command, over a few tries."""
    least = float("inf")
    for _ in range(TIMES):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least * 1000


def imported_by_help() -> list[str]:
    """Return the heavy packages that `swarm --help` imports."""
    code = (
        "import sys, json\nfrom swarm.__main__ import main\nsys.argv = ['swarm', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT)
    found: list[str] = json.loads(done.stderr.splitlines()[-1])
    return found


def installed_mb() -> tuple[float, int]:
    """Return megabytes without byte code, and the number, of the core's installed packages."""
    wanted, seen = ["swarm-slm"], set[str]()
    while wanted:
        name = wanted.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        for line in metadata.requires(name) or []:
            if "extra ==" not in line and not _other_system(line):
                wanted.append(_name(line))
    size = sum(_package_bytes(name) for name in seen if name != "swarm-slm")
    size += sum(
        path.stat().st_size
        for path in (ROOT / "swarm").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )
    return size / 1e6, len(seen)


def _name(requirement: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else " " for c in requirement).split()[0]


def _other_system(requirement: str) -> bool:
    marker = requirement.partition(";")[2]
    return any(word in marker for word in ("win32", "Windows", "python_version <", "python_full_version <"))


def _package_bytes(name: str) -> int:
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return 0
    places = (Path(str(file.locate())) for file in files if file.suffix != ".pyc")
    return sum(place.stat().st_size for place in places if place.is_file())


def run() -> dict[str, object]:
    """Return the figures."""
    swarm = str(Path(sysconfig.get_path("scripts")) / "swarm")
    os.environ["SWARM_OLLAMA_URL"] = "http://127.0.0.1:9"
    size, count = installed_mb()
    return {
        "swarm --help": f"{cpu_ms(swarm, '--help'):.0f} ms CPU; imports of {', '.join(HEAVY)}: {imported_by_help()}",
        "swarm check support": f"{cpu_ms(swarm, 'check', str(SUPPORT)):.0f} ms CPU",
        "import swarm": f"{cpu_ms(sys.executable, '-c', 'import swarm'):.0f} ms CPU"
        f" (python alone {cpu_ms(sys.executable, '-c', 'pass'):.0f} ms)",
        "core, installed": f"{size:.1f} MB in {count} packages, without byte code",
    }
