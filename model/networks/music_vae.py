"""The decoders of MusicVAE, flat and hierarchical [V].

[C] is their published code, magenta/models/music_vae. Both decoders are autoregressive LSTMs whose first hidden and
cell states are tanh of one linear map of a code, and which at every step see that code and the states of the step
before. They differ from [C] in two ways: the one-hot states pass through an embedding, as in the encoder, which can
express the same functions; and the first step is fed an embedding of its own where [C] feeds zeros.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.networks.lstm import LSTM, State
from music.tokens import STATES, STEPS_PER_BAR

START = STATES
"""The state that is fed to the first step of a window."""


@dataclass(frozen=True)
class ScheduledSampling:
    """How often a decoder is fed its own states in training, and the random numbers for it [V]."""

    chance: float
    """The probability that a step of a window is fed the decoder's own state."""
    uniform: Callable[..., Tensor]
    """Returns random numbers from 0 to 1 in the shape that it is given, windows first."""


def sample_states(logits: Tensor, uniform: Tensor) -> Tensor:
    """Samples softmax(logits), (..., 130) -> (...); uniform: random numbers from 0 to 1, of the logits' shape.

    This is the Gumbel trick: unlike `torch.multinomial` it does not make the host wait for the device at every step.
    """
    return (logits - (-uniform.log()).log()).argmax(dim=-1)


class FirstState(nn.Module):
    """The map from a code to the first hidden and cell states of LSTM layers."""

    def __init__(self, code: int, config: ModelConfig) -> None:
        super().__init__()
        self.layers, self.hidden_size = config.layers, config.hidden_size
        self.linear = nn.Linear(code, 2 * self.layers * self.hidden_size)

    def forward(self, code: Tensor) -> State:
        """Returns hidden and cell states; code: (batch, code) -> (layers, batch, hidden_size) each."""
        states = self.linear(code).tanh().view(len(code), 2, self.layers, self.hidden_size)
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
        """Returns logits, (batch, tracks, steps, 130), and the state after the last step.

        previous: for each step the states of the step before, (batch, tracks, steps); code: (batch, code); state: as
        returned for the steps before; none at the first.
        """
        batch, tracks, steps = previous.shape
        rows = previous.long().transpose(1, 2) + self.first_row  # (batch, steps, tracks)
        embedded = self.embedding(rows.reshape(-1, tracks)).view(batch, steps, -1)  # (batch, steps, hidden_size)
        x = torch.cat([embedded, code[:, None].expand(-1, steps, -1)], dim=-1)
        output, state = self.lstm(x, state or self.first_state(code))
        return self.states(output).view(batch, steps, tracks, STATES).transpose(1, 2), state


class AutoregressiveDecoder(nn.Module):
    """The base class of both decoders: predictors that start again in each segment of a window, from its code."""

    def __init__(self, config: ModelConfig, predictors: int, code: int) -> None:
        super().__init__()
        self.tracks, self.steps = len(config.tracks), STEPS_PER_BAR * config.bars
        self.predictors = nn.ModuleList(Predictor(config, self.tracks // predictors, code) for _ in range(predictors))

    def codes(self, z: Tensor) -> Tensor:
        """Returns a code for each segment; z: (batch, latent) -> (batch, segments, code)."""
        raise NotImplementedError

    def forward(self, z: Tensor, tokens: Tensor, sampling: ScheduledSampling | None = None) -> Tensor:
        """Returns logits, (batch, tracks, steps, 130); z: (batch, latent), tokens: (batch, tracks, steps) uint8.

        Each step is fed the tokens of the step before or, with `sampling`, states sampled from the decoder's logits
        there. Even then [C] feeds the true state at each bar line of its hierarchical decoder; here, with a chance of
        1, the decoder sees no token at all.
        """
        if sampling is None:
            return self._teacher_forced(z, tokens)
        feeds_own = sampling.uniform(len(z), self.steps) < sampling.chance  # (batch, steps)

        def feed(step: int, logits: Tensor) -> Tensor:
            sampled = sample_states(logits, sampling.uniform(*logits.shape))
            return torch.where(feeds_own[:, step, None], sampled, tokens[..., step].long())

        return self._step_by_step(z, feed)

    @torch.no_grad()
    def tokens(self, z: Tensor) -> Tensor:
        """Returns the likeliest states, each fed back; z: (batch, latent) -> (batch, tracks, steps) uint8."""
        return self._step_by_step(z, lambda _, logits: logits.argmax(dim=-1)).argmax(dim=-1).to(torch.uint8)

    def _teacher_forced(self, z: Tensor, tokens: Tensor) -> Tensor:
        """Returns the logits of all segments as one batch: no LSTM state crosses from one segment to the next."""
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
        """Returns the logits, where each step is fed states that come from the logits of the step before.

        feed: turns the number of a step and its logits, (batch, tracks, 130), into states, (batch, tracks).
        """
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
    """One LSTM over the whole window for all tracks, with a softmax for each; the baseline of [V], flat-trio in [C]."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, predictors=1, code=config.latent)

    def codes(self, z: Tensor) -> Tensor:
        """Returns z itself: the window is the only segment."""
        return z[:, None]


class HierarchicalDecoder(AutoregressiveDecoder):
    """A conductor that writes a code for each bar, and an LSTM for each track that predicts its states from that code.

    The conductor sees nothing but its own state, which starts from z. At each bar line the decoders' LSTM states start
    again from the conductor's code, while the track's state of the step before is still fed. A track's decoder sees
    that track alone: what the tracks have in common must come from the conductor. All this is [V] section 3.2 as
    hierdec-trio of [C] has it. As in [C], a code is the conductor's last hidden layer; [V] reports codes of 512
    dimensions for a hidden size of 1,024, but [C] has no map between the two.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, predictors=len(config.tracks), code=config.hidden_size)
        self.bars = config.bars
        self.first_state = FirstState(config.latent, config)
        self.conductor = LSTM(1, config.hidden_size, config.layers)  # an LSTM must have an input: zero

    def codes(self, z: Tensor) -> Tensor:
        """Returns a code for each bar, (batch, bars, hidden_size)."""
        codes: Tensor
        codes, _ = self.conductor(z.new_zeros(len(z), self.bars, 1), self.first_state(z))
        return codes
