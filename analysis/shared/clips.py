"""Windows as music: MIDI files, their sound where this machine can make it, and piano rolls beside them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from torch import Tensor

from analysis.shared.section import PICTURES, Clip, Figure
from music.audio import mp3
from music.piano_rolls import draw_windows
from music.roles import to_score
from music.tokens import with_all_tracks
from music.writing import write

FOLDER = "clips"


def write_clips(out: Path, prefix: str, windows: Iterable[tuple[str, Tensor]], tracks: Sequence[str]) -> list[Clip]:
    """A clip a window, a name and (tracks, steps) states each, in a folder of the section's folder."""
    (out / FOLDER).mkdir(exist_ok=True)
    clips = []
    for number, (name, window) in enumerate(windows):
        stem = f"{FOLDER}/{prefix}-{number:02d}-{''.join(c if c.isalnum() else '-' for c in name)}"
        midi = write(to_score(with_all_tracks(window.numpy(), tracks)))
        (out / f"{stem}.mid").write_bytes(midi)
        sound = mp3(midi)
        if sound is not None:
            (out / f"{stem}.mp3").write_bytes(sound)
        clips.append(Clip(name, f"{stem}.mid", None if sound is None else f"{stem}.mp3"))
    return clips


def draw_with_clips(
    out: Path,
    name: str,
    title: str,
    windows: Sequence[tuple[str, Tensor]],
    columns: int,
    tracks: Sequence[str],
    caption: str,
) -> Figure:
    """Piano rolls, so many a row, and their music; windows: a name and (tracks, steps) states each."""
    rolls = [(of, with_all_tracks(window.numpy(), tracks)) for of, window in windows]
    draw_windows(out / PICTURES / f"{name}.png", title, rolls, columns)
    return Figure(f"{PICTURES}/{name}.png", caption, write_clips(out, name, windows, tracks))
