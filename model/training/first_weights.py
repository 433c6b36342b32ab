"""The weights that training starts from."""

import math
from collections.abc import Sequence
from typing import cast

from torch import nn

from model.autoencoder import Autoencoder
from model.config import ModelConfig
from model.networks.attention import AttentionDecoder, AttentionEncoder, Block

FIRST_VARIANCE = 0.01
"""Variance of the codes before training, as a share of the prior's mean square.

With more noise the decoders first learn to ignore the codes.
"""


def untrained(config: ModelConfig) -> Autoencoder:
    """Returns a model with random weights, which PyTorch's seed decides.

    Loading a model does without them: at the size of [P] they take seconds.
    """
    model = Autoencoder(config)
    model.apply(_initialise)
    nn.init.constant_(model.encoder.posterior.log_variance.bias, math.log(FIRST_VARIANCE))
    return model


def _initialise(module: nn.Module) -> None:
    """Sets the weights as Keras does, in which [P] was written: Glorot, orthogonal recurrences, open forget gates.

    With PyTorch's own initial weights, decoders take several times as long before their states depend on the codes.
    In the attention network blocks add nothing at first, the noise is the same for all windows, and the weights of the
    logits are large, without which rare states are learnt late. Modules come after those inside them.
    """
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, Block):
        nn.init.zeros_(module.mix_heads.weight)
        nn.init.zeros_(module.narrow.weight)
    elif isinstance(module, AttentionEncoder):
        nn.init.zeros_(module.posterior.log_variance.weight)
    elif isinstance(module, AttentionDecoder):
        for logits in cast("Sequence[nn.Linear]", module.states):
            nn.init.normal_(logits.weight, std=0.35)
    elif isinstance(module, nn.LSTM):
        for name, weight in module.named_parameters():
            gates = weight.data.chunk(4)  # input, forget, cell, output
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(weight)
            elif name.startswith("weight_hh"):
                for gate in gates:
                    nn.init.orthogonal_(gate)
            else:
                nn.init.zeros_(weight)
                if name.startswith("bias_ih"):
                    nn.init.ones_(gates[1])
