"""Seeds: fixed shares of languages, the same whatever the order of files, and every loss counted."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import pytest

from codedpo_plugin.config import SeedsConfig
from codedpo_plugin.contracts import Seed
from codedpo_plugin.errors import InputError
from codedpo_plugin.problems.seeds.collection import Shares, collect_seeds


def corpus(root: Path, names: list[str], **quotas: int) -> SeedsConfig:
    root.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        (root / f"{name}.py").write_text(f"def f_{number}(x):\n    y = x + {number}\n    return y\n")
    return SeedsConfig(folders=(root,), quotas=quotas or {"python": 100})


def texts(seeds: list[Seed]) -> list[str]:
    return [seed.text for seed in seeds]


def test_every_document_gives_one_seed(tmp_path):
    counts: Counter[str] = Counter()
    seeds = collect_seeds(corpus(tmp_path, ["a", "b", "c"]), 0, counts)
    assert len(seeds) == 3
    assert {seed.language for seed in seeds} == {"python"}
    assert (counts["documents"], counts["seeds"], counts["seeds_python"]) == (3, 3, 3)


def test_a_seed_says_where_it_is_from(tmp_path):
    (seed,) = collect_seeds(corpus(tmp_path, ["a"]), 0)
    path, _, line = seed.source.rpartition(":")
    lines = Path(path).read_text().split("\n")
    assert seed.text.split("\n")[0] == lines[int(line) - 1]


def test_the_order_of_files_does_not_matter(tmp_path):
    names = [f"n{i}" for i in range(30)]
    forward = collect_seeds(corpus(tmp_path / "one", names, python=7), 5)
    backward = collect_seeds(corpus(tmp_path / "two", names[::-1], python=7), 5)
    renumbered = {f"def f_{i}" for i in range(30)}
    assert len(forward) == 7
    assert texts(forward) == texts(backward)
    assert renumbered


def test_another_seed_draws_others(tmp_path):
    config = corpus(tmp_path, [f"n{i}" for i in range(30)], python=7)
    assert texts(collect_seeds(config, 1)) == texts(collect_seeds(config, 1))
    assert texts(collect_seeds(config, 1)) != texts(collect_seeds(config, 2))


def test_each_language_has_its_share(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.py").write_text(f"def f(x):\n    return x + {number}\n")
        (tmp_path / f"{number}.rs").write_text(f"fn f(x: i32) -> i32 {{ x + {number} }}\n")
    counts: Counter[str] = Counter()
    seeds = collect_seeds(SeedsConfig(folders=(tmp_path,), quotas={"python": 2, "rust": 3}), 0, counts)
    assert Counter(seed.language for seed in seeds) == {"python": 2, "rust": 3}
    assert counts["snippet_surplus"] == 5


def test_where_the_corpus_has_fewer_it_is_said(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        collect_seeds(corpus(tmp_path, ["a", "b"], python=5), 0)
    assert "python: 2 seeds instead of 5; the corpus has no more" in caplog.text


def test_a_language_without_a_seed_is_told_by_name_where_it_was_asked_for(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        collect_seeds(corpus(tmp_path, ["a"], python=1, rust=7, java=2), 0)
    assert [record.getMessage() for record in caplog.records] == [
        "rust: 0 seeds instead of 7; the corpus has no more",
        "java: 0 seeds instead of 2; the corpus has no more",
    ]


def test_languages_of_the_default_shares_without_a_seed_are_told_in_one_line(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        collect_seeds(SeedsConfig(folders=corpus(tmp_path, ["a"]).folders), 0)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "no seeds in cpp, java, typescript, shell, csharp, rust, php, swift; the corpus has none",
        "python: 1 seeds instead of 40000; the corpus has no more",
    ]


def test_copies_of_a_document_count_once_whichever_comes_first(tmp_path):
    for name in ("z", "a"):
        (tmp_path / f"{name}.py").write_text("def f(x):\n    return x\n")
    counts: Counter[str] = Counter()
    (seed,) = collect_seeds(SeedsConfig(folders=(tmp_path,)), 0, counts)
    assert Path(seed.source).name.startswith("a.py")
    assert counts["snippet_duplicate"] == 1


def test_what_is_not_of_its_language_is_skipped(tmp_path):
    config = corpus(tmp_path, ["a"])
    (tmp_path / "prose.py").write_text("Dear reader, this is; no code at all! Or is it? (No.)\n" * 4)
    counts: Counter[str] = Counter()
    assert len(collect_seeds(config, 0, counts)) == 1
    assert counts["document_of_another_language"] == 1


def test_every_kind_of_loss_is_counted(tmp_path):
    config = corpus(tmp_path, ["a"])
    (tmp_path / "blank.py").write_text("\n\n")
    (tmp_path / "data.py").write_text("1,\n2,\n")
    (tmp_path / "generated.py").write_text("# @generated\nx = f()\n")
    counts: Counter[str] = Counter()
    collect_seeds(config, 0, counts)
    expected = {"document_blank": 1, "document_generated": 1, "document_without_snippet": 1, "seeds": 1}
    assert expected.items() <= counts.items()
    assert counts["snippet_data_only"] > 0


def test_several_seeds_a_document(tmp_path):
    (tmp_path / "a.py").write_text("".join(f"def f_{i}():\n    return {i}\n" for i in range(50)))
    config = SeedsConfig(folders=(tmp_path,), per_document=4, max_lines=3)
    seeds = collect_seeds(config, 0)
    assert len(seeds) == 4
    assert all(len(seed.text.split("\n")) <= 3 for seed in seeds)


def test_no_more_documents_are_read_than_allowed(tmp_path):
    config = corpus(tmp_path, ["a", "b", "c"]).model_copy(update={"max_documents": 2})
    counts: Counter[str] = Counter()
    collect_seeds(config, 0, counts)
    assert counts["documents"] == 2


def test_an_empty_corpus_is_an_error_that_tells_why(tmp_path):
    with pytest.raises(InputError, match=r"not one seed \(it is empty\)"):
        collect_seeds(SeedsConfig(folders=(tmp_path,)), 0)
    (tmp_path / "a.py").write_text("")
    with pytest.raises(InputError, match=r"not one seed \(document_blank: 1, documents: 1\)"):
        collect_seeds(SeedsConfig(folders=(tmp_path,)), 0)


def test_shares_keep_the_best_ranks_in_any_order():
    ranks = [5, 3, 9, 1, 7]
    kept = []
    for order in (ranks, ranks[::-1], sorted(ranks)):
        shares = Shares({"python": 2})
        for rank in order:
            if shares.wants("python", rank):
                shares.add(rank, Seed(str(rank), "python", ""))
        kept.append([seed.text for seed in shares.seeds()])
    assert kept == [["1", "3"]] * 3
