"""The settings of the papers, for every objective over tokens whose own test does not have them."""

import pytest

from keras_ssl import objectives

BERTS = {"peak": 1e-4, "warmup_share": 0.01, "weight_decay": 0.01, "epsilon": 1e-6, "global_clipnorm": 1.0}


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (objectives.MaskedLM, BERTS),
        (objectives.BERTPretraining, BERTS),
        (objectives.PermutationLM, BERTS | {"peak": 4e-4, "warmup_share": 0.08}),
        (objectives.CausalLM, {"peak": 2.5e-4, "weight_decay": 0.01, "global_clipnorm": 1.0}),
        (
            objectives.TextInfilling,
            {"peak": 4e-4, "warmup_share": 0.06, "weight_decay": 0.01, "beta_2": 0.98, "epsilon": 1e-6},
        ),
        (objectives.TSDAE, {"learning_rate": 3e-5, "epsilon": 1e-8, "global_clipnorm": 1.0}),
        (objectives.SimCSE, {"peak": 3e-5, "warmup_share": 0.0, "weight_decay": 0.0, "global_clipnorm": 1.0}),
    ],
)
def test_settings(objective, expected):
    config = objective.default_optimizer(None).get_config()
    rate = config["learning_rate"]
    found = config | (rate["config"] if isinstance(rate, dict) else {})
    assert {name: found[name] for name in expected} == pytest.approx(expected)
