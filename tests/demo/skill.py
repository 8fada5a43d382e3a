"""skill.py - skill of the maps of a made delta against its known truth, beside forests on the ten bands and on the true drivers.

usage: skill.py FOLDER SYSTEM ...; prints a table and writes FOLDER/skill.json. Unseen pixels: 20,000 a campaign, none within 40 m of a
sample. The forests need python3-sklearn (a package of the tests) and are left out, with a line that says so, where it is missing.
"""
import csv
import json
import os
import sys

import numpy as np
from osgeo import gdal

gdal.UseExceptions()
PIXELS = 20000
CLASSES = [1, 2, 4, 6]  # g/kg, limits of the scheme china_salt_gkg
LEAST = 40  # pixels, for the coverage of a class
LABORATORY = 0.06  # standard deviation of the log of a measurement of the demo around the truth (campaign.c)
BANDS = ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"]
DRIVERS = ["COAST", "SEEPAGE", "LEACHING", "RELIEF", "TEXTURE", "FIELD", "COAST_RELIEF", "CAMPAIGN"]


def bands_of(path):
    data = gdal.Open(path)
    return data, {data.GetRasterBand(i + 1).GetDescription(): i + 1 for i in range(data.RasterCount)}


def read(path, names, rows, columns):
    data, places = bands_of(path)
    out = np.empty((len(rows), len(names)), np.float64)
    for k, name in enumerate(names):
        band = data.GetRasterBand(places[name])
        values = band.ReadAsArray().astype(np.float64)
        if band.GetNoDataValue() is not None:
            values[values == band.GetNoDataValue()] = np.nan
        out[:, k] = values[rows, columns] * (band.GetScale() or 1) + (band.GetOffset() or 0)
    return out


def unseen(truth, samples, rng):
    """Rows and columns of pixels that have a truth and lie away from the samples."""
    allowed = np.isfinite(truth)
    for row, column in samples:
        allowed[max(row - 4, 0):row + 5, max(column - 4, 0):column + 5] = False
    rows, columns = np.nonzero(allowed)
    pick = rng.choice(len(rows), min(PIXELS, len(rows)), replace=False)
    return rows[pick], columns[pick]


def scores(observed, predicted):
    error = predicted - observed
    log = np.log1p(np.maximum(predicted, 0)) - np.log1p(observed)
    total = ((observed - observed.mean()) ** 2).sum()
    log_total = ((np.log1p(observed) - np.log1p(observed).mean()) ** 2).sum()
    return {"r2": 1 - (error ** 2).sum() / total, "rmse": float(np.sqrt((error ** 2).mean())), "mae": float(np.abs(error).mean()),
            "bias": float(error.mean()), "log_r2": 1 - (log ** 2).sum() / log_total}


def coverage(observed, limits):
    """Shares of intervals that hold, overall and by class of the observed value."""
    held = (observed >= limits[:, 0]) & (observed <= limits[:, 1])
    of = np.searchsorted(CLASSES, observed, side="right")
    return {"all": float(held.mean()), "n": [int((of == c).sum()) for c in range(len(CLASSES) + 1)],
            "by_class": [float(held[of == c].mean()) if (of == c).sum() >= LEAST else None for c in range(len(CLASSES) + 1)]}


def print_coverage(result):
    """Against the truth and against what a laboratory would have measured there, which is what an interval promises to hold."""
    names = ["all", f"< {CLASSES[0]}"] + [f"{a}-{b}" for a, b in zip(CLASSES, CLASSES[1:])] + [f">= {CLASSES[-1]}"]
    print(f"\nCoverage of 90 % intervals there, %, by class (g/kg) of what they must hold\n\n{'':42}" + "".join(f"{name:>7}" for name in names))
    for name, s in result.items():
        for key, against in (("coverage_truth", "truth"), ("coverage_measurement", f"measurement ({LABORATORY:.0%} error)")):
            if key in s:
                shares = [s[key]["all"]] + s[key]["by_class"]
                print(f"{name + ', ' + against:42}" + "".join(f"{100 * v:7.1f}" if v is not None else f"{'-':>7}" for v in shares))


def forest(train_x, train_y, test_x, share=1 / 3):
    """share: of the columns that a split may choose from; all of them for the few true drivers, which add up."""
    try:
        from sklearn.ensemble import RandomForestRegressor
    except ImportError:
        return None
    model = RandomForestRegressor(500, min_samples_leaf=3, max_features=share, n_jobs=2, random_state=1)
    model.fit(train_x, np.log1p(train_y))
    return np.expm1(model.predict(test_x))


