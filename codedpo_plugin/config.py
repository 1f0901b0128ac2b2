"""The configuration of a run: typed, documented, unknown keys refused.

One model per stage. The same models back the command line and the YAML file of ``codedpo run``; a key that is
not here does not exist. No key of a YAML file can widen what programs may do: running unconfined is asked for on
the command line, by name, or not at all.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from codedpo_plugin.errors import UsageError
from codedpo_plugin.inputs import is_url
from codedpo_plugin.records import PairKind

PromptForm = Literal["base", "chat"]
"""How a model is asked: by a prompt to continue, or by a message to answer."""

MAGICODER_SEEDS: Final = {"python": 40_000} | dict.fromkeys(
    ("cpp", "java", "typescript", "shell", "csharp", "rust", "php", "swift"), 5_000
)
"""Seeds of each language (arXiv 2312.02120, section 2.1)."""

Split = Literal["train", "heldout", "all", "composed_train", "composed_dev", "composed_heldout"]
"""A part of the micro suite."""


class Section(BaseModel):
    """A part of the configuration: immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=Section)


class SeedsConfig(Section):
    """Where seeds come from: folders, a data set, or the standard library of the running Python."""

    folders: tuple[Path, ...] = Field((), description="folders of source code; .gitignore files are respected")
    dataset: str | None = Field(None, description="or a data set, streamed: bigcode/starcoderdata, …")
    dataset_args: dict[str, Any] = Field(default_factory=dict, description="for load_dataset: split, data_dir, …")
    text_column: str = Field("content", description="the data set's column with the code")
    path_column: str = Field(
        "max_stars_repo_path", description="its column with the path, which tells the language"
    )
    language_column: str = Field("lang", description="or its column with the language")
    licence_column: str = Field("license", description="its column with the licence")
    language: str | None = Field(None, description="the language of all its rows, if no column says")
    quotas: dict[str, int] = Field(
        default_factory=lambda: dict(MAGICODER_SEEDS), min_length=1, description="seeds wanted of each language"
    )
    per_document: int = Field(1, gt=0, description="seeds a document, not overlapping")
    max_lines: int = Field(15, gt=0, description="lines of the longest seed")
    max_file_kb: int = Field(1024, gt=0, description="larger files are left out")
    max_documents: int | None = Field(None, gt=0, description="read no more than so many")

    @model_validator(mode="after")
    def _one_corpus(self) -> SeedsConfig:
        if self.folders and self.dataset:
            raise ValueError("give 'folders' or 'dataset', not both")
        if any(quota <= 0 for quota in self.quotas.values()):
            raise ValueError("'quotas' have to be positive")
        return self


class ModelConfig(Section):
    """A model as lm-eval names it."""

    model: str = Field("hf", description="an lm-eval model type: hf, vllm, local-completions, …")
    model_args: dict[str, Any] = Field(default_factory=dict, description="its arguments, as --model_args")
    batch_size: int | str = Field(8, description="as lm-eval's --batch_size")
    device: str | None = Field(None, description="as lm-eval's --device")
    prompt_form: PromptForm = Field("base", description="base: continue the prompt; chat: answer a message")


class FactoryConfig(ModelConfig):
    """How a model makes problems. Greedy decoding as in Magicoder (arXiv 2312.02120, section 2.1)."""

    method: Literal["oss-instruct", "concepts", "evol-instruct"] = Field(..., description="how problems are made")
    seeds: SeedsConfig = SeedsConfig()
    seeds_path: Path | None = Field(None, description="a seeds.jsonl instead of collecting seeds")
    rounds: int = Field(1, gt=0, description="times each problem is evolved (evol-instruct)")
    temperature: float = Field(0.0, ge=0, description="sampling temperature")
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus sampling")
    max_tokens: int = Field(1024, gt=0, description="longest answer")
    requests_a_call: int = Field(64, gt=0, description="requests a call; its answers are kept together")
    retries: int = Field(3, ge=0, description="times a failed call is repeated before its requests are made alone")
    retry_wait_s: float = Field(2.0, ge=0, description="pause before the first repetition; doubles with each")


