import io
from pathlib import Path

import numpy as np
import pytest

from music import audio
from music.midi.writer import to_midi
from music.score import FOUR_FOUR, Score
from tests.helpers.scores import band, instrument

pytest.importorskip("tinysoundfont", reason="no sound without it")
soundfile = pytest.importorskip("soundfile", reason="no sound without it")
OCARINA = 79


def heard(*instruments) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(audio.render(to_midi(Score(480, FOUR_FOUR, instruments)), "MP3")))
    assert rate == 22_050
    return samples


def loudness(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def test_two_bars_last_four_seconds_and_one_to_fade():
    samples = heard(*band(bars=2).instruments)
    assert len(samples) / 22_050 == pytest.approx(5, abs=0.1)
    assert loudness(samples) > 0.05
    assert np.abs(samples).max() < 1


def test_a_note_has_its_pitch():
    samples = heard(instrument(OCARINA, (0, 32, 69)))  # A4
    spectrum = np.abs(np.fft.rfft(samples))
    loudest = np.fft.rfftfreq(len(samples), 1 / 22_050)[spectrum.argmax()]
    assert loudest == pytest.approx(440, rel=0.02)


def test_a_note_is_heard_where_it_is_written():
    samples = heard(instrument(OCARINA, (16, 32, 69)))
    assert loudness(samples[: 2 * 22_050 - 2_000]) < 0.01 * loudness(samples[2 * 22_050 : 4 * 22_050])


def test_drums_alone_are_heard_and_are_no_piano():
    drums, piano = (heard(instrument(0, (0, 1, 42), (8, 9, 42), drum=drum)) for drum in (True, False))
    assert loudness(drums) > 0.01
    spectra = [np.abs(np.fft.rfft(samples)) ** 2 for samples in (drums, piano)]
    low = [spectrum[: len(spectrum) // 8].sum() / spectrum.sum() for spectrum in spectra]  # below 1.4 kHz
    assert low[0] < 0.5 < low[1]


def test_the_louder_a_song_the_same_its_peak():
    tutti = heard(*(instrument(program, (0, 16, 60)) for program in range(0, 120, 10)))
    solo = heard(instrument(OCARINA, (0, 16, 60)))
    assert np.abs(tutti).max() == pytest.approx(np.abs(solo).max(), abs=0.1)


def test_a_song_without_notes_is_silence():
    samples = heard()
    assert len(samples) / 22_050 == pytest.approx(1, abs=0.1)
    assert loudness(samples) < 1e-4


def test_the_same_midi_sounds_the_same():
    assert audio.render(to_midi(band()), "MP3") == audio.render(to_midi(band()), "MP3")


def test_there_is_no_sound_without_a_synthesiser_or_instruments(monkeypatch):
    with monkeypatch.context() as without:
        without.setattr(audio, "tinysoundfont", None)
        assert audio.render(to_midi(band()), "MP3") is None
    monkeypatch.setattr(audio, "SOUND_FONT", Path("none.sf2"))
    assert audio.render(to_midi(band()), "MP3") is None
