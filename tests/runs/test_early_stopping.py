import numpy as np
import pytest

from keras_ssl.runs import early_stopping


@pytest.mark.parametrize("metric", ["knn", "rankme", "embedding_std", "accuracy"])
def test_larger_is_better(metric):
    assert early_stopping(f"{metric}:2").mode == "max"


@pytest.mark.parametrize("metric", ["loss", "val_loss", "rotation"])
def test_smaller_is_better(metric):
    assert early_stopping(f"{metric}:2").mode == "min"


@pytest.mark.parametrize("text", ["knn", "knn:", ":3", "knn:0", "knn:x", ""])
def test_another_form_is_refused(text):
    with pytest.raises(ValueError, match=f"METRIC:PATIENCE.*Received: early_stopping={text!r}"):
        early_stopping(text)


def test_a_metric_that_is_not_logged_is_refused():
    with pytest.raises(ValueError, match=r"this run logs: loss, rankme\. Received: early_stopping='knn:3'"):
        early_stopping("knn:3", {"rankme", "loss"})


def test_stops_after_its_patience():
    class Model:
        stop_training = False
        weights = np.zeros(1)

        def get_weights(self):
            return [self.weights]

    callback, model = early_stopping("knn:2"), Model()
    callback.set_model(model)
    callback.on_train_begin()
    stopped = []
    for epoch, value in enumerate((0.5, 0.6, 0.6, 0.55)):
        callback.on_epoch_end(epoch, {"knn": value})
        stopped.append(model.stop_training)
    assert stopped == [False, False, False, True]
