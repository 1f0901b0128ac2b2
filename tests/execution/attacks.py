"""Programs that try to break out of the sandbox, to break it, or to leave something behind in it.

Each defines ``attack()``, which returns True where it succeeds. ``SECRET``, ``FOLDER`` and ``VICTIM`` stand for a
file, its folder and a process outside of the sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attack:
    """One program and the ways in which it may end; an attack that ends with the value True has succeeded."""

    group: str
    name: str
    program: str
    endings: frozenset[str]


REFUSED = frozenset({"forbidden", "raised"})
DONE = frozenset({"value"})
ENDED = frozenset({"raised", "memory", "timeout", "crash"})
"""However a program ends that asks for too much."""

LIBC = "import ctypes\nlibc = ctypes.CDLL(None)\n"

FILES = {
    "read a private file": "return bool(open(SECRET).read())",
    "read the password file": "return bool(open('/etc/passwd').read())",
    "list a private folder": "return bool(os.listdir(FOLDER))",
    "walk into a private folder": "os.chdir(FOLDER)\n return bool(os.listdir('.'))",
    "append to a file": "return open(SECRET, 'a').write('x')",
    "overwrite a file": "return open(SECRET, 'w').write('x') > 0",
    "empty a file": "return os.truncate(SECRET, 0) is None",
    "open a file for writing only": "return os.open(SECRET, os.O_WRONLY | os.O_TRUNC) > 0",
    "delete a file": "return os.unlink(SECRET) is None",
    "delete a folder": "return os.rmdir(FOLDER + '/empty') is None",
    "move a file in": "return os.rename(SECRET, 'x') is None",
    "link a file in": "return os.link(SECRET, 'x') is None",
    "read through a symbolic link": "os.symlink(SECRET, 'x')\n return bool(open('x').read())",
    "write through a symbolic link": "os.symlink(FOLDER, 'x')\n return open('x/new', 'w').write('x') > 0",
    "create a file": "return open(FOLDER + '/new', 'w').write('x') > 0",
    "create a folder": "return os.mkdir(FOLDER + '/new') is None",
    "create a symbolic link": "return os.symlink('/', FOLDER + '/new') is None",
    "create a named pipe": "return os.mkfifo('pipe') is None",
    "create a device": "return os.mknod('null', 0o020666, os.makedev(1, 3)) is None",
    "change the mode of a file": "return os.chmod(SECRET, 0o777) is None",
    "change the owner of a file": "return os.chown(SECRET, os.getuid(), os.getgid()) is None",
    "change the times of a file": "return os.utime(SECRET, (0, 0)) is None",
    "change an attribute of a file": "return os.setxattr(SECRET, 'user.x', b'x') is None",
    "change the standard library": "return open(os.__file__, 'a').write('') == 0",
    "plant a module": "return open(os.path.dirname(os.__file__) + '/planted.py', 'w').write('') == 0",
    "read the memory of the worker": "return bool(open(f'/proc/{os.getppid()}/mem', 'rb').read(1))",
    "open what the worker has open": (
        "for fd in range(64):\n  for mode in (os.O_RDONLY, os.O_WRONLY):\n"
        "   try: return os.open(f'/proc/{os.getppid()}/fd/{fd}', mode | os.O_NONBLOCK) >= 0\n"
        "   except OSError: pass",
        DONE,
    ),
    "read the worker's command line": "return bool(open(f'/proc/{os.getppid()}/cmdline').read())",
    "use shared memory": "return open('/dev/shm/x', 'w').write('x') > 0",
    "use the terminal": "return os.open('/dev/tty', os.O_RDWR) >= 0",
}

NETWORK = {
    "open a TCP socket": "return bool(socket.socket())",
    "open a TCP socket for IPv6": "return bool(socket.socket(socket.AF_INET6))",
    "open a UDP socket": "return bool(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))",
    "open a Unix socket": "return bool(socket.socket(socket.AF_UNIX))",
    "open a raw socket": "return bool(socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))",
    "open a netlink socket": "return bool(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))",
    "serve": "return bool(socket.create_server(('127.0.0.1', 0)))",
    "connect": "return bool(socket.create_connection(('127.0.0.1', 1), timeout=1))",
    "fetch a page": "import urllib.request\n return bool(urllib.request.urlopen('http://127.0.0.1:1'))",
    "resolve a name": "return bool(socket.getaddrinfo('example.org', 80))",
    "start an event loop server": (
        "import asyncio\n return bool(asyncio.run(asyncio.start_server(print, '127.0.0.1', 0)).sockets)",
        DONE,
    ),
}

PROCESSES = {
    "fork": "return os.fork() >= 0",
    "fork without end": "while True: os.fork()",
    "become a daemon": "if os.fork(): os._exit(0)\n os.setsid()\n return os.fork() >= 0",
    "become a daemon whatever is refused": (
        "for step in (os.fork, os.setsid, os.fork):\n  try: step()\n  except OSError: pass\n"
        " return os.getppid() == 1 or os.getsid(0) == os.getpid()",
        DONE,
    ),
    "fork beneath Python": (LIBC + "def attack(): return libc.fork() >= 0 or libc.vfork() >= 0", DONE),
    "run a command": "import subprocess\n return subprocess.run(['/bin/true']).returncode == 0",
    "run a shell": ("return os.system('true') == 0", DONE),
    "spawn a process": "return os.posix_spawn('/bin/true', ['true'], {}) > 0",
    "become another program": "return os.execv('/bin/true', ['true']) is None",
    "start a process pool": "import multiprocessing\n return multiprocessing.Pool(1).map(abs, [-1]) == [1]",
    "kill a process outside": "return os.kill(VICTIM, 9) is None",
    "kill the worker": "return os.kill(os.getppid(), 9) is None",
    "signal the whole group": "return os.killpg(0, 0) is None",
    "signal everything": "return os.kill(-1, 0) is None",
    "hold a process outside": "return os.pidfd_open(VICTIM) >= 0",
    "have the worker signalled": (
        "reader, writer = os.pipe()\n fcntl.fcntl(reader, 8, os.getppid())\n fcntl.fcntl(reader, 10, 9)\n"
        " fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)\n os.write(writer, b'x')\n return True"
    ),
    "have a process outside signalled": (
        "reader, writer = os.pipe()\n fcntl.fcntl(reader, 8, VICTIM)\n fcntl.fcntl(reader, 10, 9)\n"
        " fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)\n os.write(writer, b'x')\n return True"
    ),
    "have the worker signalled by a socket": (
        "import struct\n ends = (ctypes.c_int * 2)()\n assert ctypes.CDLL(None).socketpair(1, 1, 0, ends) == 0\n"
        " fcntl.ioctl(ends[0], 0x8901, struct.pack('i', os.getppid()))\n return True"
    ),
    "look at the limits of the worker": "return bool(resource.prlimit(os.getppid(), resource.RLIMIT_CPU))",
    "limit the worker": "return bool(resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0)))",
    "limit a process outside": "return bool(resource.prlimit(VICTIM, resource.RLIMIT_NOFILE, (9, 9)))",
    "move the worker to one processor": "return os.sched_setaffinity(os.getppid(), [0]) is None",
    "slow a process outside down": "return os.setpriority(os.PRIO_PROCESS, VICTIM, 19) is None",
    "trace the worker": (LIBC + "import os\ndef attack(): return libc.ptrace(16, os.getppid(), 0, 0) == 0", DONE),
    "read the worker's memory": (
        LIBC + "import os\nspan = (ctypes.c_size_t * 2)(id(os), 8)\n"
        "def attack(): return libc.process_vm_readv(os.getppid(), span, 1, span, 1, 0) > 0",
        DONE,
    ),
    "leave the session": "return os.setsid() > 0",
    "leave the process group": "return os.setpgid(0, 0) is None",
    "make a namespace": (LIBC + "def attack(): return libc.unshare(0x10000000) == 0", DONE),
    "mount a folder": (LIBC + "def attack(): return libc.mount(b'/', b'.', None, 4096, None) == 0", DONE),
    "make shared memory": (LIBC + "def attack(): return libc.shmget(5, 4096, 0o1666) >= 0", DONE),
    "make a file without a name": "return os.memfd_create('x') >= 0",
    "gain rights": "os.setuid(0)\n return os.setgid(0) is None",
}

RESOURCES = {
    "loop": ("while True: pass", {"timeout"}),
    "loop through every exception": (
        "while True:\n  try:\n   while True: pass\n  except BaseException: pass",
        {"timeout"},
    ),
    "match a catastrophic pattern": "import re\n return bool(re.match('(a+)+$', 'a' * 40 + 'b'))",
    "compute a huge power": "return (3 ** 10 ** 9).bit_length() > 0",
    "take memory at once": ("return len(bytearray(1 << 30)) > 0", {"memory"}),
    "take memory bit by bit": ("held = []\n while True: held.append(bytes(1 << 20))", {"memory"}),
    "take memory for ever": (
        "held = []\n while True:\n  try: held.append(bytearray(1 << 20))\n  except MemoryError: pass",
        {"timeout"},
    ),
    "map memory": ("import mmap\n return bool(mmap.mmap(-1, 1 << 30))", {"raised", "memory"}),
    "raise its own limit": ("return resource.setrlimit(resource.RLIMIT_AS, (-1, -1)) is None", REFUSED),
    "start threads without end": (
        "import _thread\n lock = _thread.allocate_lock()\n lock.acquire()\n _thread.stack_size(1 << 16)\n"
        " while True: _thread.start_new_thread(lock.acquire, ())",
        ENDED,
    ),
    "write a huge file": (
        "with open('x', 'wb') as file:\n  while True: file.write(bytes(1 << 20))",
        {"raised", "timeout"},
    ),
    "write many files as large as may be": (
        "for n in range(40): open(str(n), 'wb').write(bytes(15 << 20))",
        {"value", "raised", "timeout"},
    ),
    "unpickle without end": (
        "import pickle\n parts = [b'(lp0\\n']\n"
        " for n in range(40): parts.append(b'(lp%d\\ng%d\\nag%d\\na' % (n + 1, n, n))\n"
        " return len(repr(pickle.loads(b''.join(parts) + b'.'))) > 0",
        ENDED,
    ),
    "write files without end": (
        "from itertools import count\n for n in count(): open(str(n), 'w').close()",
        {"timeout"},
    ),
    "open thousands of files": ("return len([os.open('/dev/null', 0) for _ in range(5000)]) == 5000", REFUSED),
    "answer without end": (
        "from itertools import count\n for fd in range(3, 64):\n  try:\n   while True: os.write(fd, b'x' * 65536)\n"
        "  except OSError: pass",
        {"crash", "timeout"},
    ),
    "answer too much": ("return 'x' * (5 << 20)", {"crash"}),
    "nest without end": (
        "import sys\n sys.setrecursionlimit(10 ** 9)\n def deep(): return deep() + 1\n return deep()",
        ENDED,
    ),
    "compile a monster": (
        "return bool(compile('(' * 90 + '1' + ')' * 90 + '+1' * 10 ** 6, '', 'eval'))",
        ENDED,
    ),
}


INTERPRETER = {
    "exit": ("raise SystemExit(0)", {"raised"}),
    "exit at once": ("os._exit(0)", {"crash"}),
    "exit like a process that could not be confined": ("os._exit(125)", {"crash"}),
    "abort": ("os.abort()", {"crash"}),
    "follow a null pointer": ("ctypes.string_at(0)", {"crash"}),
    "scribble over memory": ("ctypes.memset(id(None), 255, 1 << 20)", {"crash", "raised"}),
    "raise an alarm": (
        "import signal, time\n signal.setitimer(signal.ITIMER_REAL, 0.01)\n time.sleep(9)",
        {"crash"},
    ),
    "call the kernel of another architecture": (
        "import mmap\n code = mmap.mmap(-1, 4096, prot=7)\n code.write(bytes.fromhex('b802000000cd80c3'))\n"
        " address = ctypes.addressof(ctypes.c_char.from_buffer(code))\n"
        " return ctypes.CFUNCTYPE(ctypes.c_int)(address)() >= 0",
        {"forbidden", "crash"},
    ),
    "call the kernel by another interface": (
        LIBC + "def attack(): return libc.syscall(0x40000029, 2, 1, 0) >= 0",
        DONE,
    ),
    "call the kernel by a number of the future": (LIBC + "def attack(): return libc.syscall(5000) >= 0", DONE),
    "close every descriptor": ("os.closerange(0, 1024)\n while True: pass", {"crash"}),
    "ignore every signal": (
        "import signal\n for n in {*signal.Signals} - {9, 19}: signal.signal(n, signal.SIG_IGN)\n while True: pass",
        {"timeout"},
    ),
    "replace the handler of the alarm": (
        "import signal\n for n in (signal.SIGALRM, signal.SIGXCPU, signal.SIGVTALRM, signal.SIGPROF):\n"
        "  signal.signal(n, lambda *_: None)\n while True: pass",
        {"timeout"},
    ),
    "block every signal": (
        "import signal\n signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n while True: pass",
        {"timeout"},
    ),
    "outlive the worker": (LIBC + "def attack():\n libc.prctl(1, 0)\n while True: pass", {"timeout"}),
    "raise what cannot be described": (
        "class Silent(BaseException):\n  def __str__(self): raise self\n raise Silent",
        {"raised"},
    ),
    "raise what is described without end": (
        "class Endless(Exception):\n  def __str__(self):\n   while True: pass\n raise Endless",
        {"timeout"},
    ),
    "raise something without a name": (
        "class Meta(type):\n  __name__ = property(lambda self: 5)\n"
        " class Nameless(BaseException, metaclass=Meta): pass\n raise Nameless",
        {"raised", "crash"},
    ),
    "answer with a pickle that opens a file": (
        "class Bomb:\n  def __reduce__(self): return open, (SECRET, 'w')\n return Bomb()",
        DONE,
    ),
    "interrupt": ("raise KeyboardInterrupt", {"raised"}),
    "remove the builtins": ("import builtins\n vars(builtins).clear()", {"raised", "crash", "value"}),
    "trace itself": ("import sys\n sys.settrace(lambda *event: 1 / 0)\n (lambda: 5)()", {"raised", "crash"}),
    "answer with something that has no truth": (
        "class Liar:\n  def __bool__(self): raise KeyError\n return Liar()",
        {"raised"},
    ),
}

PATIENCE = {
    "sleep": "import time\n time.sleep(3600)",
    "sleep again and again": "import time\n while True: time.sleep(0.01)",
    "wait for a lock": "import threading\n threading.Event().wait()",
    "wait for input": "reader, writer = os.pipe()\n return os.read(reader, 1)",
    "wait for a signal that is blocked": (
        "import signal\n signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n signal.sigwait([1])"
    ),
    "sleep in a thread that is waited for": (
        "import threading, time\n thread = threading.Thread(target=time.sleep, args=(3600,))\n"
        " thread.start()\n thread.join()"
    ),
}
"""Programs that take no CPU time, but never end."""

LEFTOVERS = {
    "an import hook": (
        "import sys\n class Hook:\n  def find_spec(self, name, *_): raise ImportError(name)\n"
        " sys.meta_path.insert(0, Hook())\n sys.path_hooks.clear()\n sys.modules.pop('random', None)"
    ),
    "a module in the scratch folder": (
        "import sys\n open('math.py', 'w').write('pi = 0')\n open('json.py', 'w').write('LEFT = 1')\n"
        " sys.path.insert(0, os.getcwd())"
    ),
    "a file": "open('left', 'w').write('x')",
    "a file that may not be read": "os.close(os.open('left', os.O_CREAT | os.O_WRONLY, 0))",
    "odd names": "for name in (b'\\xff', b'a\\nb', b'-rf', b'.left', b'x' * 255): open(name, 'w').close()",
    "a sparse file": "with open('left', 'wb') as file: file.truncate(15 << 20)",
    "folders in folders": "os.makedirs('a/b/c/d/e')\n open('a/b/c/left', 'w').close()",
    "a link to a file outside": "os.symlink(SECRET, 'left')",
    "a link to a folder outside": "os.symlink(FOLDER, 'left')",
    "a link to itself": "os.symlink('left', 'left')",
    "a link to the root": "os.makedirs('a')\n os.symlink('/', 'a/left')",
    "a folder without rights": "os.mkdir('left', 0)",
    "a folder in a folder without rights": (
        "os.makedirs('left/below')\n os.umask(0o777)\n os.mkdir('left/below/closed')"
    ),
    "a chain of thousands of folders": (
        "for _ in range(1200):\n  os.mkdir('d')\n  os.chdir('d')",
        {"value", "crash"},
    ),
    "variables": "os.environ['LEFT'] = 'x'",
    "a changed module": "import json, math\n json.LEFT = 1\n del math.pi",
    "a changed builtin": "import builtins\n builtins.LEFT = 1\n builtins.len = None",
    "another folder": "os.chdir('/usr')",
    "other random numbers": "import random\n random.seed(7)",
    "a thread that writes": (
        "import threading\n"
        " def write():\n  while True: open('left', 'a').write('x')\n"
        " threading.Thread(target=write, daemon=True).start()"
    ),
    "something to do at the end": (
        "import atexit, threading\n atexit.register(lambda: open('left', 'w').write('x'))\n"
        " threading.Thread(target=threading.Event().wait).start()"
    ),
    "narrow limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
    "a mask": "os.umask(0o777)",
}


def _function(body: str) -> str:
    """Return a program around the body of its attack, or the program itself if it is one already."""
    return body if "def attack" in body else f"import ctypes, fcntl, os, resource, socket\ndef attack():\n {body}"


def _group(group: str, bodies: dict, default: frozenset[str]) -> list[Attack]:
    """Return the attacks of a group, each with its endings or those of the group."""
    attacks = []
    for name, body in bodies.items():
        text, endings = body if isinstance(body, tuple) else (body, default)
        attacks.append(Attack(group, name, _function(text), frozenset(endings)))
    return attacks


ATTACKS = [
    *_group("file system", FILES, REFUSED),
    *_group("network", NETWORK, REFUSED),
    *_group("processes", PROCESSES, REFUSED),
    *_group("resources", RESOURCES, frozenset({"timeout", "memory"})),
    *_group("interpreter", INTERPRETER, frozenset()),
    *_group("patience", PATIENCE, frozenset({"timeout"})),
    *_group("leftovers", LEFTOVERS, DONE),
]
