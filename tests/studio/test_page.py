"""The page in a real browser, as a musician uses it. Needs Chromium, and the package playwright."""

import base64
import io
import shlex
import sys
import time
import wave

import numpy as np
import pretty_midi
import pytest

from studio import command
from tests.helpers.songs import song

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
from benchmarks.studio import CHROMIUM, FLAGS  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, as Debian packs it")]
PATIENCE = 60
"""Seconds for whatever the page has to do."""
DROP = """([target, name, data]) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    const options = { dataTransfer, bubbles: true, cancelable: true };
    for (const type of ["dragover", "drop"])
        document.querySelector(target).dispatchEvent(new DragEvent(type, options));
}"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Page:
    """A page and what a musician does on it."""

    def __init__(self, page, address):
        self.page, self.complaints, self.requests = page, [], []
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(address)

    def value(self, expression):
        return self.page.evaluate(f"() => {expression}")

    def until(self, expression):
        """Waits, without `wait_for_function`, which the page's content security policy refuses."""
        stop = time.monotonic() + PATIENCE
        while not self.value(f"Boolean({expression})"):
            assert time.monotonic() < stop, f"never: {expression}; the page says: {self.message}"
            self.page.wait_for_timeout(50)

    @property
    def message(self):
        return self.page.inner_text("#message")

    def idle(self):
        self.until("document.body.dataset.busy !== 'true' && studio.session.model")

    def drop(self, data, name="song.mid", target="body"):
        self.page.evaluate(DROP, [target, name, base64.b64encode(data).decode()])
        self.until("studio.session.song || document.querySelector('#message.wrong')")
        self.idle()

    def slide(self, name, value):
        self.page.locator(f"#{name}").fill(str(value))  # an input and a change
        self.idle()

    def click(self, selector):
        self.page.click(selector)
        self.idle()

    def press(self, key):
        self.page.keyboard.press(key)
        self.idle()

    @property
    def take(self):
        return self.value("studio.session.take")

    def download(self, selector):
        with self.page.expect_download() as waiting:
            self.page.click(selector)
        path = waiting.value.path()
        return waiting.value.suggested_filename, path.read_bytes()

    def middle(self, inner, outer):
        """The middle of an element, as shares of the width and height of another."""
        one, other = (self.page.locator(selector).bounding_box() for selector in (inner, outer))
        x, y = one["x"] + one["width"] / 2 - other["x"], one["y"] + one["height"] / 2 - other["y"]
        return x / other["width"], y / other["height"]

    def drag(self, selector, start, stop):
        """Drags from one place of an element to another; places are shares of its width and height."""
        box = self.page.locator(selector).bounding_box()
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, stop)]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        self.page.mouse.move(*points[1], steps=5)
        self.page.mouse.up()
        self.idle()


@pytest.fixture
def page(browser, address):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = Page(context.new_page(), address)
    yield page
    assert page.complaints == []
    assert {url.split("/")[2] for url in page.requests if not url.startswith("blob:")} == {address.split("/")[2]}
    context.close()


@pytest.fixture
def opened(page):
    page.drop(song())
    return page


