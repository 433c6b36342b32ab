import pkgutil
import re
import tomllib
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml

import analysis
from music.errors import InputError
from music.midi.writer import to_midi
from music.settings import Seed, Settings
from stages.shared import command, settings
from stages.shared.command import atomic_directory
from stages.shared.settings import read_settings, read_value
from tests.helpers.scores import band

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Shape:
    sides: int
    ratio: float
    span: tuple[int, int]

    def __post_init__(self) -> None:
        if self.sides < 3:
            raise ValueError("sides must be at least 3")


def read(tmp_path: Path, text: str) -> Shape:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return read_settings(Shape, path, "shape")


def test_a_section_is_read_with_its_types(tmp_path):
    assert read(tmp_path, "shape: {sides: 4, ratio: 1e-4, span: [-5, 6]}") == Shape(4, 0.0001, (-5, 6))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shape: {side: 4, ratio: 1, span: [0, 1]}", "shape.side: no such parameter; did you mean sides?"),
        ("shape: {sides: 2, ratio: 1, span: [0, 1]}", "shape: sides must be at least 3"),
        ("shape: {sides: four, ratio: 1, span: [0, 1]}", "shape.sides must be a whole number, not 'four'"),
        ("shape: {sides: 4, ratio: 1, span: [0, 1, 2]}", "shape.span"),
        ("shape: {sides: 4, ratio: 1}", "shape.span: "),
        ("3", "no names and values"),
        ("shapes: {}", "shape: no such parameter; did you mean shapes?"),
        ("shape: 3", "shape must be a section"),
        ("shape: {sides: 4", "correct it"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path, text, message):
    with pytest.raises(InputError, match=re.escape(message)) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'params.yaml'}: ")
    assert "\n" not in str(error.value)


def test_one_value_is_read_and_checked(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("shape: {sides: [3, 4]}")
    assert read_value(list[int], path, "shape", "sides") == [3, 4]
    with pytest.raises(InputError, match=r"params\.yaml: shape\.side: no such parameter; did you mean sides"):
        read_value(list[int], path, "shape", "side")
    path.write_text("shape: {sides: [3, four]}")
    with pytest.raises(InputError, match=r"params\.yaml: shape\.sides\.1 must be a whole number"):
        read_value(list[int], path, "shape", "sides")


@dataclass(frozen=True)
class Drawing:
    shape: Shape


def test_a_misspelt_name_in_a_section_of_a_section_is_named(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("drawing: {shape: {sides: 4, ratio: 1, span: [0, 1], ration: 2}}")
    with pytest.raises(InputError, match=r"drawing\.shape\.ration: no such parameter; did you mean ratio"):
        read_settings(Drawing, path, "drawing")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml"):
        read_settings(Shape, tmp_path / "none.yaml")


def test_the_projects_own_settings_are_valid(monkeypatch):
    from model.config import RunConfig
    from pipelines.beam.runners import BeamConfig
    from pipelines.corpus.demo.corpus import DemoConfig
    from pipelines.corpus.write import CorpusConfig
    from pipelines.genres import GenresConfig
    from pipelines.songs import SongsConfig
    from pipelines.windows import WindowsConfig

    monkeypatch.chdir(ROOT)
    for name, kind in {
        "demo": DemoConfig,
        "corpus": CorpusConfig,
        "songs": SongsConfig,
        "genres": GenresConfig,
        "windows": WindowsConfig,
        "train": RunConfig,
    }.items():
        read_settings(kind, settings.PARAMS, name)
    read_settings(BeamConfig, settings.BEAM)


def test_every_seed_has_the_range_that_all_generators_accept():
    parts = [module.name for module in pkgutil.walk_packages(analysis.__path__, "analysis.") if "__" not in module.name]
    for module in (*parts, "model.config", "pipelines.corpus.demo.corpus", "pipelines.windows"):
        import_module(module)
    kinds = {kind.__name__: get_type_hints(kind, include_extras=True) for kind in Settings.__subclasses__()}
    seeds = {name: hints["seed"] for name, hints in kinds.items() if "seed" in hints}
    assert {"DemoConfig", "WindowsConfig", "SplitConfig", "RunConfig", "SeparabilityConfig"} < set(seeds)
    assert set(seeds.values()) == {Seed}


def test_the_projects_own_recipes_are_valid(monkeypatch):
    from model.config import RunConfig
    from model.recipes import RECIPES, read_recipe

    monkeypatch.chdir(ROOT)
    config = read_settings(RunConfig, settings.PARAMS, "train")
    names = tomllib.loads(RECIPES.read_text())
    assert {"demo", "paper"} < set(names)
    for recipe in names:
        model, training = read_recipe(replace(config, recipe=recipe), bars=16, genres=32)
        assert (model.bars, training.seed) == (16, config.seed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("batch = 32", "batch = 32.0"), "recipes.toml: demo.batch must be a whole number, not 32.0"),
        (
            ("hidden_size = 128", "hidden = 128"),
            "recipes.toml: demo.hidden: no such parameter; did you mean hidden_size?",
        ),
        (("free_bits = 48\n", ""), "recipes.toml: demo.free_bits: missing"),
        (("batch = 32", "batch = 0"), "recipes.toml: demo: batch must be at least 1"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named(tmp_path, monkeypatch, change, message):
    from model.config import RunConfig
    from model.recipes import RECIPES, read_recipe

    config = read_settings(RunConfig, ROOT / settings.PARAMS, "train")
    (tmp_path / RECIPES).write_text((ROOT / RECIPES).read_text().replace(*change, 1))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=re.escape(message)):
        read_recipe(config, bars=2, genres=32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"regulariser": "kl"}, "params.yaml: train: the KL divergence needs the gaussian prior"),
        ({"tracks": ["bass", "drums"]}, "params.yaml: train: tracks must be some of drums, bass, guitar, strings"),
        ({"seed": 10**23}, "params.yaml: train: seed must be from 0 to 4294967295, not 1000"),
    ],
)
def test_what_is_wrong_in_training_is_named_where_it_stands(tmp_path, change, message):
    from model.config import RunConfig

    params = yaml.safe_load((ROOT / settings.PARAMS).read_text())
    file = tmp_path / settings.PARAMS
    file.write_text(yaml.safe_dump({"train": params["train"] | change}))
    with pytest.raises(InputError, match=re.escape(message)):
        read_settings(RunConfig, file, "train")


