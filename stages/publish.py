"""A trained model and its windows -> a folder to publish: the model as `musae` takes it, with a model card.

    python -m stages.publish MODEL WINDOWS OUT --data data.md --made-by "python -m model ..."

The card, README.md, has the form of Hugging Face's: YAML, then Markdown. Its figures are those of the compact copy that
is published, over all validation windows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import torch
from typer import Argument, Option

from analysis.posterior.codes import SAMPLES, VALIDATION
from analysis.posterior.copies import NearestWindows, nearest
from analysis.shared.context import EvaluationContext, read_context
from analysis.shared.sampling import random_subset
from model.data import WindowSet
from model.digests import read_digests
from model.evaluation import MEASURES, by_track, column_names, evaluate
from model.latent import sample_windows
from music.errors import InputError
from stages.pages.render import write_page
from stages.shared.command import atomic_directory, run
from stages.shared.scaled import write_scaled

CARD = "README.md"
COMPARED = 128
"""The number of samples, and of validation windows, that are compared with all training windows."""
SEED = 0


def main(
    model: Annotated[Path, Argument(help="a trained model")],
    windows: Annotated[Path, Argument(help="the windows that it was trained on")],
    out: Annotated[Path, Argument(help="the folder to write")],
    data: Annotated[Path, Option(help="a text for the card: what the music is, and who has rights to it")],
    made_by: Annotated[str, Option(help="for the card: the command that trained the model")],
    cpu_threads: Annotated[int, Option()] = 1,
) -> None:
    """Writes a compact copy of a model, its scales and its card."""
    about = _read(data)
    context = read_context(model, windows, cpu_threads)
    with atomic_directory(out) as partial:
        copy = write_scaled(context, partial)
        config = copy.description.model
        write_page(
            partial / CARD,
            "model_card.md",
            name=out.name,
            model=config,
            training=copy.description.training,
            versions=copy.description.versions,
            context=copy,
            songs={"training": _songs(copy.training), "validation": _songs(copy.validation)},
            weights=sum(weight.numel() for weight in copy.model.parameters()),
            columns=column_names(config.tracks),
            measures=by_track(evaluate(copy.model, copy.training, copy.validation), config.tracks),
            definitions=MEASURES,
            copies=_copies(copy),
            about=about,
            made_by=made_by,
            files=_files(partial),
        )


def _read(data: Path) -> str:
    try:
        return data.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{data}: {error}; give a text file about the music that the model learnt from") from error


def _songs(windows: WindowSet) -> int:
    return len(torch.unique(windows.songs))


def _copies(context: EvaluationContext) -> Mapping[str, NearestWindows]:
    """Compares samples of the prior, and validation windows beside them, with all training windows."""
    samples = sample_windows(context.model, context.model.config.genres, COMPARED, SEED).cpu()
    real = random_subset(context.validation, COMPARED, torch.Generator().manual_seed(SEED)).tokens
    kinds = {SAMPLES: samples, VALIDATION: real}
    return {name: nearest(tokens, context.training.tokens, context.device) for name, tokens in kinds.items()}


def _files(folder: Path) -> list[tuple[str, int, str]]:
    """Returns name, bytes and SHA-256 of each file of the model."""
    return [(name, (folder / name).stat().st_size, digest) for name, digest in read_digests(folder).items()]


if __name__ == "__main__":
    run(main)
