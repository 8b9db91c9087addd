"""From public downloads to the assets file: every templated photograph, cropped, balanced and fitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from fer.puppets.assets import save_assets
from fer.puppets.facekit import FaceModel, load_ict
from fer.puppets.fit import Matches, build_matches, fit_photo
from fer.puppets.photos import Photo, Source, balance, crop, list_sources, read_picture, read_template

JPEG_QUALITY = 92


def build_assets(facekit: Path, photos: Path, out: Path, smiles: bool = False) -> int:
    """Write the assets file ``out``; returns how many photographs it holds.

    facekit: a checkout of ICT-FaceKit. photos: the inst folder of webmorphR.stim. smiles: learn the shading of real
    smiles, too. Raises DataError and StorageError.
    """
    model = load_ict(facekit)
    sources = list_sources(photos)
    crops = [crop(read_picture(source.picture), read_template(source.template)) for source in sources]
    matches = build_matches(model, np.mean([template for _, template in crops], 0))
    fitted = [_fit(model, matches, source, *cut) for source, cut in zip(sources, crops, strict=True)]
    if smiles:
        from fer.puppets.smile_residual import learn  # needs the face detector and torch

        model = replace(model, smile=learn(model, fitted, photos))
    save_assets(out, model, fitted)
    return len(fitted)


def _fit(model: FaceModel, matches: Matches, source: Source, picture: np.ndarray, template: np.ndarray) -> Photo:
    balanced = balance(source.key.split("/")[0], picture)
    fit = fit_photo(model, matches, template)
    return Photo(
        key=source.key,
        split=source.split,
        sex=source.sex,
        jpeg=cv2.imencode(".jpg", balanced, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes(),
        template=template.astype(np.float32),
        scale=fit.camera.scale,
        rotation=fit.camera.rotation,
        translation=fit.camera.translation,
        coefficients=fit.coefficients.astype(np.float32),
        correction=fit.correction.astype(np.float16),
    )
