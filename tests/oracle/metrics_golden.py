"""Writes tests/golden/metrics.txt: data and scores by numpy, independent of native/train/metrics.c.

usage: python3 tests/oracle/metrics_golden.py > tests/golden/metrics.txt
"""
import numpy as np


def scores(o, p):
    e = p - o
    sse, sst = np.sum(e**2), np.sum((o - o.mean()) ** 2)
    rmse = np.sqrt(np.mean(e**2))
    q1, q3 = np.percentile(o, [25, 75], method="linear")  # type 7
    return {
        "R2": 1 - sse / sst,
        "R2_PEARSON": np.corrcoef(o, p)[0, 1] ** 2,
        "RMSE": rmse,
        "MAE": np.mean(np.abs(e)),
        "MEDAE": np.median(np.abs(e)),
        "BIAS": e.mean(),
        "CCC": 2 * np.cov(o, p, ddof=0)[0, 1] / (o.var() + p.var() + (o.mean() - p.mean()) ** 2),
        "RPD": o.std(ddof=1) / rmse,
        "RPIQ": (q3 - q1) / rmse,
    }


def interval_scores(y, low, high, coverage):
    a = 1 - coverage
    penalty = 2 / a * ((low - y) * (y < low) + (y - high) * (y > high))
    return {
        "PICP": np.mean((y >= low) & (y <= high)),
        "BELOW": np.mean(y < low),
        "ABOVE": np.mean(y > high),
        "MPIW": np.mean(high - low),
        "SCORE": np.mean(high - low + penalty),
    }


def write(name, o, p, low, high, coverage):
    print(f"case {name} {len(o)} {coverage}")
    for row in zip(o, p, low, high):
        print(*[repr(float(v)) for v in row])
    for scale, values in (("natural", scores(o, p)), ("log1p", scores(np.log1p(o), np.log1p(np.maximum(p, 0)))),
                          ("interval", interval_scores(o, low, high, coverage))):
        for key, value in values.items():
            print(scale, key, repr(float(value)))
    print("end")


def main():
    print(f"# numpy {np.__version__}; per case: rows of observed predicted lower upper, then scores")
    o = np.array([1.0, 2.0, 4.0, 8.0, 3.0])
    p = np.array([1.5, 1.0, 5.0, 6.0, 3.0])
    write("five", o, p, p - 1, p + 1, 0.8)
    rng = np.random.default_rng(20261120)
    o = np.round(rng.lognormal(0.8, 1.0, 60), 3)
    p = np.round(np.expm1(0.8 * np.log1p(o) + rng.normal(0.1, 0.3, 60)), 3)
    write("skewed", o, p, np.round(0.6 * p, 3), np.round(1.7 * p, 3), 0.9)
    p = np.round(rng.lognormal(1.5, 1.0, 60), 3) - 1
    write("worse_than_the_mean", o, p, p - 0.5, p + 2.0, 0.5)


if __name__ == "__main__":
    main()
