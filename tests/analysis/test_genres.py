import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from analysis.genres.pairs import Pair, sample_all_genres, sample_pairs
from analysis.genres.part import SeparabilityConfig, analyse_genres
from analysis.genres.separability import (
    Separability,
    balanced_accuracies,
    circle_correlation,
    circle_distance,
    measure_separability,
)
from analysis.shared.context import EvaluationContext
from analysis.shared.sampling import interleave_songs
from model.checkpoint import Description
from model.data import Provenance, WindowSet
from model.training.first_weights import untrained
from tests.helpers.models import BRIEF, GENRES, SMALL, make_windows
from tests.helpers.pictures import collect_texts

CONFIG = SeparabilityConfig(
    windows=12, windows_together=4, pairs=[("rock", "pop")], songs=2, folds=3, shrinkage=0.3, shuffles=9, seed=0
)
WINDOWS_A_SONG = 8


def pair_of(centres: np.ndarray, songs_a_side: int, spread: float = 1.0) -> Pair:
    """Two genres around two centres, with eight windows a song, which lie around a place of the song's own."""
    generator = np.random.default_rng(0)
    songs = np.repeat(np.arange(2 * songs_a_side), WINDOWS_A_SONG)
    labels = np.where(songs < songs_a_side, -1, 1)
    places = generator.normal(size=(2 * songs_a_side, centres.shape[1]))[songs]
    windows = spread * generator.normal(size=(len(songs), centres.shape[1]))
    return Pair(0, 1, centres[(labels > 0).astype(int)] + places + windows, labels, songs)


def measure(pair: Pair) -> Separability:
    return measure_separability(pair, shuffles=60, folds=5, shrinkage=0.3, seed=0)


FAR_APART = np.array([[4.0] * 6, [-4.0] * 6])
ALIKE = np.zeros((2, 6))


def context_of(training: WindowSet, validation: WindowSet, genres: list[str] = GENRES) -> EvaluationContext:
    description = Description(SMALL, BRIEF, Provenance(1, genres, "digest"), {}, {})
    return EvaluationContext(untrained(SMALL).eval(), description, training, validation, "song")


def tagged(song_counts: dict[tuple[str, ...], int], genres: list[str] = GENRES) -> WindowSet:
    """Songs of four windows; song_counts: how many songs have each set of tags."""
    tags = torch.tensor(
        [[genre in names for genre in genres] for names, songs in song_counts.items() for _ in range(songs)]
    )
    songs = torch.arange(len(tags), dtype=torch.int32).repeat_interleave(4)
    return WindowSet(make_windows(len(songs)).tokens, tags.repeat_interleave(4, dim=0), songs)


def test_genres_that_lie_apart_are_separable():
    separability = measure(pair_of(FAR_APART, songs_a_side=10))
    assert separability.accuracy == 1
    assert separability.chance < 0.9
    assert separability.above_chance


def test_genres_that_lie_in_one_place_are_not_separable():
    separability = measure(pair_of(ALIKE, songs_a_side=40))
    assert abs(separability.accuracy - 0.5) < 0.12
    assert not separability.above_chance
    assert abs(separability.shuffled.mean() - 0.5) < 0.03


def test_knowing_songs_by_heart_does_not_help():
    """All windows of a song are the same: split by window they are classified perfectly, split by song not at all."""
    pair = pair_of(np.zeros((2, 60)), songs_a_side=15, spread=0.0)
    by_window = replace(pair, songs=np.arange(len(pair.songs)))
    assert measure(by_window).accuracy == 1
    assert measure(pair).accuracy < 0.7
    assert not measure(pair).above_chance


def test_labels_are_shuffled_between_songs_not_windows():
    """By window, songs that differ widely are hard to classify by chance; by song they often are not."""
    pair = pair_of(ALIKE, songs_a_side=10, spread=0.01)
    assert measure(pair).shuffled.std() > 2 * measure(replace(pair, songs=np.arange(len(pair.songs)))).shuffled.std()


def test_the_classifier_is_ridge_regression_cut_halfway_between_the_sides():
    pair = pair_of(FAR_APART / 6, songs_a_side=6)
    codes = pair.codes - pair.codes.mean(axis=0)
    codes /= np.sqrt(np.mean(codes**2))
    right = np.empty(len(pair.labels), dtype=bool)
    for fold in range(12):  # as many folds as songs: each song is left out once
        unseen = pair.songs == fold
        ridge = Ridge(0.2 / 0.8 * (~unseen).sum()).fit(codes[~unseen], pair.labels[~unseen])
        fitted = ridge.predict(codes)
        cut = np.mean([fitted[~unseen & (pair.labels == label)].mean() for label in (-1, 1)])
        right[unseen] = (fitted[unseen] > cut) == (pair.labels[unseen] > 0)
    expected = np.mean([right[pair.labels == label].mean() for label in (-1, 1)])
    assert 0.5 < expected < 1
    assert balanced_accuracies(pair.codes, pair.labels[:, None], pair.songs, 12, 0.2) == pytest.approx([expected])


