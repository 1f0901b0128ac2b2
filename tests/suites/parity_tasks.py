"""Tasks in the format of EvalPlus's releases, written for the tests, and samples of them.

Where one of EvalPlus's special oracles is to apply, a task bears the name that it goes by.
"""

from __future__ import annotations

from typing import Any, Final

Task = dict[str, Any]


def task(task_id: str, header: str, body: str, base: list[Any], plus: Any, atol: float = 0) -> Task:
    name = header.partition("(")[0]
    return {
        "task_id": task_id,
        "prompt": f'def {header}:\n    """A task."""\n' if task_id.startswith("Human") else '"""\nA task.\n"""\n',
        "entry_point": name,
        "canonical_solution": body if task_id.startswith("Human") else f"\ndef {header}:\n{body}",
        "contract": "",
        "assertion": "",
        "test": f"def check(candidate):\n    assert candidate(*{base[0]!r}) is not None\n",
        "base_input": base,
        "plus_input": plus,
        "atol": atol,
    }


HUMANEVAL_TASKS = {
    "sums": task("HumanEval/0", "sums(a, b)", "    return a + b\n", [[1, 2], [3, 4]], [[-1, 1], ["a", "b"]]),
    "half": task("HumanEval/1", "half(x)", "    return x / 3\n", [[1], [10]], [[7.5], [-2]]),
    "pair": task("HumanEval/2", "pair(x)", "    return [[x / 3, 1], {'x': [x]}]\n", [[3], [6]], [[1], [0]]),
    "grid": task("HumanEval/3", "grid(x)", "    return [[x / 3], [x]]\n", [[1], [2]], [[4], [5]]),
    # A float, then what is compared exactly unless the tolerance stays.
    "mixed": task(
        "HumanEval/4",
        "mixed(x)",
        "    return x / 3 if x < 5 else [x / 3, 1]\n",
        [[1], [7]],
        [[8], [2], [10]],
    ),
    "late": task("HumanEval/5", "late(x)", "    return [x / 3, 1] if x < 5 else x / 3\n", [[1], [7]], [[9]]),
    "close": task("HumanEval/6", "close(x)", "    return [x, x / 3]\n", [[1]], [[2]], 1e-4),
    "find_zero": task("HumanEval/32", "find_zero(xs)", "    return -xs[0] / xs[1]\n", [[[1, 2]]], [[[4, 2]]], 1e-4),
}
MBPP_TASKS = {
    # To some tasks of the release nothing was added, and an empty object says so.
    "last": task("Mbpp/793", "last(xs)", "    return xs[-1]\n", [[[1, 2, 3]], [[4]]], {}),
    "similar_elements": task(
        "Mbpp/2",
        "similar_elements(a, b)",
        "    return tuple(set(a) & set(b))\n",
        [[[1, 2, 3], [2, 3]], [[1], [2]]],
        [[[0.3, 0.6], [0.3, 0.6]]],
    ),
    "check_str": task(
        "Mbpp/461",
        "check_str(text)",
        "    import re\n    return re.match('[aeiou]', text)\n",
        [["apple"], ["pear"]],
        [["olive"], [""]],
    ),
    "are_equivalent": task(
        "Mbpp/164", "are_equivalent(a, b)", "    return a % 7 == b % 7\n", [[1, 8], [1, 2]], [[3, 3]]
    ),
    "sum_div": task(
        "Mbpp/295",
        "sum_div(n)",
        "    return sum(i for i in range(1, n) if n % i == 0)\n",
        [[8], [12]],
        [[1], [28]],
    ),
    "surface_Area": task(
        "Mbpp/581",
        "surface_Area(b, h)",
        "    return round(2 * b * (b * b / 4 + h * h) ** 0.5 + b * b)\n",
        [[3, 4]],
        [[5, 6], [1, 1]],
    ),
    "digit_distance_nums": task(
        "Mbpp/558",
        "digit_distance_nums(a, b)",
        "    return sum(abs(int(x) - int(y)) for x, y in zip(str(a), str(b)))\n",
        [[12, 34]],
        [[1, 256], [9, 9]],
    ),
    "nested": task(
        "Mbpp/9001", "nested(x)", "    return [(x, [x, (x,)]), {x: [x]}, None]\n", [[1], [2]], [["a"], [None]]
    ),
}

