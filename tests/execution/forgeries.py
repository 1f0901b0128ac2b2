"""Programs that try to pass tests without knowing what is expected. Each defines ``f``, or never gets there."""

from __future__ import annotations

from .support import FORGE

SEARCH = """
import gc, sys, types

def search():
    gc.unfreeze()
    frame, todo, seen = sys._getframe(), gc.get_objects(), set()
    while frame:
        todo += frame.f_locals.values()
        frame = frame.f_back
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if type(thing) is types.CodeType and thing.co_filename == '<test>':
            for constant in thing.co_consts:
                if type(constant) is int and constant > 10 ** 6:
                    yield constant
            todo += thing.co_consts
        elif type(thing) in (list, tuple):
            todo += thing
        elif type(thing) is dict:
            todo += thing.values()

def f(x):
    found = sorted(set(search()))
    return found[-1] if found else 0
"""

ANYTHING = """
class Anything{base}:
    def same(self, *others): return True
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = __contains__ = __bool__ = same
    __ne__ = lambda self, other: False
    __hash__ = lambda self: 0
    __abs__ = __sub__ = __rsub__ = __add__ = lambda self, *others: self
    {more}
def f(x): return Anything({argument})
"""


def anything(base: str = "", argument: str = "", more: str = "pass") -> str:
    """Return a program whose answer claims to equal everything."""
    return ANYTHING.format(base=f"({base})" * bool(base), argument=argument, more=more)


def forging(text: str, rest: str = "def f(x): return 0") -> str:
    """Return a program that writes ``text`` to every descriptor before it does anything else."""
    return f"{FORGE}\nforge({text!r})\n{rest}"


def patching(*lines: str) -> str:
    """Return a program that changes its interpreter, then answers wrongly."""
    head = "import builtins, json, os, sys, time\nclass Always:\n    def __call__(self, *a, **k): return True"
    return "\n".join([head, *lines, "def f(x): return 0"])


EQUALS = {
    "an object that equals everything": anything(),
    "a number that equals everything": anything("int", "0"),
    "a float that equals everything": anything("float", "0"),
    "a text that equals everything": anything("str", "''"),
    "a list that equals everything": anything("list", "[]"),
    "a dictionary that equals everything": anything("dict", "{}"),
    "a tuple that equals everything": anything("tuple", "()"),
    "a set that equals everything": anything("set", "()"),
    "an object that says it is a number": anything(more="__class__ = property(lambda self: int)"),
    "an object that says it is a list": anything(more="__class__ = property(lambda self: list)"),
    "an object that encodes itself": anything(more="__reduce__ = __reduce_ex__ = tolist = lambda self, *a: 1234"),
    "a type from numpy by name": anything(more="__module__ = 'numpy'; tolist = lambda self: None"),
    "not a number": "def f(x): return float('nan')",
    "a generator": "def f(x): yield from [0]",
    "a mock": "from unittest.mock import MagicMock\ndef f(x): return MagicMock(__eq__=lambda *a: True)",
    "a type": (
        "class Meta(type):\n    __eq__ = lambda *a: True\nclass f(metaclass=Meta):\n    def __init__(self, x): pass"
    ),
    "nothing": "def f(x): pass",
}

ENDS = {
    "exit at the start": "raise SystemExit(0)",
    "exit in the call": "def f(x): raise SystemExit(0)",
    "exit at once at the start": "import os\nos._exit(0)",
    "exit at once in the call": "import os\ndef f(x): os._exit(0)",
    "exit when deleted": "import os\nclass Gone:\n    def __del__(self): os._exit(0)\ndef f(x): Gone()",
    "exit when encoded": (
        "import os\nclass Late(list):\n    __class__ = property(lambda self: os._exit(0))\ndef f(x): return Late()"
    ),
    "exit at the end": "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): raise SystemExit(0)",
    "exit in a thread": "import os, threading\ndef f(x): threading.Thread(target=os._exit, args=(0,)).start()",
    "raise an assertion error": "def f(x): raise AssertionError",
    "stop iterating": "def f(x): raise StopIteration(0)",
    "interrupt": "def f(x): raise KeyboardInterrupt",
}

PATCHES = {
    "eval": patching("builtins.eval = Always()"),
    "isinstance": patching("builtins.isinstance = Always()"),
    "len": patching("builtins.len = Always()"),
    "type": patching("builtins.type = Always()"),
    "bool": patching("builtins.bool = builtins.abs = Always()"),
    "AssertionError": patching("builtins.AssertionError = type('Quiet', (BaseException,), {})"),
    "BaseException": patching("builtins.BaseException = builtins.Exception = KeyError", "raise TypeError"),
    "json": patching("json.dumps = lambda value: 'true'", "json._default_encoder.encode = lambda value: 'true'"),
    "the encoder": patching("sys.modules['wire'].to_wire = lambda value, depth=0: True"),
    "the encoder's tables": patching("wire = sys.modules['wire']", "wire.CONTAINERS = ()", "wire.ATOMS = ()"),
    "write": patching(
        "write = os.write", "os.write = lambda fd, data: write(fd, b'value 1 true\\n') and len(data)"
    ),
    "the clock": patching("time.process_time_ns = lambda: 'held 1 '"),
    "the worker": patching("vars(sys.modules['__main__']).clear()"),
    "the reporter": patching(
        "sys.modules['__main__'].Reporter.send = lambda self, *a: os.write(self.fd, b'held 1 \\n')"
    ),
    "the names of endings": patching(
        "main = sys.modules['__main__']", "main.ending_of = lambda error: 'held'", "1 / 0"
    ),
    "the checks": patching("sys._getframe(2).f_locals['checks'].clear()"),
    "the judgement of every check": patching(
        "checks = sys._getframe(2).f_locals['checks']",
        "checks[:] = [(True, compile('', '<test>', 'exec')) for _ in checks]",
    ),
    "by unittest.mock": patching(
        "from unittest import mock",
        "for name in ('builtins.eval', 'builtins.exec', 'builtins.isinstance', 'builtins.len', 'json.dumps'):",
        "    mock.patch(name, return_value='true').start()",
        "mock.patch('os.write', side_effect=lambda fd, data: len(data)).start()",
        "mock.patch.dict(sys.modules, wire=mock.MagicMock()).start()",
    ),
    "the compiler": patching(
        "compiler = compile", "builtins.compile = lambda *a, **k: compiler('True', '', 'eval')"
    ),
    "assertions": patching("vars(builtins)['__debug__'] = False", "sys.flags = type('', (), {'optimize': 2})"),
    "importing": patching(
        "class Finder:",
        "    def find_spec(self, name, *_): return importlib.machinery.ModuleSpec(name, self)",
        "    def create_module(self, spec): return Always()",
        "    def exec_module(self, module): pass",
        "import importlib.machinery",
        "sys.meta_path.insert(0, Finder())",
        "sys.modules.pop('json'); sys.modules.pop('wire', None)",
        "import json, wire",
    ),
    "tracing": patching(
        "def trace(frame, event, argument):", "    frame.f_trace = trace", "    return trace", "sys.settrace(trace)"
    ),
    "profiling": patching(
        "sys.setprofile(lambda frame, event, argument: frame.f_locals.update(value=True, inside=True))"
    ),
}

