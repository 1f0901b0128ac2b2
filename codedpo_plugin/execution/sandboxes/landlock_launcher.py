"""Restricts its own process, then becomes the command it was given. Run as a script, never imported.

``python -I landlock_launcher.py POLICY COMMAND…`` with POLICY a JSON object of ``read`` (paths), ``own`` (paths
below ``/proc/self``), ``write`` (one folder) and ``filter`` (a seccomp filter in hexadecimal). Restrictions of
Landlock and seccomp outlive execve.
"""

from __future__ import annotations

import ctypes
import json
import os
import stat
import struct
import sys

from py_landlock import AccessFs, Landlock

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 24, 38, 22, 2
CAPABILITY_VERSION_3 = 0x20080522
READ_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def restrict_files(read: list[str], write: str) -> None:
    """Allow reading ``read`` and the harmless devices, writing below ``write``, and nothing else."""
    rules = Landlock(strict=False)
    look = AccessFs.READ_FILE | AccessFs.EXECUTE
    for path in (*read, *READ_DEVICES):
        folder = stat.S_ISDIR(os.stat(path).st_mode)
        rules.add_path_rule(path, access=look | AccessFs.READ_DIR if folder else look)
    rules.add_path_rule("/dev/null", access=AccessFs.READ_FILE | AccessFs.WRITE_FILE)
    rules.allow_read_write(write)
    rules.add_path_rule(write, access=AccessFs.REFER)  # files may be moved between the folders below it
    rules.apply()


def drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give up every capability, so that root inside is nobody: resource limits bind it as well."""
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    if libc.capset(header, bytes(24)) != 0:
        raise OSError(ctypes.get_errno(), "cannot drop capabilities")


def install_filter(libc: ctypes.CDLL, bpf: bytes) -> None:
    """Install a seccomp filter for this process and all its descendants."""
    instructions = ctypes.create_string_buffer(bpf)
    program = struct.pack("HxxxxxxQ", len(bpf) // 8, ctypes.addressof(instructions))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot set no_new_privs")
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot install the seccomp filter")


def main() -> None:
    """Apply the policy of the first argument and become the rest of the command line."""
    policy = json.loads(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    restrict_files([*policy["read"], *policy["own"]], policy["write"])
    drop_capabilities(libc)
    install_filter(libc, bytes.fromhex(policy["filter"]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - becoming the command is the purpose


if __name__ == "__main__":
    main()
