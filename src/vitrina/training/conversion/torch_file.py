"""PyTorch's state files, read without PyTorch and without running anything that they name.

What `torch.save(module.state_dict(), path)` writes is a pickle that describes the tensors, and
the bytes of their storages. There are two layouts:

- legacy, until PyTorch 1.6: five pickles one after another, which are the magic number, the
  protocol version 1001, facts about the machine (among them its byte order), the state, and the
  list of storage keys; then per key, in the order of that list, its number of elements as int64
  and its bytes;
- zip, since then: uncompressed members `NAME/data.pkl`, which is the state, and `NAME/data/KEY`,
  the bytes of one storage each; newer files name the byte order in `NAME/byteorder`.

In the state a tensor is the call _rebuild_tensor_v2(storage, offset, size, stride, requires grad,
hooks), with offset and stride in elements. A storage is the persistent id ("storage", its class,
its key, its device, its number of elements), to which legacy adds a view: None where it has none.
"""

from __future__ import annotations

import math
import pickle
import reprlib
import zipfile
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrina.errors import WeightsDamaged

ZIP_START = b"PK\x03\x04"
LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickle of 0x1950a86a20f9469cfc6c."""

LEGACY_PROTOCOL = 1001
COUNT_BYTES = 8


class _Storage(NamedTuple):
    key: str
    dtype: str
    length: int


class _Tensor(NamedTuple):
    """A tensor as the file describes it; nothing of it is checked yet."""

    storage: Any
    offset: Any
    size: Any
    stride: Any
    requires_grad: Any
    hooks: Any
    metadata: Any = None

    def __setstate__(self, state: object) -> None:
        raise WeightsDamaged("The PyTorch file gives a tensor a state; expected none.")


class _Names(dict[Any, Any]):
    """Stands in for OrderedDict: a state file hangs the versions of its modules on that."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        """Leaves the versions out.

        Without this method, and the one above, unpickling would set attributes that a file asks
        for, even those of the classes.
        """


ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _Names,
    ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
    ("torch", "FloatStorage"): "<f4",
    ("torch", "HalfStorage"): "<f2",
    ("torch", "DoubleStorage"): "<f8",
    ("torch", "LongStorage"): "<i8",
    ("torch", "IntStorage"): "<i4",
    ("torch", "ByteStorage"): "|u1",
    ("torch", "BoolStorage"): "|b1",
}
"""All names that a file may use, and what stands in for each: records and types, no function."""


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise WeightsDamaged(
                f"The PyTorch file asks for {module}.{name}, which no state file needs; "
                "nothing of it was run."
            )
        return ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", str(dtype), str(key), str(), int(count), *view) if (
                dtype in ALLOWED.values() and count >= 0 and view in ([], [None])
            ):
                storage = _Storage(key, dtype, count)
            case _:
                raise _damaged("a storage", pid)
        if self.storages.setdefault(key, storage) != storage:
            raise _damaged(f"{self.storages[key]} again", storage)
        return storage


def read_tensors(content: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a PyTorch state file by name, in its order, each with memory of its own.

    Args:
        content: The whole file. Its origin must have been verified: nothing in it is run, but a
            file made for that could still ask for more memory than there is.

    Raises:
        WeightsDamaged: It is no state file, breaks off, contradicts itself, or names anything but
            tensors of float16, 32 and 64, int32 and 64, uint8 and bool.
    """
    try:
        if content.startswith(ZIP_START):
            state, contents = _open_zip(content)
        elif content.startswith(LEGACY_START):
            state, contents = _open_legacy(content)
        else:
            raise _damaged("the start of a zip file or PyTorch's magic number", content[:16])
        if not isinstance(state, dict):
            raise _damaged("a dict of tensors", state)
        return {name: _array(name, tensor, contents) for name, tensor in state.items()}
    except WeightsDamaged:
        raise
    except Exception as error:  # unpickling, zipfile and NumPy have many ways to stumble
        raise WeightsDamaged(f"The PyTorch file cannot be read: {error!r}.") from error


