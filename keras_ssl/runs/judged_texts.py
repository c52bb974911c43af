"""By which texts a run's encoder is judged."""

import warnings

from keras_ssl import data


def judged_texts(names):
    """Labelled texts and pairs among what can be named.

    Args:
        names: names or paths for `keras_ssl.data.load_text`. Of several of one kind the first counts; what has neither
            labels nor pairs is passed over.

    Returns:
        Pair of the labelled texts, two `keras_ssl.data.TextSource`s to fit on and to test on, or None; and of the
        `keras_ssl.data.PairSource` to test on, or None.
    """
    labelled = pairs = None
    for one in names:
        test = _test_part(one)
        if isinstance(test, data.PairSource):
            pairs = pairs or test
        elif test is not None and test.labels is not None:
            labelled = labelled or (data.load_text(one, "train"), test)
    return labelled, pairs


def _can_judge(source):
    return isinstance(source, data.PairSource) or source.labels is not None


def _test_part(name):
    try:
        test = data.load_text(name, "test")
        # Some sets of tensorflow-datasets keep the labels of their test texts secret.
        return test if _can_judge(test) else data.load_text(name, "validation")
    except ValueError as error:
        # Nothing to judge on is no reason not to train.
        warnings.warn(f"There are no test texts to judge on. {error}", stacklevel=2)
        return None
