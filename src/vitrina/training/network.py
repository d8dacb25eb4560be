"""Backbones as Keras models that take plain RGB, and the weights files that fill them.

Every network is rebuilt from Keras's own so that all are alike: one `Rescaling` between the input
and the first real layer, and none of Keras's own preprocessing.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import importlib
import re
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from vitrina.errors import WeightsDamaged
from vitrina.training.descriptions import Backbone, Source
from vitrina.training.onnx_operators import register_operators

PIXEL_SCALING = "pixel_scaling"
"""The name of the layer that scales pixels, the first after the input."""


def build_network(backbone: Backbone, source: Source) -> keras.Model:
    """The network with random weights, ready for those of `source`.

    Returns:
        A flat functional model, (N, 224, 224, 3) float32 RGB 0..255 to
        (N, 7, 7, feature_dim) float32. The first convolution still has the channel order of
        `source`; `take_rgb` turns it round once the weights are in.
    """
    photo = keras.Input((backbone.input_size, backbone.input_size, 3), name="photo")
    # Not `Normalization`, whose constants an ONNX export leaves as inputs that nobody feeds.
    scaled = keras.layers.Rescaling(
        list(source.scaling.scale), list(source.scaling.offset), name=PIXEL_SCALING
    )(photo)
    plain = _plain_model(backbone, scaled)
    if any(getattr(part, "activation", None) is keras.activations.gelu for part in plain.layers):
        register_operators()
    names = stable_names(plain)

    def fresh(part: keras.Operation) -> keras.Operation:
        if not isinstance(part, keras.Layer) or _is_taken_apart(part):
            return part  # `call` replaces it, or leaves it out
        config = part.get_config()
        config["name"] = names[part.name]
        if _is_depthwise(part):
            return _depthwise(config)
        if _is_layer_scale(part):
            return keras.layers.DepthwiseConv2D(1, use_bias=False, name=names[part.name])
        if isinstance(part, keras.layers.BatchNormalization) and source.bn_epsilon is not None:
            config["epsilon"] = source.bn_epsilon
        return type(part).from_config(config)

    def call(part: keras.Operation, *inputs: Any, **options: Any) -> Any:
        if _is_own_preprocessing(part):
            return inputs[0]
        if isinstance(part, keras.Sequential):
            return functools.reduce(lambda x, inner: fresh(inner)(x), part.layers, inputs[0])
        if not isinstance(part, keras.Layer):
            return _as_layer(part, names[part.name], *inputs)
        return part(*inputs, **options)

    network = keras.models.clone_model(plain, clone_function=fresh, call_function=call)
    return keras.Model(network.inputs[0], network.outputs[0], name=backbone.name)


def stable_names(model: keras.Model) -> dict[str, str]:
    """Names for the parts of one of Keras's models that are the same in every process.

    Keras numbers what has no name of its own through the whole process; here it is numbered within
    the model. Layers of a nested `Sequential` count as the model's, and those of Keras's own
    preprocessing do not count.
    """
    names, numbers = {}, collections.Counter[str]()
    for part in _flat_parts(model):
        names[part.name] = part.name
        kind = re.sub(r"_\d+$", "", part.name)
        if kind.replace("_", "") == type(part).__name__.lower():
            names[part.name] = f"{kind}_{numbers[kind]}" if numbers[kind] else kind
            numbers[kind] += 1
    return names


def _flat_parts(model: keras.Model) -> Iterator[keras.Operation]:
    for part in model.operations:
        if isinstance(part, keras.Sequential):
            yield from part.layers
        elif not _is_own_preprocessing(part):
            yield part


def _is_depthwise(part: keras.Operation) -> bool:
    """Whether it is a convolution of each channel by itself that Keras writes as groups."""
    return type(part) is keras.layers.Conv2D and 1 < part.groups == part.filters


def _depthwise(config: dict[str, Any]) -> keras.Layer:
    """The same convolution as the layer made for it: the export to ONNX knows no groups."""
    names = ("name", "kernel_size", "strides", "padding", "use_bias")
    return keras.layers.DepthwiseConv2D(**{name: config[name] for name in names})


def _is_layer_scale(part: keras.Operation) -> bool:
    """Whether it is ConvNeXt's factor for each channel, of a class that HDF5 does not know."""
    return type(part).__name__ == "LayerScale"


def _is_taken_apart(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.Sequential) or _is_own_preprocessing(layer)


def _is_own_preprocessing(part: keras.Operation) -> bool:
    scales = isinstance(part, keras.layers.Rescaling | keras.layers.Normalization)
    return scales and part.name != PIXEL_SCALING