def test_songs_without_tags_need_another_prior_and_the_message_says_which(monkeypatch):
    from model.config import RunConfig
    from model.recipes import read_recipe

    monkeypatch.chdir(ROOT)
    config = read_settings(RunConfig, settings.PARAMS, "train")
    with pytest.raises(
        InputError, match=r"no tags: take prior gaussian \(train\.prior=gaussian\), .*tags\.csv"
    ) as error:
        read_recipe(config, bars=2, genres=0)
    assert "recipes.toml" not in str(error.value)
    model, _ = read_recipe(replace(config, prior="gaussian"), bars=2, genres=0)
    assert model.genres == 0


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_output_appears_whole_and_replaces_the_old(tmp_path):
    out = tmp_path / "deep" / "out"
    for text in ("old", "new"):
        with atomic_directory(out) as partial:
            (partial / text).write_text(text)
            assert files(out) == {"old": "old"} if text == "new" else not out.exists()
    assert files(out) == {"new": "new"}
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def fail_halfway(out: Path) -> None:
    with atomic_directory(out) as partial:
        (partial / "half").write_text("")
        raise InputError("no")


def test_an_error_leaves_the_old_output(tmp_path):
    out = tmp_path / "out"
    with atomic_directory(out) as partial:
        (partial / "old").write_text("old")
    with pytest.raises(InputError):
        fail_halfway(out)
    assert files(out) == {"old": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_old_output_that_a_killed_run_had_moved_away_comes_back(tmp_path):
    old = tmp_path / ".out.old.partial"
    old.mkdir()
    (old / "old").write_text("old")
    with pytest.raises(InputError):
        fail_halfway(tmp_path / "out")
    assert files(tmp_path / "out") == {"old": "old"}


def test_input_errors_are_one_line_and_exit_code_one(capsys, monkeypatch):
    def main() -> None:
        raise InputError("file: what to do")

    monkeypatch.setattr("sys.argv", ["stage"])
    with pytest.raises(SystemExit) as stop:
        command.run(main)
    assert stop.value.code == "error: file: what to do"  # Python prints it and exits with 1


def test_stage_windows_says_that_a_song_was_moved(tmp_path, monkeypatch, capsys):
    from stages import windows
    from tests.helpers.pipelines import make

    for number in range(2):  # by their hashes, both songs are for training
        (tmp_path / "music").mkdir(exist_ok=True)
        (tmp_path / f"music/{number}.mid").write_bytes(to_midi(band(bars=3, pitch=50 + number)))
    made = make(tmp_path / "music", tmp_path / "made")
    params = yaml.safe_load((ROOT / settings.PARAMS).read_text())
    (tmp_path / settings.PARAMS).write_text(yaml.safe_dump({"windows": params["windows"] | {"bars": [2]}}))
    (tmp_path / settings.BEAM).write_text(yaml.safe_dump({"runner": "FnApiRunner", "workers": 1}))
    monkeypatch.chdir(tmp_path)
    (made / "genres/genres.json").parent.mkdir()
    (made / "genres.json").rename(made / "genres/genres.json")
    windows.main(f"{made}/songs", f"{made}/genres", f"{tmp_path}/windows", tmp_path / "windows.json")
    assert capsys.readouterr().out.splitlines() == [
        "2 bars: 1 training and 1 validation windows",
        "2 bars: all windows were on one side of windows.split, so one song was moved to the other",
    ]