HUMANEVAL_BODIES = {
    "sums": (
        "    return a + b\n",
        "    return a - b\n",  # wrong on everything
        "    return a + b if isinstance(a, str) or a >= 0 else 7\n",  # wrong on an input that was added
        "    return float(a) + b if not isinstance(a, str) else a + b\n",
        "    raise ValueError(a)\n",
        "    import sys\n    sys.exit(0)\n",
        "    return nothing\n",
        "    return a +\n",  # is no program
        "    return a + b\nraise SystemExit(0)\n",
        "    while True:\n        pass\n",
        "    return a + b\nwhile True:\n    pass\n",
        "    input()\n    return a + b\n",
        "    print(a)\n    return a + b\n",
        "    return None\n",
    ),
    "half": (
        "    return x / 3 + 1e-7\n",
        "    return x / 3 + 1e-5\n",
        "    return str(x / 3)\n",
        "    return [x / 3]\n",
        "    return x // 3\n",
    ),
    "pair": (
        "    return [[x / 3, 1], {'x': [x]}]\n",
        "    return [[x / 3 + 1e-9, 1], {'x': [x]}]\n",
        "    return [(x / 3, 1), {'x': [x]}]\n",
    ),
    "grid": (
        "    return [[x / 3], [x]]\n",
        "    return [[x / 3 + 1e-9], [x]]\n",
        "    return ([x / 3], [x])\n",
        "    x = [[x / 3], [x]]\n    x.append(x)\n    return x\n",
    ),
    "mixed": (
        "    return x / 3 + 1e-8 if x < 5 else [x / 3 + 1e-8, 1]\n",  # its first added input expects no float
        "    return x / 3 if x < 5 else [x / 3 + (x != 8) * 1e-8, 1]\n",
        "    return x / 3 if x < 5 else [x / 3 + (x != 8) * 1e-3, 1]\n",
        "    return x / 3 if x < 5 else (x / 3 + (x != 8) * 1e-8, 1)\n",
    ),
    "late": (
        "    return [x / 3 + 1e-8, 1] if x < 5 else x / 3\n",
        "    return [x / 3, 1] if x < 5 else x / 3 + 1e-8\n",
    ),
    "close": (
        "    return [x + 1e-5, x / 3]\n",
        "    return [x, x / 3 + 1e-3]\n",
        "    return [x, x / 3, 0.0]\n",
        "    return (x, x / 3)\n",
    ),
    "find_zero": ("    return -xs[0] / xs[1]\n", "    return 17.0\n", "    raise ValueError\n"),
}
MBPP_PROGRAMS = {
    "last": ["def last(xs): return xs[-1]", "def last(xs): return xs[0]"],
    "similar_elements": (
        "def similar_elements(a, b):\n    return sorted(set(a) & set(b), key=str) * 2\n",
        "def similar_elements(a, b):\n    return set(a) & set(b)\n",
        "def similar_elements(a, b):\n    return tuple(x + (x < 1) * 1e-9 for x in set(a) & set(b))\n",
        "def similar_elements(a, b):\n    return tuple(a)\n",
        "def similar_elements(a, b):\n    return None\n",
        "def similar_elements(a, b):\n    return (x for x in a if x in b)\n",
        "def similar_elements(a, b):\n    return dict.fromkeys(x for x in a if x in b).keys()\n",
    ),
    "check_str": (
        "import re\ndef check_str(text):\n    return re.search('^[aeiou]', text)\n",
        "def check_str(text):\n    return text[:1] in tuple('aeiou')\n",
        "def check_str(text):\n    return 'valid' if text[:1] in tuple('aeiou') else None\n",
        "def check_str(text):\n    return 'valid' if text[:1] in tuple('aeiou') else 'invalid'\n",
        "def check_str(text):\n    return bool(text)\n",
    ),
    "are_equivalent": (
        "def are_equivalent(a, b):\n    return 'whatever'\n",
        "def are_equivalent(a, b):\n    return 1 / 0\n",
    ),
    "sum_div": (
        "def sum_div(n):\n    return 0\n",
        "def sum_div(n):\n    return sum(i for i in range(1, n) if n % i == 0)\n",
        "def sum_div(n):\n    return n\n",
    ),
    "surface_Area": (
        "def surface_Area(b, h):\n    return round(2 * b * (b * b / 4 + h * h) ** 0.5 + b * b)\n",
        "def surface_Area(b, h):\n    return 2 * b * (b * b / 4 + h * h) ** 0.5 + b * b\n",
        "def surface_Area(b, h):\n    return 'large'\n",
    ),
    "digit_distance_nums": (
        "def digit_distance_nums(a, b):\n    a, b = str(a).zfill(3), str(b).zfill(3)\n"
        "    return sum(abs(int(x) - int(y)) for x, y in zip(a, b))\n",
        "def digit_distance_nums(a, b):\n    return abs(a - b)\n",
    ),
    "nested": (
        "def nested(x):\n    return [(x, [x, (x,)]), {x: [x]}, None]\n",
        "def nested(x):\n    return [(x, [x, [x]]), {x: [x]}, None]\n",
        "def nested(x):\n    return [(x, [x, (x,)]), {x: (x,)}, None]\n",
        "def nested(x):\n    return [(x, [x, (x,)]), {x: [x]}, None] if x else None\n",
        "from nowhere import anything\n",
        "def another(x):\n    return x\n",
    ),
}

DIFFERENT: Final = (
    (
        "    class Equal:\n        def __eq__(self, other): return True\n    return Equal()\n",
        False,
    ),  # equals everything
    ("    try:\n        while True:\n            pass\n    except BaseException:\n        return a + b\n", False),
    ("    from collections import UserString\n    return UserString(a + b) if a == 'a' else a + b\n", False),
    (
        "    import numpy as np\n    return np.array([a + b]) if a == 1 else a + b\n",
        False,
    ),  # an array of one is true
    ("    import os\n    os.getcwd()\n    return a + b\n", True),  # EvalPlus takes such functions away
    ("    open('file', 'w').close()\n    return a + b\n", True),
)
"""Bodies of ``sums`` on which we differ from EvalPlus, and whether they pass here."""
