import warnings

import numpy as np
import pytest

from keras_ssl.evaluation import LinearProbeResult, linear_probe
from keras_ssl.evaluation.linear_probe import _draw
from keras_ssl.evaluation.softmax_regression import SoftmaxRegression


def clouds(rng, rows, dim=12, spread=2.0, classes=4):
    labels = np.arange(rows) % classes
    return (np.eye(classes, dim)[labels] * 3 + rng.normal(size=(rows, dim)) * spread).astype("float32"), labels


@pytest.mark.parametrize(("rows", "dim"), [(400, 12), (60, 150)])
@pytest.mark.parametrize("penalty", [0.3, 1e-2, 1e-3])
def test_the_minimum_is_that_of_scikit_learn(rng, rows, dim, penalty):
    from sklearn.linear_model import LogisticRegression

    features, labels = clouds(rng, rows, dim)
    features += 0.7  # not centred: the bias is not penalised
    other, _ = clouds(rng, 200, dim)
    regression = SoftmaxRegression(features, labels, 4)
    scores = regression.scores(regression.fit(penalty, tolerance=1e-14), other)
    reference = LogisticRegression(C=1 / (penalty * rows), tol=1e-8, max_iter=10_000)
    expected = reference.fit(features.astype("float64"), labels).decision_function(other.astype("float64"))
    centred = scores - scores.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(centred, expected - expected.mean(axis=1, keepdims=True), rtol=1e-3, atol=5e-3)


def test_default_tolerance_decides_as_a_tight_solve_does(rng):
    features, labels = clouds(rng, 2000, 40)
    other, _ = clouds(rng, 2000, 40)
    regression = SoftmaxRegression(features, labels, 4)
    loose, tight = (regression.scores(regression.fit(1e-4, tolerance=t), other).argmax(axis=1) for t in (1e-7, 1e-12))
    assert (loose == tight).mean() > 0.998


def test_a_subset_is_fitted_as_if_it_were_alone(rng):
    features, labels = clouds(rng, 200)
    chosen = rng.random(200) < 0.3
    whole, alone = SoftmaxRegression(features, labels, 4), SoftmaxRegression(features[chosen], labels[chosen], 4)
    np.testing.assert_allclose(
        whole.scores(whole.fit(0.01, chosen, tolerance=1e-12), features),
        alone.scores(alone.fit(0.01, tolerance=1e-12), features),
        rtol=1e-3,
        atol=5e-3,
    )


def test_a_subset_that_spreads_far_more_than_the_rest_converges_too(rng):
    # Labels by chance keep both probabilities near a half, where the bound of the Hessian is met.
    features, labels = rng.normal(size=(1000, 3)).astype("float32"), rng.integers(0, 2, 1000)
    chosen = np.arange(1000) < 50
    features[~chosen] *= 0.01
    regression = SoftmaxRegression(features, labels, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regression.fit(1e-4, chosen)


def test_meeting_the_limit_of_steps_is_told(rng):
    features, labels = clouds(rng, 100)
    with pytest.warns(RuntimeWarning, match="stopped after 3 steps.*penalty=0.001"):
        SoftmaxRegression(features, labels, 4).fit(1e-3, steps=3)


def test_all_labels(rng):
    train, test = clouds(rng, 800), clouds(rng, 400)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = linear_probe(*train, *test)
    assert 0.7 < result.accuracy < 1
    assert result.std == 0.0
    assert result == linear_probe(*train, *test)


def test_penalty_is_chosen_on_held_out_rows(rng):
    # 200 features of noise and 1 of signal: fitting the labelled rows perfectly is the worst that can be done.
    labels = np.arange(600) % 2
    noisy = rng.normal(size=(600, 200)) + np.eye(1, 200) * labels[:, None]
    assert linear_probe(noisy, labels, noisy, labels, penalties=(1e-5, 1.0)).penalties == (1.0,)
    clean = np.eye(2, 6)[labels] + rng.normal(size=(600, 6)) * 0.01
    assert linear_probe(clean, labels, clean, labels, penalties=(1e-4, 100.0)).penalties == (1e-4,)


def test_few_labels(rng):
    train, test = clouds(rng, 1200, spread=1.0), clouds(rng, 400, spread=1.0)
    full = linear_probe(*train, *test)
    few = linear_probe(*train, *test, fraction=0.02, draws=4)
    assert len(few.accuracies) == len(few.penalties) == 4
    assert len(set(few.accuracies)) > 1
    assert 0.5 < few.accuracy < full.accuracy
    assert few.accuracies[:2] == linear_probe(*train, *test, fraction=0.02, draws=2).accuracies
    assert few.accuracies != linear_probe(*train, *test, fraction=0.02, draws=4, seed=1).accuracies


def test_one_label_a_class_takes_the_middle_penalty(rng):
    train, test = clouds(rng, 40, dim=4, spread=0.5), clouds(rng, 40, dim=4, spread=0.5)
    result = linear_probe(*train, *test, fraction=0.01, draws=2, penalties=(1e-3, 1.0, 0.1))
    assert result.penalties == (0.1, 0.1)
    assert result.accuracy > 0.8


def test_draws_are_stratified_and_parts_leave_each_class_something(rng):
    codes = np.repeat([0, 1, 2], [100, 31, 3])
    rows, parts = _draw(codes, 0.1, 5, rng)
    assert np.bincount(codes[rows]).tolist() == [10, 3, 1]
    assert len(set(rows)) == 14
    assert parts[codes[rows] == 2].tolist() == [-1]
    for part in range(5):
        assert set(codes[rows][parts != part]) == {0, 1, 2}
    assert np.bincount(parts[codes[rows] == 0]).tolist() == [2] * 5


def test_scale_of_features_does_not_matter(rng):
    (train, labels), (test, test_labels) = clouds(rng, 400), clouds(rng, 400)
    constant = np.full((400, 1), 0.1, "float32")
    stretch = 10.0 ** rng.integers(-4, 5, 12)
    plain = linear_probe(train, labels, test, test_labels)
    other = linear_probe(
        np.hstack([train * stretch, constant]), labels, np.hstack([test * stretch, constant]), test_labels
    )
    assert plain.accuracy == pytest.approx(other.accuracy, abs=0.003)


def test_classes_may_be_any_integers(rng):
    features, labels = clouds(rng, 200, spread=0.3)
    assert linear_probe(features, labels * 5 - 3, features, labels * 5 - 3).accuracy > 0.98


def test_mean_and_deviation():
    result = LinearProbeResult((0.5, 0.7), (1.0, 0.1))
    assert (result.accuracy, result.std) == pytest.approx((0.6, 0.1))


def test_bad_input(rng):
    features, labels = clouds(rng, 40)
    data = features, labels, features, labels
    for argument, value in [
        ("fraction", 0.0),
        ("fraction", 1.5),
        ("draws", 0),
        ("penalties", (0.1, 0.0)),
        ("penalties", ()),
        ("validation_fraction", 0.9),
    ]:
        with pytest.raises(ValueError, match=f"`{argument}` must be.*Received: {argument}="):
            linear_probe(*data, **{argument: value})
    with pytest.raises(ValueError, match=r"two classes or more. Received: classes=\[0\]"):
        linear_probe(features, labels * 0, features, labels)
    with pytest.raises(ValueError, match="`test_labels` must be given"):
        linear_probe(features, labels, features, None)
    features[0, 0] = np.nan
    with pytest.raises(ValueError, match="1 of 40 rows of train_features"):
        linear_probe(*data)
