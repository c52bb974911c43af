import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import random
from keras_ssl.augment.text import TokenTable, WholeWordMask
from keras_ssl.objectives import ReplacedTokenDetection
from keras_ssl.objectives.masked.replaced_token_detection import sample


@pytest.fixture
def model(tiny_bert, tokenizer):
    model = ReplacedTokenDetection(tiny_bert(), tokenizer, generator_width=0.5, seed=3)
    model.compile(keras.optimizers.SGD(0.01))
    return model


def views_of(model, sentences):
    return model.views({"x": {"token_ids": sentences}}, random.RowDraws(0, 0, len(sentences)), training=True)


def outputs_of(model, sentences):
    return model.forward(views_of(model, sentences), training=False)


def always_guess(model, piece):
    """Makes the generator sure of one piece, whatever it sees."""
    bias = next(variable for variable in model.generator_head.variables if variable.name == "output_bias")
    bias.assign(100.0 * (np.arange(bias.shape[0]) == piece))


# The losses.


def test_both_losses_against_numpy(model, sentences):
    views = views_of(model, sentences)
    outputs = model.forward(views, training=False)
    logits, told = (np.asarray(outputs[f"{name}_logits"], "float64") for name in ("generator", "discriminator"))
    total, count, guessing, hidden = 0.0, 0, 0.0, 0
    for row in range(len(sentences)):
        for place in range(sentences.shape[1]):
            if sentences[row, place] != 0:  # [CLS] and [SEP] are told of too
                chance = 1 / (1 + np.exp(-told[row, place]))
                total -= np.log(chance if outputs["is_replaced"][row, place] else 1 - chance)
                count += 1
        for number in np.flatnonzero(views["weights"][row]):
            scores = logits[row, number]
            label = sentences[row, views["places"][row, number]]
            guessing += np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[label]
            hidden += 1
    found = model.objective(outputs)
    np.testing.assert_allclose([float(part) for part in found["discriminator"]], [total, count], rtol=1e-5)
    np.testing.assert_allclose([float(part) for part in found["generator"]], [guessing, hidden], rtol=1e-5)


def test_the_discriminator_weighs_fifty_times(model, sentences):
    logs = model.evaluate(sentences, batch_size=32, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["generator"] + 50 * logs["discriminator"], rel=1e-5)
    assert logs["perplexity"] == pytest.approx(np.exp(logs["generator"]), rel=1e-5)


def test_diagnostics_against_numpy(model, sentences):
    outputs = outputs_of(model, sentences)
    outputs["discriminator_logits"] = tf.random.stateless_normal(sentences.shape, (1, 2))  # so that all cases occur
    is_token, replaced = sentences != 0, outputs["is_replaced"].numpy() > 0
    told = (outputs["discriminator_logits"].numpy() > 0) & is_token
    expected = {
        "replaced_share": replaced.sum() / is_token.sum(),
        "discriminator_accuracy": (told == replaced)[is_token].mean(),
        "discriminator_precision": replaced[told].mean(),
        "discriminator_recall": told[replaced].mean(),
    }
    terms = model.objective(outputs)
    diagnostics = model.diagnostics({**outputs, "terms": terms})
    assert diagnostics["perplexity"] is terms["generator"]  # not computed again
    found = {name: float(value / weight) for name, (value, weight) in diagnostics.items()}
    assert expected == pytest.approx({name: found[name] for name in expected}, rel=1e-5)


def test_a_guess_that_is_right_is_no_replacement(model, sentences):
    sentences[:, 1:4] = 9
    always_guess(model, 9)
    views = views_of(model, sentences)
    replaced = model.forward(views, training=False)["is_replaced"].numpy() > 0
    hidden = views["hidden"].numpy() == model.tokens.mask_id
    assert (hidden & (sentences == 9)).any()
    np.testing.assert_array_equal(replaced, hidden & (sentences != 9))


# What is drawn.


