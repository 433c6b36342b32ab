"""Control of the music by its codes: what moves along an attribute, or toward a genre, change."""

from pathlib import Path

import torch

from analysis.control.attributes import attribute_section
from analysis.control.config import ControlConfig
from analysis.control.genres import genre_section
from analysis.shared.context import EvaluationContext
from analysis.shared.moves.sample import take_sample
from analysis.shared.prose import Prose
from analysis.shared.section import PICTURES, Section, joined

TITLE = "Control"
PROSE = Prose(__file__)


def analyse_control(context: EvaluationContext, config: ControlConfig, out: Path) -> Section:
    """Moves codes of validation windows along attributes and toward genres, and measures the decoded music."""
    if len(context.training) < 2 or len(context.validation) < 1:
        return Section(TITLE, [], {}, missing=[PROSE.text("too_few_windows")])
    generator = torch.Generator().manual_seed(config.seed)
    sample = take_sample(context, config, generator)
    if bool((sample.training_codes == sample.training_codes[0]).all()):
        return Section(TITLE, [], {}, missing=[PROSE.text("equal_codes")])
    (out / PICTURES).mkdir()
    songs = len(set(sample.windows.songs.tolist()))
    intervals = Section(
        TITLE,
        [PROSE.text("intervals", windows=len(sample.windows), songs=songs, resamples=config.resamples)],
        {},
        missing=[] if songs > 1 else [PROSE.text("one_song")],
    )
    moves = [attribute_section(context, sample, config, out), genre_section(context, sample, config, generator, out)]
    return joined(TITLE, [intervals, *moves])