def driver_table(rows, campaigns_index):
    """Drivers of the samples; the campaign's own part is a constant of each campaign, taken from the samples."""
    table = np.array([[float(r[d]) for d in DRIVERS] for r in rows])
    part = {c: np.median([float(r["CAMPAIGN"]) for r in rows if r["campaign"] == c]) for c in campaigns_index}
    return table, part


def main():
    folder, systems = sys.argv[1], sys.argv[2:]
    rng = np.random.default_rng(20261120)
    rows = list(csv.DictReader(open(os.path.join(folder, "truth", "samples_drivers.csv"), encoding="utf-8")))
    campaigns = sorted({r["campaign"] for r in rows})
    sample_y = np.array([float(r["salinity"]) for r in rows])
    drivers, campaign_part = driver_table(rows, campaigns)
    observed, bands, true_drivers, sample_bands = [], [], [], np.empty((len(rows), len(BANDS)))
    maps = {s: [] for s in systems}
    intervals = {s: [] for s in systems}
    for campaign in campaigns:
        truth_data, _ = bands_of(os.path.join(folder, "truth", f"salinity_{campaign}.tif"))
        truth = truth_data.GetRasterBand(1).ReadAsArray().astype(np.float64)
        nodata = truth_data.GetRasterBand(1).GetNoDataValue()
        if nodata is not None:
            truth[truth == nodata] = np.nan
        here = [i for i, r in enumerate(rows) if r["campaign"] == campaign]
        at = np.array([(int(rows[i]["row"]), int(rows[i]["column"])) for i in here])
        y, x = unseen(truth, at, rng)
        observed.append(truth[y, x])
        stack = os.path.join(folder, "stacks", f"{campaign}.tif")
        bands.append(read(stack, BANDS, y, x))
        sample_bands[here] = read(stack, BANDS, at[:, 0], at[:, 1])
        known = read(os.path.join(folder, "truth", "drivers.tif"), DRIVERS[:-1], y, x)
        true_drivers.append(np.column_stack([known, np.full(len(y), campaign_part[campaign])]))
        for system in systems:
            values = read(os.path.join(folder, "maps", f"{system}_{campaign}.tif"), ["salinity", "lower", "upper"], y, x)
            maps[system].append(values[:, 0])
            intervals[system].append(values[:, 1:])
    observed = np.concatenate(observed)
    result = {}
    for system in systems:
        predicted, both = np.concatenate(maps[system]), np.concatenate(intervals[system])
        valid = np.isfinite(predicted)
        result[system] = scores(observed[valid], predicted[valid])
        measured = observed * np.exp(LABORATORY * np.random.default_rng(6).standard_normal(len(observed)))
        result[system]["coverage_truth"] = coverage(observed[valid], both[valid])
        result[system]["coverage_measurement"] = coverage(measured[valid], both[valid])
        result[system]["coverage_90"] = result[system]["coverage_truth"]["all"]
        result[system]["mapped_share"] = float(valid.mean())
        path = os.path.join(folder, f"{system}.json")
        if os.path.exists(path):
            result[system]["out_of_fold_r2"] = json.load(open(path, encoding="utf-8"))["r2"]
    for name, train_x, test_x, share in (("forest on 10 bands", sample_bands, np.concatenate(bands), 1 / 3),
                                         ("forest on the true drivers", drivers, np.concatenate(true_drivers), 1.0)):
        predicted = forest(train_x, sample_y, test_x, share)
        if predicted is None:
            print(f"{name}: left out, python3-sklearn is not installed")
        else:
            result[name] = scores(observed, predicted)
    print(f"\nSkill on {len(observed):,} unseen pixels of {len(campaigns)} campaigns (true salinity, g/kg)\n")
    print(f"{'':28}{'R2':>7}{'RMSE':>7}{'MAE':>7}{'bias':>7}{'log R2':>8}{'in 90 %':>9}{'5-fold R2':>11}")
    for name, s in result.items():
        extra = f"{100 * s['coverage_90']:8.1f} " if "coverage_90" in s else " " * 9
        extra += f"{s['out_of_fold_r2']:10.3f}" if "out_of_fold_r2" in s else ""
        print(f"{name:28}{s['r2']:7.3f}{s['rmse']:7.2f}{s['mae']:7.2f}{s['bias']:7.2f}{s['log_r2']:8.3f}{extra}")
    print_coverage(result)
    json.dump(result, open(os.path.join(folder, "skill.json"), "w", encoding="utf-8"), indent=1)


if __name__ == "__main__":
    main()
