"""Stage `report`: a trained model and the parts of its analysis -> one page with pictures, music and numbers.

It also makes the page of a folder that came from a machine without DVC, where `python -m analysis` wrote it:

    python -m stages.report --results OUT --model OUT --windows OUT --page page.html
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from typer import Option

from analysis.parts import PARTS
from stages.pages.curves import draw_curves
from stages.pages.render import write_page
from stages.shared.command import run
from stages.shared.runs import environment, flatten, parameters, read_run

LONG = ("shards", "states")
"""Of the windows' manifest: left out."""


def main(
    results: Annotated[Path, Option(help="with a folder a part of the analysis")],
    model: Annotated[Path, Option(help="with model.json")],
    windows: Annotated[Path, Option(help="with manifest.json")],
    page: Annotated[Path, Option()],
    params: Annotated[Path | None, Option(help="params.yaml, for a run made with DVC")] = None,
) -> None:
    """Writes the page of one run."""
    of = read_run(str(model), results, model, windows, params)
    with TemporaryDirectory() as folder:
        curves = Path(folder) / "curves.png"
        if of.curves:
            draw_curves(curves, {of.name: of.curves})
        write_page(
            page,
            "report.html",
            run=of,
            parts=list(PARTS),
            curves=curves if of.curves else None,
            numbers={part: dict(flatten(section.metrics)) for part, section in of.sections.items()},
            parameters=parameters(of),
            manifest=dict(flatten({name: of.windows[name] for name in of.windows if name not in LONG})),
            environment=environment(of),
        )
    print(f"{page}: {page.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
