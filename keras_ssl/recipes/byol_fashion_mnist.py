"""BYOL on the embedded Fashion-MNIST sample.

keras-ssl pretrain byol_fashion_mnist
Seed 0, two CPU cores, 201 s: kNN 0.826, linear 0.839; random encoder 0.769 and 0.794, raw pixels 0.811 and 0.855.
"""

from keras_ssl.recipes.recipe import Recipe


def build(image_shape, seed):
    """A small ResNet under BYOL, with a teacher that is quick enough for few epochs."""
    import keras

    from keras_ssl import augment, backbones, objectives, schedules

    encoder = backbones.small_image_resnet(image_shape, widths=(32, 64, 128), stem_strides=2, pooling="max")
    views = augment.Augmentation(
        augment.image.simclr_views, strength=1.0, solarize=0.2, blur=0.0, crop_scale=(0.2, 1.0)
    )
    model = objectives.BYOL(
        encoder,
        projection_widths=(512, 128),
        prediction_widths=(512, 128),
        momentum=schedules.CosineMomentum(start=0.97),
        augment=views,
        seed=seed,
    )
    model.compile(keras.optimizers.AdamW(schedules.WarmupCosine(peak=3e-3), weight_decay=1e-4))
    return model


RECIPE = Recipe(
    name="byol_fashion_mnist",
    objective="BYOL",
    summary="BYOL with a small ResNet on 10,000 grey pictures of clothes",
    paper="2006.07733",
    data="fashion_mnist_sample",
    epochs=16,
    batch_size=128,
    build=build,
    scores={"knn": 0.826, "linear": 0.839, "seconds": 201},
)
