"""Seccomp filters as classic BPF, for x86_64 and aarch64. Standard library only.

Two filters are used. The *worker* filter is inherited by everything a worker starts and denies what no program
needs: networks, tracing, mounts, shared memory, metadata of files, kernel interfaces. The *program* filter is
added in each forked process before its program runs and takes away forking, executing and signalling, which the
worker itself still needs. Denied calls fail with EPERM, so that a program sees PermissionError; calls newer than
the tables fail with ENOSYS; a foreign architecture's calls kill.

``pyseccomp`` would do the same through libseccomp, but is not maintained and libseccomp is not everywhere.
"""

from __future__ import annotations

import platform
import struct
from typing import Final

LOAD, JUMP_EQUAL, JUMP_GREATER_EQUAL, JUMP_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
CLONE_THREAD: Final = 0x10000
NEWEST_KNOWN: Final = 462
"""Calls above this number came after the tables below were made."""

OF_A_PROCESS: Final = {
    "x86_64": {"prlimit64": 302, "sched_setaffinity": 203},
    "aarch64": {"prlimit64": 261, "sched_setaffinity": 122},
}
"""Calls that a program may make for itself, with 0 for the process, but for no other."""

WITH_COMMANDS: Final = {"x86_64": {"fcntl": 72, "ioctl": 16}, "aarch64": {"fcntl": 25, "ioctl": 29}}
SIGNALLING: Final = {"fcntl": (8, 10, 15), "ioctl": (0x8901, 0x8902)}
"""Commands by which a descriptor is made to send signals: F_SETOWN, F_SETSIG, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP."""

AUDIT: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# The calls numbered alike on both architectures.
_COMMON: Final = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442,
    "quotactl_fd": 443, "memfd_secret": 447, "process_mrelease": 448, "fchmodat2": 452,
}  # fmt: skip

NUMBERS: Final[dict[str, dict[str, int]]] = {
    "x86_64": _COMMON | {
        "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "recvmsg": 47,
        "bind": 49, "listen": 50, "accept4": 288, "recvmmsg": 299, "sendmmsg": 307,
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "swapon": 167, "swapoff": 168,
        "setns": 308, "unshare": 272,
        "reboot": 169, "sethostname": 170, "setdomainname": 171, "init_module": 175, "finit_module": 313,
        "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320, "bpf": 321, "perf_event_open": 298,
        "userfaultfd": 323, "add_key": 248, "request_key": 249, "keyctl": 250, "acct": 163, "quotactl": 179,
        "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305, "iopl": 172,
        "ioperm": 173, "personality": 135, "syslog": 103, "vhangup": 153,
        "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65, "semctl": 66, "semtimedop": 220,
        "msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "mq_open": 240, "mq_unlink": 241,
        "memfd_create": 319,
        "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304, "truncate": 76,
        "chmod": 90, "fchmod": 91, "fchmodat": 268, "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260,
        "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198,
        "fremovexattr": 199, "utime": 132, "utimes": 235, "utimensat": 280, "futimesat": 261,
        "mknod": 133, "mknodat": 259,
        "setuid": 105, "setgid": 106, "setreuid": 113, "setregid": 114, "setresuid": 117, "setresgid": 119,
        "setgroups": 116, "setfsuid": 122, "setfsgid": 123, "capset": 126,
        "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "kill": 62, "tkill": 200,
        "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "setsid": 112, "setpgid": 109,
        "setpriority": 141, "sched_setscheduler": 144, "sched_setparam": 142, "sched_setattr": 314,
        "ioprio_set": 251,
    },
    "aarch64": _COMMON | {
        "socket": 198, "connect": 203, "accept": 202, "sendto": 206, "recvfrom": 207, "sendmsg": 211,
        "recvmsg": 212, "bind": 200, "listen": 201, "accept4": 242, "recvmmsg": 243, "sendmmsg": 269,
        "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
        "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "swapon": 224, "swapoff": 225,
        "setns": 268, "unshare": 97,
        "reboot": 142, "sethostname": 161, "setdomainname": 162, "init_module": 105, "finit_module": 273,
        "delete_module": 106, "kexec_load": 104, "kexec_file_load": 294, "bpf": 280, "perf_event_open": 241,
        "userfaultfd": 282, "add_key": 217, "request_key": 218, "keyctl": 219, "acct": 89, "quotactl": 60,
        "settimeofday": 170, "clock_settime": 112, "adjtimex": 171, "clock_adjtime": 266, "personality": 92,
        "syslog": 116, "vhangup": 58,
        "shmget": 194, "shmat": 196, "shmctl": 195, "semget": 190, "semop": 193, "semctl": 191,
        "semtimedop": 192, "msgget": 186, "msgsnd": 189, "msgrcv": 188, "msgctl": 187, "mq_open": 180,
        "mq_unlink": 181, "memfd_create": 279,
        "fanotify_init": 262, "name_to_handle_at": 264, "open_by_handle_at": 265, "truncate": 45,
        "fchmod": 52, "fchmodat": 53, "fchown": 55, "fchownat": 54, "setxattr": 5, "lsetxattr": 6,
        "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16, "utimensat": 88,
        "mknodat": 33,
        "setuid": 146, "setgid": 144, "setreuid": 145, "setregid": 143, "setresuid": 147, "setresgid": 149,
        "setgroups": 159, "setfsuid": 151, "setfsgid": 152, "capset": 91,
        "clone": 220, "execve": 221, "execveat": 281, "kill": 129, "tkill": 130, "tgkill": 131,
        "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240, "setsid": 157, "setpgid": 154, "setpriority": 140,
        "sched_setscheduler": 119, "sched_setparam": 118, "sched_setattr": 274, "ioprio_set": 30,
    },
}  # fmt: skip

