"""The command `musae`, as a musician types it."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import mido
import pytest

from composer import command
from music.editing.song import open_song
from tests.helpers.midi_bytes import END, chunk, file, header, meta, note, program
from tests.helpers.scores import midi_file
from tests.helpers.songs import song


@pytest.fixture
def musae(tmp_path, monkeypatch, capsys, folder):
    """Runs the command in a folder with song.mid and other.mid; returns the exit code, what it said, and complaints."""
    (tmp_path / "song.mid").write_bytes(song())
    (tmp_path / "other.mid").write_bytes(song(20, seed=1))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("composer.editor.DEFAULT", folder)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["musae", *arguments])
        with pytest.raises(SystemExit) as stopped:
            command.main()
        said = capsys.readouterr()
        code = stopped.value.code
        complaint = said.err + (code if isinstance(code, str) else "")
        return (code if isinstance(code, int) else 1), said.out, complaint

    return run


def written(path):
    return {one.name for one in path.iterdir()} - {"song.mid", "other.mid"}


def test_an_edit_is_written_beside_the_song(musae, tmp_path):
    code, said, _ = musae("edit", "song.mid", "--notes", "+1", "--note-length", "-0.5", "--keep", "drums")
    assert code == 0
    assert "notes: asked +1, got" in said
    assert "note length: asked -0.5, got" in said
    assert said.endswith("wrote song-edited.mid\n")
    assert written(tmp_path) == {"song-edited.mid"}
    assert (tmp_path / "song.mid").read_bytes() == song()
    open_song((tmp_path / "song-edited.mid").read_bytes(), "song-edited.mid")


def test_without_a_change_the_copy_is_the_song(musae, tmp_path):
    assert musae("edit", "song.mid")[0] == 0
    assert (tmp_path / "song-edited.mid").read_bytes() == song()


def test_json_is_the_reply_and_the_files(musae):
    _, said, _ = musae("edit", "song.mid", "--genre", "jazz=0.7", "--bars", "9-16", "--json", "--png")
    reply = json.loads(said)
    assert reply["files"] == ["song-edited.mid", "song-edited.png"]
    assert reply["genres"][0].keys() == {"name", "asked", "before", "after"}
    assert reply["change"]["bars"] == [9, 16]
    _, said, _ = musae("vary", "song.mid", "--count", "2", "--json", "--seed", "5")
    assert [one["seed"] for one in json.loads(said)] == [5, 6]


def test_the_text_and_json_say_the_same(musae):
    _, text, _ = musae("describe", "song.mid")
    reply = json.loads(musae("describe", "song.mid", "--json")[1])
    assert [one["name"] for one in reply["instruments"]] == ["Drums", "Bass", "Guitar", "Strings"]
    for one in reply["instruments"]:
        assert f'"{one["name"]}"' in text
    for why in (*reply["roles"].values(), *reply["in_the_way"]):
        assert why in text
    for metric in reply["metrics"]:
        assert metric["name"] in text
    assert list(reply["genres"].values()) == sorted(reply["genres"].values(), reverse=True)
    assert all(f"like {genre}" in text for genre in reply["genres"])


def test_the_same_command_gives_the_same_bytes(musae, tmp_path):
    for out in ("some", "others"):
        musae("vary", "song.mid", "--count", "2", "--radius", "3", "--seed", "4", "--out", out)
    names = ["song-varied-4.mid", "song-varied-5.mid"]
    some, others = ([(tmp_path / out / name).read_bytes() for name in names] for out in ("some", "others"))
    assert some == others
    assert some[0] != some[1]


def test_an_interpolation_begins_and_ends_with_the_songs(musae, tmp_path):
    assert musae("interpolate", "song.mid", "other.mid", "--steps", "3", "--out", "between")[0] == 0
    assert (tmp_path / "between/song-to-other-1.mid").read_bytes() == song()
    assert (tmp_path / "between/song-to-other-3.mid").read_bytes() == song(20, seed=1)


def test_samples_are_played_like_a_song(musae, tmp_path):
    code, said, _ = musae("sample", "--genre", "jazz", "--count", "3", "--like", "song.mid", "--png")
    assert code == 0
    assert said.count("jazz, 2 bars") == 3
    made = mido.MidiFile(tmp_path / "sample-1.mid")
    assert [m.tempo for m in made.tracks[0] if m.type == "set_tempo"] == [490_000]  # 16 of 24 bars have it
    programs = {m.program for track in made.tracks for m in track if m.type == "program_change"}
    assert programs <= {0, 33, 25, 48}
    assert (tmp_path / "sample-1.png").exists()


def test_a_mix_draws_its_genres(musae):
    said = json.loads(musae("sample", "--mix", "jazz=.5,rock=.5", "--count", "12", "--json")[1])
    assert {one["genre"] for one in said} == {"jazz", "rock"}
    only = json.loads(musae("sample", "--mix", "jazz=0,rock=1", "--count", "3", "--json", "--out", "b")[1])
    assert {one["genre"] for one in only} == {"rock"}


def test_sound_is_written_beside_the_midi(musae, tmp_path):
    pytest.importorskip("tinysoundfont")
    assert musae("reconstruct", "song.mid", "--bars", "1-2", "--wav")[0] == 0
    assert (tmp_path / "song-reconstructed.wav").read_bytes()[:4] == b"RIFF"


def test_without_a_synthesiser_nothing_is_written(musae, tmp_path, monkeypatch):
    monkeypatch.setattr("music.audio.tinysoundfont", None)
    code, _, complaint = musae("edit", "song.mid", "--wav")
    assert code == 1
    assert complaint.startswith("error: --wav: sound needs the packages")
    assert written(tmp_path) == set()


NOTE = note(0, 60, 0, 240)
BROKEN = {
    "truncated": (song()[:300], "cannot be read as MIDI"),
    "empty": (b"", "cannot be read as MIDI"),
    "text": (b"Dear diary,\n" * 50, "cannot be read as MIDI"),
    "200 kB of 0xFF": (b"\xff" * 200_000, "cannot be read as MIDI"),
    "format 2": (header(1, kind=2) + chunk(b"MTrk", NOTE + END), "save it as format 0 or 1"),
    "no notes": (file(meta(3, b"x") + END), "there are no notes in it"),
    "3/4": (song(4, numerator=3), "3/4 from bar 1: only music in 4/4 can be edited"),
    "too long": (file(NOTE + note(0, 60, 480 * 4 * 5000, 9) + END), "5001 bars long, at most 4096"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_music_that_cannot_be_edited_gets_one_sentence(musae, tmp_path, name):
    data, sentence = BROKEN[name]
    (tmp_path / "bad.mid").write_bytes(data)
    code, said, complaint = musae("edit", "bad.mid", "--notes", "1")
    assert code == 1
    assert said == ""
    assert complaint.startswith("error: bad.mid: ")
    assert sentence in complaint
    assert "\n" not in complaint
    assert written(tmp_path) == {"bad.mid"}


def changing_meter() -> bytes:
    """Eight bars of 4/4, then four of 3/4."""
    bars = [
        mido.MetaMessage("time_signature", numerator=4),
        mido.MetaMessage("time_signature", numerator=3, time=8 * 1920),
    ]
    notes = [mido.Message(kind, note=60, time=240) for _ in range(40) for kind in ("note_on", "note_off")]
    return midi_file(bars, notes)


def test_a_changing_meter_says_where_and_what_to_choose(musae, tmp_path):
    (tmp_path / "bad.mid").write_bytes(changing_meter())
    code, _, complaint = musae("edit", "bad.mid", "--notes", "1")
    assert (code, complaint) == (
        1,
        "error: bad.mid: 3/4 from bar 9: only 4/4 can be edited; choose bars 1-8, the longest stretch",
    )
    assert musae("edit", "bad.mid", "--notes", "1", "--bars", "1-8")[0] == 0
    reply = json.loads(musae("describe", "bad.mid", "--json")[1])
    assert reply["bars"] == [1, 8]
    assert "3/4 from bar 9" in reply["in_the_way"][0]


def many_tracks() -> bytes:
    return file(*(program(0, number % 128) + note(0, 30 + number % 60, 0, 480) + END for number in range(300)))


def forty_minutes() -> bytes:
    return file(program(0, 33) + b"".join(note(0, 40 + bar % 5, 240, 1680) for bar in range(1200)) + END)


def triplets() -> bytes:
    return file(b"".join(note(0, 60 + third % 3, 60, 100) for third in range(48)) + END)


@pytest.mark.parametrize("make", [many_tracks, forty_minutes, triplets])
def test_unusual_music_is_edited_or_refused_in_a_sentence(musae, tmp_path, make):
    (tmp_path / "odd.mid").write_bytes(make())
    code, said, complaint = musae("vary", "odd.mid", "--count", "1")
    assert code == 0, complaint
    assert "odd.mid" in said
    _, said, _ = musae("describe", "odd.mid")
    assert "in the way: no drums" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("edit none.mid", "none.mid: no such file"),
        ("edit .", ".: cannot be read"),
        ("edit song.mid --out song.mid --force", "song.mid: is the song itself, which is never overwritten"),
        ("edit song.mid --out other.mid", "other.mid: exists already; give another --out, or --force"),
        ("edit song.mid --out new.wav --wav", "new.wav: MIDI, sound and picture would have one name"),
        ("edit song.mid --out .", ".: is a folder; give the name of a file"),
        ("vary song.mid --out other.mid/x", "other.mid: is no folder; give another --out"),
        ("edit song.mid --bars 9to24", "--bars 9to24: give a range such as 9-24"),
        ("edit song.mid --bars 9-99", "song.mid: bars 9-99 cannot be chosen: the song has bars 1-24"),
        ("edit song.mid --tracks piano", "piano is no role; there are drums, bass, guitar, strings"),
        ("edit song.mid --tracks drums --keep drums", "song.mid: all tracks are kept"),
        ("edit song.mid --bass-track 9", "song.mid: bass 9: the instruments have numbers 1 to 4"),
        ("edit song.mid --genre polka=1", "the model knows no genre polka; there are jazz, pop, rock"),
        ("edit song.mid --genre jazz=much", "--genre jazz=much: give a name and a number"),
        ("edit song.mid --notes nan", "notes nan: give a number from -10 to 10"),
        ("sample --mix jazz=nan,rock=1", "a mix has shares of 0 or more"),
        ("edit song.mid --model nowhere", "nowhere/model.json: no such file"),
        ("sample --genre jazz --mix rock=1", "--genre and --mix"),
        ("sample --mix jazz=0", "a mix has shares of 0 or more, and not all of them are 0"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(musae, tmp_path, arguments, sentence):
    code, _, complaint = musae(*arguments.split())
    assert code == 1
    assert complaint.startswith("error: ")
    assert sentence in complaint
    assert "\n" not in complaint
    assert written(tmp_path) == set()
    assert (tmp_path / "song.mid").read_bytes() == song()


def test_if_one_file_cannot_be_written_none_is(musae, tmp_path, monkeypatch):
    write = Path.write_bytes

    def fails_at_the_second(path: Path, data: bytes) -> int:
        if "varied-1" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", fails_at_the_second)
    code, said, complaint = musae("vary", "song.mid", "--count", "3")
    assert (code, said) == (1, "")
    assert "cannot be written (No space left on device)" in complaint
    assert written(tmp_path) == set()


@pytest.mark.parametrize("arguments", [["--help"], ["edit", "--help"], ["edit", "bad.mid", "--notes", "1"]])
def test_help_and_refusals_come_without_pytorch(tmp_path, arguments):
    (tmp_path / "bad.mid").write_bytes(b"no music")
    code = (
        "import sys, composer.command\n"
        "try: composer.command.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'sklearn', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, env=os.environ, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