def command_bytes(page, tmp_path, monkeypatch, name="song-edited.mid"):
    """What the commands that the page shows write."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.mid").write_bytes(song())
    for line in page.page.inner_text("#command").splitlines():
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        with pytest.raises(SystemExit) as stopped:
            command.main()
        assert stopped.value.code == 0
    return (tmp_path / name).read_bytes()


def test_an_edit_is_seen_saved_and_done_by_the_command(opened, tmp_path, monkeypatch):
    opened.slide("notes", 1)
    assert "asked +1, got" in opened.page.inner_text("#lines")
    assert opened.page.inner_text(".attribute .got >> nth=0").startswith("got ")
    name, data = opened.download("#save-midi")
    assert name == "song-edited.mid"
    assert data != song()
    assert data == command_bytes(opened, tmp_path, monkeypatch)


def test_an_unchanged_song_is_saved_as_it_was(opened):
    assert opened.download("#save-midi") == ("song.mid", song())


def test_a_dropped_file_that_is_no_song_says_why(page):
    page.drop(b"junk", "notes.txt")
    assert "notes.txt.mid: cannot be read as MIDI" in page.message
    page.drop(bytes(2_000_001), "large.mid")
    assert page.message == "The file has more than 2 MB; leave out tracks."
    page.complaints = [one for one in page.complaints if "Failed to load resource" not in one]  # the refusals


def test_before_and_after_play_at_the_same_place(opened):
    opened.slide("mean-pitch", 2)
    opened.press(" ")
    opened.until("studio.sound.playing && studio.sound.level > 0.001")
    opened.page.wait_for_timeout(1200)
    before = opened.value("studio.sound.seconds")
    opened.press("b")
    assert opened.page.get_attribute("#hear-a", "aria-pressed") == "true"
    opened.page.wait_for_timeout(300)
    after = opened.value("studio.sound.seconds")
    assert before < after < before + 3
    opened.until("studio.sound.level > 0.001")
    opened.press(" ")
    opened.until("!studio.sound.playing")
    opened.page.wait_for_timeout(400)
    assert opened.value("studio.sound.level") < 0.001


def test_a_change_goes_on_where_the_song_is(opened):
    opened.press(" ")
    opened.until("studio.sound.seconds > 1.5")
    opened.value("{ studio.places = []; setInterval(() => studio.places.push(studio.sound.seconds), 20); }")
    opened.slide("mean-pitch", 2)
    opened.until("studio.sound.level > 0.001")
    opened.page.wait_for_timeout(800)
    places = np.array(opened.value("studio.places"))
    assert places.min() > 1.3
    assert np.abs(np.diff(places)).max() < 1.5


def test_muted_roles_are_silent(opened):
    opened.press(" ")
    opened.until("studio.sound.level > 0.001")
    for role in ("drums", "bass", "guitar", "strings"):
        opened.page.click(f"button[aria-label='Mute {role}']")
    opened.page.wait_for_timeout(600)
    assert opened.value("studio.sound.level") < 0.001
    opened.page.click("button[aria-label='Mute bass']")
    opened.until("studio.sound.level > 0.001")


def test_a_loop_stays_in_its_bars(opened):
    opened.page.fill("#last", "2")
    opened.page.fill("#first", "2")
    opened.page.locator("#first").dispatch_event("change")
    opened.page.click("#loop")
    opened.page.locator("h1").click()
    opened.press(" ")
    opened.until("studio.sound.playing && studio.sound.seconds > 2.2")
    places = []
    for _ in range(20):
        places.append(opened.value("studio.sound.seconds"))
        opened.page.wait_for_timeout(200)
    assert min(places[1:]) >= 1.7
    assert max(places) <= 4.3
    assert sorted(places) != places


def test_the_playhead_is_where_the_notes_are(opened):
    times = pretty_midi.PrettyMIDI(io.BytesIO(song()))
    for tick in (0, 1920, 15360, 17280, 46000):
        assert opened.value(f"studio.session.song.timeline.seconds({tick})") == pytest.approx(times.tick_to_time(tick))
        assert opened.value(f"studio.session.song.timeline.tick({times.tick_to_time(tick)})") == pytest.approx(tick)
    assert [opened.value(f"studio.session.song.timeline.bar({tick})") for tick in (0, 1919, 1920)] == [1, 1, 2]


def test_undo_and_redo_go_through_all_that_was_done(opened):
    opened.slide("notes", 1)
    first = opened.take["id"]
    opened.slide("notes", -1)
    second = opened.take["id"]
    assert first != second
    opened.press("Control+z")
    assert (opened.take["id"], opened.page.input_value("#notes")) == (first, "1")
    opened.press("Control+z")
    assert (opened.take, opened.page.input_value("#notes")) == (None, "0")
    opened.press("Control+z")
    opened.press("Control+Shift+Z")
    opened.press("Control+Shift+Z")
    assert (opened.take["id"], opened.page.input_value("#notes")) == (second, "-1")


def test_only_chosen_bars_and_free_roles_change(opened, tmp_path, monkeypatch):
    opened.page.click("button[aria-label='Keep drums as they are']")
    opened.drag("#ruler", (0.21, 0.5), (0.24, 0.5))
    first, last = opened.value("studio.session.now.asked.bars")
    assert 1 < first <= last < 24
    opened.slide("mean-pitch", 2)
    take = opened.take
    assert take["bars"] == [first, last]
    changed = {role for role, one in take["roles"].items() if any(note[3] for note in one["notes"])}
    assert changed
    assert "drums" not in changed
    assert f"--bars {first}-{last} --keep drums" in opened.page.inner_text("#command")
    assert opened.download("#save-midi")[1] == command_bytes(opened, tmp_path, monkeypatch)
    opened.press("Escape")
    assert opened.value("studio.session.now.asked.bars") is None


def test_what_is_not_possible_says_why_and_is_taken_back(opened):
    for role in ("drums", "bass", "guitar", "strings"):
        opened.page.click(f"button[aria-label='Keep {role} as they are']")
        opened.idle()
    opened.slide("notes", 1)
    assert "all tracks are kept" in opened.message
    assert opened.page.input_value("#notes") == "0"
    opened.complaints = [one for one in opened.complaints if "Failed to load resource" not in one]  # the refusal


def test_dragging_on_the_circle_moves_toward_a_genre(opened, tmp_path, monkeypatch):
    start, stop = (opened.middle(one, "#circle svg") for one in ("#circle .to", "#circle text:text-is('jazz')"))
    opened.drag("#circle svg", start, stop)
    genre, strength = opened.value("studio.session.now.asked.genre")
    assert genre == "jazz"
    assert strength > 0.5
    assert opened.page.input_value("#genre") == "jazz"
    assert "jazz: asked" in opened.page.inner_text("#lines")
    assert opened.download("#save-midi")[1] == command_bytes(opened, tmp_path, monkeypatch)


def test_variations_stand_side_by_side_on_the_number_keys(opened, tmp_path, monkeypatch):
    opened.page.fill("#count", "3")
    opened.page.locator("#radius").fill("3")
    opened.click("#vary")
    opened.until("studio.session.now.takes.length === 3")
    opened.page.locator("h1").click()
    opened.press("3")
    assert opened.page.locator("#take-list button").count() == 3
    assert opened.take["reply"]["seed"] == 2
    assert opened.download("#save-midi")[1] == command_bytes(opened, tmp_path, monkeypatch, "song-varied-2.mid")


def test_going_on_from_a_version_is_a_second_command(opened, tmp_path, monkeypatch):
    opened.slide("mean-pitch", 1)
    opened.click("#keep")
    opened.slide("polyphony", -1)
    assert len(opened.page.inner_text("#command").splitlines()) == 2
    made = opened.download("#save-midi")
    assert made == ("song-edited-edited.mid", command_bytes(opened, tmp_path, monkeypatch, "song-edited-edited.mid"))


def test_a_second_song_is_dropped_and_gone_to(opened):
    opened.drop(song(20, seed=1), "other.mid", "#panel")
    opened.until("studio.session.second")
    opened.click("#interpolate")
    opened.until("studio.session.now.takes.length === 9")
    opened.page.locator("h1").click()
    opened.press("1")
    assert opened.download("#save-midi") == ("song-to-other-1.mid", song())
    opened.press("9")
    assert opened.download("#save-midi") == ("song-to-other-9.mid", song(20, seed=1))


def test_sound_is_saved(opened):
    pytest.importorskip("tinysoundfont")
    name, data = opened.download("#save-wav")
    assert name == "song.wav"
    with wave.open(io.BytesIO(data)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
        assert sound.getnframes() / sound.getframerate() > 40
    assert np.abs(samples).max() > 1000


def test_all_of_it_works_by_keyboard(opened):
    opened.page.focus("#notes")
    for _ in range(5):
        opened.page.keyboard.press("ArrowRight")
    opened.idle()
    opened.until("studio.session.take")
    assert opened.page.input_value("#notes") == "0.5"
    opened.page.focus("#ruler")
    opened.press("ArrowRight")
    opened.press("Shift+ArrowRight")
    assert opened.value("studio.session.now.asked.bars") == [2, 2]
    opened.press("Shift+ArrowRight")
    assert opened.value("studio.session.now.asked.bars") == [2, 3]
    assert opened.page.get_attribute("#ruler", "aria-valuetext") == "bar 2 of 24"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 2560])
def test_the_page_fits_and_is_accessible(opened, width, scheme, tmp_path):
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    opened.page.set_viewport_size({"width": width, "height": 1000})
    opened.page.emulate_media(color_scheme=scheme)
    opened.slide("notes", 1)
    opened.click("#vary")
    for details in opened.page.locator("details").all():
        details.locator("summary").click()
    assert opened.value("document.documentElement.scrollWidth") <= width
    found = axe.run(opened.page)["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
