"""What a pickle says, as inert records: nothing that it names is imported, looked up or called.

A pickle is a program for a small machine that makes objects. Here that machine is run with records in the place of
objects, so that a file can do no more than fill a few dictionaries, and what it would do can be read off them.
"""

from __future__ import annotations

import pickletools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

_MOST_STEPS = 2_000_000
"""Ten thousand tensors take 400,000."""
_LARGEST_KEY = 1 << 60  # whole numbers below are their own hash, so that a dictionary of them cannot be made slow

_HARMLESS = {
    "collections": ("OrderedDict", "defaultdict", "Counter"), "argparse": ("Namespace",),
    "types": ("SimpleNamespace",), "functools": ("partial",), "pathlib": ("Path", "PosixPath", "WindowsPath"),
    "_codecs": ("encode",), "codecs": ("encode",),
    "builtins": ("set", "frozenset", "dict", "list", "tuple", "object", "int", "float", "bytearray", "slice"),
    "copyreg": ("_reconstructor",),
}  # fmt: skip
_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_STANDARD = sys.stdlib_module_names | {"commands", "exceptions"}

_CALLS = frozenset({
    *(f"torch._utils.{name}" for name in (
        "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter",
        "_rebuild_parameter_with_state",
    )),
    "torch._tensor._rebuild_from_type_v2", "torch.nn.parameter.Parameter", "torch.autograd.variable.Variable",
    "torch.Size", "torch.device",
    *(f"numpy.{package}.multiarray.{name}" for package in ("core", "_core") for name in ("scalar", "_reconstruct")),
    "numpy.dtype", "numpy.ndarray",
    *(f"{module}.{name}" for module, names in _HARMLESS.items() for name in names),
})  # fmt: skip
"""What a file of weights may say that it calls. None of it is called; a file that says anything else is refused."""


class BadPickle(ValueError):
    """A pickle that is damaged, or would do something else than hold tensors."""


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A class or function that a pickle names, such as "torch.FloatStorage"."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Made:
    """An object that a pickle would make.

    Attributes:
        by: The class or function.
        arguments: What it would be given.
        state: The attributes it would then get; None where it gets none.
    """

    by: Name
    arguments: tuple[object, ...]
    state: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Something that a pickle refers to and that lies outside of it; of torch's files, a storage."""

    identity: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Pickled:
    """What a pickle says.

    Attributes:
        content: Dictionaries, lists, tuples, numbers, strings, bytes and None as they are, everything else as `Made`,
            `Kept` or `Name`. Entries of dictionaries whose keys are neither strings nor whole numbers are left out.
        kept: Everything outside that it refers to, in order.
    """

    content: object
    kept: tuple[Kept, ...]


def interpret(stream: BinaryIO) -> Pickled:
    """Run a pickle without making anything of it.

    Args:
        stream: Where it begins; afterwards, where it ended.

    Returns:
        What it says.

    Raises:
        BadPickle: It is damaged, takes too many steps, names something of the standard library that has no business
            in weights, or would call something.
    """
    machine = _Machine()
    try:
        for step, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if step > _MOST_STEPS:
                raise BadPickle(f"it takes more than {_MOST_STEPS:,} steps")
            machine.do(opcode.name, argument)
        return Pickled(machine.stack.pop(), tuple(machine.kept))
    except BadPickle:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise BadPickle(f"it is no pickle, or a damaged one ({type(error).__name__})") from error


