"""A transcript of a large chat model at work as a factory, written for the tests: seeds and its answers.

Most answers are as a good model gives them, with the small liberties it takes; the others go wrong in the ways that
answers go wrong.
"""

# ruff: noqa: E501 - recorded text

from __future__ import annotations

from codedpo_plugin.contracts import Seed

TRANSCRIPT: list[tuple[Seed, str, str]] = [
    (
        Seed("    def _flush(self):\n        while self._queue and self._queue[0].due <= now:", "python", "a.py:10", "MIT"),
        """Here is an exercise inspired by the snippet:

**[Problem Description]**
Write a function `due_tasks(tasks, now)` that takes a list of pairs `(name, due)` and a number `now`, and returns the
names of all tasks that are due, the earliest first. A task is due when its `due` is not larger than `now`; tasks that
are due at the same time keep their order. An empty list gives an empty list.

**[Solution]**
```python
def due_tasks(tasks, now):
    due = [(when, index, name) for index, (name, when) in enumerate(tasks) if when <= now]
    return [name for _, _, name in sorted(due)]
```

I hope this helps!
""",
        "",
    ),
    (
        Seed("fn checksum(bytes: &[u8]) -> u32 {\n    bytes.iter().fold(0, |a, b| a ^ (*b as u32))", "rust", "b.rs:3"),
        """[Problem Description]
Write a function `parity(words: &[u32]) -> u32` that returns the bitwise exclusive or of all words. For an empty slice
the result is zero.

[Solution]
```rust
fn parity(words: &[u32]) -> u32 {
    words.iter().fold(0, |total, word| total ^ word)
}
```
""",
        "",
    ),
    (
        Seed("for (int i = 0; i < n; ++i) total += weights[i] * values[i];", "cpp", "c.cpp:7"),
        """[Problem Description]
Implement `double dot(const std::vector<double>& a, const std::vector<double>& b)`, which returns the scalar product of
two vectors. If they differ in length, the longer one is cut.

[Solution]
```cpp
#include <algorithm>
#include <vector>

double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double total = 0;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) total += a[i] * b[i];
    return total;
}
```
""",
        "",
    ),
    (
        Seed("words = Counter(line.split())", "python", "d.py:2"),
        """[Problem Description]
Write a function `rare_words(text, limit)` that returns, in alphabetical order, all words of a text that occur at most
`limit` times. Words are separated by blanks; upper and lower case are different.

[Solution]
```python
from collections import Counter


def rare_words(text: str, limit: int) -> list[str]:
    counts = Counter(text.split())
    return sorted(word for word, number in counts.items() if number <= limit)
```
""",
        "",
    ),
    (
        Seed("class Point:\n    __slots__ = ('x', 'y')", "python", "e.py:1"),
        """[Problem Description]
Implement a class `Grid` of cells that are alive or dead, with methods `toggle(x, y)` and `alive()`, which returns how
many cells are alive. All cells are dead at first.

[Solution]
```python
class Grid:
    def __init__(self):
        self._cells = set()

    def toggle(self, x, y):
        self._cells ^= {(x, y)}

    def alive(self):
        return len(self._cells)
```
""",
        "",
    ),
    (
        Seed("parser.add_argument('--config')", "python", "f.py:1"),
        """[Problem Description]
Read settings.json and write a function `setting(name)` that returns the value of a setting, or None without one.

[Solution]
```python
def setting(name):
    return None
```
""",
        "mentions_outside_file",
    ),
    (
        Seed("return [x for x in xs if x]", "python", "g.py:4"),
        """[Problem Description]
Improve the code snippet above so that it also drops negative numbers, and explain what it does when there are none.

[Solution]
```python
def f(xs):
    return [x for x in xs if x > 0]
```
""",
        "missing_context",
    ),
    (
        Seed("raise RuntimeError(msg)", "python", "h.py:9"),
        """[Problem Description]
Write a function `retry(action, times)` that calls an action until it does not raise, at most `times` times.

[Solution]
```python
def retry(action, times):
    for attempt in range(times)
        try:
            return action()
        except Exception:
            continue
```
""",
        "solution_does_not_parse",
    ),
    (
        Seed("import yaml", "python", "i.py:1"),
        """[Problem Description]
Write a function `depth(value)` that returns how deeply lists are nested in a value that is a list or a number.

[Solution]
```python
import surely_not_installed_anywhere


def depth(value):
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0
```
""",
        "solution_needs_module",
    ),
    (
        Seed("def area(w, h): return w * h", "python", "j.py:1"),
        "[Problem Description]\nWrite a function that computes the area of a triangle from its three sides, carefully.\n",
        "answer_without_solution",
    ),
    (
        Seed("struct node { struct node *next; };", "cpp", "k.cpp:1"),
        """[Problem Description]
Write a function that reverses a singly linked list in place and returns its new head node.

[Solution]
```cpp
Node* reverse(Node* head) {
    Node* previous = nullptr;
""",
        "solution_cut_off",
    ),
    (Seed("pass", "python", "l.py:1"), "I'm sorry, but the snippet does not contain enough code.", "answer_without_problem_description"),
    (Seed("x", "python", "m.py:1"), "", "answer_empty"),
]  # fmt: skip
"""Seed, answer, and the reason for which no problem comes of it."""

SOLUTIONS = {
    "due_tasks": (
        "    due = [(when, i, name) for i, (name, when) in enumerate(tasks) if when <= now]\n"
        "    return [name for _, _, name in sorted(due)]\n",
        "    return [name for name, when in tasks if when < now]\n",
    ),
    "rare_words": (
        "    words = text.split()\n    return sorted({w for w in words if words.count(w) <= limit})\n",
        "    return sorted(text.split())[:limit]\n",
    ),
}
"""What the model goes on to write for two of the problems: a right and a wrong body."""

TESTS = {
    "due_tasks": " due_tasks([('a', 3), ('b', 1)], 3) == ['b', 'a']\nassert due_tasks([], 1) == []\n"
    "assert due_tasks([('a', 2)], 1) == []\nassert due_tasks([('a', 1), ('b', 1)], 1) == ['a', 'b']",
    "rare_words": " rare_words('a b a', 1) == ['b']\nassert rare_words('', 3) == []\n"
    "assert rare_words('b a', 1) == ['a', 'b']",
}
