"""DVC's commands in a fresh clone, on music whose tags are hostile."""

import json

import pytest
import yaml

from music.midi.writer import to_midi
from music.score import FOUR_FOUR, Score
from stages.report import SUMMARY
from tests.helpers.pages import Page
from tests.helpers.projects import ROOT, copy_project, output
from tests.helpers.scores import band, instrument

TAGS = ("rock</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "pop", "jazz")
TINY = {
    "train.updates": 12,
    "recipes.toml:demo.model.hidden_size": 8,
    "recipes.toml:demo.model.latent": 4,
    "corpus.shards": 2,
    "windows.bars": "[2]",
    "windows.split.validation": 0.5,
}


def song(number: int) -> Score:
    """A song of 10 bars; no bar is like any other bar of any song."""
    length = 2 + 2 * (number % 4)
    steps = range(0, 16 * 10, 8)
    guitar = [(step, step + length, 24 + number + 2 * (step // 16)) for step in steps]
    drums, bass, _, strings = band(10, pitch=36 + number).instruments
    return Score(480, FOUR_FOUR, (drums, bass, instrument(0, *guitar), strings))


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """A folder of music in which each genre has many songs."""
    folder = tmp_path_factory.mktemp("music")
    rows = ["path,artist,title,tags"]
    for number in range(48):
        (folder / f"{number}.mid").write_bytes(to_midi(song(number)))
        rows.append(f"{number}.mid,Artist {number},Title {number},{TAGS[number % 4]}")
    (folder / "tags.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def run(project, music, target=""):
    settings = " ".join(f"-S '{name}={value}'" for name, value in {"corpus.path": music, **TINY}.items())
    return output(project, f"dvc exp run {target} {settings}")


def test_one_stage_runs_in_a_fresh_clone(tmp_path, music):
    project = copy_project(tmp_path / "project")
    assert (project / "dvc.lock").exists()
    run(project, music, "corpus")
    assert output(project, "dvc exp list --name-only").strip()


@pytest.fixture(scope="module")
def finished(tmp_path_factory, music):
    """A clone in which first one target was run, then all."""
    project = copy_project(tmp_path_factory.mktemp("clone") / "project")
    run(project, music, "-n newcomer data_report")
    run(project, music, "-n all")
    return project


@pytest.mark.slow
def test_experiments_are_compared_by_few_metrics(finished):
    assert output(finished, "dvc exp list --name-only").split() == ["all", "newcomer"]
    metrics = json.loads((finished / "results/metrics.json").read_text())
    assert set(metrics) == set(SUMMARY)
    (shown, *_) = output(finished, "dvc exp show --csv").splitlines()
    assert [name for name in shown.split(",") if name in metrics] == list(metrics)


@pytest.mark.slow
def test_no_page_runs_what_a_tag_says(finished):
    output(finished, "dvc plots show --out plots")
    page = Page((finished / "plots/index.html").read_text(encoding="utf-8"))
    drawn = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    curves = list((finished / "results/training/plots/metrics").iterdir())
    libraries = 3
    assert len(page.scripts) == libraries + len(drawn) + len(curves)
    assert sum("vegaEmbed(" in script for script in page.scripts) == len(drawn) + len(curves)
    assert any(r"rock\u2039/script>" in script for script in page.scripts)
    assert "onerror" not in page.attributes
    output(finished, "python -m stages.compare all workspace --page comparison.html --table table.md")
    for name in ("results/report.html", "results/data-report.html", "comparison.html"):
        page = Page((finished / name).read_text(encoding="utf-8"))
        assert page.scripts == []
        assert "onerror" not in page.attributes
    assert TAGS[0] in Page((finished / "results/data-report.html").read_text(encoding="utf-8")).text
