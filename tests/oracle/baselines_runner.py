"""Runs salina_baselines_oracle: fits a baseline to arrays and gives what it predicts."""
import os
import pathlib
import subprocess
import tempfile

import numpy as np
import pytest

HERE = pathlib.Path(__file__).resolve().parent


def program():
    build = pathlib.Path(os.environ.get("SALINA_BUILD", HERE.parent.parent / "build" / "release"))
    path = build / "tests" / "salina_baselines_oracle"
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path


def run(method, x, y, other, settings="tune", seed=1, fold=None):
    """Predictions (m) for other (m, p) after fitting x (n, p) and y (n); settings as numbers or "tune" over the inner folds; and the settings."""
    x, other = np.ascontiguousarray(x, "<f4"), np.ascontiguousarray(other, "<f4")
    fold = np.arange(len(x)) % 5 if fold is None else np.asarray(fold)
    if settings != "tune":
        settings = ",".join(repr(float(v)) for v in settings)
    with tempfile.TemporaryDirectory() as folder:
        given, got = pathlib.Path(folder, "in"), pathlib.Path(folder, "out")
        given.write_bytes(x.tobytes() + np.asarray(y, "<f8").tobytes() + fold.astype("<i4").tobytes() + other.tobytes())
        sizes = [str(v) for v in (seed, len(x), x.shape[1], len(other))]
        done = subprocess.run([program(), method, settings, *sizes, given, got], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        chosen = {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}
        return np.frombuffer(got.read_bytes(), "<f8"), chosen
