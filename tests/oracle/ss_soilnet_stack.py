"""ss_soilnet_stack.py - what a model sees at pixels of a stack that holds its indices as bands: the inputs of the PyTorch twin.

Rasters are read through GDAL's programs, because PyTorch and GDAL's Python module crash in one process on Debian 12.
"""
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch

CLIP = 6.0


class Stack:
    """A float raster read whole: bands by id, NaN where missing."""

    def __init__(self, path):
        about = json.loads(subprocess.run(["gdalinfo", "-json", path], check=True, capture_output=True, text=True).stdout.replace(": nan", ": null"))
        self.columns, self.rows = about["size"]
        with tempfile.TemporaryDirectory() as folder:
            raw = pathlib.Path(folder) / "raw"
            subprocess.run(["gdal_translate", "-q", "-of", "ENVI", "-ot", "Float32", path, raw], check=True, capture_output=True)
            planes = np.fromfile(raw, np.float32).reshape(-1, self.rows, self.columns)
        self.bands = {band["description"]: planes[k] for k, band in enumerate(about["bands"])}


def scaled(values, covariate):
    values = (values - np.float32(covariate["mean"])) / np.float32(covariate["sd"])
    return np.nan_to_num(np.clip(values, -CLIP, CLIP), nan=0.0).astype(np.float32)


def standardised(stack, about):
    """The environment as the network sees it, (rows + 2 half, columns + 2 half, covariates), half = window // 2; outside: the mirror image."""
    half = about["window"] // 2
    return np.stack([np.pad(scaled(stack.bands[c["id"]], c), half, mode="reflect") for c in about["covariates"] if c["role"] == "window"], -1)


def inputs(stack, about, columns, rows):
    """Tensors spectrum, index, ndvi, point, window at pixels (columns, rows) for a model described by `about`."""
    parts = {role: [c for c in about["covariates"] if c["role"] == role] for role in ("spectral", "index", "window")}

    def at_pixels(covariates):
        return torch.from_numpy(np.stack([scaled(stack.bands[c["id"]][rows, columns], c) for c in covariates], -1)) if covariates else None

    out = {"spectrum": at_pixels(parts["spectral"]), "index": at_pixels(parts["index"]), "point": at_pixels(parts["window"]), "window": None,
           "ndvi": torch.from_numpy(np.nan_to_num(stack.bands["NDVI"][rows, columns]).astype(np.float32))[:, None]}
    if about["system"] == "ss_soilnet":
        half, whole = about["window"] // 2, standardised(stack, about)
        out["window"] = torch.from_numpy(np.stack([whole[r : r + 2 * half + 1, c : c + 2 * half + 1] for r, c in zip(rows, columns)]))
    return out
