"""New music of a genre, or of several."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

import numpy as np

from composer.band import PLAIN, band_of, play
from composer.editor import Editor
from model.latent import sample_windows
from music.editing.song import Song
from music.errors import InputError
from music.tokens import PITCHES, TRACKS, Tokens


@dataclass(frozen=True)
class SampleRequest:
    """What is asked of samples."""

    genres: Mapping[str, float] = field(default_factory=dict)
    """How often each genre comes, in any unit; none is music of all genres."""
    count: int = 1
    seed: int = 0
    """That of the first sample; the next ones have the numbers after it."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError("give a count of 1 or more")
        if self.genres and not (min(self.genres.values()) >= 0 and 0 < sum(self.genres.values()) < inf):
            raise InputError("a mix has shares of 0 or more, and not all of them are 0")


@dataclass(frozen=True)
class SampleReply:
    """What a sample is."""

    seed: int
    genre: str | None
    """None is music of all genres."""
    bars: int
    notes: Mapping[str, int]
    """By role."""
    like: str | None
    """The song whose tempo, programs, names and velocities it has."""
    model: str

    def lines(self) -> Iterator[str]:
        """Yields the text."""
        notes = ", ".join(f"{role} {count}" for role, count in self.notes.items())
        band = f", played like {self.like}" if self.like else ""
        yield f"sample with seed {self.seed}: {self.genre or 'any genre'}, {self.bars} bars; notes: {notes}{band}"


@dataclass(frozen=True)
class Sample:
    """New music."""

    data: bytes
    """The MIDI file."""
    reply: SampleReply
    tokens: Tokens
    """(4, steps)"""


def sample(editor: Editor, request: SampleRequest, like: Song | None = None) -> list[Sample]:
    """Returns samples of one window each, from the model's prior.

    like: a song whose tempo, programs, names and velocities they have. Raises `InputError` for unknown genres.
    """
    band = PLAIN if like is None else band_of(like.arrange())
    samples = []
    for seed in range(request.seed, request.seed + request.count):
        genre = _draw(request.genres, seed)
        number = len(editor.genres) if genre is None else editor.genre(genre)
        tokens: Tokens = sample_windows(editor.model, number, 1, seed)[0].numpy()
        notes = {role: int((states < PITCHES).sum()) for role, states in zip(TRACKS, tokens, strict=True)}
        reply = SampleReply(seed, genre, editor.bars, notes, like.file.name if like else None, editor.name)
        samples.append(Sample(play(tokens, band), reply, tokens))
    return samples


def _draw(genres: Mapping[str, float], seed: int) -> str | None:
    """Returns a genre, each as often as its share; None if there are none."""
    if not genres:
        return None
    shares = np.array(list(genres.values()))
    return str(np.random.default_rng(seed).choice(list(genres), p=shares / shares.sum()))
