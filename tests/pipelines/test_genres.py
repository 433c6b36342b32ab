from collections import Counter
from itertools import permutations

import numpy as np

from pipelines.genres import circle, co_occurrence, most_common, normalise


def test_spellings_of_a_tag_are_one():
    assert {normalise(tag) for tag in ("Hip-Hop", "hip hop", " hip_HOP ", "hip  hop")} == {"hip hop"}


def test_the_commonest_tags_equal_ones_by_name():
    assert most_common(Counter({"b": 2, "a": 2, "d": 1, "c": 5}), 3) == ["c", "a", "b"]


def test_co_occurrence_is_symmetric_with_counts_on_the_diagonal():
    taggings = {("a", "b"): 2, ("a", "c"): 3, ("b",): 1, (): 7}
    assert co_occurrence(["a", "b"], taggings).tolist() == [[5, 2], [2, 3]]


def test_tags_that_stand_together_are_neighbours():
    ring = [0, 3, 1, 4, 2, 5]  # a closed chain in which only neighbours share songs
    matrix = np.diag(np.full(6, 10))
    for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
        matrix[a, b] = matrix[b, a] = 5
    assert circle(matrix) == [0, 3, 1, 4, 2, 5]


def test_of_both_directions_the_circle_takes_the_one_with_the_lower_second_tag():
    ring = [0, 2, 4, 1, 3]
    matrix = np.diag(np.full(5, 10))
    for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
        matrix[a, b] = matrix[b, a] = 5
    assert circle(matrix) == ring
    matrix[0, 3] = matrix[3, 0] = 9  # tag 0 is most similar to the other of its neighbours
    assert circle(matrix) == ring


def test_the_circle_is_better_than_going_on_to_the_most_similar_tag():
    songs = np.array([[20, 7, 0, 8, 8], [7, 20, 0, 7, 4], [0, 0, 20, 6, 3], [8, 7, 6, 20, 7], [8, 4, 3, 7, 20]])

    def similarity(tour: tuple[int, ...]) -> int:
        return sum(songs[a, b] for a, b in zip(tour, tour[1:] + tour[:1], strict=True))

    best = max(similarity((0, *others)) for others in permutations(range(1, 5)))
    assert similarity(tuple(circle(songs))) == best


def test_the_circle_of_none_one_and_two():
    assert circle(np.zeros((0, 0), dtype=np.int64)) == []
    assert circle(np.array([[3]])) == [0]
    assert circle(np.array([[3, 0], [0, 2]])) == [0, 1]
