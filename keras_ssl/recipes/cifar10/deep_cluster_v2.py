"""DeepCluster v2 on CIFAR-10.

keras-ssl pretrain deep_cluster_v2_cifar10

Settings: solo-learn, scripts/pretrain/cifar/deepclusterv2.yaml.
Published: linear 88.85 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import augment, objectives
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """Two large crops alone, three clusterings of 3,000."""
    model = objectives.DeepClusterV2(
        common.encoder(data),
        examples=len(data),
        projection_widths=(2048, 128),
        cluster_counts=(3000, 3000, 3000),
        augment=common.large_crops(augment.image.swav_views, data, blur=0.0),
        seed=seed,
    )
    model.compile(published.clipped_lars(0.6, weight_decay=1e-6, warmup_epochs=11, end=6e-4))
    return model


RECIPE = common.recipe("deep_cluster_v2", "DeepClusterV2", "2006.09882", build)
