"""Who plays music that has no file yet: samples of a model, and reconstructions."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import mido
import numpy as np

from music.arrays import IntArray
from music.editing.arrangement import Arrangement
from music.editing.habits import read_habits
from music.editing.midi_file import TEMPO, MidiFile
from music.midi.notes import DRUM_CHANNEL
from music.midi.writer import VELOCITY
from music.roles import PROGRAMS, TICKS_PER_STEP
from music.tokens import STEPS_PER_BAR, STEPS_PER_QUARTER, TRACKS, Tokens, to_notes


@dataclass(frozen=True)
class Player:
    """Who plays a role."""

    name: str
    program: int
    """The General MIDI program, 0-127; drums have none."""
    velocity: IntArray
    """(16,) of notes that start at each step of a bar."""


@dataclass(frozen=True)
class Band:
    """Four players, by role, and their tempo in microseconds a quarter note."""

    tempo: int
    players: Mapping[str, Player]


PLAIN = Band(
    TEMPO,
    {
        role: Player(role, program, np.full(STEPS_PER_BAR, VELOCITY))
        for role, program in zip(TRACKS, PROGRAMS, strict=True)
    },
)
"""A drum kit, electric bass, piano and string ensemble."""


def band_of(arrangement: Arrangement) -> Band:
    """Returns a song's players: names, programs and velocities of those with most notes in each role, and its tempo.

    Roles that nobody plays are played as in `PLAIN`.
    """
    players = dict(PLAIN.players)
    for role in arrangement.roles:
        one = max(arrangement.castings[role].instruments, key=lambda one: len(one.handles))
        habits = read_habits(arrangement.file.notes, one.handles, arrangement.grid)
        players[role] = Player(one.track_name or role, one.program, habits.velocity)
    return Band(_tempo(arrangement.file), players)


def _tempo(file: MidiFile) -> int:
    """Returns the tempo that most ticks of a song are in."""
    ticks: dict[int, int] = {}
    for (tick, tempo), (stop, _) in pairwise([*file.tempos.items(), (int(file.notes.end.max()), 0)]):
        ticks[tempo] = ticks.get(tempo, 0) + stop - tick
    return max(ticks, key=lambda tempo: ticks[tempo])


def play(tokens: Tokens, band: Band) -> bytes:
    """Returns a MIDI file in 4/4 of (4, steps) states, with a track for each role that has notes."""
    file = mido.MidiFile(ticks_per_beat=TICKS_PER_STEP * STEPS_PER_QUARTER)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=band.tempo),
                                       mido.MetaMessage("time_signature", numerator=4, denominator=4)]))  # fmt: skip
    for channel, (role, states) in enumerate(zip(TRACKS, tokens, strict=True)):
        notes = to_notes(states)
        if len(notes):
            file.tracks.append(_track(band.players[role], DRUM_CHANNEL if role == TRACKS[0] else channel, notes))
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def _track(player: Player, channel: int, notes: IntArray) -> mido.MidiTrack:
    """Returns a track; notes: (notes, 3) start step, end step and pitch."""
    track = mido.MidiTrack([
        mido.MetaMessage("track_name", name=player.name),
        mido.Message("program_change", channel=channel, program=player.program),
    ])  # fmt: skip
    events = []
    for start, end, pitch in notes.tolist():
        events += [(start, 1, pitch), (end, 0, pitch)]
    before = 0
    for step, starts, pitch in sorted(events):  # at the same step, notes end before other notes start
        velocity = int(player.velocity[step % STEPS_PER_BAR]) if starts else 0
        wait = (step - before) * TICKS_PER_STEP
        track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=velocity, time=wait))
        before = step
    return track