class CleanConfig(Section):
    """Which problems are dropped."""

    benchmarks: tuple[str, ...] = Field(("humaneval", "mbpp", "ds1000"), description="what must not be learned")
    against: tuple[Path, ...] = Field((), description="files of JSON lines with more of it")
    near_duplicates: float = Field(0.7, gt=0, le=1, description="least Jaccard similarity of near-duplicates")
    run_solutions: bool = Field(default=True, description="run Python solutions, confined")


class ProblemsConfig(Section):
    """Where the problems come from: a suite, a file, or a model that makes them."""

    suite: str | None = Field(None, description="name of an installed suite")
    split: Split = Field("train", description="which part of the suite")
    path: Path | None = Field(None, description="a problems.jsonl")
    make: FactoryConfig | None = Field(None, description="make them; evol-instruct starts from 'suite' or 'path'")
    clean: CleanConfig | None = Field(None, description="drop duplicates, contaminated and broken problems")
    limit: int | None = Field(
        None, gt=0, description="use the first so many, of seeds where problems are made of them"
    )

    @model_validator(mode="after")
    def _one_source(self) -> ProblemsConfig:
        given = (self.suite is not None) + (self.path is not None)
        if self.make is None or self.make.method == "evol-instruct":
            if given != 1:
                raise ValueError("give exactly one of 'suite' and 'path'")
        elif given:
            raise ValueError(f"{self.make.method} makes problems from seeds: give neither 'suite' nor 'path'")
        return self

    @property
    def makes_of_seeds(self) -> bool:
        """Return whether problems are made of seeds."""
        return self.make is not None and self.make.method != "evol-instruct"


class GenerateConfig(ModelConfig):
    """How candidates are generated. Defaults as in the paper (section 3.2)."""

    n_solutions: int = Field(15, gt=0, description="solutions a problem")
    n_tests: int = Field(15, gt=0, description="distinct tests kept a problem, at most")
    test_generations: int | None = Field(
        None, gt=0, description="generations of tests a problem; default: n_tests. One often holds several tests"
    )
    prompt_examples: bool = Field(
        default=False, description="the examples in a prompt's documentation (>>> f(1)) are tests, too"
    )
    temperature: float = Field(1.5, ge=0, description="sampling temperature")
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus sampling")
    max_solution_tokens: int = Field(512, gt=0, description="longest solution")
    max_test_tokens: int = Field(256, gt=0, description="longest test generation")

    @property
    def tests_asked(self) -> int:
        """Return how often tests of a problem are asked for."""
        return self.test_generations or self.n_tests


class ExecuteConfig(Section):
    """How programs are run."""

    executor: str = Field("local", description="a registered executor")
    workers: int | None = Field(None, gt=0, description="worker processes, with ray a node; default: one a core")
    ray_address: str | None = Field(
        None,
        description="executor ray: auto, HOST:PORT, ray://HOST:PORT; default: RAY_ADDRESS, else this machine",
    )
    sandbox: str = Field("auto", description="auto, landlock, bubblewrap, or a registered sandbox")
    interpreter: str | None = Field(None, description="the Python that runs programs; default: this one")
    cpu_s: float = Field(1.0, gt=0, allow_inf_nan=False, description="CPU seconds a test may take")
    wall_s: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="wall-clock backstop a test, for programs that sleep; default: 15, or 4 times cpu_s if more",
    )
    memory_mb: int = Field(1024, ge=64, description="address space of a program")
    max_timeouts: int = Field(3, gt=0, description="tests a program may time out on before the rest is not run")
    record_times: bool = Field(default=False, description="keep the CPU time of each cell in matrix.parquet")

    @model_validator(mode="after")
    def _address_is_used(self) -> ExecuteConfig:
        if self.ray_address and self.executor == "local":
            raise ValueError("ray_address needs executor: ray")
        return self

    @model_validator(mode="after")
    def _cpu_time_decides(self) -> ExecuteConfig:
        if self.wall_s is not None and self.wall_s < self.cpu_s:
            raise ValueError("wall_s has to be at least cpu_s")
        return self


