"""Trained and analysed models, as their results lie on disk."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from analysis.parts import PARTS
from analysis.shared.section import SECTION, Section, read_section
from model.checkpoint import DESCRIPTION
from music.errors import InputError
from music.json_files import read_json
from stages.pages.curves import Curve, read_curves


@dataclass(frozen=True)
class Run:
    """A trained model, and what the analysis says about it."""

    name: str
    results: Path
    """With a folder a part of the analysis."""
    sections: dict[str, Section]
    """By part, in the order of the report; those that were made."""
    description: dict[str, Any]
    """The checkpoint's, as it stands in its file: older versions' too."""
    windows: dict[str, Any]
    """Their manifest, where it is at hand."""
    params: dict[str, Any]
    """params.yaml, of runs made with DVC."""
    curves: dict[str, Curve]


def read_run(name: str, results: Path, model: Path, windows: Path | None, params: Path | None) -> Run:
    """Reads what a run left: its results, the folders of its checkpoint and windows, its params.yaml.

    Raises `InputError`, also for a model that was trained on other windows.
    """
    description = read_json(model / DESCRIPTION, "give the folder of the trained model, or a copy of this file")
    for part in ("model", "training", "data", "metrics", "versions"):
        if part not in description:
            raise InputError(f"{model / DESCRIPTION}: no {part} in it, so it describes no model; train again")
    data = read_json(windows / "manifest.json", "give the folder of the windows") if windows else {}
    if windows and data["digest"] != description["data"]["digest"]:
        raise InputError(f"{model} was trained on other windows than {windows}; give the ones that it was trained on")
    sections = {part: _read_section(results / part) for part in PARTS if (results / part / SECTION).exists()}
    settings = yaml.safe_load(params.read_text(encoding="utf-8")) if params else {}
    return Run(name, results, sections, description, data, settings, read_curves(model) or read_curves(results))


def _read_section(folder: Path) -> Section:
    try:
        return read_section(folder)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / SECTION}: not of this version ({error}); make that part again") from error


def parameters(run: Run) -> dict[str, dict[str, Any]]:
    """Every parameter by its full name, under the file that has it."""
    described = {name: run.description[name] for name in ("model", "training")}
    settings = {part: section.settings for part, section in run.sections.items()}
    files = {"model.json": described, "params.yaml": run.params, "analysis/<part>/settings.toml": settings}
    return {file: dict(flatten(values)) for file, values in files.items()}


def environment(run: Run) -> dict[str, str]:
    """Of the training; of the analysis, parts of which may have run in different places."""
    analysed: dict[str, dict[str, None]] = {}
    for section in run.sections.values():
        for name, value in section.environment.items():
            analysed.setdefault(f"analysis: {name}", {})[value] = None
    trained = {f"training: {name}": value for name, value in run.description["versions"].items()}
    return trained | {name: ", ".join(values) for name, values in analysed.items()}


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested dictionaries, their names joined by dots."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