def test_both_sides_weigh_alike_however_many_windows_they_have():
    """All codes are alike: any answer is right for one side and wrong for the other."""
    labels = np.array([[-1]] * 18 + [[1]] * 2)
    accuracy = balanced_accuracies(np.ones((20, 3)), labels, np.arange(20), folds=5, shrinkage=0.3)
    assert accuracy == pytest.approx([0.5])


def test_songs_take_turns_giving_windows():
    songs = np.array([7] * 50 + [2] * 3 + [5])
    order = songs[interleave_songs(songs, np.random.default_rng(0))]
    assert sorted(order[:3]) == [2, 5, 7]
    assert sorted(order[3:5]) == [2, 7]
    assert sorted(order[5:7]) == [2, 7]
    assert set(order[7:]) == {7}
    assert len(order) == 54


def test_pairs_leave_out_windows_with_both_tags():
    windows = tagged({("jazz",): 3, ("rock",): 2, ("jazz", "rock"): 4, ("pop",): 1})
    pairs = {(pair.first, pair.second): pair for pair in sample_pairs(context_of(windows, windows), windows, 6, seed=0)}
    assert set(pairs) == {(0, 1), (0, 2), (1, 2)}
    jazz_and_rock = pairs[0, 1]
    assert set(jazz_and_rock.songs[jazz_and_rock.labels < 0]) == {0, 1, 2}
    assert set(jazz_and_rock.songs[jazz_and_rock.labels > 0]) == {3, 4}
    assert [list(pair.labels).count(-1) for pair in pairs.values()] == [6, 6, 6]
    assert [list(pair.labels).count(1) for pair in pairs.values()] == [6, 4, 4]
    assert pairs[0, 2].song_counts() == (6, 1)


def test_codes_are_those_of_the_windows_drawn():
    windows = tagged({("jazz",): 3, ("rock",): 2})
    context = context_of(windows, windows)
    pair = sample_pairs(context, windows, 100, seed=0)[0]
    expected = context.codes(windows.tokens[windows.songs == 4]).double().numpy()
    assert np.sort(pair.codes[pair.songs == 4], axis=0) == pytest.approx(np.sort(expected, axis=0), abs=1e-6)


def test_all_genres_have_at_most_so_many_windows_each():
    windows = tagged({("jazz",): 3, ("rock",): 1, ("jazz", "pop"): 2})
    codes, genre = sample_all_genres(context_of(windows, windows), windows, 5, seed=0)
    assert len(codes) == len(genre)
    counts = np.bincount(genre, minlength=3)
    assert counts[0] == 5  # of 12 to 20 windows
    assert counts[1] == 4
    assert counts[2] in (0, 4, 5)  # each song with both tags counts towards one of them


def test_the_circle_closes():
    assert circle_distance(np.array([0, 0, 1]), np.array([1, 7, 5]), 8).tolist() == [1, 1, 4]


def test_an_order_of_the_circle_that_shows_in_the_codes_is_seen():
    def separabilities(accuracy):
        return [
            Separability(a, b, (9, 9), accuracy(a, b), np.full(3, 0.5)) for a in range(12) for b in range(a + 1, 12)
        ]

    by_distance = separabilities(lambda a, b: 0.5 + 0.05 * min(b - a, 12 - b + a))
    correlation, chance_level = circle_correlation(by_distance, 12, 50, seed=0)
    assert correlation == pytest.approx(1)
    assert chance_level < 0.5
    assert circle_correlation(separabilities(lambda a, b: 1.0), 12, 50, seed=0) is None


