"""What the recipes for Imagenette share: encoder, views, budget.

NOTE: Pictures are brought to 128 x 128 before views are cut out; lightly cuts them out of pictures of 160 pixels.
"""

import keras

from keras_ssl import backbones
from keras_ssl.recipes import published
from keras_ssl.recipes.recipe import Recipe


def encoder(data, any_size=False):
    """ResNet-18 as for ImageNet: 7 x 7 stem and max-pooling. For pictures of any size where views differ in size."""
    import keras_hub

    resnet = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=[2, 2, 2, 2],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
    )
    pixels = keras.Input((None, None, 3) if any_size else data.image_shape, name="images")
    features = backbones.pool(resnet)(keras.layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, features, name="resnet_18")


def views(**options):
    """Two views as lightly's collate function for SimCLR makes them."""
    return published.symmetric_views(**{"strength": 0.5, **options})


def sgd(rate=0.06, weight_decay=5e-4, warmup_epochs=0):
    """SGD with a cosine; the settings of most of lightly's benchmark if none are given."""
    return published.sgd(rate, weight_decay, warmup_epochs)


def recipe(name, objective, paper, build):
    """The recipe at lightly's longer budget."""
    return Recipe(
        name=f"{name}_imagenette",
        objective=objective,
        summary=f"{objective} with a ResNet-18 on Imagenette, ten classes of ImageNet",
        paper=paper,
        data="imagenette/160px-v2",
        image_size=(128, 128),
        epochs=800,
        batch_size=256,
        build=build,
        tested=False,
    )
