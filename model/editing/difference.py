"""Difference decoding: what a move of the code changes in the music, and nothing that the decoder merely gets wrong.

A decoder that is given the code of a window returns the window with errors. Decoding a moved code would write those
errors into the music as well, so only the *difference* that the move makes to the decoder is applied.
"""

import math

import torch
from torch import Tensor

FAITHFULNESS = 1.0
"""The head start of a window's own states, in nats."""
PLAUSIBILITY = 0.5
"""The least probability of a new state, as a share of the likeliest's; of .1, .5 and 1 it kept most at equal change."""


def log_probabilities(logits: Tensor, tokens: Tensor, allowed: Tensor | None) -> Tensor:
    """Returns the log probabilities of the states, given that each is the window's own or an allowed one.

    logits: (..., steps, 130); tokens: (..., steps) uint8; allowed: bool, of the logits' shape or one that broadcasts to
    it; by default all states are.
    """
    if allowed is not None:
        allowed = allowed.expand(logits.shape).scatter(-1, tokens.long()[..., None], True)
        logits = logits.masked_fill(~allowed, -torch.inf)
    return logits.log_softmax(dim=-1)


def decode_difference(
    tokens: Tensor,
    before: Tensor,
    after: Tensor,
    faithfulness: float = FAITHFULNESS,
    plausibility: float = PLAUSIBILITY,
) -> Tensor:
    """Returns the states that the move of a code from `before` to `after` gives a window; (..., steps) uint8.

    Of the window's own state and of the states that are likely after the move, each step takes the one whose log
    probability rises most, where the own state has a head start of `faithfulness` nats: .5 is bold, 2 shy. Likely are
    those with at least `plausibility` times the probability of the likeliest: the bound of contrastive decoding
    (Li et al., arXiv 2210.15097, where it is .1), without which improbable states win. With `after` equal to `before`
    and a positive faithfulness this is the window itself.

    tokens: (..., steps) uint8; before, after: the decoder's log probabilities of all states given the window's code and
    given the moved one, (..., steps, 130).
    """
    own = tokens.long()[..., None]
    rise = after - before
    likely = after >= after.amax(dim=-1, keepdim=True) + math.log(plausibility)
    scores = rise.masked_fill(~likely, -torch.inf)
    scores = scores.scatter(-1, own, rise.gather(-1, own) + faithfulness)
    return scores.argmax(dim=-1).to(torch.uint8)
