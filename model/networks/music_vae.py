"""The peers: the decoders of MusicVAE, flat and hierarchical, and what its loss has beside cross entropy [V].

[V] is Roberts et al., "A Hierarchical Latent Vector Model for Learning Long-Term Structure in Music"
(arXiv 1803.05428), and [C] its published code, magenta/models/music_vae. Both decoders are autoregressive LSTMs whose
first hidden and cell states are tanh of one linear map of a code, and which see that code beside the states of the
step before at every step. Where we differ: the one-hot states pass through an embedding, as in the encoder (the same
functions), and the first step is fed an embedding of its own where [C] feeds zeros.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.networks.lstm import LSTM, State
from model.training.workers import ALONE, Workers
from music.tokens import STATES, STEPS_PER_BAR

START = STATES
"""Stands before the first state of a window."""


@dataclass(frozen=True)
class Sampling:
    """Scheduled sampling: how often, for each window and step, an own state is fed, and the random numbers for it."""

    chance: float
    generator: torch.Generator
    workers: Workers = ALONE

    def uniform(self, windows: int, *shape: int) -> Tensor:
        """(windows, *shape) from 0 to 1: this process's part of those of the whole batch."""
        whole = windows * self.workers.count
        drawn = torch.rand(whole, *shape, generator=self.generator, device=self.generator.device)
        return self.workers.part(drawn)


class FirstState(nn.Module):
    """A code -> the first hidden and cell states of LSTM layers."""

    def __init__(self, code: int, config: ModelConfig) -> None:
        super().__init__()
        self.layers, self.units = config.layers, config.hidden_size
        self.linear = nn.Linear(code, 2 * self.layers * self.units)

    def forward(self, code: Tensor) -> State:
        """code: (batch, code) -> hidden and cell states, (layers, batch, units) each."""
        states = self.linear(code).tanh().view(len(code), 2, self.layers, self.units)
        hidden, cell = states.permute(1, 2, 0, 3).contiguous()
        return hidden, cell


