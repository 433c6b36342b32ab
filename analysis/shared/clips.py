"""Windows as music: MIDI files, their sound where this machine can make it, and piano rolls of the same windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from analysis.shared.section import PICTURES, Clip, Figure
from music.audio import render
from music.midi.writer import to_midi
from music.piano_rolls import draw_windows
from music.roles import to_score
from music.tokens import with_all_tracks

FOLDER = "clips"
"""The folder of a section's music."""


@dataclass(frozen=True)
class Panels:
    """Windows to be drawn side by side and heard."""

    windows: Sequence[tuple[str, Tensor]]
    """The name and the (tracks, steps) states of each window."""
    tracks: Sequence[str]
    """The tracks of the windows; the other tracks are silent."""
    columns: int
    """The number of panels in a row of the picture."""


def write_clips(out: Path, prefix: str, windows: Sequence[tuple[str, Tensor]], tracks: Sequence[str]) -> list[Clip]:
    """Writes one clip for each window into the folder `clips` in `out`; windows and tracks are those of `Panels`."""
    (out / FOLDER).mkdir(exist_ok=True)
    clips = []
    for number, (name, window) in enumerate(windows):
        stem = f"{FOLDER}/{prefix}-{number:02d}-{''.join(c if c.isalnum() else '-' for c in name)}"
        midi = to_midi(to_score(with_all_tracks(window.numpy(), tracks)))
        (out / f"{stem}.mid").write_bytes(midi)
        sound = render(midi, "MP3")
        if sound is not None:
            (out / f"{stem}.mp3").write_bytes(sound)
        clips.append(Clip(name, f"{stem}.mid", None if sound is None else f"{stem}.mp3"))
    return clips


def draw_with_clips(out: Path, name: str, title: str, panels: Panels, caption: str) -> Figure:
    """Draws the windows as piano rolls and writes their music; both files are named after `name`."""
    rolls = [(label, with_all_tracks(window.numpy(), panels.tracks)) for label, window in panels.windows]
    draw_windows(out / PICTURES / f"{name}.png", title, rolls, panels.columns)
    return Figure(f"{PICTURES}/{name}.png", caption, write_clips(out, name, panels.windows, panels.tracks))
