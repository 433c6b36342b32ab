"""The whole analysis on a machine without DVC and Beam, for example the one that trained the model.

    python -m analysis MODEL WINDOWS OUT

MODEL is the folder of a checkpoint, WINDOWS the folder of window shards that the model was trained on. OUT is created.
It gets a folder for each part of the analysis and its metrics as JSON beside it, like `results` after the DVC stages,
and copies of the model's description, its curves and the manifest of the windows: the pages need nothing else.

The analysis needs torch, numpy, pyarrow, safetensors, tqdm, scikit-learn, matplotlib, pretty_midi and pypianoroll, and
their dependencies. With tinysoundfont and soundfile it also writes sound.
"""

import argparse
import shutil
import sys
from pathlib import Path

from safetensors import SafetensorError

from analysis.parts import PARTS, analyse
from analysis.shared.context import read_context
from music.errors import InputError
from music.json_files import write_json


def main() -> None:
    """Does every part of the analysis, with the arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("model", "windows", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--cpu-threads", type=int, default=0, help="how many threads PyTorch uses; 0 takes all cores")
    arguments = parser.parse_args()
    try:
        _run(**vars(arguments))
    except (InputError, OSError, SafetensorError) as error:
        sys.exit(f"error: {error}")


def _run(model: Path, windows: Path, out: Path, cpu_threads: int) -> None:
    context = read_context(model, windows, cpu_threads)
    out.mkdir(parents=True, exist_ok=True)
    for file in (model / "model.json", model / "curves.csv", windows / "manifest.json"):
        if file.exists() and file.parent.resolve() != out.resolve():
            shutil.copy(file, out)
    for name in PARTS:
        (out / name).mkdir(exist_ok=True)
        section = analyse(name, context, out / name)
        write_json(out / f"{name}.json", section.metrics)
        print("\n".join([section.title, *section.missing]))


if __name__ == "__main__":
    main()