def test_draws_follow_the_softmax(table, rng):
    logits = rng.normal(size=table.size).astype("float32") * 2
    logits[list(table.special_ids)] = 9.0  # never drawn, however likely
    count = 100_000
    draws = random.RowDraws(0, 0, 1).uniform("draws", shape=(count,))
    found = sample(tf.broadcast_to(logits, (1, count, table.size)), draws, table).numpy()
    shares = np.bincount(found[0], minlength=table.size) / count
    chances = np.exp(logits) * ~np.isin(np.arange(table.size), table.special_ids)
    chances /= chances.sum()
    assert not shares[list(table.special_ids)].any()
    spread = np.sqrt(chances * (1 - chances) / count)
    assert (np.abs(shares - chances) <= 4.5 * spread + 1e-9).all()
    ordinary = chances > 0
    chi_square = count * ((shares - chances)[ordinary] ** 2 / chances[ordinary]).sum()
    assert chi_square < 50.0  # 20 degrees of freedom: beyond 50 once in 4,500


def test_the_ends_of_a_draw_are_the_first_and_the_last_piece(rng):
    table = TokenTable(size=9, special_ids=(0, 4, 8), mask_id=4)
    logits = rng.normal(size=(50, 2, 9)).astype("float32")
    ends = np.tile(np.array([0.0, 1 - 2.0**-24], "float32"), (50, 1))
    np.testing.assert_array_equal(sample(logits, ends, table), [[1, 7]] * 50)


def test_one_draw_is_the_piece_where_the_chances_pass_it(table, rng):
    logits = rng.normal(size=(3, 4, table.size)).astype("float32")
    draws = rng.uniform(size=(3, 4)).astype("float32")
    found = sample(logits, draws, table).numpy()
    ordinary = [one for one in range(table.size) if one not in table.special_ids]
    for place in np.ndindex(3, 4):
        chances = np.exp(logits[place].astype("float64"))[ordinary]
        assert found[place] == ordinary[np.flatnonzero(np.cumsum(chances / chances.sum()) > draws[place])[0]]


def test_hidden_pieces_are_masked_and_drawn_anew_each_step(model, sentences):
    first, second = (
        model.views({"x": {"token_ids": sentences}}, random.RowDraws(0, step, 32), training=True) for step in (0, 1)
    )
    for views in (first, second):
        hidden = np.zeros(sentences.shape, bool)
        np.put_along_axis(hidden, views["places"].numpy(), views["weights"].numpy() > 0, axis=1)
        np.testing.assert_array_equal(views["hidden"], np.where(hidden, model.tokens.mask_id, sentences))
    assert (first["hidden"] != second["hidden"]).numpy().any(axis=1).mean() > 0.8
    assert (first["draws"] != second["draws"]).numpy().all()


def test_a_share_of_the_chosen_pieces_is_masked(tiny_bert, table, sentences):
    """The others stay as they are."""
    model = ReplacedTokenDetection(tiny_bert(), tokens=table, generator_width=0.5, mask_share=0.5)
    views = views_of(model, np.tile(sentences, (10, 1)))
    chosen = int(views["weights"].numpy().sum())
    masked = int((views["hidden"] == model.tokens.mask_id).numpy().sum())
    assert masked == int((views["hidden"] != views["token_ids"]).numpy().sum())
    assert masked / chosen == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / chosen))


# What can be seen.


def test_what_is_to_be_predicted_cannot_be_seen(model, sentences):
    """Another piece in a hidden place changes neither guesses nor what the discriminator sees, but what is right."""
    first = views_of(model, sentences)
    hidden = first["hidden"].numpy() == model.tokens.mask_id
    second = views_of(model, np.where(hidden, 5 + (sentences - 4) % (model.tokens.size - 5), sentences))
    ours, theirs = (model.forward(views, training=False) for views in (first, second))
    for name in ("generator_logits", "discriminator_logits", "z"):
        np.testing.assert_array_equal(ours[name], theirs[name])
    assert (ours["labels"] != theirs["labels"]).numpy()[first["weights"].numpy() > 0].all()
    assert (ours["is_replaced"] != theirs["is_replaced"]).numpy().any()


