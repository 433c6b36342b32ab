"""Attributes of windows of a model's tracks, measured."""

from collections.abc import Sequence

from torch import Tensor

from music.arrays import FloatArray
from music.metrics import measure
from music.tokens import with_all_tracks


def measured_attributes(tokens: Tensor, tracks: Sequence[str], names: Sequence[str]) -> dict[str, FloatArray]:
    """Returns some of `music.metrics.METRICS`, by name, NaN where undefined.

    tokens: (..., tracks, steps) -> (...) each; tracks: their names. The other tracks count as silent.
    """
    values = measure(with_all_tracks(tokens.flatten(0, -3).cpu().numpy(), tracks))
    return {name: values[name].reshape(tokens.shape[:-2]) for name in names}