def _as_layer(operation: keras.Operation, name: str, first: Any, second: Any) -> Any:
    """A sum or product that Keras's model writes as `+` or `*`: a network is cut at layers only."""
    kind = type(operation).__name__
    # lists, because the export to ONNX cannot tidy up round a constant without axes
    if kind == "Add" and isinstance(second, keras.KerasTensor):
        return keras.layers.Add(name=name)([first, second])
    if kind == "Add":
        return keras.layers.Rescaling([1.0], [float(second)], name=name)(first)
    if kind == "Multiply" and not isinstance(second, keras.KerasTensor):
        return keras.layers.Rescaling([float(second)], name=name)(first)
    raise TypeError(f"{kind} has no layer of its own.")


def load_official(backbone: Backbone, source: Source, path: Path | None) -> keras.Model:
    """The network, RGB in, with weights in the layout of Keras Applications.

    Args:
        backbone: Must have a `keras_class`.
        source: How those weights are to be run.
        path: A `.h5`, `.weights.h5` or `.keras` file, with classifier or without; None lets Keras
            download its own file, check it and put it into its cache.

    Raises:
        WeightsDamaged: The file is not for this network, or breaks off.
        Exception: What Keras raises when a download fails.
    """
    shape = (backbone.input_size, backbone.input_size, 3)
    keras_class = getattr(keras.applications, backbone.keras_class)
    if path is None:
        with contextlib.redirect_stdout(sys.stderr):  # Keras draws its bar where results go
            filled = keras_class(weights="imagenet", include_top=False, input_shape=shape)
    else:
        filled = keras_class(weights=None, include_top=False, input_shape=shape)
        try:
            load_file(filled, path)
        except WeightsDamaged as without_classifier:
            filled = keras_class(weights=None, include_top=True, input_shape=shape)
            try:
                load_file(filled, path)
            except WeightsDamaged:
                raise without_classifier from None
    network = build_network(backbone, source)
    _copy_weights(filled, network)
    _require_finite(network, str(path or backbone.title))
    take_rgb(network, source)
    return network


def load_converted(backbone: Backbone, source: Source, path: Path) -> keras.Model:
    """The network, RGB in, with weights that `vitrina.training.weights` converted before.

    Raises:
        WeightsDamaged: The file is not for this network, or breaks off.
    """
    network = build_network(backbone, source)
    load_file(network, path)
    _require_finite(network, str(path))
    take_rgb(network, source)
    return network


def load_file(model: keras.Model, path: Path) -> None:
    """Fills `model` from a `.h5`, `.weights.h5` or `.keras` file; never runs code from it.

    Raises:
        WeightsDamaged: It does not fit, or cannot be read.
    """
    try:
        # Keras only warns where it leaves a layer as it was.
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile, UserWarning) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsDamaged(
            f"{path} cannot be loaded into {model.name} ({model.count_params():,} parameters): "
            f"{first_line}",
            hint="Expected a .h5, .weights.h5 or .keras file in the layout of Keras Applications.",
        ) from error


def take_rgb(network: keras.Model, source: Source) -> None:
    """Turns the first convolution's input channels round if the weights expect BGR."""
    if not source.bgr:
        return
    first = next(each for each in network.layers if isinstance(each, keras.layers.Conv2D))
    kernel, *bias = first.get_weights()
    first.set_weights([kernel[:, :, ::-1, :], *bias])


def _copy_weights(filled: keras.Model, network: keras.Model) -> None:
    names = stable_names(filled)
    arrays = {}
    for part in _flat_parts(filled):
        if isinstance(part, keras.Layer):
            arrays[names[part.name]] = part.get_weights()
        if _is_depthwise(part):
            kernel, *bias = part.get_weights()
            arrays[names[part.name]] = [kernel.transpose(0, 1, 3, 2), *bias]
        if _is_layer_scale(part):
            arrays[names[part.name]] = [part.get_weights()[0].reshape(1, 1, -1, 1)]
    for layer in network.layers:
        if not layer.weights:
            continue
        if layer.name not in arrays:  # ConvNeXt normalises elsewhere when it has a classifier
            raise WeightsDamaged(
                f"The file with classifier holds nothing for layer {layer.name} of {network.name}.",
                hint="Expected the file without classifier.",
            )
        layer.set_weights(arrays[layer.name])


def _plain_model(backbone: Backbone, scaled: keras.KerasTensor) -> keras.Model:
    """Keras's own model, or ours where Keras has none, on top of `scaled`."""
    if backbone.keras_class:
        keras_class = getattr(keras.applications, backbone.keras_class)
        return keras_class(weights=None, include_top=False, input_tensor=scaled)
    module, _, function = backbone.builder.partition(":")
    return getattr(importlib.import_module(module), function)(scaled)


def _require_finite(network: keras.Model, where: str) -> None:
    for layer in network.layers:
        if not all(np.isfinite(array).all() for array in layer.get_weights()):
            raise WeightsDamaged(f"{where}: layer {layer.name} holds values that are not finite.")
