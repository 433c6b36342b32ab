"""What several pictures share."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from music.pictures import heat_map, label_circle, short


def test_long_labels_are_cut_and_others_stay():
    assert short("a" * 20) == "a" * 20
    assert short("a" * 21) == "a" * 19 + "…"


def test_a_heat_map_names_its_rows_and_columns_and_leaves_unknown_cells_grey():
    axis = Figure().subplots()
    image = heat_map(axis, np.array([[0.0, np.nan], [1.0, 0.5]]), ["x", "b" * 30], ["up", "down"], vmin=0, vmax=1)
    assert [label.get_text() for label in axis.get_yticklabels()] == ["x", "b" * 19 + "…"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["up", "down"]
    assert image.get_array().mask.tolist() == [[False, True], [False, False]]
    assert axis.get_facecolor() == pytest.approx((0.6, 0.6, 0.6, 1.0))


def test_labels_stand_around_the_circle_and_can_be_read_upright():
    axis = Figure().subplots()
    label_circle(axis, ["east", "north", "west", "south"], radius=2, fontsize=8)
    places = [text.get_position() for text in axis.texts]
    assert np.allclose(places, [(2, 0), (0, 2), (-2, 0), (0, -2)])
    assert [text.get_rotation() % 360 for text in axis.texts] == pytest.approx([0, 90, 0, 270])
    assert [text.get_horizontalalignment() for text in axis.texts] == ["left", "left", "right", "left"]
