"""Writes tests/golden/cast_folds.txt and cast_aoa.txt from cast_golden.json, what CAST's own R source gave (commit 139849d).

Run by hand: python3 tests/oracle/cast_golden.py ../shared/reference/golden/cast_golden.json
A line "name count", then the values, ten on a line.
"""
import json
import pathlib
import sys


def put(file, name, values):
    file.write(f"{name} {len(values)}\n")
    for i in range(0, len(values), 10):
        file.write(" ".join(repr(float(v)) for v in values[i:i + 10]) + "\n")


def table(rows):
    return [row[key] for row in rows for key in ("v1", "v2", "v3", "v4")]


def main(source):
    golden = json.loads(pathlib.Path(source).read_text())
    folder = pathlib.Path(__file__).parent.parent / "golden"
    knndm, nndm, aoa = golden["knndm"], golden["nndm"], golden["aoa"]
    with open(folder / "cast_folds.txt", "w") as f:
        f.write("# CAST 139849d: knndm(k = 5, maxp = 0.5, hierarchical) and nndm(min_train = 0.5); tests/oracle/cast_golden.py\n")
        put(f, "train_x", [p[0] for p in knndm["t"]])
        put(f, "train_y", [p[1] for p in knndm["t"]])
        put(f, "domain_x", [p[0] for p in knndm["p"]])
        put(f, "domain_y", [p[1] for p in knndm["p"]])
        put(f, "gij", knndm["Gij"])
        put(f, "gj", knndm["Gj"])
        put(f, "w", [knndm["W"]])
        put(f, "q", [knndm["q"]])
        put(f, "clusters", knndm["clusters"])
        put(f, "knndm_gjstar", knndm["Gjstar"])
        put(f, "nndm_gjstar", nndm["Gjstar"])
        put(f, "nndm_train", nndm["ntrain"])
    with open(folder / "cast_aoa.txt", "w") as f:
        f.write("# CAST 139849d: trainDI, aoa and LPD of 60 training and 40 new points with 4 predictors; tests/oracle/cast_golden.py\n")
        put(f, "train", table(aoa["X"]))
        put(f, "new", table(aoa["Y"]))
        put(f, "weight", table(aoa["weight"]))
        put(f, "fold", aoa["fold"])
        put(f, "mean_distance", [aoa["avrgmean"]])
        put(f, "threshold", [aoa["threshold"]])
        put(f, "train_di", aoa["trainDI"])
        put(f, "train_lpd", aoa["trainLPD"])
        put(f, "di", aoa["DI"])
        put(f, "inside", aoa["AOA"])
        put(f, "lpd", aoa["LPD"])
        put(f, "plain_threshold", [aoa["noweight"]["threshold"]])
        put(f, "plain_train_di", aoa["noweight"]["trainDI"])
        put(f, "plain_di", aoa["noweight"]["DI"])


if __name__ == "__main__":
    main(sys.argv[1])