def test_the_section_has_pictures_numbers_and_rows(tmp_path):
    training = tagged({("jazz",): 4, ("rock",): 4, ("pop",): 4})
    section = analyse_genres(context_of(training, training), CONFIG, tmp_path)
    assert not section.missing
    assert {figure.picture for figure in section.figures} == {
        f"pictures/{name}.png" for name in ("large", "pairs", "together", "training", "validation", "distances")
    }
    assert all((tmp_path / figure.picture).stat().st_size > 1000 for figure in section.figures)
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [(row["genre"], row["other genre"]) for row in rows[:3]] == [
        ("jazz", "rock"),
        ("jazz", "pop"),
        ("rock", "jazz"),
    ]
    mean = np.mean([row["balanced accuracy"] for row in rows])
    assert section.metrics["training"]["separability"] == pytest.approx(mean)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    context = context_of(tagged({("jazz",): 4, ("rock",): 4}), tagged({("jazz",): 1}))
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
        analyse_genres(context, CONFIG, folder)
    first, second = ({path.name: path.read_bytes() for path in folder.rglob("*.*")} for folder in folders)
    assert first == second


def test_long_tags_are_cut_in_pictures_and_no_tag_can_end_a_script_of_the_plots(tmp_path, monkeypatch):
    texts = collect_texts(monkeypatch)
    names = ["jazz", "rock</script><script>alert(1)</script>", "pop that goes on and on"]
    training = tagged({(name,): 4 for name in names}, names)
    analyse_genres(context_of(training, training, names), replace(CONFIG, pairs=[(names[1], names[2])]), tmp_path)
    assert set(texts) == {
        f"{name}.png" for name in ("large", "pairs", "together", "training", "validation", "distances")
    }
    assert not any(name in text for picture in texts.values() for text in picture for name in names[1:])
    for name in ("pairs.png", "together.png", "training.png"):
        assert {"jazz", "rock</script><scrip…", "pop that goes on an…"} <= texts[name]
    rows = (tmp_path / "rows.json").read_text()
    assert "<" not in rows
    assert names[2] in rows


def test_the_circle_and_the_split_are_put_into_words(tmp_path, monkeypatch):
    collect_texts(monkeypatch)
    names = ["jazz", "rock", "pop", "punk", "soul"]  # ten pairs
    training = tagged({(name,): 3 for name in names}, names)
    context = context_of(training, training, names)
    _, in_training, in_validation, circle = analyse_genres(context, CONFIG, tmp_path).text
    assert in_training.startswith(
        "10 of 10 pairs have enough training songs (on average, 24 windows of 6 songs a pair)."
    )
    assert "The encoder was trained on these windows" in in_training
    assert in_validation.endswith("Neither the encoder nor the classifier has seen these songs.")
    assert circle.startswith("The rank correlation between separability and distance on the circle is ")
    (tmp_path / "second").mkdir()
    by_window = analyse_genres(replace(context, split_unit="window"), CONFIG, tmp_path / "second").text
    assert by_window[2].endswith("The encoder was trained on other windows of these songs.")


def test_pairs_with_too_few_songs_get_no_number_and_one_sentence(tmp_path):
    training = tagged({("jazz",): 3, ("rock",): 1, ("pop",): 2})
    section = analyse_genres(context_of(training, make_windows(0)), CONFIG, tmp_path)
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert {(row["genre"], row["other genre"]) for row in rows} == {("jazz", "pop"), ("pop", "jazz")}
    training_lines = [line for line in section.missing if "training" in line]
    assert len(training_lines) == 1
    assert training_lines[0].startswith("2 of 3 pairs")
    assert "rock" in training_lines[0]


def test_one_song_a_genre_is_drawn_and_not_measured(tmp_path):
    training = tagged({("jazz",): 1, ("rock",): 1, ("pop",): 1})
    section = analyse_genres(context_of(training, training), CONFIG, tmp_path)
    assert section.metrics == {}
    assert (tmp_path / "pictures" / "pairs.png").exists()
    assert not (tmp_path / "pictures" / "training.png").exists()


def test_windows_without_tags_are_a_sentence(tmp_path):
    windows = replace(make_windows(), genres=torch.zeros(20, 3, dtype=torch.bool))
    section = analyse_genres(context_of(windows, windows), CONFIG, tmp_path)
    assert section.figures == []
    assert len(section.missing) == 1


def test_a_pair_that_is_not_in_the_vocabulary_is_named(tmp_path):
    training = tagged({("jazz",): 4, ("rock",): 4})
    config = replace(CONFIG, pairs=[("rock", "punk"), ("rock", "jazz")])
    section = analyse_genres(context_of(training, training), config, tmp_path)
    assert any(line.startswith("rock and punk ") for line in section.missing)
    assert section.figures[0].picture == "pictures/large.png"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"songs": 1}, "songs must be"),
        ({"shrinkage": 1.0}, "shrinkage"),
        ({"pairs": ["rock", "pop"]}, "pairs must be"),
        ({"shuffles": 0}, "shuffles"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **wrong)
