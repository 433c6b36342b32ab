import numpy as np
import pytest

from music.genre_classifier import GenreClassifier, GenreScores
from music.genre_features import features
from music.metrics import METRICS
from music.tokens import SILENT

NOTES, LENGTH = list(METRICS).index("notes"), list(METRICS).index("note length")


def drummed(*notes: int) -> np.ndarray:
    """Windows of a bar with as many drum notes, and nothing else."""
    tokens = np.full((len(notes), 4, 16), SILENT, dtype=np.uint8)
    for window, count in zip(tokens, notes, strict=True):
        window[0, :count] = 36
    return tokens


@pytest.fixture
def scores() -> GenreScores:
    """By the number of notes alone, 2 a deviation; one genre likes them, one does not, and one is not known."""
    size = features(drummed(1)).shape[1]
    weights, means = np.zeros((3, size)), np.zeros(size)
    weights[:, NOTES], weights[:2, LENGTH], means[NOTES] = [1, -1, np.nan], 100, 4
    classifier = GenreClassifier(means, np.full(size, 2.0), weights, np.array([10.0, 0.0, np.nan]))
    real = np.linspace(0, 20, 101)
    return GenreScores(classifier, np.stack([real, real - 10, np.full(101, np.nan)]))


def test_features_count_in_deviations_and_no_farther_than_five(scores):
    # Notes of 2, 4, 6 and 16: -1, 0, 1 and 6 deviations. There are no lengths to measure: they count as their mean.
    expected = [[9, 1, np.nan], [10, 0, np.nan], [11, -1, np.nan], [15, -5, np.nan]]
    np.testing.assert_allclose(scores.classifier.scores(drummed(2, 4, 6, 16)), expected)


def test_percentiles_are_among_real_windows(scores):
    expected = [[45, 55, np.nan], [50, 50, np.nan], [75, 25, np.nan]]
    np.testing.assert_allclose(scores.percentiles(drummed(2, 4, 16)), expected)
