"""Whether codes can be moved to a purpose: along an attribute, toward a genre."""

from pathlib import Path

import torch

from analysis.control.attributes import attribute_section
from analysis.control.genres import genre_section
from analysis.control.setup import ControlConfig, draw
from analysis.shared.context import EvaluationContext
from analysis.shared.section import PICTURES, Section, joined

TITLE = "Control"


def analyse_control(context: EvaluationContext, config: ControlConfig, out: Path) -> Section:
    """Moves codes of validation windows along attributes and toward genres, and measures what comes of it."""
    if len(context.training) < 2 or len(context.validation) < 1:
        return Section(TITLE, [], {}, missing=["Control takes two training windows and one to move: take more songs."])
    generator = torch.Generator().manual_seed(config.seed)
    drawn = draw(context, config, generator)
    if bool((drawn.training_codes == drawn.training_codes[0]).all()):
        return Section(TITLE, [], {}, missing=["All windows have one code, so none leads elsewhere: train longer."])
    (out / PICTURES).mkdir()
    parts = [attribute_section(context, drawn, config, out), genre_section(context, drawn, config, generator, out)]
    return joined(TITLE, parts)