class Predictor(nn.Module):
    """LSTM layers that predict the states of some tracks from those of the step before and a code."""

    def __init__(self, config: ModelConfig, tracks: int, code: int) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(tracks * (STATES + 1), config.hidden_size, mode="sum")
        self.first_state = FirstState(code, config)
        self.lstm = LSTM(config.hidden_size + code, config.hidden_size, config.layers)
        self.states = nn.Linear(config.hidden_size, tracks * STATES)
        self.first_row: Tensor
        self.register_buffer("first_row", (STATES + 1) * torch.arange(tracks), persistent=False)

    def forward(self, previous: Tensor, code: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """previous: (batch, tracks, steps) states, code: (batch, code) -> logits, (batch, tracks, steps, 130), state.

        state: what the step before returned; none at the first.
        """
        batch, tracks, steps = previous.shape
        rows = previous.long().transpose(1, 2) + self.first_row  # (batch, steps, tracks)
        embedded = self.embedding(rows.reshape(-1, tracks)).view(batch, steps, -1)  # (batch, steps, units)
        x = torch.cat([embedded, code[:, None].expand(-1, steps, -1)], dim=-1)
        output, state = self.lstm(x, state or self.first_state(code))
        return self.states(output).view(batch, steps, tracks, STATES).transpose(1, 2), state


class AutoregressiveDecoder(nn.Module):
    """What both decoders share: predictors that start anew in each segment of a window, from the segment's code."""

    def __init__(self, config: ModelConfig, predictors: int, code: int) -> None:
        super().__init__()
        self.tracks, self.steps = len(config.tracks), STEPS_PER_BAR * config.bars
        self.predictors = nn.ModuleList(Predictor(config, self.tracks // predictors, code) for _ in range(predictors))

    def codes(self, z: Tensor) -> Tensor:
        """z: (batch, latent) -> one code a segment, (batch, segments, code)."""
        raise NotImplementedError

    def forward(self, z: Tensor, tokens: Tensor, sampling: Sampling | None = None) -> Tensor:
        """z: (batch, latent), tokens: (batch, tracks, steps) uint8 -> logits, (batch, tracks, steps, 130).

        Each step is fed the tokens of the step before or, with sampling, states drawn from the decoder's own logits
        there. [C] feeds the true state at each bar line of its hierarchical decoder even then; here a chance of 1 sees
        no token at all.
        """
        if sampling is None:
            return self._teacher_forced(z, tokens)
        owns = sampling.uniform(len(z), self.steps) < sampling.chance

        def feed(step: int, logits: Tensor) -> Tensor:
            drawn = draw_states(logits, sampling.uniform(*logits.shape))
            return torch.where(owns[:, step, None], drawn, tokens[..., step].long())

        return self._step_by_step(z, feed)

    @torch.no_grad()
    def tokens(self, z: Tensor) -> Tensor:
        """Free-running, the likeliest states fed back; z: (batch, latent) -> (batch, tracks, steps) uint8."""
        return self._step_by_step(z, lambda _, logits: logits.argmax(dim=-1)).argmax(dim=-1).to(torch.uint8)

    def _teacher_forced(self, z: Tensor, tokens: Tensor) -> Tensor:
        """All segments at once, as one batch: no state crosses from one to the next."""
        codes = self.codes(z)
        batch, segments, _ = codes.shape
        previous = nn.functional.pad(tokens[..., :-1], (1, 0), value=START)
        previous = previous.view(batch, self.tracks, segments, -1).transpose(1, 2).flatten(0, 1)
        parts = previous.chunk(len(self.predictors), dim=1)
        code = codes.flatten(0, 1)  # (batch * segments, code)
        logits = [predictor(part, code)[0] for predictor, part in zip(self.predictors, parts, strict=True)]
        joined = torch.cat(logits, dim=1).view(batch, segments, self.tracks, -1, STATES)
        return joined.transpose(1, 2).flatten(2, 3)

    def _step_by_step(self, z: Tensor, feed: Callable[[int, Tensor], Tensor]) -> Tensor:
        """feed: step and its logits, (batch, tracks, 130) -> the states that the next step sees, (batch, tracks)."""
        codes = self.codes(z)
        length = self.steps // codes.shape[1]
        previous = torch.full((len(z), self.tracks), START, device=z.device)
        logits: list[Tensor] = []
        for segment, code in enumerate(codes.unbind(dim=1)):
            states: list[State | None] = [None] * len(self.predictors)
            for step in range(segment * length, (segment + 1) * length):
                parts = previous[..., None].chunk(len(self.predictors), dim=1)
                predicted = [
                    predictor(part, code, state)
                    for predictor, part, state in zip(self.predictors, parts, states, strict=True)
                ]
                states = [state for _, state in predicted]
                logits.append(torch.cat([part for part, _ in predicted], dim=1))  # (batch, tracks, 1, 130)
                previous = feed(step, logits[-1].squeeze(2))
        return torch.cat(logits, dim=2)


class FlatDecoder(AutoregressiveDecoder):
    """One LSTM over the whole window for all tracks, with a softmax a track; the baseline of [V], flat-trio in [C]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, predictors=1, code=config.latent)

    def codes(self, z: Tensor) -> Tensor:
        """Z itself, for the one segment that is the window."""
        return z[:, None]


class HierarchicalDecoder(AutoregressiveDecoder):
    """A conductor writes a code for each bar, from which one LSTM a track writes its states; [V] section 3.2.

    The conductor sees nothing but its own state, which starts from z. At each bar line the states of the decoders start
    anew from the conductor's code, while the state of the step before is still seen. A track's decoder sees that track
    alone: what the tracks have in common must come from the conductor. All this is hierdec-trio of [C]. So is a code
    that is the conductor's last hidden layer; [V] reports 512 dimensions for 1,024 units, but [C] has no such map.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, predictors=len(config.tracks), code=config.hidden_size)
        self.bars = config.bars
        self.first_state = FirstState(config.latent, config)
        self.conductor = LSTM(1, config.hidden_size, config.layers)  # an LSTM must have an input: zero

    def codes(self, z: Tensor) -> Tensor:
        """One code a bar, (batch, bars, units)."""
        codes: Tensor
        codes, _ = self.conductor(z.new_zeros(len(z), self.bars, 1), self.first_state(z))
        return codes


def draw_states(logits: Tensor, uniform: Tensor) -> Tensor:
    """Draws from softmax(logits), (..., 130) -> (...), with as many numbers from 0 to 1.

    The Gumbel trick: unlike `torch.multinomial` it doesn't make the host wait for the device at every step.
    """
    return (logits - (-uniform.log()).log()).argmax(dim=-1)


def free_bits_kl(mean: Tensor, log_variance: Tensor, free_bits: float) -> Tensor:
    """Mean over the batch of what KL(q(z|x) || N(0, I)) has above so many bits, in nats [C].

    mean, log_variance: (batch, latent). The bits are those of a whole code, not of each dimension.
    """
    divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=-1)
    return (divergence - free_bits * math.log(2)).clamp(min=0).mean()
