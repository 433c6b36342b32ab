"""The reference reader: mido and pretty_midi, the libraries of [P], over 100 times slower than the other reader."""

import io

import mido
import numpy as np
import pretty_midi

from music.midi.chunks import join_chunks, read_chunks
from music.midi.events import read_events
from music.score import Instrument, Reason, Refused, Score, TimeSignature

SECONDS_PER_QUARTER = 0.5
"""At pretty_midi's default tempo of 120 quarter notes a minute."""


def read_pretty_midi(data: bytes) -> Score:
    """Reads a MIDI file with pretty_midi and converts its times back to ticks. Raises `Refused`.

    It also refuses what mido cannot read, for example a key signature of unknown keys, and tempos of the wrong size.
    """
    chunks = read_chunks(data)
    read_events(chunks.tracks)  # refuses what mido misunderstands: running status after a system exclusive event
    try:
        parsed = mido.MidiFile(file=io.BytesIO(join_chunks(chunks)), charset="latin1")
    except MemoryError:
        raise
    except Exception as error:  # mido raises many kinds of errors for bytes that are not MIDI
        raise Refused(Reason.UNREADABLE, f"mido: {type(error).__name__}: {error}") from error
    return Score(chunks.ticks_per_quarter, _time_signatures(parsed), _instruments(_at_one_tempo(parsed)))


def _time_signatures(parsed: mido.MidiFile) -> tuple[TimeSignature, ...]:
    signatures = []
    for track in parsed.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "time_signature":
                signatures.append(TimeSignature(tick, message.numerator, message.denominator))
    return tuple(sorted(signatures))


def _at_one_tempo(parsed: mido.MidiFile) -> mido.MidiFile:
    """Keeps nothing but notes and program changes.

    Without tempo changes pretty_midi's seconds are proportional to ticks, so that these can be recovered exactly; and
    no event that does not affect notes makes pretty_midi refuse the file.
    """
    for track in parsed.tracks:
        waiting = 0
        kept = []
        for message in track:
            waiting += message.time
            if message.type in ("note_on", "note_off", "program_change"):
                kept.append(message.copy(time=waiting))
                waiting = 0
        track[:] = kept
    parsed.tracks[:] = [track for track in parsed.tracks if track]
    return parsed


def _instruments(parsed: mido.MidiFile) -> tuple[Instrument, ...]:
    if not parsed.tracks:
        return ()
    try:
        midi = pretty_midi.PrettyMIDI(mido_object=parsed)
    except ValueError as error:  # beyond 10 million ticks: pretty_midi keeps an array of all of them
        raise Refused(Reason.BAD_TICKS, f"pretty_midi: {error}") from error
    ticks_per_second = midi.resolution / SECONDS_PER_QUARTER
    instruments = []
    for instrument in midi.instruments:
        seconds = np.array([(note.start, note.end) for note in instrument.notes]).reshape(-1, 2)
        pitches = np.array([note.pitch for note in instrument.notes], dtype=np.int64)
        ticks = np.rint(seconds * ticks_per_second).astype(np.int64)
        if len(pitches):
            notes = np.column_stack([ticks, pitches])
            instruments.append(Instrument(instrument.program, instrument.is_drum, notes))
    return tuple(instruments)
