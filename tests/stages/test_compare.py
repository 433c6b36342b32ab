"""The page that compares runs, for results whose every number is known."""

import json
import re
import shutil
import subprocess
from contextlib import chdir
from itertools import pairwise
from types import SimpleNamespace

import pytest
from dvc.repo import Repo

from analysis.shared.section import Section
from music.errors import InputError
from stages.compare.__main__ import compare_metrics, main
from tests.helpers.pages import Page
from tests.helpers.results import write_results


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two runs on the same data."""
    root = tmp_path_factory.mktemp("compare")
    write_results(root / "a")
    write_results(root / "b", accuracy=0.5, seed=7)
    return root


def compare(root, *names, table=None):
    with chdir(root):
        main(list(names), root / "page.html", table)
    return (root / "page.html").read_text(encoding="utf-8")


def test_differences_have_the_sign_of_the_second_less_the_first(folders):
    rows = Page(compare(folders, "a", "b")).rows
    assert ["accuracy, drums", "0.750", "0.500", "-0.250 worse"] in rows
    assert ["accuracy, mean", "0.500", "0.500", "0.000"] in rows
    assert ["majority", "0.500", "0.250", "-0.250"] in rows  # neither better nor worse
    rows = Page(compare(folders, "b", "a")).rows
    assert ["accuracy, drums", "0.500", "0.750", "+0.250 better"] in rows


def test_metrics_have_the_direction_of_their_group_and_others_none():
    values = {"copies": 0.5, "two_sample_accuracy": 0.75, "two_sample": 1.0, "copies_kept": 2.0, "spread": 1.0}
    runs = [
        SimpleNamespace(description={"metrics": {}}, sections={"posterior": Section("", [], metrics)})
        for metrics in (values, {name: value + 1 for name, value in values.items()})
    ]
    compared = {metric.name: metric for metric in compare_metrics("posterior", runs)}
    assert {name: metric.direction for name, metric in compared.items()} == {
        "copies": -1, "two_sample_accuracy": -1, "two_sample": 0, "copies_kept": 0, "spread": 0,
    }  # fmt: skip
    assert compared["copies"].differences == [1.0]


def test_parameters_that_differ_are_shown_alone(folders):
    rows = Page(compare(folders, "a", "b")).rows
    assert ["training.seed", "0", "7"] in rows
    assert ["reconstruction.seed", "0", "7"] in rows
    assert not any(row[0] == "model.hidden_size" for row in rows if row)


def test_figures_and_music_of_both_stand_side_by_side_offline(folders):
    text = compare(folders, "a", "b")
    page = Page(text)
    assert page.tags.count("audio") == 2
    assert page.tags.count("img") == 2 + 1  # the curves in one picture
    assert not set(page.tags) & {"script", "link", "iframe"}
    assert "http" not in text.replace("http-equiv", "")
    assert all(address.startswith(("#", "data:")) for address in page.addresses)


def test_other_data_is_said_aloud_and_nothing_called_better(folders, tmp_path):
    write_results(tmp_path / "c", accuracy=0.5, digest="d2")
    assert "same windows." in compare(folders, "a", "b")
    page = Page(compare(folders, "a", str(tmp_path / "c")))
    assert "cannot be compared directly" in page.text
    assert ["accuracy, drums", "0.750", "0.500", "-0.250"] in page.rows


def test_table_1_has_a_column_a_run_beside_the_papers(folders, tmp_path):
    table = tmp_path / "table1.md"
    rows = Page(compare(folders, "a", "b", table=table)).rows
    (drums,) = (row for row in rows if row and row[0] == "1-bar drums")
    assert drums[1:3] == ["0.750 [0.625, 0.875]", "0.500 [0.375, 0.875]"]
    assert "| 1-bar drums | 0.750 [0.625, 0.875] | 0.500 [0.375, 0.875] |" in table.read_text()
    assert "| 16-bar drums | – | – | 0.773 |" in table.read_text()
    assert set(json.loads(table.with_suffix(".json").read_text())) == {"a", "b"}


def test_the_name_of_a_run_is_text_and_breaks_no_table(folders, tmp_path):
    table = tmp_path / "table1.md"
    shutil.copytree(folders / "b", folders / "_x|<b>")
    page = Page(compare(folders, "a", "_x|<b>", table=table))
    assert any("_x|<b>" in row for row in page.rows)
    assert "b" not in page.tags
    lines = table.read_text().splitlines()
    headers = [(above, line) for above, line in pairwise(lines) if line.startswith("| ---")]
    assert len(headers) == 2
    assert all(len(re.findall(r"(?<!\\)\|", above)) == line.count("|") for above, line in headers)


def test_three_runs_and_one_that_lacks_a_part(folders, tmp_path):
    shutil.copytree(folders / "b", tmp_path / "c")
    shutil.rmtree(tmp_path / "c/reconstruction")
    page = Page(compare(folders, "a", "b", str(tmp_path / "c")))
    assert ["accuracy, drums", "0.750", "0.500", "-0.250 worse", "–", "–"] in page.rows
    assert f"{tmp_path / 'c'}: this part of the analysis is missing." in page.text
    assert "Has no such figure." in page.text


@pytest.fixture(scope="module")
def project(folders, tmp_path_factory):
    """A repository with a run in its last commit, and another in its workspace."""
    root = tmp_path_factory.mktemp("project")
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], cwd=root, check=True)
    with chdir(root):
        repo = Repo.init()
        lay_out(folders / "a", root)
        repo.add(["models/musae", "results/reconstruction", "results/interpolation"])
        repo.close()
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", "a"], check=True)
        lay_out(folders / "b", root)
    return root


def lay_out(folder, root):
    """Puts the files of a run where DVC's stages write them."""
    shutil.copytree(folder, root / "results", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.csv", "m*.json"))
    (root / "models/musae").mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "model.json", root / "models/musae")
    metrics = root / "results/training/plots/metrics"
    metrics.mkdir(parents=True, exist_ok=True)
    (metrics / "loss.tsv").write_text("step\tloss\n1\t3.5\n")
    (root / "params.yaml").write_text(f"train: {{prior: {'flower' if folder.name == 'a' else 'gaussian'}}}")


def test_a_revision_is_compared_with_the_workspace(project):
    page = Page(compare(project, "HEAD", "workspace"))
    assert ["accuracy, drums", "0.750", "0.500", "-0.250 worse"] in page.rows
    assert ["train.prior", "flower", "gaussian"] in page.rows
    assert page.tags.count("img") == 3
    assert page.tags.count("audio") == 2


def test_a_run_that_is_not_there_is_one_line(project, folders, tmp_path):
    with pytest.raises(InputError, match="nosuch: no folder and no revision of this name; see dvc exp show"):
        compare(project, "workspace", "nosuch")
    with pytest.raises(InputError, match="HEAD: no such folder; for a revision, run in the project's folder"):
        compare(folders, "a", "HEAD")
    with pytest.raises(InputError, match="takes two runs"):
        compare(folders, "a")
    bare = shutil.copytree(project, tmp_path / "bare")
    shutil.rmtree(bare / ".dvc/cache")
    with pytest.raises(InputError, match=r"HEAD: models/musae/model\.json is not in DVC's cache; dvc fetch"):
        compare(bare, "workspace", "HEAD")
