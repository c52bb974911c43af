import json
import shutil
import subprocess
import sys

import keras
import keras_hub
import numpy as np
import pytest

from keras_ssl.serving import export_text_encoder

TEXTS = ["A cat.", "", "Zwei Hunde, café", "cat", "cat cat"]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", ".", "zwei", "cafe", "##s"]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A text encoder in the place of the pictures' one, under whose name the stand-ins serve two versions."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="int32", name="padding_mask")
    vectors = keras.layers.Embedding(len(PIECES), 4)(ids)
    encoder = keras.Model(
        {"token_ids": ids, "padding_mask": mask},
        keras.layers.GlobalAveragePooling1D()(vectors, mask=keras.ops.cast(mask, "bool")),
    )
    tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary=PIECES, lowercase=True, strip_accents=True)
    path = export_text_encoder(encoder, tokenizer, tmp_path_factory.mktemp("texts"), examples=TEXTS, max_length=8)[
        "strings"
    ]
    shutil.copytree(path, path.with_name("2"))
    return path.parent


def test_texts_over_rest_and_grpc_give_the_numbers_of_keras(kit, rest_port, grpc_port, model_folder, largest_batch):
    assert len(TEXTS) > largest_batch
    with np.load(model_folder / "1" / "assets.extra" / "verify.npz") as file:
        expected = file["serving_default/outputs/embedding"]
    for client, server in (
        ("rest_client.py", ["--url", f"http://127.0.0.1:{rest_port}"]),
        ("grpc_client.py", ["--address", f"127.0.0.1:{grpc_port}"]),
    ):
        command = [
            sys.executable,
            kit / "clients" / client,
            "--texts",
            *TEXTS,
            "--batch-size",
            str(largest_batch),
            *server,
        ]
        child = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert child.returncode == 0, child.stdout + child.stderr
        np.testing.assert_allclose(json.loads(child.stdout)["embeddings"], expected, atol=1e-5)
