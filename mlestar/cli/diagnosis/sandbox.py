"""The sandbox: the one thing that only an attempt can tell."""

from __future__ import annotations

import logging
from pathlib import Path

from mlestar.cli.diagnosis.finding import Finding

__all__ = ["namespace_remedy", "sandbox_finding"]

_PROMISES = {
    "namespaces": "candidates run in namespaces of their own: no network, no files, no other processes",
    "landlock": "candidates are restricted by Landlock and seccomp, which is weaker than namespaces",
    "none": "candidates can read all your files: let nobody propose code that you have not read",
}
_ROOT = Path("/")
_SETTINGS = {  # under /proc/sys, with the value by which ordinary users may not make namespaces, and a better one
    "kernel/unprivileged_userns_clone": ("0", "1"),  # Debian
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),  # Ubuntu, from 23.10
    "user/max_user_namespaces": ("0", "15000"),
}
_CONTAINER_FILES = (".dockerenv", "run/.containerenv")


def sandbox_finding() -> Finding:
    """Start the worker server, which imports the modelling libraries and takes the strongest sandbox there is."""
    from mlestar.errors import MlestarError
    from mlestar.evaluation import start_server

    logging.getLogger("mlestar.evaluation").setLevel(logging.ERROR)  # what it warns of is what is found here
    try:
        with start_server(1) as server:
            mode, reason = server.wait(), server.reason.removeprefix("sandbox: ")
    except MlestarError as error:
        return Finding("sandbox", "Sandbox", "fail", str(error), "mend what is named here and above, then try again")
    if mode == "namespaces":
        return Finding("sandbox", "Sandbox", "ok", _PROMISES[mode])
    return Finding("sandbox", "Sandbox", "warn", f"{_PROMISES[mode]} ({reason})", namespace_remedy())


def namespace_remedy(root: Path = _ROOT) -> str:
    """How to have this machine allow namespaces."""
    for name, (refusing, better) in _SETTINGS.items():
        setting = root / "proc/sys" / name
        if setting.is_file() and setting.read_text().strip() == refusing:
            return f"sudo sysctl -w {name.replace('/', '.')}={better}"
    if any((root / name).exists() for name in _CONTAINER_FILES):
        options = ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined")
        return f"start the container with {' '.join(f'--security-opt {each}' for each in options)}"
    return "allow user namespaces to ordinary users, see user_namespaces(7)"