def _open_zip(content: bytes) -> tuple[Any, dict[str, bytes]]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = archive.namelist()
        packed = [file.filename for file in archive.infolist() if file.compress_type]
        if packed:
            raise _damaged("members without compression", packed)
        pickles = [name for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1:
            raise _damaged("one member NAME/data.pkl", pickles or names)
        folder = pickles[0].removesuffix("data.pkl")
        if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder") != b"little":
            raise _damaged("byte order little", archive.read(f"{folder}byteorder"))
        unpickler = _Unpickler(BytesIO(archive.read(pickles[0])))
        state = unpickler.load()
        contents = {}
        for storage in unpickler.storages.values():
            member = f"{folder}data/{storage.key}"
            if member not in names:
                raise _damaged(f"a member {member}", names)
            contents[storage.key] = archive.read(member)
            _check_bytes(storage, len(contents[storage.key]))
        return state, contents


def _open_legacy(content: bytes) -> tuple[Any, dict[str, bytes]]:
    file = BytesIO(content)
    file.seek(len(LEGACY_START))
    protocol, machine = _Unpickler(file).load(), _Unpickler(file).load()
    if protocol != LEGACY_PROTOCOL:
        raise _damaged(f"protocol version {LEGACY_PROTOCOL}", protocol)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise _damaged("little_endian: True", machine)
    unpickler = _Unpickler(file)
    state, keys = unpickler.load(), _Unpickler(file).load()
    if not isinstance(keys, list) or sorted(keys) != sorted(unpickler.storages):
        raise _damaged(f"the keys of {len(unpickler.storages)} storages", keys)
    contents = {}
    for key in keys:
        storage = unpickler.storages[key]
        count = int.from_bytes(file.read(COUNT_BYTES), "little")
        if count != storage.length:
            raise _damaged(f"{storage.length} elements in storage {key}", count)
        contents[key] = file.read(count * np.dtype(storage.dtype).itemsize)
        _check_bytes(storage, len(contents[key]))
    if file.tell() != len(content):
        raise _damaged(f"a file of {file.tell()} bytes", len(content))
    return state, contents


def _array(name: Any, tensor: Any, contents: dict[str, bytes]) -> NDArray[Any]:
    """The tensor's elements, gathered from its storage."""
    match name, tensor:
        case str(), _Tensor(_Storage() as storage, offset, size, stride):
            pass
        case _:
            raise _damaged("a name and a tensor", (name, tensor))
    if not (_whole((offset,)) and _whole(size) and _whole(stride)):
        raise _damaged(f"{name}: whole numbers, none below 0", (offset, size, stride))
    if len(size) != len(stride):
        raise _damaged(f"{name}: as many strides as sizes", (size, stride))
    count = math.prod(size)
    reach = sum((extent - 1) * step for extent, step in zip(size, stride, strict=True)) + 1
    end = offset + (reach if count else 0)
    # An expanded tensor, whose elements share memory, would be larger; layers have none of these.
    if max(end, count) > storage.length:
        raise WeightsDamaged(
            f"{name}: expected a tensor inside the {storage.length} elements of its storage, "
            f"found {count} elements that end at {end}."
        )
    flat = np.frombuffer(contents[storage.key], storage.dtype)
    # PyTorch lets the stride of a single element be any number; nothing steps along it.
    steps = [
        step * flat.itemsize if extent > 1 else 0 for extent, step in zip(size, stride, strict=True)
    ]
    view = np.lib.stride_tricks.as_strided(flat[offset:], size, steps, writeable=False)
    return np.array(view, flat.dtype.newbyteorder("="), order="C")


def _check_bytes(storage: _Storage, found: int) -> None:
    expected = storage.length * np.dtype(storage.dtype).itemsize
    if found != expected:
        raise _damaged(f"{expected} bytes in storage {storage.key}", found)


def _whole(numbers: Any) -> bool:
    return isinstance(numbers, tuple) and all(type(n) is int and n >= 0 for n in numbers)


def _damaged(expected: str, found: object) -> WeightsDamaged:
    return WeightsDamaged(
        f"The PyTorch file is damaged: expected {expected}, found {reprlib.repr(found)}."
    )
