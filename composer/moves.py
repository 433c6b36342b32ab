"""Moves of windows along a step in the latent space, of which only the difference is applied to the music."""

import torch
from torch import Tensor

from composer.editor import BATCH, Editor
from composer.part import Part
from model.editing.difference import decode_difference
from music.tokens import Tokens


@torch.no_grad()
def move(editor: Editor, part: Part, step: Tensor, faithfulness: float) -> Tokens:
    """Returns the windows of a part after all their codes moved by the same step; (latent,) -> (windows, 4, steps)."""
    moved = []
    windows, mask = torch.from_numpy(part.windows), torch.from_numpy(part.mask)
    for tokens, free in zip(windows.split(BATCH), mask.split(BATCH), strict=True):
        codes = editor.model.codes(tokens)
        before, after = (editor.model.decode(z, tokens).log_softmax(dim=-1) for z in (codes, codes + step))
        moved.append(torch.where(free, decode_difference(tokens, before, after, faithfulness), tokens))
    whole: Tokens = torch.cat(moved).numpy()
    return whole