PROGRAM_ONLY: Final = frozenset(
    [
        "fork",
        "vfork",
        "execve",
        "execveat",
        "kill",
        "tkill",
        "tgkill",
        "rt_sigqueueinfo",
        "rt_tgsigqueueinfo",
        "pidfd_send_signal",
        "setsid",
        "setpgid",
        "setpriority",
        "sched_setscheduler",
        "sched_setparam",
        "sched_setattr",
        "ioprio_set",
        "fchmodat",  # the worker opens folders that a program has left without rights
    ]
)
"""Denied to programs, but not to the worker that watches them."""


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return one BPF instruction (``struct sock_filter``)."""
    return struct.pack("HBBI", code, if_true, if_false, value)


def _filter(machine: str, denied: list[int], extra: list[bytes]) -> bytes:
    """Return a filter that denies the calls of ``denied``; ``extra`` is run before them."""
    if machine not in AUDIT:
        return b""
    denied = sorted(denied)
    head = [
        _instruction(LOAD, ARCHITECTURE),
        _instruction(JUMP_EQUAL, AUDIT[machine], 1, 0),
        _instruction(RETURN, KILL),
        _instruction(LOAD, NUMBER),
        _instruction(JUMP_GREATER_EQUAL, NEWEST_KNOWN + 1, 0, 1),
        _instruction(RETURN, ENOSYS),
    ]
    tests = [_instruction(JUMP_EQUAL, n, len(denied) - i, 0) for i, n in enumerate(denied)]
    tail = [_instruction(RETURN, ALLOW), _instruction(RETURN, EPERM)]
    return b"".join([*head, *extra, *tests, *tail])


def worker_filter(machine: str = "") -> bytes:
    """Return the filter of a worker as the bytes of an array of ``sock_filter``; empty if unsupported."""
    machine = machine or platform.machine()
    names = NUMBERS.get(machine, {})
    clones = {"clone", "clone3"}
    return _filter(machine, [n for name, n in names.items() if name not in PROGRAM_ONLY | clones], [])


def program_filter(machine: str = "") -> bytes:
    """Return the filter added for a program: threads may be started, processes may not."""
    machine = machine or platform.machine()
    names = NUMBERS.get(machine, {})
    if not names:
        return b""
    clone = [
        # clone3 takes its flags through a pointer that no filter can follow; without it libc uses clone.
        _instruction(JUMP_EQUAL, names["clone3"], 0, 1),
        _instruction(RETURN, ENOSYS),
        _instruction(JUMP_EQUAL, names["clone"], 0, 4),
        _instruction(LOAD, FIRST_ARGUMENT),
        _instruction(JUMP_SET, CLONE_THREAD, 1, 0),
        _instruction(RETURN, EPERM),
        _instruction(RETURN, ALLOW),
    ]
    extra = [*clone, *_other_processes(machine), *_signals_by_descriptor(machine)]
    return _filter(machine, [names[name] for name in PROGRAM_ONLY if name in names], extra)


def _other_processes(machine: str) -> list[bytes]:
    """Return instructions that deny some calls for any process but one's own."""
    code = []
    for number in OF_A_PROCESS[machine].values():
        code += [
            _instruction(JUMP_EQUAL, number, 0, 4),
            _instruction(LOAD, FIRST_ARGUMENT),
            _instruction(JUMP_EQUAL, 0, 1, 0),
            _instruction(RETURN, EPERM),
            _instruction(RETURN, ALLOW),
        ]
    return code


def _signals_by_descriptor(machine: str) -> list[bytes]:
    """Return instructions that deny the commands by which a descriptor is made to send signals."""
    code = []
    for name, number in WITH_COMMANDS[machine].items():
        commands = SIGNALLING[name]
        tests = [_instruction(JUMP_EQUAL, c, len(commands) - i, 0) for i, c in enumerate(commands)]
        code += [
            _instruction(JUMP_EQUAL, number, 0, len(tests) + 3),
            _instruction(LOAD, SECOND_ARGUMENT),
            *tests,
            _instruction(RETURN, ALLOW),
            _instruction(RETURN, EPERM),
        ]
    return code
