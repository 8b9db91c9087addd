"""python -m fer.puppets sample|sheet|build-assets: draw pairs, look at them, build the assets that both need."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fer.arguments import natural, positive
from fer.errors import FerError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m fer.puppets", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)
    sample = commands.add_parser("sample", help="write pairs as a split of a dataset repository")
    _add_cast(sample)
    sample.add_argument("--n", type=positive, default=1000, help="pairs")
    sample.add_argument("--augment", type=float, default=1.0, help="strength of backgrounds, light and degradation")
    sample.add_argument("--aligned", action="store_true", help="pairs that differ by the expression alone")
    sample.add_argument("--by-unit", action="store_true", help="single and rare Action Units in place of the classes")
    sample.add_argument("--out", type=Path, required=True, help="folder; files go to OUT/data")
    sample.set_defaults(run=_sample)
    sheet = commands.add_parser("sheet", help="draw a contact sheet: people in rows, expressions in columns")
    _add_cast(sheet)
    sheet.add_argument("--people", type=positive, default=6)
    sheet.add_argument("--intensity", type=_share, default=1.0, help="of the expressions, 0 to 1")
    sheet.add_argument("--out", type=Path, required=True, help="the picture, .png or .jpg")
    sheet.set_defaults(run=_sheet)
    build = commands.add_parser("build-assets", help="fit the face model to photographs, see docs/puppets.md")
    build.add_argument("--facekit", type=Path, required=True, help="a checkout of ICT-FaceKit")
    build.add_argument("--photos", type=Path, required=True, help="the inst folder of webmorphR.stim")
    build.add_argument("--smiles", action="store_true", help="learn the shading of real smiles, from smiling_front")
    build.add_argument("--out", type=Path, required=True, help="the assets file, .npz")
    build.set_defaults(run=_build)
    return made


def _add_cast(command: argparse.ArgumentParser) -> None:
    command.add_argument("--assets", type=Path, required=True, help="the assets file")
    command.add_argument("--split", default="train", choices=("train", "validation", "test"), help="whose faces")
    command.add_argument("--size", type=positive, default=128, help="side of a picture in pixels")
    command.add_argument("--seed", type=natural, default=0)


def _share(text: str) -> float:
    """A number from 0 to 1, for argparse."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{number} is not between 0 and 1")
    return number


def _sample(arguments: argparse.Namespace) -> str:
    from fer.puppets.parquet import write_split
    from fer.puppets.sample import Cast, Options

    options = Options(arguments.size, arguments.augment, aligned=arguments.aligned, by_unit=arguments.by_unit)
    cast = Cast.load(arguments.assets, arguments.split)
    files = write_split(cast, arguments.out, arguments.split, arguments.n, arguments.seed, options)
    return f"{arguments.n} pairs in {len(files)} files of {arguments.out / 'data'}"


def _sheet(arguments: argparse.Namespace) -> str:
    from fer.puppets.sample import Cast
    from fer.puppets.sheet import contact_sheet, save_sheet

    cast = Cast.load(arguments.assets, arguments.split)
    save_sheet(
        arguments.out, contact_sheet(cast, arguments.people, arguments.size, arguments.seed, arguments.intensity)
    )
    return str(arguments.out)


def _build(arguments: argparse.Namespace) -> str:
    from fer.puppets.build import build_assets

    count = build_assets(arguments.facekit, arguments.photos, arguments.out, arguments.smiles)
    return f"{count} photographs in {arguments.out}"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; 0 on success, 2 after an error (one sentence on stderr), 130 when interrupted."""
    arguments = parser().parse_args(argv)
    try:
        import cv2

        cv2.setNumThreads(1)
        print(arguments.run(arguments))
    except ModuleNotFoundError as error:
        print(f"The puppets need {error.name}: pip install -r requirements-train.txt", file=sys.stderr)
        return 2
    except FerError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
