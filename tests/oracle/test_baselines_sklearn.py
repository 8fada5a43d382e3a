"""Baselines against scikit-learn: the same parameters give the same predictions where the method is the same, and the same skill where it is random.

Written with scikit-learn 1.2 (Debian 12).
"""
import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")
from baselines_runner import run  # noqa: E402
from sklearn.cross_decomposition import PLSRegression  # noqa: E402
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor  # noqa: E402
from sklearn.linear_model import Ridge  # noqa: E402
from sklearn.svm import SVR  # noqa: E402


def table(n, p, seed):
    r = np.random.default_rng(seed)
    x = r.normal(size=(n, p)).astype("f4") * np.linspace(0.5, 20, p, dtype="f4") + 3
    z = (x - 3) / np.linspace(0.5, 20, p, dtype="f4")
    return x, np.sin(z[:, 0]) * 2 + z[:, 1] * z[:, 2] + z[:, 3] + 0.3 * r.normal(size=n)


X, Y = table(500, 30, 1)
NEW, TRUTH = table(400, 30, 2)
MEAN, SD = X.mean(0, dtype="f8"), X.std(0, dtype="f8")
Z, Z_NEW = (X - MEAN) / SD, (NEW - MEAN) / SD


def r2(predicted):
    return 1 - ((predicted - TRUTH) ** 2).sum() / ((TRUTH - TRUTH.mean()) ** 2).sum()


@pytest.mark.parametrize("penalty", [0.1, 10, 1000])
def test_ridge_is_that_of_sklearn(penalty):
    ours, _ = run("ridge", X, Y, NEW, [penalty])
    np.testing.assert_allclose(ours, Ridge(penalty).fit(Z, Y).predict(Z_NEW), atol=1e-5)


def test_ridge_with_more_covariates_than_rows_is_that_of_sklearn():
    ours, _ = run("ridge", X[:20], Y[:20], NEW, [3])
    z = (X[:20] - X[:20].mean(0, dtype="f8")) / X[:20].std(0, dtype="f8")
    new = np.clip((NEW - X[:20].mean(0, dtype="f8")) / X[:20].std(0, dtype="f8"), -6, 6)
    np.testing.assert_allclose(ours, Ridge(3).fit(z, Y[:20]).predict(new), atol=2e-5)


@pytest.mark.parametrize("components", [1, 2, 5, 15])
def test_plsr_is_that_of_sklearn(components):
    for scaled in (1, 0):
        ours, _ = run("plsr", X, Y, NEW, [components, scaled])
        theirs = PLSRegression(components, scale=bool(scaled)).fit(X.astype("f8"), Y).predict(NEW.astype("f8")).ravel()
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("cost, gamma, epsilon", [(1, 0.02, 0.1), (10, 0.01, 0.1), (3, 0.1, 0.3)])
def test_svr_is_that_of_sklearn(cost, gamma, epsilon):
    ours, _ = run("svr", X, Y, NEW, [cost, gamma, epsilon])
    theirs = SVR(C=cost, gamma=gamma, epsilon=epsilon).fit(Z, (Y - Y.mean()) / Y.std()).predict(Z_NEW) * Y.std() + Y.mean()
    np.testing.assert_allclose(ours, theirs, atol=5e-3)  # both stop at a tolerance of 1e-3


def test_forest_has_the_skill_of_that_of_sklearn():
    ours, _ = run("random_forest", X, Y, NEW, [1 / 3, 2])
    theirs = RandomForestRegressor(500, max_features=1 / 3, min_samples_leaf=2, random_state=1, n_jobs=2).fit(X, Y).predict(NEW)
    assert abs(r2(ours) - r2(theirs)) < 0.03
    assert np.corrcoef(ours, theirs)[0, 1] > 0.985


def test_boosting_has_the_skill_of_that_of_sklearn():
    ours, _ = run("gradient_boosting", X, Y, NEW, [4, 350])
    theirs = GradientBoostingRegressor(n_estimators=350, learning_rate=0.05, max_depth=4, subsample=0.8, min_samples_leaf=3, random_state=1).fit(X, Y).predict(NEW)
    assert abs(r2(ours) - r2(theirs)) < 0.03


@pytest.mark.parametrize("method, least", [("random_forest", 0.68), ("gradient_boosting", 0.75), ("svr", 0.75), ("plsr", 0.6), ("ridge", 0.6)])
def test_tuned_methods_learn_what_can_be_learned(method, least):
    ours, _ = run(method, X, Y, NEW)
    assert r2(ours) > least


def test_missing_values_are_taken_as_they_are_by_trees_and_as_the_mean_by_others():
    x, new = X.copy(), NEW.copy()
    x[::7, 5], new[::3, 5] = np.nan, np.nan
    for method in ("random_forest", "gradient_boosting", "svr", "plsr", "ridge"):
        ours, _ = run(method, x, Y, new)
        assert np.isfinite(ours).all()
    mean = np.nanmean(x[:, 5], dtype="f8")
    filled, filled_new = np.where(np.isnan(x), np.float32(mean), x), np.where(np.isnan(new), np.float32(mean), new)
    ours, _ = run("plsr", x, Y, new, [4, 1])
    z = (filled - filled.mean(0, dtype="f8")) / np.nanstd(x, axis=0, dtype="f8")
    z_new = (filled_new - filled.mean(0, dtype="f8")) / np.nanstd(x, axis=0, dtype="f8")
    np.testing.assert_allclose(ours, PLSRegression(4, scale=False).fit(z, Y).predict(z_new).ravel(), atol=1e-4)
