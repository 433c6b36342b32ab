"""Two readers of MIDI files.

`read_symusic` is fast (C++). `read_pretty_midi` is the reference: it uses the library of [P], which is over 100 times
slower. They return the same `Score` for nearly all files (tests/music/test_golden.py says how many windows agree). They
differ where a note-off is missing, so that symusic loses the note, and where the program changes during a note, which
symusic assigns to the old program.
"""

import io
from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import mido
import numpy as np
import pretty_midi
import symusic

from music.arrays import IntArray
from music.score import Instrument, Reason, Refused, Score, TimeSignature
from music.tokens import PITCHES

TICK_BITS = 28
LARGEST_TICK = 2**TICK_BITS - 1
SECONDS_PER_QUARTER = 0.5
"""At pretty_midi's default tempo of 120 quarter notes a minute."""

Reader = Callable[[bytes], Score]


def read_symusic(data: bytes) -> Score:
    """Reads a MIDI file with symusic and corrects the notes to pretty_midi's rules. Raises `Refused`."""
    try:
        parsed = symusic.Score.from_midi(data, ttype="tick", sanitize_data=True)
    except (RuntimeError, ValueError) as error:
        raise Refused(Reason.UNREADABLE, f"symusic: {error}") from error
    if parsed.ticks_per_quarter <= 0:
        raise Refused(Reason.BAD_DIVISION, f"{parsed.ticks_per_quarter} ticks a quarter note")
    tracks = list(parsed.tracks)
    columns = [track.notes.numpy() for track in tracks]
    sizes = [len(notes["time"]) for notes in columns]
    onsets, durations, pitches = (
        np.concatenate([np.empty(0, np.int64), *(notes[name] for notes in columns)])
        for name in ("time", "duration", "pitch")
    )
    offs = onsets + durations
    _check_ticks(onsets, durations, offs)
    keys = np.repeat(np.arange(len(tracks)) * PITCHES, sizes) + pitches
    notes, keys = _end_at_first_off(onsets, offs, keys)
    ends = np.searchsorted(keys, np.arange(len(tracks) + 1) * PITCHES).tolist()
    instruments = tuple(
        Instrument(track.program, track.is_drum, notes[:, first:last].T)
        for track, (first, last) in zip(tracks, pairwise(ends), strict=True)
        if first < last
    )
    signatures = (TimeSignature(event.time, event.numerator, event.denominator) for event in parsed.time_signatures)
    return Score(parsed.ticks_per_quarter, tuple(sorted(signatures)), instruments)


def _check_ticks(onsets: IntArray, durations: IntArray, offs: IntArray) -> None:
    if len(onsets) and (onsets.min() < 0 or durations.min() < 0 or offs.max() > LARGEST_TICK):
        raise Refused(Reason.BAD_TICKS, f"ticks outside 0 to {LARGEST_TICK}")


def _end_at_first_off(onsets: IntArray, offs: IntArray, keys: IntArray) -> tuple[IntArray, IntArray]:
    """Returns (3, notes) on tick, off tick and pitch, and the key of each note, ascending.

    keys: (notes,) numbers that stand for a track and a pitch. A note-off closes all earlier open notes of its key, and
    notes of length zero are dropped. (symusic pairs onsets with offs first in, first out, so sorting both pairs them
    again; and it keeps notes of length zero.)
    """
    places = keys << TICK_BITS
    starts, offs = np.sort(places + onsets), np.sort(places + offs)
    ends = offs.copy()
    overlap = np.flatnonzero(offs[:-1] > starts[1:]) + 1  # the note-off of an earlier note may end these
    ends[overlap] = offs[np.searchsorted(offs, starts[overlap], side="right")]
    lasts = offs > starts
    starts, ends = starts[lasts], ends[lasts]
    keys = starts >> TICK_BITS
    return np.stack([starts & LARGEST_TICK, ends & LARGEST_TICK, keys & (PITCHES - 1)]), keys


def read_pretty_midi(data: bytes) -> Score:
    """Reads a MIDI file with pretty_midi and converts its times back to ticks. Raises `Refused`."""
    try:
        parsed = mido.MidiFile(file=io.BytesIO(data), charset="latin1")
    except MemoryError:
        raise
    except Exception as error:  # mido raises many kinds of errors for bytes that are not MIDI
        raise Refused(Reason.UNREADABLE, f"mido: {type(error).__name__}: {error}") from error
    if parsed.ticks_per_beat <= 0:
        raise Refused(Reason.BAD_DIVISION, f"{parsed.ticks_per_beat} ticks a quarter note")
    signatures = _time_signatures(parsed)
    return Score(parsed.ticks_per_beat, signatures, _instruments(_at_one_tempo(parsed)))


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


READERS: Mapping[str, Reader] = MappingProxyType({"symusic": read_symusic, "pretty_midi": read_pretty_midi})
