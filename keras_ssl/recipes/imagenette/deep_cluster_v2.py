"""DeepCluster v2 on Imagenette.

keras-ssl pretrain deep_cluster_v2_imagenette

Settings: solo-learn, scripts/pretrain/imagenet-100/deepclusterv2.yaml, at 128 pixels.
No figure was published; linear 75.36 on ImageNet-100 (solo-learn, ResNet-18, 400 epochs). Not run here.
"""

from keras_ssl import augment, objectives
from keras_ssl.recipes import published
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """Clusterings of 300, since there are 9,469 pictures: solo-learn takes 3,000 for 127,000."""
    views = augment.image.swav_views
    model = objectives.DeepClusterV2(
        common.encoder(data),
        examples=len(data),
        projection_widths=(2048, 128),
        cluster_counts=(300, 300, 300),
        augment=augment.Augmentation(views, global_size=128, local_count=0, global_scale=(0.08, 1.0)),
        seed=seed,
    )
    model.compile(published.clipped_lars(0.6, weight_decay=1e-6, warmup_epochs=11, end=6e-4))
    return model


RECIPE = common.recipe("deep_cluster_v2", "DeepClusterV2", "2006.09882", build)
