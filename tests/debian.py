"""Debian's packages that tests need."""

import os
import shutil
import subprocess


def install(*packages: str) -> None:
    """Installs them. To be asked for only where they are missing; raises `AssertionError` for who may not install."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise AssertionError(f"this needs Debian's packages {', '.join(packages)}: install them, or be root")
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        subprocess.run(
            ["apt-get", "-qq", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
