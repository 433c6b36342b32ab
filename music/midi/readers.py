"""The two readers of MIDI files.

`read_musae` is fast. `read_pretty_midi` is the reference. Both refuse what the standard rules out, and return the same
score for every file that both keep; tests compare them. The reference refuses some more, because mido does: meta events
that do not matter to notes but are damaged, and notes beyond 10 million ticks.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from music.midi.chunks import read_chunks
from music.midi.events import read_events
from music.midi.notes import find_instruments
from music.midi.pretty import read_pretty_midi
from music.score import Score

Reader = Callable[[bytes], Score]


def read_musae(data: bytes) -> Score:
    """Reads a MIDI file. Raises `Refused`."""
    chunks = read_chunks(data)
    events, time_signatures = read_events(chunks.tracks)
    return Score(chunks.ticks_per_quarter, tuple(time_signatures), find_instruments(events))


READERS: Mapping[str, Reader] = MappingProxyType({"musae": read_musae, "pretty_midi": read_pretty_midi})
