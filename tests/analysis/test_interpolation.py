import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from analysis import parts
from analysis.interpolation.hamming import (
    bernoulli_mix,
    detour,
    hamming_distance,
    largest_step,
    mean_rank_correlation,
    non_decreasing_share,
)
from analysis.interpolation.part import InterpolationConfig, analyse_interpolation, concatenated, random_pairs
from analysis.interpolation.paths import measure_paths
from analysis.shared.context import EvaluationContext
from analysis.shared.section import Section, read_section
from model.latent import interpolate
from music import audio
from music.midi.readers import READERS
from music.tokens import HOLD, SILENT, TRACKS, to_notes
from tests.helpers.models import make_context, make_windows

CONFIG = InterpolationConfig(points=3, pairs=8, alphas=5, seed=0)


def windows_from(*rows: str) -> torch.Tensor:
    """(windows, 1, steps) of a letter a state."""
    return torch.tensor([[list(row.encode())] for row in rows], dtype=torch.uint8)


def test_the_distance_is_the_share_of_states_that_differ():
    windows = torch.tensor([[[60, 128], [1, 2]], [[60, 129], [3, 2]]], dtype=torch.uint8)
    assert hamming_distance(windows[0], windows).tolist() == [0, 0.5]


def test_how_gradual_a_path_is():
    rises, stays, falls = [0.0, 0.25, 0.5, 0.75, 1.0], [0.5] * 5, [0.0, 1.0, 0.75, 0.5, 0.25]
    rising, constant, falling = (torch.tensor([row], dtype=torch.float64).numpy() for row in (rises, stays, falls))
    both = torch.tensor([rises, falls], dtype=torch.float64).numpy()
    assert [non_decreasing_share(path) for path in (rising, constant, falling, both)] == [1, 1, 0.25, 0.625]
    assert mean_rank_correlation(rising) == pytest.approx(1)
    assert mean_rank_correlation(constant) == 0
    assert mean_rank_correlation(falling) == pytest.approx(0)  # ranks 1 5 4 3 2: rho is 1 - 6 * 20 / (5 * 24)
    assert mean_rank_correlation(both) == pytest.approx(0.5)
    assert (largest_step(rising), largest_step(falling), largest_step(both)) == (0.25, 1, 0.625)


def test_a_detour_counts_what_need_not_have_changed():
    assert detour(windows_from("aaaa", "abaa", "abba")[None]) == 1
    assert detour(windows_from("aaaa", "cbaa", "abba")[None]) == 2  # 2 and 2 steps where 2 would do
    assert detour(windows_from("aaaa", "bbbb", "aaaa")[None]) is None


def test_a_mix_goes_evenly_from_the_first_to_the_second():
    first, second = torch.zeros(1, 4, 5000, dtype=torch.uint8), torch.ones(1, 4, 5000, dtype=torch.uint8)
    mixed = bernoulli_mix(first, second, torch.tensor([1, 0.75, 0]), torch.Generator().manual_seed(0))
    assert mixed.shape == (1, 3, 4, 5000)
    assert mixed.double().mean(dim=(0, 2, 3)).tolist() == [0, pytest.approx(0.25, abs=0.01), 1]


def test_pairs_are_of_different_songs_and_take_every_window():
    songs = torch.tensor([2, 0, 0, 2, 2, 1, 2], dtype=torch.int32)
    first, second = random_pairs(songs, 500, torch.Generator().manual_seed(0))
    assert (songs[first] != songs[second]).all()
    assert set(first.tolist()) == set(second.tolist()) == set(range(7))
    of_song_1 = second[first == 5].bincount(minlength=7)
    assert of_song_1[[0, 1, 2, 3, 4, 6]].min() > 0.5 * of_song_1.max()


@dataclass(frozen=True)
class Done:
    """An analysis, with the windows it drew."""

    context: EvaluationContext
    first: torch.Tensor
    second: torch.Tensor
    section: Section
    out: Path


def analyse(out: Path, context: EvaluationContext) -> Done:
    section = analyse_interpolation(context, CONFIG, out)
    ends = random_pairs(context.validation.songs, CONFIG.pairs, torch.Generator().manual_seed(CONFIG.seed))
    first, second = (context.validation.tokens[end] for end in ends)
    return Done(context, first, second, section, out)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return analyse(tmp_path_factory.mktemp("interpolation"), make_context())


@pytest.fixture
def silent(monkeypatch):
    monkeypatch.setattr(audio, "tinysoundfont", None)


def test_the_curves_begin_and_end_at_the_errors_of_reconstruction(done):
    rows = json.loads((done.out / "rows.json").read_text())
    assert [row["position"] for row in rows] == [0, 0.25, 0.5, 0.75, 1]
    assert rows[0]["linear"] == rows[0]["spherical"] == done.section.metrics["distance_at_start"]
    (table,) = done.section.tables
    again, again_second = (done.context.decoded(done.context.codes(ends)) for ends in (done.first, done.second))
    for row in table.rows[:2]:
        assert row[1] == pytest.approx(hamming_distance(done.first, again).mean())
        assert row[2] == pytest.approx(hamming_distance(done.second, again_second).mean())