class _Machine:
    """The pickle machine: a stack, marks on it, and a memo."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.below: list[list[object]] = []
        self.memo: dict[int, object] = {}
        self.kept: list[Kept] = []

    def do(self, name: str, argument: object) -> None:
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise BadPickle(f"it holds the pickle instruction {name}")

    def to_mark(self) -> list[object]:
        """What was put on the stack since the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _: object) -> None:
        self.below.append(self.stack)
        self.stack = []

    def memoize(self, place: object) -> None:
        self.memo[cast("int", place) if place is not None else len(self.memo)] = self.stack[-1]

    def recall(self, place: object) -> None:
        self.stack.append(self.memo[cast("int", place)])

    def name(self, argument: object) -> None:
        if argument is None:  # both parts are on the stack
            qualified, module = self.stack.pop(), self.stack.pop()
        else:
            module, qualified = str(argument).split(" ", 1)
        self.stack.append(_named(module, qualified))

    def call(self, _: object) -> None:
        arguments, by = self.stack.pop(), self.stack.pop()
        if not isinstance(by, Name) or not isinstance(arguments, tuple):
            raise BadPickle("it is not only tensors: it would call something that it made")
        if str(by) not in _CALLS:
            raise BadPickle(f"it is not only tensors: it would call {_shown(by)}")
        self.stack.append(_called(by, cast("tuple[object, ...]", arguments)))

    def make(self, name: object) -> None:
        """An object of a class, as old protocols write it: the class, or its name, and then its arguments."""
        items = self.to_mark()
        by = _named(*str(name).split(" ", 1)) if name is not None else items.pop(0)
        self._new(by, tuple(items))

    def new(self, _: object) -> None:
        arguments, by = self.stack.pop(), self.stack.pop()
        self._new(by, arguments)

    def new_with_names(self, _: object) -> None:
        self.stack.pop()
        self.new(None)

    def _new(self, by: object, arguments: object) -> None:
        if not isinstance(by, Name) or not isinstance(arguments, tuple):
            raise BadPickle("it is not only tensors: it would make an object of no class")
        self.stack.append(Made(by, cast("tuple[object, ...]", arguments)))

    def build(self, _: object) -> None:
        state = self.stack.pop()
        made = self.stack[-1]
        if isinstance(made, Made):  # of ordered dictionaries it is attributes, which no one needs
            made.state = state

    def persistent(self, _: object) -> None:
        identity = self.stack.pop()
        if not isinstance(identity, tuple) or len(cast("tuple[object, ...]", identity)) < 2:
            raise BadPickle("its pickle is damaged (a reference to nothing)")
        identity = cast("tuple[object, ...]", identity)
        if identity[0] == "module":  # with the class, old files keep its source
            self.stack.append(identity[1])
        else:
            self.kept.append(Kept(identity))
            self.stack.append(self.kept[-1])

    def extend(self, _: object) -> None:
        items = self.to_mark()
        _list_of(self.stack[-1]).extend(items)

    def append(self, _: object) -> None:
        item = self.stack.pop()
        _list_of(self.stack[-1]).append(item)

    def set_items(self, _: object) -> None:
        items = self.to_mark()
        _fill(self.stack[-1], items)

    def set_item(self, _: object) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _fill(self.stack[-1], [key, value])

    def dictionary(self, _: object) -> None:
        items, made = self.to_mark(), dict[str | int, object]()
        _fill(made, items)
        self.stack.append(made)

    def listed(self, _: object) -> None:
        items = self.to_mark()
        self.stack.append(items)

    def tupled(self, _: object) -> None:
        items = self.to_mark()
        self.stack.append(tuple(items))

    def tuple_of(self, count: int) -> None:
        self.stack[-count:] = [tuple(self.stack[-count:])]


def _named(module: object, qualified: object) -> Name:
    if not isinstance(module, str) or not isinstance(qualified, str):
        raise BadPickle("it is not only tensors: it names something by no name")
    name = Name(_PYTHON_2.get(module, module), qualified)
    if name.module.partition(".")[0] in _STANDARD and qualified not in _HARMLESS.get(name.module, ()):
        raise BadPickle(f"it is not only tensors: it names {_shown(name)}")
    return name


def _called(by: Name, arguments: tuple[object, ...]) -> object:
    """What a harmless call makes: dictionaries are themselves, so that they can be filled."""
    if by.module == "collections":
        made = dict[str | int, object]()
        for pair in cast("list[object]", arguments[0]) if arguments and isinstance(arguments[0], list) else ():
            _fill(made, list(cast("tuple[object, object]", pair)))
        return made
    if by.module == "copyreg":
        kind, arguments = arguments[0], ()
        if not isinstance(kind, Name):
            raise BadPickle("it is not only tensors: it would make an object of no class")
        by = kind
    return Made(by, arguments)


def _fill(target: object, items: list[object]) -> None:
    if isinstance(target, Made):  # a class of its own that is also a dictionary
        return
    if not isinstance(target, dict) or len(items) % 2:
        raise BadPickle("its pickle is damaged (an entry without a dictionary)")
    entries = cast("dict[str | int, object]", target)
    for key, value in zip(items[::2], items[1::2], strict=True):
        if isinstance(key, str) or (isinstance(key, int) and abs(key) < _LARGEST_KEY):
            entries[key] = value


def _list_of(target: object) -> list[object]:
    if isinstance(target, Made):
        return []
    if not isinstance(target, list):
        raise BadPickle("its pickle is damaged (an item without a list)")
    return cast("list[object]", target)


def _shown(name: Name) -> str:
    return ascii(str(name)[:80])[1:-1]


_LITERALS = frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE",
    "BINUNICODE", "BINUNICODE8",
})  # fmt: skip
_CONSTANTS: dict[str, Callable[[], object]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict, "EMPTY_SET": list,
}  # fmt: skip
_STEPS: dict[str, Callable[[_Machine, object], object]] = {
    "MARK": _Machine.mark, "PUT": _Machine.memoize, "BINPUT": _Machine.memoize, "LONG_BINPUT": _Machine.memoize,
    "MEMOIZE": _Machine.memoize, "GET": _Machine.recall, "BINGET": _Machine.recall, "LONG_BINGET": _Machine.recall,
    "GLOBAL": _Machine.name, "STACK_GLOBAL": _Machine.name, "REDUCE": _Machine.call, "INST": _Machine.make,
    "OBJ": _Machine.make, "NEWOBJ": _Machine.new, "NEWOBJ_EX": _Machine.new_with_names, "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent, "APPENDS": _Machine.extend, "ADDITEMS": _Machine.extend,
    "APPEND": _Machine.append, "SETITEMS": _Machine.set_items, "SETITEM": _Machine.set_item,
    "DICT": _Machine.dictionary, "POP": lambda machine, _: machine.stack.pop(),
    "POP_MARK": lambda machine, _: machine.to_mark(),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "LIST": _Machine.listed, "FROZENSET": _Machine.listed, "TUPLE": _Machine.tupled,
    "TUPLE1": lambda machine, _: machine.tuple_of(1), "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
}  # fmt: skip