class ScoreConfig(Section):
    """How solutions and tests are ranked."""

    ranker: str = Field("self-validation", description="a registered ranker")
    params: dict[str, Any] = Field(default_factory=dict, description="its parameters, e.g. damping, iterations")


class TimingConfig(Section):
    """How two programs are told apart by time."""

    min_ratio: float = Field(1.1, gt=1, description="the interval of the ratio has to lie beyond this")
    rounds: int = Field(31, ge=6, description="most interleaved rounds; fewer than 6 give no interval")
    narrow: float = Field(0.05, ge=0, description="stop when the interval's ends differ by no more than this share")
    budget_s: float = Field(30.0, gt=0, description="start no further round of a pair after so many seconds")
    passes: int = Field(5, gt=0, description="timed passes a round; their minimum counts")
    min_pass_ms: float = Field(1.0, gt=0, description="a pass repeats the tests until it takes so long")
    solutions: int = Field(
        4, gt=0, description="right solutions of a problem that a comparison times on either side, at most"
    )


class PairsConfig(Section):
    """Which pairs are built."""

    kinds: tuple[PairKind, ...] = Field((PairKind.CORRECTNESS, PairKind.EFFICIENCY), min_length=1)
    min_confidence: float | None = Field(
        None, ge=0, le=1, description="leave out pairs that are right with a lower probability"
    )
    calibration: Path | None = Field(
        None, description="a file of `codedpo calibrate`; default: the one that comes with the package"
    )
    per_problem: int = Field(1, gt=0, description="correctness pairs a problem, at most")
    trust_examples: bool = Field(
        default=False, description="believe no solution that fails a test which is an example of the prompt"
    )
    enlarge: int = Field(
        1, gt=0, description="time solutions on the tests' arguments so many times as large; 1: as they are"
    )
    timing: TimingConfig = TimingConfig()


class TrainConfig(Section):
    """How a model is trained. Defaults as in the paper (section 4.1) where it gives them."""

    method: str = Field("dpo", description="a registered trainer: dpo, rpo, kto, sft, …")
    data: Path | None = Field(None, description="problems with solutions to train on instead of the pairs (sft)")
    prompt_form: PromptForm = Field("base", description="chat: prompts and answers become messages")
    chat_template: Literal["instruction"] | Path | None = Field(
        None, description="instruction, or a file in Jinja's syntax; default: the tokenizer's own (chat)"
    )
    lora: bool = Field(default=False, description="train low-rank adapters and merge them at the end")
    lora_rank: int = Field(16, gt=0, description="rank of the adapters; alpha is twice the rank")
    learning_rate: float = Field(5e-6, gt=0, description="highest; it grows linearly, then falls linearly to 0")
    warmup_ratio: float = Field(0.1, ge=0, lt=1, description="share of the steps in which it grows")
    beta: float = Field(0.1, gt=0, description="how strongly the policy is held to the reference (dpo, rpo, kto)")
    rpo_weight: float = Field(1.0, ge=0, description="weight of the likelihood of the chosen answer (rpo)")
    epochs: float = Field(1.0, gt=0, description="passes over the training data")
    max_steps: int = Field(-1, ge=-1, description="stop after so many steps; -1: after the epochs")
    batch_size: int = Field(2, gt=0, description="rows a device and forward pass: pairs, or answers (kto, sft)")
    gradient_accumulation: int = Field(8, gt=0, description="forward passes a step")
    max_length: int = Field(1024, gt=0, description="tokens of prompt and answer together; the rest is cut off")
    gradient_checkpointing: bool = Field(default=False, description="less memory, about a fifth slower")
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="auto: bf16 on a GPU that has it")
    track_share: float = Field(
        0.1, ge=0, lt=1, description="share of the pairs' problems held out to track log-probabilities on; 0: none"
    )
    track_problems: int = Field(32, gt=0, description="hold out no more problems than that")
    track_every: int = Field(10, gt=0, description="steps from one record of log-probabilities to the next")
    checkpoint_every: int = Field(50, ge=0, description="steps from one checkpoint to the next; 0: none")

    @model_validator(mode="after")
    def _template_is_used(self) -> TrainConfig:
        if self.chat_template and self.prompt_form != "chat":
            raise ValueError("chat_template needs prompt_form: chat")
        return self


