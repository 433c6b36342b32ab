"""Copies of the project that commands are run in, as a user runs them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def copy_project(folder: Path) -> Path:
    """Makes a Git repository with one commit of this project's files: what a clone has, and no cache of DVC."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for arguments in ("init -q", "config user.name A", "config user.email a@b", "add -A", "commit -qm Begin"):
        subprocess.run(["git", *arguments.split()], cwd=folder, check=True)
    return folder


def output(project: Path, command: str) -> str:
    """Runs a command in the copy and returns what it prints. The test fails if the command does."""
    done = _run(project, command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def error(project: Path, command: str) -> str:
    """Runs a command in the copy that must fail, and returns what it prints."""
    done = _run(project, command)
    assert done.returncode != 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _run(project: Path, command: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(project)}
    return subprocess.run(command, shell=True, cwd=project, env=environment, capture_output=True, text=True)
