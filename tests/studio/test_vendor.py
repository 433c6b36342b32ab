"""The synthesiser that the page has from elsewhere."""

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "studio/page/vendor"


def test_the_synthesiser_is_as_its_target_makes_it():
    sums = dict(reversed(line.split()) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    assert sums.keys() == {path.name for path in VENDOR.iterdir()} - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
    assert "Apache License" in (VENDOR / "LICENSE").read_text()


def test_the_page_names_nothing_that_is_not_there():
    page = ROOT / "studio/page"
    for path in page.glob("*.*"):
        for name in re.findall(r'["\'(]/page/([\w./-]+)', path.read_text()):
            assert (page / name).is_file(), f"{path.name} names {name}"


def test_the_page_has_every_element_that_its_scripts_name():
    page = ROOT / "studio/page"
    ids = set(re.findall(r'id="([\w-]+)"', (page / "index.html").read_text()))
    scripts = "".join(path.read_text() for path in page.glob("*.js"))
    named = set(re.findall(r'\$\("([\w-]+)"\)', scripts))
    assert named
    assert named <= ids
