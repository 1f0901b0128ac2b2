"""The seccomp filters, run by an interpreter of classic BPF instead of a kernel."""

from __future__ import annotations

import struct

import pytest

from codedpo_plugin.execution import seccomp
from codedpo_plugin.execution.seccomp import ALLOW, AUDIT, ENOSYS, EPERM, KILL, NUMBERS, PROGRAM_ONLY

MACHINES = sorted(NUMBERS)
HARMLESS = {
    "x86_64": {"read": 0, "write": 1, "openat": 257, "mmap": 9, "futex": 202, "exit_group": 231, "getpid": 39},
    "aarch64": {"read": 63, "write": 64, "openat": 56, "mmap": 222, "futex": 98, "exit_group": 94, "getpid": 172},
}
PRLIMIT = {"x86_64": 302, "aarch64": 261}
FCNTL = {"x86_64": 72, "aarch64": 25}
AFFINITY = {"x86_64": 203, "aarch64": 122}


def run_filter(bpf: bytes, architecture: int, number: int, *arguments: int) -> int:
    """Return what a filter answers to one system call, as the kernel would."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    program = list(struct.iter_unpack("<HBBI", bpf))
    accumulator = position = 0
    while True:
        code, if_true, if_false, value = program[position]
        position += 1
        if code == seccomp.RETURN:
            return value
        if code == seccomp.LOAD:
            (accumulator,) = struct.unpack_from("<I", data, value)
            continue
        holds = {
            seccomp.JUMP_EQUAL: accumulator == value,
            seccomp.JUMP_GREATER_EQUAL: accumulator >= value,
            seccomp.JUMP_SET: bool(accumulator & value),
        }[code]
        position += if_true if holds else if_false


def worker(machine: str, number: int, *arguments: int) -> int:
    """Return what a worker's call is answered with."""
    return run_filter(seccomp.worker_filter(machine), AUDIT[machine], number, *arguments)


def program(machine: str, number: int, *arguments: int) -> int:
    """Return what a program's call is answered with: the strictest answer of both filters."""
    own = run_filter(seccomp.program_filter(machine), AUDIT[machine], number, *arguments)
    return own if own != ALLOW else worker(machine, number, *arguments)


@pytest.mark.parametrize("machine", MACHINES)
def test_both_processors_know_the_calls_that_matter(machine):
    essential = {
        "socket",
        "connect",
        "execve",
        "kill",
        "ptrace",
        "mount",
        "io_uring_setup",
        "clone",
        "clone3",
        "bpf",
    }
    assert essential <= NUMBERS[machine].keys()


@pytest.mark.parametrize("machine", MACHINES)
def test_no_two_calls_have_one_number(machine):
    assert len(set(NUMBERS[machine].values())) == len(NUMBERS[machine])


@pytest.mark.parametrize("machine", MACHINES)
def test_a_worker_is_refused_every_listed_call_but_those_it_works_with(machine):
    own = PROGRAM_ONLY | {"clone", "clone3"}
    answers = {name: worker(machine, number) for name, number in NUMBERS[machine].items()}
    assert {name for name, answer in answers.items() if answer == ALLOW} == own & NUMBERS[machine].keys()
    assert {answer for name, answer in answers.items() if name not in own} == {EPERM}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_is_refused_every_listed_call(machine):
    answers = {name: program(machine, number) for name, number in NUMBERS[machine].items()}
    assert answers.pop("clone3") == ENOSYS
    assert set(answers.values()) == {EPERM}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("side", [worker, program])
def test_ordinary_calls_are_allowed(machine, side):
    assert {side(machine, number) for number in HARMLESS[machine].values()} == {ALLOW}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_may_start_threads_but_no_processes(machine):
    clone = NUMBERS[machine]["clone"]
    thread = 0x3D0F00  # what pthread_create asks for
    assert program(machine, clone, thread) == ALLOW
    assert program(machine, clone, 17) == EPERM
    assert program(machine, clone, thread & ~seccomp.CLONE_THREAD) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("side", [worker, program])
def test_calls_newer_than_the_tables_look_unimplemented(machine, side):
    assert side(machine, seccomp.NEWEST_KNOWN + 1) == ENOSYS
    assert side(machine, 0xFFFFFFFF) == ENOSYS


@pytest.mark.parametrize("side", [worker, program])
def test_calls_of_the_x32_interface_look_unimplemented(side):
    assert side("x86_64", 0x40000000 + NUMBERS["x86_64"]["socket"]) == ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("make", [seccomp.worker_filter, seccomp.program_filter])
@pytest.mark.parametrize("architecture", [0x40000003, 0xC000003E, 0xC00000B7, 0])
def test_calls_of_another_architecture_kill(machine, make, architecture):
    answer = run_filter(make(machine), architecture, HARMLESS[machine]["getpid"])
    assert answer == (ALLOW if architecture == AUDIT[machine] else KILL)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_may_limit_itself_but_no_other_process(machine):
    assert program(machine, PRLIMIT[machine], 0) == ALLOW
    assert program(machine, PRLIMIT[machine], 4321) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("command", [8, 10, 15], ids=["F_SETOWN", "F_SETSIG", "F_SETOWN_EX"])
def test_a_program_may_not_have_signals_sent_by_a_descriptor(machine, command):
    assert program(machine, FCNTL[machine], 5, command) == EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_may_still_change_the_flags_of_a_descriptor(machine):
    assert {program(machine, FCNTL[machine], 5, command) for command in (0, 1, 2, 3, 4, 1030)} == {ALLOW}


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_may_not_move_another_process_to_a_processor(machine):
    assert program(machine, AFFINITY[machine], 4321) == EPERM


@pytest.mark.parametrize("make", [seccomp.worker_filter, seccomp.program_filter])
def test_there_is_no_filter_for_an_unknown_processor(make):
    assert make("riscv64") == b""


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("make", [seccomp.worker_filter, seccomp.program_filter])
def test_a_filter_is_of_a_size_the_kernel_takes(machine, make):
    bpf = make(machine)
    assert len(bpf) % 8 == 0
    assert 0 < len(bpf) // 8 <= 4096
