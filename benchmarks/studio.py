"""How fast the page of `musae studio` is and how much memory its server takes; draws the README's picture of it.

    python -m benchmarks.studio --picture docs/studio.png

It works on songs that the demo corpus is made of. Needs Chromium and the package playwright.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright

from benchmarks.training import print_table
from music.midi.writer import to_midi
from music.score import Score
from music.tokens import STEPS_PER_BAR
from pipelines.corpus.demo.composer import TICKS_PER_STEP, compose
from pipelines.corpus.demo.styles import STYLES

PORT = 8799
URL = f"http://127.0.0.1:{PORT}"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
BOSSA_NOVA = next(style for style in STYLES if style.tags.startswith("bossa nova"))
THREE_MINUTES = 3
SONGS, EDITS_A_SONG = 10, 10
PATIENCE = 120
"""Seconds for anything that is waited for."""
MEGABYTE = 1 << 20


def main() -> None:
    """Measures, and draws the picture if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, help="the PNG to write")
    picture = parser.parse_args().picture
    with tempfile.TemporaryDirectory() as name, sync_playwright() as play, _server() as (server, started):
        folder = Path(name)
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        seconds = {"from the command to its address": started}
        seconds |= _measure(page, folder, server)
        if picture:
            _draw(page, folder, picture)
        _edit_much(page, folder)
        memory = server.memory_info().rss / MEGABYTE
        browser.close()
    rows = [[what, f"{value:.2f} s"] for what, value in seconds.items()]
    rows.append([f"memory after {SONGS} songs and {SONGS * EDITS_A_SONG} edits", f"{memory:.0f} MB"])
    print_table(["", ""], rows)


@contextmanager
def _server() -> Iterator[tuple[psutil.Process, float]]:
    """Runs `musae studio`; yields its process, and the seconds after which it answered."""
    begun = time.monotonic()
    words = [sys.executable, "-c", "from studio.command import main; main()", "studio", "--no-browser", "--port"]
    process = subprocess.Popen([*words, str(PORT)], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    try:
        yield psutil.Process(process.pid), time.monotonic() - begun
    finally:
        process.terminate()
        process.wait()


def _measure(page: Page, folder: Path, server: psutil.Process) -> dict[str, float]:
    """Returns the seconds of what a musician waits for."""
    seconds = {}
    begun = time.monotonic()
    page.goto(URL)
    seconds["the page, while the model is loading"] = time.monotonic() - begun
    _until(page, "studio.session.model")
    seconds["the model"] = time.monotonic() - begun
    _open(page, _write(folder, "long.mid", _long_song()))
    for name in ("notes", "mean-pitch"):
        begun, worked = time.monotonic(), server.cpu_times().user
        _slide(page, name, 1)
        what = f"an edit of {name.replace('-', ' ')} in a song of {THREE_MINUTES} minutes"
        seconds[what] = time.monotonic() - begun
        seconds[f"{what}: what the server computes"] = server.cpu_times().user - worked
    begun = time.monotonic()
    page.click("#play")
    _until(page, "studio.sound.level > 0")
    seconds["the first sound"] = time.monotonic() - begun
    page.click("#play")
    return seconds


def _draw(page: Page, folder: Path, picture: Path) -> None:
    """Draws the page with an edit of a made-up song on it."""
    score = compose(BOSSA_NOVA, random.Random(3))
    _open(page, _write(folder, "bossa-nova.mid", to_midi(score, BOSSA_NOVA.tempo)))
    page.click("button[aria-label='Keep drums as they are']")
    page.fill("#last", "12")
    page.fill("#first", "5")
    page.locator("#first").dispatch_event("change")
    _until(page, "document.body.dataset.busy !== 'true'")
    _slide(page, "notes", 1)
    page.mouse.click(5, 5)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(500)
    page.screenshot(path=picture)


def _edit_much(page: Page, folder: Path) -> None:
    """Opens songs and edits each many times."""
    for number, style in enumerate(STYLES[:SONGS]):
        _open(page, _write(folder, f"{number}.mid", to_midi(compose(style, random.Random(number)), style.tempo)))
        page.fill("#last", "8")
        page.locator("#last").dispatch_event("change")
        for amount in range(1, EDITS_A_SONG + 1):
            _slide(page, "notes", amount / EDITS_A_SONG)


def _long_song() -> bytes:
    """Returns a song of three minutes: one of the demo corpus, again and again."""
    score = compose(BOSSA_NOVA, random.Random(3))
    ticks = max(int(one.notes[:, 1].max()) for one in score.instruments)
    length = -(-ticks // (STEPS_PER_BAR * TICKS_PER_STEP)) * STEPS_PER_BAR * TICKS_PER_STEP
    times = round(THREE_MINUTES * BOSSA_NOVA.tempo * score.ticks_per_quarter / length)
    offsets = [np.array([length, length, 0]) * number for number in range(times)]
    instruments = (
        replace(one, notes=np.concatenate([one.notes + offset for offset in offsets])) for one in score.instruments
    )
    return to_midi(Score(score.ticks_per_quarter, score.time_signatures, tuple(instruments)), BOSSA_NOVA.tempo)


def _write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _open(page: Page, path: Path) -> None:
    page.set_input_files("#file", path)
    _until(page, f"studio.session.song?.name === '{path.name}'")
    _until(page, "document.body.dataset.busy !== 'true'")


def _slide(page: Page, name: str, value: float) -> None:
    """Moves a slider and waits for what comes of it."""
    place = page.evaluate("() => studio.session.history.length")
    page.locator(f"#{name}").fill(str(value))
    page.locator(f"#{name}").dispatch_event("change")
    _until(page, f"studio.session.history.length > {place} && studio.session.take")


def _until(page: Page, expression: str) -> None:
    """Waits without `wait_for_function`, which the page's content security policy refuses."""
    stop = time.monotonic() + PATIENCE
    while not page.evaluate(f"() => Boolean({expression})"):
        if time.monotonic() > stop:
            raise TimeoutError(expression)
        page.wait_for_timeout(10)


if __name__ == "__main__":
    main()
