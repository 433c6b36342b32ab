"""Renders MIDI as sound, with the General MIDI instruments that come with pretty_midi."""

import io
from pathlib import Path
from typing import Literal

import numpy as np
import pretty_midi

try:
    import soundfile
    import tinysoundfont
    from tinysoundfont.midi import load_memory
except (ImportError, OSError):  # soundfile raises OSError where its C library is missing
    tinysoundfont = None

SOUND_FONT = Path(pretty_midi.__file__).with_name("TimGM6mb.sf2")
RATE = 22_050
"""Samples per second."""
TAIL = 1.0
"""Seconds for the last notes to fade."""
PEAK = 0.8
"""The loudest sample, where 1 is full scale: MP3 overshoots a little."""
SOUND_NEEDS = (
    "sound needs the packages soundfile and tinysoundfont (pip install soundfile, then "
    f"pip install --no-deps tinysoundfont) and the sound font {SOUND_FONT.name} of pretty_midi"
)
NO_SOUND = f"There is MIDI but no sound: {SOUND_NEEDS}."


def render(midi: bytes, form: Literal["MP3", "WAV"]) -> bytes | None:
    """Renders a MIDI file as sound, or returns None if something that `SOUND_NEEDS` names is missing."""
    if tinysoundfont is None or not SOUND_FONT.exists():
        return None
    synth = tinysoundfont.Synth(samplerate=RATE)
    synth.sfload(str(SOUND_FONT))
    events = load_memory(midi, persistent=False)
    tinysoundfont.Sequencer(synth).add(events)
    seconds = max((event.t for event in events), default=0.0) + TAIL
    samples = np.frombuffer(synth.generate(round(seconds * RATE)), dtype=np.float32).reshape(-1, 2).mean(axis=1)
    loudest = np.abs(samples).max()
    file = io.BytesIO()
    soundfile.write(file, samples * (PEAK / loudest) if loudest else samples, RATE, format=form)
    return file.getvalue()