def test_no_gradient_passes_the_samples(model, sentences):
    views = views_of(model, sentences)
    with tf.GradientTape(persistent=True) as tape:
        terms = {name: value for name, (value, _) in model.objective(model.forward(views, training=True)).items()}
    backbone = [*model.backbone.token_embedding.variables, *model.backbone.transformer_layers[0].trainable_variables]
    shared = {
        id(variable)
        for layer in model.generator.layers
        if layer in model.backbone.layers
        for variable in layer.variables
    }
    own = [v for v in [*model.generator.variables, *model.generator_head.variables] if id(v) not in shared]
    assert len(own) == 2 + 16 + 5  # projection, one transformer layer, head
    assert [tape.gradient(terms["discriminator"], one) for one in own] == [None] * len(own)
    assert all(tape.gradient(terms["discriminator"], one) is not None for one in backbone)
    assert all(tape.gradient(terms["generator"], one) is not None for one in own)
    through = [tape.gradient(terms["generator"], one) is not None for one in backbone]
    assert through == [True] + [False] * (len(backbone) - 1)  # the embedding alone


def test_padding_changes_nothing(model, sentences):
    shorter = sentences[:, :8]
    views = views_of(model, shorter)
    longer = {
        **views,
        **{name: np.pad(views[name], [(0, 0), (0, 4)]) for name in ("token_ids", "hidden")},
    }
    ours, theirs = (model.forward(one, training=False) for one in (views, longer))
    np.testing.assert_allclose(ours["z"], theirs["z"], atol=1e-5)
    for name, (value, weight) in model.objective(ours).items():
        other = model.objective(theirs)[name]
        np.testing.assert_allclose([value, weight], other, rtol=1e-5)


# The shared embeddings.


def assert_tied(model):
    names = ("token_embedding", "position_embedding", "segment_embedding", "embeddings_layer_norm")
    for name in names:
        assert model.generator.get_layer(name) is model.backbone.get_layer(name)
    assert len({id(variable) for variable in model.trainable_variables}) == len(model.trainable_variables)
    x = {"token_ids": np.array([[2, 7, 8, 3]], "int32")}
    before = model.generator(model.inputs_of(**x)).numpy()
    embeddings = model.backbone.token_embedding.embeddings
    kept = embeddings.numpy()
    embeddings.assign(kept[::-1])
    assert np.abs(model.generator(model.inputs_of(**x)) - before).max() > 1e-3
    embeddings.assign(kept)


def test_one_update_moves_shared_embeddings_once_by_both_losses(model, sentences):
    rng = random.RowDraws(model.seed, 0, 32).child("train")
    views = model.views({"x": {"token_ids": sentences}}, rng, training=True)
    embeddings = model.backbone.token_embedding.embeddings
    with tf.GradientTape(persistent=True) as tape:
        terms = model.objective(model.forward(views, training=True))
        means = {name: value / tf.cast(weight, "float32") for name, (value, weight) in terms.items()}
    parts = {name: tf.convert_to_tensor(tape.gradient(mean, embeddings.value)).numpy() for name, mean in means.items()}
    before = embeddings.numpy()
    model.fit(sentences, batch_size=32, shuffle=False, verbose=0)
    expected = before - 0.01 * (parts["generator"] + 50 * parts["discriminator"])
    np.testing.assert_allclose(embeddings.numpy(), expected, atol=1e-6)
    assert min(np.abs(part).max() for part in parts.values()) > 1e-4


@pytest.mark.gate
def test_it_comes_back_tied(tmp_path, tiny_bert, tokenizer, sentences):
    model = ReplacedTokenDetection(
        tiny_bert(), tokenizer, generator_width=0.5, sampler=WholeWordMask(rate=0.3), mask_share=0.85, pooling="max"
    )
    model.compile()
    model.fit(sentences, batch_size=16, verbose=0)
    assert_tied(model)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert_tied(again)
    ours, theirs = outputs_of(model, sentences), outputs_of(again, sentences)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])
    first, second = (one.fit(sentences, batch_size=16, verbose=0).history["loss"] for one in (model, again))
    assert first == second
    assert (again.mask_share, again.generator_width, again.sampler.rate, again.pooling) == (0.85, 0.5, 0.3, "max")


