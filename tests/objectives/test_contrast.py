import numpy as np

from keras_ssl import losses
from keras_ssl.objectives.contrastive.contrast import contrast


def test_the_rows_of_several_pairs_are_joined(rng):
    first, second = (tuple(rng.normal(size=(5, 4)).astype("float32") for _ in range(2)) for _ in range(2))
    found = contrast([first, second], 0.5)
    assert found["logits"].shape == (10, 5)
    assert np.asarray(found["partners"]).tolist() == [0, 1, 2, 3, 4] * 2
    expected = np.mean([losses.info_nce(*pair, temperature=0.5) for pair in (first, second)])
    np.testing.assert_allclose(losses.nt_xent_of_logits(**_named(found)), expected, rtol=1e-5)


def test_negatives_take_the_place_of_the_other_rows(rng):
    pair = tuple(rng.normal(size=(5, 4)).astype("float32") for _ in range(2))
    negatives = rng.normal(size=(9, 4)).astype("float32")
    found = contrast([pair], 0.5, negatives)
    assert found["logits"].shape == (5, 10)
    expected = losses.info_nce(*pair, negatives, 0.5)
    np.testing.assert_allclose(losses.nt_xent_of_logits(**_named(found)), expected, rtol=1e-5)


def _named(found):
    return {"logits": found["logits"], "positives": found["partners"]}
