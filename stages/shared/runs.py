"""Reads trained and analysed models from their results on disk."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from analysis.parts import PARTS
from analysis.shared.section import SECTION, Section, read_section
from model.checkpoint import DESCRIPTION
from model.config import ModelConfig
from music.errors import InputError
from music.json_files import read_json
from stages.pages.curves import Curve, read_curves

INTERVAL_ENDS = "_low", "_high"
"""What the names of the ends of a metric's 95% interval end in: gain_low and gain_high are those of gain."""
TRAINING = "training"
"""The name of the training's metrics, beside the names of the parts of the analysis."""


@dataclass(frozen=True)
class Run:
    """A trained model, and what the analysis found about it."""

    name: str
    results: Path
    """The folder that has a folder for each part of the analysis."""
    sections: dict[str, Section]
    """The sections that were made, by part, in the order of the report."""
    description: dict[str, Any]
    """The description of the model that its checkpoint has."""
    windows: dict[str, Any]
    """The manifest of the windows; empty if their folder was not given."""
    params: dict[str, Any]
    """The content of params.yaml; empty for a run made without DVC."""
    curves: dict[str, Curve]


def read_run(name: str, results: Path, model: Path, windows: Path | None, params: Path | None) -> Run:
    """Reads what a run wrote: its results, the folders of its checkpoint and of its windows, and its params.yaml.

    Raises `InputError`, also for a model that was trained on other windows.
    """
    description = _read_description(model / DESCRIPTION)
    manifest = read_json(windows / "manifest.json", "give the folder of the windows") if windows else {}
    if windows and manifest["digest"] != description["data"]["digest"]:
        raise InputError(f"{model} was trained on other windows than {windows}; give the ones that it was trained on")
    sections = {part: _read_section(results / part) for part in PARTS if (results / part / SECTION).exists()}
    settings = yaml.safe_load(params.read_text(encoding="utf-8")) if params else {}
    return Run(name, results, sections, description, manifest, settings, read_curves(model) or read_curves(results))


def _read_description(file: Path) -> dict[str, Any]:
    description: dict[str, Any] = read_json(file, "give the folder of the trained model, or a copy of this file")
    for part in ("model", "training", "data", "metrics", "versions"):
        if part not in description:
            raise InputError(f"{file}: no {part} in it, so it describes no model; train again")
    for field in fields(ModelConfig):
        if field.name not in description["model"]:
            raise InputError(f"{file}: no {field.name} in it, so its model is of another version; train again")
    return description


def _read_section(folder: Path) -> Section:
    try:
        return read_section(folder)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / SECTION}: not of this version ({error}); make that part again") from error


def collect_metrics(run: Run) -> dict[str, dict[str, Any]]:
    """Returns the metrics of the training and of each part of the analysis, by `TRAINING` or the name of the part."""
    return {TRAINING: run.description["metrics"]} | {part: section.metrics for part, section in run.sections.items()}


def parameters(run: Run) -> dict[str, dict[str, Any]]:
    """Returns every parameter by its full name, for each file that has parameters."""
    described = {name: run.description[name] for name in ("model", "training")}
    settings = {part: section.settings for part, section in run.sections.items()}
    files = {"model.json": described, "params.yaml": run.params, "analysis/<part>/settings.toml": settings}
    return {file: dict(flatten(values)) for file, values in files.items()}


def environment(run: Run) -> dict[str, str]:
    """Returns hardware and software of the training and of the analysis, whose parts may have run in several places."""
    analysed: dict[str, dict[str, None]] = {}
    for section in run.sections.values():
        for name, value in section.environment.items():
            analysed.setdefault(f"analysis: {name}", {})[value] = None
    trained = {f"training: {name}": value for name, value in run.description["versions"].items()}
    return trained | {name: ", ".join(values) for name, values in analysed.items()}


def is_interval_end(name: str, metrics: Collection[str]) -> bool:
    """Whether the metric is an end of the 95% interval of another one."""
    return any(name.endswith(end) and name.removesuffix(end) in metrics for end in INTERVAL_ENDS)


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the innermost values of nested dictionaries, with their names joined by dots."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
