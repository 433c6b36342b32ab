"""Editability: how much of a window stays when it is changed by what a user asks for."""

from pathlib import Path

import torch

from analysis.editability.attributes import attribute_section
from analysis.editability.config import EditabilityConfig
from analysis.editability.genres import genre_section
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.sample import take_sample
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Section, joined

TITLE = "Editability"
PROSE = Prose(__file__)


def analyse_editability(context: EvaluationContext, config: EditabilityConfig, out: Path) -> Section:
    """Edits validation windows by attributes and toward genres, and measures what came of it and what stayed."""
    if len(context.training) < 2 or len(context.validation) < 1:
        return Section(TITLE, [], {}, missing=[PROSE.text("too_few_windows")])
    generator = torch.Generator().manual_seed(config.seed)
    sample = take_sample(context, config, generator)
    if bool((sample.training_codes == sample.training_codes[0]).all()):
        return Section(TITLE, [], {}, missing=[PROSE.text("equal_codes")])
    (out / PICTURES).mkdir()
    songs = len(set(sample.windows.songs.tolist()))
    facts = {"windows": len(sample.windows), "songs": songs, "resamples": config.resamples}
    introduction = Section(
        TITLE,
        [PROSE.text("difference"), PROSE.text("intervals", **facts)],
        {},
        missing=[] if songs > 1 else [PROSE.text("one_song")],
    )
    edits = [attribute_section(context, sample, config, out), genre_section(context, sample, config, generator, out)]
    return joined(TITLE, [introduction, *edits])
