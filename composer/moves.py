"""Moves of windows along a step in the latent space, of which only the difference is applied to the music."""

import torch
from torch import Tensor

from composer.editor import BATCH, Editor
from composer.part import Part
from model.editing.difference import decode_difference, log_probabilities
from music.tokens import Tokens


@torch.no_grad()
def move(editor: Editor, part: Part, step: Tensor, faithfulness: float) -> Tokens:
    """Returns the windows of a part after all their codes moved by the same step; (latent,) -> (windows, 4, steps)."""
    moved = []
    windows, mask, allowed = (torch.from_numpy(array) for array in (part.windows, part.mask, part.allowed))
    for tokens, free, states in zip(*(torch.split(tensor, BATCH) for tensor in (windows, mask, allowed)), strict=True):
        codes = editor.model.codes(tokens)
        before, after = (
            log_probabilities(editor.model.decode(z, tokens), tokens, states) for z in (codes, codes + step)
        )
        moved.append(torch.where(free, decode_difference(tokens, before, after, faithfulness), tokens))
    whole: Tokens = torch.cat(moved).numpy()
    return whole