def test_the_generator_is_a_quarter_as_wide(table, tiny_bert):
    backbone = tiny_bert(num_layers=2, num_heads=4, hidden_dim=32, intermediate_dim=128)
    model = ReplacedTokenDetection(backbone, tokens=table)
    layers = [layer for layer in model.generator.layers if layer.name.startswith("generator_layer")]
    assert model.generator.output.shape == (None, None, 8)
    assert [(layer.num_heads, layer.intermediate_dim) for layer in layers] == [(1, 32)] * 2
    assert not any("pooled_dense" in variable.path for variable in model.trainable_variables)


@pytest.mark.gate
def test_roberta(table, sentences):
    backbone = keras_hub.models.RobertaBackbone(
        vocabulary_size=26, num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=16, max_sequence_length=16
    )
    model = ReplacedTokenDetection(backbone, tokens=table, generator_width=0.5)
    assert model.generator.get_layer("embeddings") is backbone.get_layer("embeddings")
    history = model.fit(sentences, batch_size=16, verbose=0).history
    assert np.isfinite(history["loss"][0])
    assert 0 < history["replaced_share"][0] <= history["replaced_share"][0] + history["generator_accuracy"][0] <= 1


# The rest.


def test_segments_are_seen_by_both(model, sentences):
    segments = tf.constant((np.arange(12) > 5) * np.ones_like(sentences))
    x = {"token_ids": sentences, "segment_ids": segments}
    views = model.views({"x": x}, random.RowDraws(0, 0, 32), training=True)
    ours = model.forward(views, training=False)
    theirs = model.forward({**views, "segment_ids": 1 - views["segment_ids"]}, training=False)
    assert np.abs(ours["generator_logits"] - theirs["generator_logits"]).max() > 1e-4
    assert np.abs(ours["z"] - theirs["z"]).max() > 1e-4


def test_lengths_that_are_not_known(model, sentences):
    def batches():
        yield from (sentences[:8], sentences[8:16, :10], sentences[16:24, :9])

    data = tf.data.Dataset.from_generator(batches, output_signature=tf.TensorSpec((8, None), "int32"))
    history = model.fit(data.apply(tf.data.experimental.assert_cardinality(3)), verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_find_replaced_tells_of_each_piece(model):
    found = model.find_replaced(["the cat saw the dogs", "fish"])
    assert [[piece for piece, _ in one] for one in found] == [["the", "cat", "saw", "the", "dog", "##s"], ["fish"]]
    logits = model.discriminator_head(model.sequence(model.ids_of(["the cat saw the dogs", "fish"])))[..., 0]
    np.testing.assert_allclose([chance for _, chance in found[0]], tf.sigmoid(logits)[0, 1:7], rtol=1e-5)
    assert found[1][0][1] == pytest.approx(float(tf.sigmoid(logits)[1, 1]), rel=1e-5)


def test_default_optimizer_is_electra_smalls(model):
    config = model.default_optimizer().get_config()
    rate = config["learning_rate"]["config"]
    assert (rate["peak"], rate["warmup_share"], config["weight_decay"], config["epsilon"]) == (5e-4, 0.01, 0.01, 1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tokens": TokenTable(8, (0,))}, "`tokenizer` must have a mask token, which ReplacedTokenDetection"),
        ({"generator_width": 0.0}, r"`generator_width` must be in \(0, 1\]. Received: generator_width=0.0"),
        ({"generator_width": 1.5}, r"`generator_width` must be in \(0, 1\]"),
        ({"discriminator_weight": -1.0}, "`discriminator_weight` must not be negative"),
    ],
)
def test_refuses_arguments(tiny_bert, table, arguments, message):
    with pytest.raises(ValueError, match=message):
        ReplacedTokenDetection(tiny_bert(), **{"tokens": table, **arguments})


def test_refuses_a_backbone_whose_embeddings_it_cannot_share(table):
    gpt = keras_hub.models.GPT2Backbone(
        vocabulary_size=26, num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=16, max_sequence_length=16
    )
    with pytest.raises(ValueError, match="`backbone` must be built as keras-hub's BertBackbone"):
        ReplacedTokenDetection(gpt, tokens=table)
