"""The other networks of Keras Applications that take a photo of 224 by 224.

Listed are those that give 7 by 7 features there, have official weights without classifier, and can
be cut, saved and exported. Left out: InceptionV3 and InceptionResNetV2, whose unpadded
convolutions are made for 299 pixels; the networks made for more than 300 pixels (NASNetLarge,
EfficientNet from B4, EfficientNetV2 M and L); NASNetMobile, whose cells each take the outputs of
the two before, so that nothing but its first layers could be frozen; ConvNeXt Large and XLarge,
for their size.
"""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.training.descriptions import (
    IMAGENET_CENTRED,
    IMAGENET_STANDARDISED,
    KERAS_FILES,
    MINUS_ONE_TO_ONE,
    Backbone,
    Official,
    Scaling,
)

APPLICATIONS = KERAS_FILES + "tensorflow/keras-applications/"
KERNELS = "_weights_tf_dim_ordering_tf_kernels_notop.h5"
MINUS_ONE_TO_ALMOST_ONE = Scaling((1 / 128,) * 3, (-1.0,) * 3)


@dataclass(frozen=True, kw_only=True)
class _Family:
    """What networks of one paper share."""

    folder: str
    scaling: Scaling
    bgr: bool = False
    licence: str = "Apache-2.0"
    last_layer: str = ""

    def member(
        self,
        name: str,
        keras_class: str,
        file: str,
        *,
        feature_dim: int,
        parameters: int,
        layers: int,
        title: str = "",
        last_layer: str = "",
    ) -> Backbone:
        return Backbone(
            name=name,
            title=title or keras_class,
            feature_dim=feature_dim,
            parameters=parameters,
            layers=layers,
            last_layer=last_layer or self.last_layer,
            licence=self.licence,
            keras_class=keras_class,
            official=Official(url=self.folder + file, scaling=self.scaling, bgr=self.bgr),
        )


_MOBILENET = _Family(folder=APPLICATIONS + "mobilenet/", scaling=MINUS_ONE_TO_ONE)
_MOBILENET_V3 = _Family(folder=APPLICATIONS + "mobilenet_v3/", scaling=MINUS_ONE_TO_ONE)
_EFFICIENTNET = _Family(
    folder=KERAS_FILES + "keras-applications/",
    scaling=IMAGENET_STANDARDISED,
    last_layer="top_activation",
)
_EFFICIENTNET_V2 = _Family(
    folder=APPLICATIONS + "efficientnet_v2/",
    scaling=IMAGENET_STANDARDISED,
    last_layer="top_activation",
)
_EFFICIENTNET_V2_LARGER = _Family(
    folder=APPLICATIONS + "efficientnet_v2/",
    scaling=MINUS_ONE_TO_ALMOST_ONE,
    last_layer="top_activation",
)
_DENSENET = _Family(
    folder=APPLICATIONS + "densenet/",
    scaling=IMAGENET_STANDARDISED,
    licence="Apache-2.0, original weights BSD-3-Clause",
    last_layer="relu",
)
_XCEPTION = _Family(folder=APPLICATIONS + "xception/", scaling=MINUS_ONE_TO_ONE)
_RESNET = _Family(
    folder=APPLICATIONS + "resnet/",
    scaling=IMAGENET_CENTRED,
    bgr=True,
    licence="Apache-2.0, original weights MIT",
    last_layer="conv5_block3_out",
)
_RESNET_V2 = _Family(
    folder=APPLICATIONS + "resnet/", scaling=MINUS_ONE_TO_ONE, last_layer="post_relu"
)
_CONVNEXT = _Family(
    folder=APPLICATIONS + "convnext/",
    scaling=IMAGENET_STANDARDISED,
    licence="Apache-2.0, original weights MIT",
    last_layer="layer_normalization",
)
_VGG = _Family(
    folder=APPLICATIONS,
    scaling=IMAGENET_CENTRED,
    bgr=True,
    licence="Apache-2.0, original weights CC-BY-4.0",
    last_layer="block5_pool",
)

