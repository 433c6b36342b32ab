"""Windows as music: MIDI files, and their sound where this machine can make it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from torch import Tensor

from analysis.section import Clip
from music.audio import mp3
from music.roles import to_song
from music.tokens import with_all_tracks
from music.writing import write

FOLDER = "clips"


def write_clips(out: Path, prefix: str, windows: Iterable[tuple[str, Tensor]], tracks: Sequence[str]) -> list[Clip]:
    """A clip a window, a name and (tracks, steps) states each, in a folder of the section's folder."""
    (out / FOLDER).mkdir(exist_ok=True)
    clips = []
    for number, (name, window) in enumerate(windows):
        stem = f"{FOLDER}/{prefix}-{number:02d}-{''.join(c if c.isalnum() else '-' for c in name)}"
        midi = write(to_song(with_all_tracks(window.numpy(), tracks)))
        (out / f"{stem}.mid").write_bytes(midi)
        sound = mp3(midi)
        if sound is not None:
            (out / f"{stem}.mp3").write_bytes(sound)
        clips.append(Clip(name, f"{stem}.mid", None if sound is None else f"{stem}.mp3"))
    return clips
