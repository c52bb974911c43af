"""The names that users rely on."""

import subprocess
import sys

import pytest

import keras_ssl

NAMES = {
    "augment": ["Augmentation", "image", "text"],
    "augment.text": ["SpanMask", "TokenMask", "TokenTable", "WholeWordMask", "corrupt"],
    "augment.image": [
        "byol_views",
        "color_jitter",
        "crop_and_resize",
        "dino_views",
        "distort",
        "gaussian_blur",
        "multi_crop",
        "random_flip",
        "random_grayscale",
        "random_resized_crop",
        "random_rotation",
        "random_solarize",
        "ressl_views",
        "rotate_quarter_turns",
        "simclr_jitter",
        "simclr_views",
        "swav_views",
    ],
    "backbones": ["backbone_of", "pool", "small_image_resnet"],
    "callbacks": ["Checkpoint", "CollapseWarning", "KNNMonitor", "Preempted"],
    "data": ["ArraySource", "FolderSource", "RecordSource", "Source", "StreamSource", "load", "names"],
    "evaluation": [
        "FeatureFunction",
        "LinearProbeResult",
        "evaluate_encoder",
        "extract_features",
        "knn",
        "knn_predict",
        "linear_probe",
        "random_encoder",
        "raw_features",
    ],
    "layers": [
        "FeatureQueue",
        "MemoryBank",
        "MomentumTeacher",
        "MultiLayerPerceptron",
        "PredictionHead",
        "ProjectionHead",
        "Prototypes",
        "spherical_k_means",
    ],
    "losses": [
        "barlow_twins",
        "cross_entropy",
        "decoupled_contrastive",
        "decoupled_contrastive_of_logits",
        "dino",
        "info_nce",
        "info_nce_logits",
        "koleo",
        "nce",
        "nce_normalizer",
        "negative_cosine",
        "normalize",
        "nt_xent",
        "nt_xent_logits",
        "nt_xent_of_logits",
        "ressl",
        "sigreg",
        "sinkhorn",
        "supervised_contrastive",
        "swav",
        "tico",
        "tico_covariance",
        "vicreg",
        "vicreg_terms",
        "von_mises_fisher_weights",
        "wmse",
    ],
    "distribution": [
        "Slices",
        "first_row",
        "gather",
        "global_mean",
        "global_means",
        "global_sum",
        "is_chief",
        "is_moving_statistic",
        "is_seed_state",
        "lost_worker_told",
        "on_any_worker",
        "replica_count",
        "replica_index",
        "same_everywhere",
        "same_on_all_workers",
        "slices_of",
        "strategy",
        "synchronize_batch_norm",
        "worker_count",
    ],
    "metrics": [
        "EmbeddingStd",
        "alignment",
        "embedding_std",
        "larger_is_better",
        "positive_accuracy",
        "rankme",
        "uniformity",
    ],
    "objectives": [
        "BYOL",
        "BarlowTwins",
        "DCL",
        "DINO",
        "DeepClusterV2",
        "JointEmbeddingModel",
        "LeJEPA",
        "MoCo",
        "MoCoV3",
        "MomentumTeacherModel",
        "NNCLR",
        "NPID",
        "ReSSL",
        "SelfSupervisedModel",
        "SimCLR",
        "SimSiam",
        "SupCon",
        "SwAV",
        "TiCo",
        "VICReg",
        "WMSE",
    ],
    "optimizers": ["ClippedLARS", "CoupledSGD", "LARS", "one_dimensional"],
    "schedules": [
        "Clock",
        "Constant",
        "CosineMomentum",
        "LinearWarmup",
        "PerUpdate",
        "Schedule",
        "StepDecay",
        "WarmupCosine",
        "as_schedule",
        "bind_schedule",
    ],
    "serving": [
        "LiteEncoder",
        "export_encoder",
        "export_lite",
        "export_onnx",
        "load_onnx",
        "verify",
        "versions",
        "write_warmup_requests",
    ],
}
LOADED_WHEN_USED = (
    "keras_cv",
    "keras_hub",
    "matplotlib",
    "PIL",
    "rich",
    "sklearn",
    "tensorflow_datasets",
    "tensorflow_text",
    "typer",
)


@pytest.mark.parametrize("room", NAMES)
def test_public_names(room):
    module = keras_ssl
    for part in room.split("."):
        module = getattr(module, part)
    assert sorted(module.__all__) == sorted(NAMES[room])
    assert all(hasattr(module, name) for name in module.__all__)


def test_the_package_names_its_rooms():
    assert {room for room in NAMES if "." not in room} <= set(keras_ssl.__all__)


def test_importing_loads_nothing_that_is_not_needed():
    code = (
        "import sys, keras; before = set(sys.modules); import keras_ssl; "
        f"print([name for name in {LOADED_WHEN_USED} if name in set(sys.modules) - before])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_another_backend_is_refused_with_what_to_do():
    code = "import keras; keras.backend.backend = lambda: 'jax'; import keras_ssl"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError: keras_ssl runs on TensorFlow: set the environment variable KERAS_BACKEND" in found.stderr