def test_the_mix_begins_and_ends_at_the_windows_themselves(done):
    rows = json.loads((done.out / "rows.json").read_text())
    assert rows[0]["mix"] == 0
    assert rows[-1]["mix"] == pytest.approx(hamming_distance(done.first, done.second).mean())
    assert done.section.tables[0].rows[2][1:3] == [0, 0]


def test_there_is_a_picture_a_figure(done):
    assert len(done.section.figures) == 2
    assert all((done.out / figure.picture).stat().st_size > 10_000 for figure in done.section.figures)


def notes(song) -> dict[tuple[bool, int], list[list[int]]]:
    """The notes of every instrument, in steps."""
    return {(i.is_drum, i.program): sorted((i.notes // [120, 120, 1]).tolist()) for i in song.instruments}


def notes_of(window: torch.Tensor, tracks) -> dict[tuple[bool, int], list[list[int]]]:
    kinds = dict(zip(TRACKS, ((True, 0), (False, 33), (False, 0), (False, 48)), strict=True))
    found = {kinds[track]: to_notes(states).tolist() for track, states in zip(tracks, window.numpy(), strict=True)}
    return {kind: sorted(rows) for kind, rows in found.items() if rows}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_every_clip_reads_back_as_what_was_drawn(done, read):
    whole, *panels = (read((done.out / clip.midi).read_bytes()) for clip in done.section.figures[0].clips)
    ends = done.context.codes(torch.stack([done.first[0], done.second[0]]))
    decoded = done.context.decoded(interpolate(*ends, torch.tensor([1, 0.5, 0])))
    for song, window in zip(panels, [done.first[0], *decoded, done.second[0]], strict=True):
        assert notes(song) == notes_of(window, TRACKS)
    assert whole.time_signatures == ((0, 4, 4),)
    assert sum(map(len, notes(whole).values())) == sum(
        len(rows) for song in panels[1:-1] for rows in notes(song).values()
    )


def test_every_clip_has_its_sound(done):
    pytest.importorskip("tinysoundfont", reason="no sound without it")
    pytest.importorskip("soundfile", reason="no sound without it")
    clips = done.section.figures[0].clips
    assert [clip.name for clip in clips[1:]] == ["x1", "decoded at 0.00", "decoded at 0.50", "decoded at 1.00", "x2"]
    assert all((done.out / clip.audio).stat().st_size > 5_000 for clip in clips)


def test_no_note_is_held_from_one_window_to_the_next():
    windows = torch.tensor([[[60, HOLD]], [[HOLD, 62]]], dtype=torch.uint8)
    assert concatenated(windows).tolist() == [[60, HOLD, SILENT, 62]]


def test_a_peer_with_two_tracks_gives_the_same_files_twice(tmp_path, silent):
    found = []
    for out in (tmp_path / "one", tmp_path / "two"):
        out.mkdir()
        analyse(out, make_context(tracks=("bass", "strings"), network="flat", prior="gaussian", regulariser="kl"))
        found.append({path.relative_to(out): path.read_bytes() for path in out.rglob("*.*")})
    assert len(found[0]) == 2 + 1 + 6  # pictures, rows and clips
    assert found[0] == found[1]


def test_windows_of_one_song_are_too_few(tmp_path):
    section = analyse_interpolation(make_context(make_windows(2)), CONFIG, tmp_path)
    assert section.missing == ["Interpolations need validation windows of two songs: take more songs."]
    assert section.figures == []


class FarOrNear(torch.nn.Module):
    """A window's code is its first two states on the drums; the decoder says only if a code is far from the origin."""

    def __init__(self) -> None:
        super().__init__()
        self.place = torch.nn.Parameter(torch.zeros(()))

    def codes(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens[:, 0, :2].float()

    def tokens(self, z: torch.Tensor) -> torch.Tensor:
        tokens = torch.full((len(z), 4, 16), SILENT, dtype=torch.uint8)
        tokens[z.norm(dim=1) > 90, 3] = 60
        return tokens


def test_the_arc_stays_as_far_from_the_origin_as_its_ends_and_the_line_does_not(tmp_path):
    """Halfway between (100, 0) and (0, 100) the line is 71 from the origin: all strings change, and change back."""
    (tmp_path / "pictures").mkdir()
    first = torch.full((2, 4, 16), SILENT, dtype=torch.uint8)
    first[:, 3] = 60
    second = first.clone()
    first[:, 0, :2], second[:, 0, :2] = torch.tensor([100, 0]), torch.tensor([0, 100])
    context = replace(make_context(), model=FarOrNear())
    section = measure_paths(context, first, second, 3, torch.Generator().manual_seed(0), tmp_path)
    assert section.metrics["non_decreasing_share"] == {"linear": 0.5, "spherical": 1}


def test_music_is_midi_alone_where_there_is_no_synthesiser(tmp_path, silent):
    parts.analyse("interpolation", make_context(), tmp_path)
    section = read_section(tmp_path)
    assert section.missing == [audio.NO_SOUND]
    clips = section.figures[0].clips
    assert all(clip.audio is None and (tmp_path / clip.midi).exists() for clip in clips)
    assert not list(tmp_path.rglob("*.mp3"))
