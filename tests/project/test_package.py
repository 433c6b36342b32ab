"""The project as a package for Beam's workers."""

import zipfile
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def test_workers_install_no_torch(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    wanted = [Requirement(line) for line in Parser().parsestr(text).get_all("Requires-Dist")]
    base = {requirement.name for requirement in wanted if not requirement.marker}
    assert {"apache-beam", "pyarrow"} <= base
    assert "torch" not in base
    assert "torch" in {requirement.name for requirement in wanted}


def test_the_package_has_its_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        assert "License-Expression: Apache-2.0\n" in archive.read(metadata).decode()
        assert archive.read(metadata.replace("METADATA", "licenses/LICENSE")) == (ROOT / "LICENSE").read_bytes()


def test_workers_find_every_module(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in ("music", "pipelines")
        for path in (ROOT / package).rglob("*.py")
    }
    assert {"music/midi/readers.py", "pipelines/songs.py", "pipelines/beam/runners.py"} < modules
    assert modules <= packed


def test_the_image_pins_what_the_shards_bytes_depend_on():
    dockerfile = (ROOT / "Dockerfile").read_text()
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    assert f":{pins['apache-beam']}\n" in dockerfile
    assert "--constraint constraints.txt" in dockerfile
