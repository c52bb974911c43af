import keras
import keras_hub
import numpy as np

from keras_ssl.optimizers import AdamWOnMatrices


def test_decays_kernels_and_embeddings_but_no_bias_and_no_norm():
    backbone = keras_hub.models.BertBackbone(9, num_layers=1, num_heads=2, hidden_dim=4, intermediate_dim=8)
    variables = backbone.trainable_variables
    for variable in variables:
        variable.assign(keras.ops.ones_like(variable))
    optimizer = AdamWOnMatrices(1.0, weight_decay=0.5)
    optimizer.build(variables)
    optimizer.apply([keras.ops.zeros_like(variable) for variable in variables])
    left = {variable.path: float(np.unique(variable.numpy()).item()) for variable in variables}
    stays = {path for path, value in left.items() if value == 1.0}
    assert stays == {path for path in left if path.endswith(("bias", "gamma", "beta"))}
    assert any(len(one.shape) == 2 for one in variables if one.path in stays)  # of attention
    assert {left[path] for path in left.keys() - stays} == {0.5}


def test_does_so_after_it_was_saved():
    again = AdamWOnMatrices.from_config(AdamWOnMatrices(1.0, weight_decay=0.5).get_config())
    matrix, bias = keras.Variable(np.ones((2, 2), "float32"), name="kernel"), keras.Variable(np.ones(2, "float32"))
    again.build([matrix, bias])
    again.apply([keras.ops.zeros_like(matrix), keras.ops.zeros_like(bias)])
    assert matrix.numpy().tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert bias.numpy().tolist() == [1.0, 1.0]