class EvaluateConfig(Section):
    """How a model is evaluated."""

    suites: tuple[str, ...] = Field(("micro",), min_length=1)
    n_samples: int = Field(1, gt=0, description="samples a problem")
    temperature: float = Field(0.0, ge=0, description="0 is greedy decoding")
    top_p: float = Field(0.95, gt=0, le=1, description="of nucleus sampling, where the temperature is not 0")
    max_tokens: int = Field(768, gt=0, description="longest answer")
    ks: tuple[int, ...] = Field((1,), min_length=1, description="the k of pass@k")
    limit: int | None = Field(None, gt=0, description="the first so many problems of each suite")
    metadata: dict[str, Any] = Field(default_factory=dict, description="for the suites, as lm-eval's --metadata")


class RunConfig(Section):
    """A whole run, from problems to a compared model. Stages without a section are left out."""

    seed: int = 0
    problems: ProblemsConfig = ProblemsConfig(suite="micro")
    candidates: tuple[str, ...] = Field(
        (), description="use these candidates instead of generating: a file, or several; globs, URLs"
    )
    generate: GenerateConfig | None = None
    execute: ExecuteConfig = ExecuteConfig()
    score: ScoreConfig = ScoreConfig()
    pairs: PairsConfig = PairsConfig()
    train: TrainConfig | None = None
    evaluate: EvaluateConfig | None = None

    @field_validator("execute")
    @classmethod
    def _confined(cls, execute: ExecuteConfig) -> ExecuteConfig:
        if execute.sandbox == "unconfined":
            raise ValueError("'unconfined' cannot be asked for in a file; pass --sandbox unconfined instead")
        return execute

    @field_validator("candidates", mode="before")
    @classmethod
    def _several(cls, given: object) -> object:
        return (given,) if isinstance(given, str) else () if given is None else given

    @model_validator(mode="after")
    def _has_model(self) -> RunConfig:
        if self.generate is None and (not self.candidates or self.train or self.evaluate):
            raise ValueError("section 'generate' names the model; it is needed unless candidates are only paired")
        return self


def load_config(path: Path) -> RunConfig:
    """Read a YAML configuration. Raises UsageError naming file, key and near matches of unknown keys.

    Relative paths in the file are relative to the file.
    """
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path}: a mapping of sections is expected, got {type(data).__name__}")
    try:
        config = _resolved(RunConfig.model_validate(data), path.parent)
    except ValidationError as error:
        raise UsageError(f"{path}: " + "; ".join(_explain(e) for e in error.errors())) from error
    names = (name if is_url(name) else str((path.parent / name).resolve()) for name in config.candidates)
    return config.model_copy(update={"candidates": tuple(names)})


def _resolved(section: S, folder: Path) -> S:
    """Return a section, with its own sections, in which every path is absolute."""
    values = ((name, getattr(section, name)) for name in type(section).model_fields)
    return section.model_copy(update={name: _absolute(value, folder) for name, value in values})


def _absolute(value: Any, folder: Path) -> Any:
    """Return a value of a section with its paths resolved against a folder."""
    if isinstance(value, Path):
        return (folder / value).resolve()
    if isinstance(value, Section):
        return _resolved(value, folder)
    return tuple(_absolute(item, folder) for item in value) if isinstance(value, tuple) else value


def _explain(error: Any) -> str:
    """Return one validation error as key, reason and, for unknown keys, what was probably meant."""
    location = [str(part) for part in error["loc"]]
    where = ".".join(location) or "configuration"
    if error["type"] != "extra_forbidden":
        return f"{where}: {error['msg'].removeprefix('Value error, ')}"
    known = _keys_at(location[:-1])
    near = difflib.get_close_matches(location[-1], known, n=2, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; known keys: {', '.join(known)}"
    return f"{where}: unknown key{hint}"


def _keys_at(location: list[str]) -> list[str]:
    """Return the keys of the section at a location."""
    model: type[BaseModel] = RunConfig
    for part in location:
        annotation = model.model_fields[part].annotation
        kinds = [annotation, *get_args(annotation)]
        model = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), model)
    return list(model.model_fields)