KERAS_APPLICATIONS = (
    _MOBILENET_V3.member(
        "mobilenet_v3_small",
        "MobileNetV3Small",
        "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        feature_dim=576,
        parameters=939_120,
        layers=175,
        last_layer="activation_17",
        title="MobileNetV3-Small",
    ),
    _MOBILENET_V3.member(
        "mobilenet_v3_large",
        "MobileNetV3Large",
        "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        feature_dim=960,
        parameters=2_996_352,
        layers=203,
        last_layer="activation_19",
        title="MobileNetV3-Large",
    ),
    _MOBILENET.member(
        "mobilenet",
        "MobileNet",
        "mobilenet_1_0_224_tf_no_top.h5",
        feature_dim=1024,
        parameters=3_228_864,
        layers=87,
        last_layer="conv_pw_13_relu",
    ),
    _EFFICIENTNET.member(
        "efficientnet_b1",
        "EfficientNetB1",
        "efficientnetb1_notop.h5",
        feature_dim=1280,
        parameters=6_575_232,
        layers=338,
        title="EfficientNet-B1",
    ),
    _EFFICIENTNET.member(
        "efficientnet_b2",
        "EfficientNetB2",
        "efficientnetb2_notop.h5",
        feature_dim=1408,
        parameters=7_768_562,
        layers=338,
        title="EfficientNet-B2",
    ),
    _EFFICIENTNET.member(
        "efficientnet_b3",
        "EfficientNetB3",
        "efficientnetb3_notop.h5",
        feature_dim=1536,
        parameters=10_783_528,
        layers=383,
        title="EfficientNet-B3",
    ),
    _EFFICIENTNET_V2.member(
        "efficientnet_v2_b0",
        "EfficientNetV2B0",
        "efficientnetv2-b0_notop.h5",
        feature_dim=1280,
        parameters=5_919_312,
        layers=269,
        title="EfficientNetV2-B0",
    ),
    _EFFICIENTNET_V2.member(
        "efficientnet_v2_b1",
        "EfficientNetV2B1",
        "efficientnetv2-b1_notop.h5",
        feature_dim=1280,
        parameters=6_931_124,
        layers=333,
        title="EfficientNetV2-B1",
    ),
    _EFFICIENTNET_V2.member(
        "efficientnet_v2_b2",
        "EfficientNetV2B2",
        "efficientnetv2-b2_notop.h5",
        feature_dim=1408,
        parameters=8_769_374,
        layers=348,
        title="EfficientNetV2-B2",
    ),
    _EFFICIENTNET_V2.member(
        "efficientnet_v2_b3",
        "EfficientNetV2B3",
        "efficientnetv2-b3_notop.h5",
        feature_dim=1536,
        parameters=12_930_622,
        layers=408,
        title="EfficientNetV2-B3",
    ),
    _EFFICIENTNET_V2_LARGER.member(
        "efficientnet_v2_s",
        "EfficientNetV2S",
        "efficientnetv2-s_notop.h5",
        feature_dim=1280,
        parameters=20_331_360,
        layers=513,
        title="EfficientNetV2-S",
    ),
    _DENSENET.member(
        "densenet121",
        "DenseNet121",
        "densenet121" + KERNELS,
        feature_dim=1024,
        parameters=7_037_504,
        layers=428,
    ),
    _DENSENET.member(
        "densenet169",
        "DenseNet169",
        "densenet169" + KERNELS,
        feature_dim=1664,
        parameters=12_642_880,
        layers=596,
    ),
    _DENSENET.member(
        "densenet201",
        "DenseNet201",
        "densenet201" + KERNELS,
        feature_dim=1920,
        parameters=18_321_984,
        layers=708,
    ),
    _XCEPTION.member(
        "xception",
        "Xception",
        "xception" + KERNELS,
        feature_dim=2048,
        parameters=20_861_480,
        layers=133,
        last_layer="block14_sepconv2_act",
    ),
    _RESNET.member(
        "resnet101",
        "ResNet101",
        "resnet101" + KERNELS,
        feature_dim=2048,
        parameters=42_658_176,
        layers=346,
    ),
    _RESNET.member(
        "resnet152",
        "ResNet152",
        "resnet152" + KERNELS,
        feature_dim=2048,
        parameters=58_370_944,
        layers=516,
    ),
    _RESNET_V2.member(
        "resnet50_v2",
        "ResNet50V2",
        "resnet50v2" + KERNELS,
        feature_dim=2048,
        parameters=23_564_800,
        layers=191,
    ),
    _RESNET_V2.member(
        "resnet101_v2",
        "ResNet101V2",
        "resnet101v2" + KERNELS,
        feature_dim=2048,
        parameters=42_626_560,
        layers=378,
    ),
    _RESNET_V2.member(
        "resnet152_v2",
        "ResNet152V2",
        "resnet152v2" + KERNELS,
        feature_dim=2048,
        parameters=58_331_648,
        layers=565,
    ),
    _CONVNEXT.member(
        "convnext_tiny",
        "ConvNeXtTiny",
        "convnext_tiny_notop.h5",
        feature_dim=768,
        parameters=27_820_128,
        layers=155,
        title="ConvNeXt-Tiny",
    ),
    _CONVNEXT.member(
        "convnext_small",
        "ConvNeXtSmall",
        "convnext_small_notop.h5",
        feature_dim=768,
        parameters=49_454_688,
        layers=299,
        title="ConvNeXt-Small",
    ),
    _CONVNEXT.member(
        "convnext_base",
        "ConvNeXtBase",
        "convnext_base_notop.h5",
        feature_dim=1024,
        parameters=87_566_464,
        layers=299,
        title="ConvNeXt-Base",
    ),
    _VGG.member(
        "vgg16", "VGG16", "vgg16/vgg16" + KERNELS, feature_dim=512, parameters=14_714_688, layers=20
    ),
    _VGG.member(
        "vgg19", "VGG19", "vgg19/vgg19" + KERNELS, feature_dim=512, parameters=20_024_384, layers=23
    ),
)
