"""What all parts of the analysis share: their settings, their sections, and statistics."""

import ast
import zipfile
from pathlib import Path

import numpy as np
import pytest

from analysis import parts
from analysis.parts import PARTS
from analysis.shared.correlation import correlation, rank_correlation
from analysis.shared.section import Clip, Figure, Section, Table, joined, read_section, write_section
from music.errors import InputError
from tests.helpers.models import make_context

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_its_own_folder_and_the_shared_one_alone(part):
    """Stage `analyse@PART` of dvc.yaml depends on these two folders."""
    for path in (ROOT / "analysis" / part).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("analysis"):
                assert str(node.module).split(".")[1] in (part, "shared"), f"{path}: {node.module}"


def test_the_package_holds_the_settings_and_texts_of_every_part(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    assert {f"analysis/{part}/settings.toml" for part in PARTS} <= packed
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "analysis").glob("*/prose.jinja")} <= packed


def test_settings_that_do_not_fit_are_told_with_their_file(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "__file__", str(tmp_path / "parts.py"))
    file = tmp_path / "interpolation" / "settings.toml"
    file.parent.mkdir()
    for content, message in {
        "points = 1\npairs = 2\nalphas = 2\nseed = 0": f"{file}: points must be at least 2, not 1",
        "point = 3\npairs = 2\nalphas = 2\nseed = 0": f"{file}: point: no such parameter; did you mean points?",
        "points = 3\npairs = 2\nseed = 0": f"{file}: alphas: missing",
    }.items():
        file.write_text(content)
        with pytest.raises(InputError) as error:
            parts.analyse("interpolation", make_context(), tmp_path)
        assert str(error.value) == message


def test_a_part_that_does_not_exist_is_told_with_those_that_do(tmp_path):
    with pytest.raises(InputError, match="no part interpolate; there are reconstruction, interpolation"):
        parts.analyse("interpolate", make_context(), tmp_path)


def test_sections_are_joined_in_order():
    figure, table = Figure("pictures/a.png", "A picture."), Table("A table.", ["a"], [[1]])
    first = Section("First", ["One."], {"a": 1}, [figure], [], ["Take more songs."])
    second = Section("Second", ["Two."], {"b": {"c": 2}}, [], [table])
    whole = Section("Both", ["One.", "Two."], {"a": 1, "b": {"c": 2}}, [figure], [table], ["Take more songs."])
    assert joined("Both", [first, second]) == whole


def test_metrics_of_the_same_name_are_no_section():
    sections = [Section("First", [], {"a": 1, "b": 2}), Section("Second", [], {"b": 2, "c": 3, "a": 1})]
    with pytest.raises(ValueError, match="Both: more than one section has the metrics a, b"):
        joined("Both", sections)


def test_a_section_is_read_as_it_was_written(tmp_path):
    figure = Figure("pictures/a.png", "A picture.", [Clip("a", "clips/a.mid", None)])
    section = Section("A", ["One."], {"a": 0.5}, [figure], [Table("A table.", ["a"], [[None]])], ["No sound."])
    write_section(tmp_path, section)
    assert read_section(tmp_path) == section


def test_correlations_of_rows_with_a_row():
    rows = np.array([[2.0, 4.0, 6.0, 8.0], [1.0, 2.0, 4.0, 3.0], [0.1, 0.1, 0.1, 0.1], [1.0, np.nan, 3.0, 4.0]])
    places = np.arange(4.0)
    assert correlation(places, rows).tolist() == pytest.approx([1, 0.8, 0, 0])
    assert correlation(places, rows**3)[0] == pytest.approx(832 / (5 * 152960) ** 0.5)  # of 8, 64, 216 and 512
    # ranks 1 2 4 3 against 1 2 3 4: 1 - 6 * 2 / (4 * 15)
    assert rank_correlation(places, rows**3).tolist() == pytest.approx([1, 0.8, 0, 0])
    assert np.isnan(rank_correlation(places, rows, constant=np.nan)).tolist() == [False, False, True, True]


def test_equal_values_share_their_ranks():
    # ranks 1 2.5 2.5 4 against 1 2 3 4: 4.5 / sqrt(4.5 * 5)
    assert rank_correlation(np.arange(4.0), np.array([0.0, 5.0, 5.0, 6.0])) == pytest.approx(0.9487, abs=1e-4)
