"""Writes MIDI files, with mido."""

import io
from itertools import cycle

import mido

from music.score import Instrument, Score

CHANNELS = 16
DRUM_CHANNEL = 9
VELOCITY = 96


def to_midi(score: Score, beats_per_minute: float = 120.0) -> bytes:
    """Returns a standard MIDI file: a track with the tempo and the time signatures, and one for each instrument."""
    file = mido.MidiFile(ticks_per_beat=score.ticks_per_quarter)
    file.add_track().append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(beats_per_minute)))
    before = 0
    for tick, numerator, denominator in score.time_signatures:
        file.tracks[0].append(
            mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator, time=tick - before)
        )
        before = tick
    melodic = cycle(channel for channel in range(CHANNELS) if channel != DRUM_CHANNEL)
    for instrument in score.instruments:
        file.tracks.append(_track(instrument, DRUM_CHANNEL if instrument.is_drum else next(melodic)))
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def _track(instrument: Instrument, channel: int) -> mido.MidiTrack:
    events = []
    for on, off, pitch in instrument.notes.tolist():
        events += [(on, True, pitch), (off, False, pitch)]
    track = mido.MidiTrack([mido.Message("program_change", channel=channel, program=instrument.program)])
    before = 0
    for tick, starts, pitch in sorted(events):  # at the same tick, notes end before other notes start
        kind = "note_on" if starts else "note_off"
        track.append(mido.Message(kind, channel=channel, note=pitch, velocity=VELOCITY, time=tick - before))
        before = tick
    return track