LINES = {
    "a value for the first test": forging("value 1 4\n"),
    "values for all tests": forging("value 1 null\n" + "value 1 true\n" * 6),
    "outcomes for all tests": forging("value 1 null\n" + "held 1 \n" * 6),
    "outcomes and an exit": forging("value 1 null\n" + "held 1 \n" * 6, "os._exit(0)"),
    "outcomes of a failed start": forging("held 1 \n" * 7, "1 / 0"),
    "half a line": forging("value 1 null\nvalue 1 "),
    "half a line before every answer": f"{FORGE}\ndef f(x):\n    forge('held 1 ')\n    return 0",
    "a line in every call": f"{FORGE}\ndef f(x):\n    forge('held 1 \\n')\n    return 0",
    "lines from a thread": (
        f"{FORGE}\nimport threading\ndef write():\n    while True: forge('held 1 \\n')\n"
        "threading.Thread(target=write, daemon=True).start()\ndef f(x): return 0"
    ),
    "an object that is true": forging("value 1 null\n" + 'value 1 {"object": ["int", true]}\n' * 6),
    "a value nobody can decode": forging("value 1 null\n" + 'value 1 {"fraction": []}\n' * 6),
    "a value too large to build": forging(
        "value 1 null\n" + 'value 1 {"tuple": {"range": [0, 1000000000000000000, 1]}}\n' * 6
    ),
    "an error that means another judge": forging("value 1 null\n" + 'raised 1 "NameError: x"\n' * 6),
    "verdicts": forging("value 1 null\n" + "PASS 1 \npass 1 \n0 1 \n" * 6),
    "a frame": forging('\0\0\0\x20{"id":0,"answers":[["held",1,""]]}'),
    "nothing but noise": forging("\0\xff\r\n" * 100),
}


LOOKING = """
import os, re, sys
def contents(names):
    for name in names:
        try:
            yield os.read(os.open(name, os.O_NONBLOCK), 1 << 20)
        except OSError: pass
def numbers(texts): return [int(n) for text in texts for n in re.findall(rb'== \\[?(\\d{{7}})', text)]
{texts}
found = numbers(texts)
def f(x): return found[0] if found else 0
"""


def looking(*lines: str) -> str:
    """Return a program that answers with a number from assertions it finds in ``texts``, which its lines define."""
    return LOOKING.format(texts="\n".join(lines))


MEMORY = looking(
    "memory, texts = open('/proc/self/mem', 'rb', 0), []",
    "for line in open('/proc/self/maps'):",
    "    start, end = (int(n, 16) for n in line.split()[0].split('-'))",
    "    if ' rw' in line and '[v' not in line and memory.seek(start):",
    "        texts.append(memory.read(end - start))",
)

READS = {
    "search for what is expected": SEARCH,
    "read every descriptor": (
        "import os\ntext = b''\nfor fd in range(64):\n    try:\n        os.set_blocking(fd, False)\n"
        "        text += os.read(fd, 1 << 20)\n    except OSError: pass\n"
        "def f(x): return int(b''.join(filter(bytes.isdigit, text.split())) or 0)"
    ),
    "read the files of the worker": looking(
        "tops = os.path.dirname(sys.modules['__main__'].__file__), os.environ['TMPDIR'], '/tmp'",
        "texts = contents(os.path.join(at, n) for top in tops for at, _, names in os.walk(top) for n in names)",
    ),
    "read what the system tells of its process": looking(
        "names = 'cmdline', 'environ', 'maps', 'stat', 'fd/0', 'fd/1', 'fd/2', 'fd/5', 'fd/6', 'fd/7'",
        "texts = contents(f'/proc/{p}/{name}' for p in ('self', os.getppid()) for name in names)",
    ),
    "read its own memory": MEMORY,
    "keep what is found for the next process": (
        f"{SEARCH}\nimport os\nlook = f\ndef f(x):\n"
        "    with open('kept', 'a+') as file:\n        file.write(f'{look(x)} ')\n        file.seek(0)\n"
        "        kept = max(map(int, file.read().split()))\n    return kept if x == 6 else os._exit(0)"
    ),
}

FORGERIES = EQUALS | ENDS | PATCHES | LINES | READS
