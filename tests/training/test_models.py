"""Models and tokenizers: what is loaded, in which precision, and what is said of those that cannot be."""

from __future__ import annotations

import shutil
from copy import deepcopy
from types import SimpleNamespace

import pytest

from codedpo_plugin.config import ModelConfig, TrainConfig
from codedpo_plugin.errors import TrainingError, UsageError
from codedpo_plugin.training.models import (
    adapters,
    load_model,
    load_tokenizer,
    pretrained_name,
    save,
    uses_bf16,
)

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

pytestmark = pytest.mark.filterwarnings("default")  # the libraries below warn of each other

QUESTION = {"role": "user", "content": "Add."}
ANSWER = {"role": "assistant", "content": "a + b"}


def test_a_model_that_is_not_named_is_a_usage_error():
    with pytest.raises(UsageError, match=r"model_args\.pretrained"):
        pretrained_name(ModelConfig())


@pytest.mark.parametrize(("load", "what"), [(load_model, "model"), (load_tokenizer, "the tokenizer of")])
def test_a_model_that_is_not_there_is_named(tmp_path, monkeypatch, load, what):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(TrainingError, match=f"{what} {tmp_path / 'nowhere'} cannot be loaded"):
        load(str(tmp_path / "nowhere"), TrainConfig())


def test_a_damaged_model_is_named(tiny_model, tmp_path):
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    (copy / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match=f"model {copy} cannot be loaded"):
        load_model(str(copy), TrainConfig())


def test_a_chat_needs_a_template(tiny_model):
    with pytest.raises(TrainingError, match=r"no chat template\. Give one with chat_template"):
        load_tokenizer(str(tiny_model), TrainConfig(prompt_form="chat"))


def test_the_instruction_format_is_that_of_magicoder(tiny_model):
    tokenizer = load_tokenizer(str(tiny_model), TrainConfig(prompt_form="chat", chat_template="instruction"))
    start = (
        "You are an exceptionally intelligent coding assistant that consistently delivers accurate and reliable "
        "responses to user instructions.\n\n"
    )
    asked = tokenizer.apply_chat_template([QUESTION], tokenize=False, add_generation_prompt=True)
    assert asked == f"{start}@@ Instruction\nAdd.\n\n@@ Response\n"
    both = tokenizer.apply_chat_template([QUESTION, ANSWER], tokenize=False)
    assert both == f"{asked}a + b<eos>"
    again = tokenizer.apply_chat_template([QUESTION, ANSWER, QUESTION], tokenize=False)
    assert again == f"{both}\n\n@@ Instruction\nAdd.\n\n"


def test_a_system_message_takes_the_place_of_the_built_in_one(tiny_model):
    tokenizer = load_tokenizer(str(tiny_model), TrainConfig(prompt_form="chat", chat_template="instruction"))
    system = {"role": "system", "content": "Be brief."}
    asked = tokenizer.apply_chat_template([system, QUESTION], tokenize=False)
    assert asked == "Be brief.\n\n@@ Instruction\nAdd.\n\n"


def test_a_template_may_be_a_file(tiny_model, tmp_path):
    (tmp_path / "t.jinja").write_text("{{ messages[0]['content'] }}!")
    config = TrainConfig(prompt_form="chat", chat_template=tmp_path / "t.jinja")
    tokenizer = load_tokenizer(str(tiny_model), config)
    assert tokenizer.apply_chat_template([QUESTION], tokenize=False) == "Add.!"


def test_a_template_that_is_not_there_is_a_usage_error(tiny_model, tmp_path):
    with pytest.raises(UsageError, match=r"t\.jinja: the chat template cannot be read"):
        load_tokenizer(str(tiny_model), TrainConfig(prompt_form="chat", chat_template=tmp_path / "t.jinja"))


def test_a_tokenizer_that_cannot_end_an_answer_is_refused(tiny_model, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.eos_token = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(TrainingError, match="no end-of-sequence token"):
        load_tokenizer(str(tmp_path), TrainConfig())


def test_a_tokenizer_without_padding_pads_with_the_end(tiny_model, tmp_path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.pad_token = None
    tokenizer.save_pretrained(tmp_path)
    assert load_tokenizer(str(tmp_path), TrainConfig()).pad_token == "<eos>"


@pytest.mark.parametrize(("precision", "expected"), [("fp32", False), ("bf16", True), ("auto", False)])
def test_the_precision_is_as_configured_and_otherwise_the_machines(monkeypatch, precision, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert uses_bf16(TrainConfig(precision=precision)) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"precision": "bf16"}, torch.float32),
        ({"precision": "bf16", "lora": True}, torch.bfloat16),
        ({"precision": "fp32", "lora": True}, torch.float32),
    ],
)
def test_weights_that_are_trained_have_32_bits(tiny_model, fields, expected):
    assert load_model(str(tiny_model), TrainConfig(**fields)).dtype == expected


def test_adapters_are_as_configured():
    assert adapters(TrainConfig()) is None
    found = adapters(TrainConfig(lora=True, lora_rank=4))
    assert (found.r, found.lora_alpha, found.target_modules) == (4, 8, "all-linear")


# --------------------------------------------------------------------------- saving

SMALL = 1e-5
"""A small update: the next number of bfloat16 is ten times as far from most weights of the tiny model."""


@pytest.fixture
def adapted(tiny_model):
    """Return the model in bfloat16 under adapters that change each of its weights a little."""
    from peft import get_peft_model

    config = TrainConfig(precision="bf16", lora=True, lora_rank=1)
    model = get_peft_model(load_model(str(tiny_model), config), adapters(config)).eval()
    torch.manual_seed(0)
    for name, weight in model.named_parameters():
        if "lora_A" in name:
            torch.nn.init.ones_(weight)
        if "lora_B" in name:
            torch.nn.init.uniform_(weight, SMALL / 2, SMALL)  # times alpha / rank, which is 2
    return model


def saved(model, folder, *, lora: bool):
    """Save a model as a trainer would and return what loads from there."""
    from transformers import AutoModelForCausalLM

    accelerator = SimpleNamespace(unwrap_model=lambda model: model)
    tokenizer = SimpleNamespace(save_pretrained=lambda folder: None)
    save(SimpleNamespace(accelerator=accelerator, model=model), tokenizer, TrainConfig(lora=lora), folder)
    return AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()


def log_probabilities(model):
    with torch.no_grad():
        return torch.log_softmax(model(torch.arange(2, 42)[None]).logits.double(), dim=-1)


def test_the_saved_model_is_the_trained_one_to_the_smallest_update(adapted, tmp_path):
    trained = deepcopy(adapted).float()
    expected = log_probabilities(trained)
    with trained.disable_adapter():
        untrained = log_probabilities(trained)
    moved = (expected - untrained).abs().max()
    found = log_probabilities(saved(adapted, tmp_path, lora=True))
    assert 0 < (found - expected).abs().max() < moved / 20


def test_every_weight_under_adapters_keeps_its_update(adapted, tmp_path):
    before = {n: w.float() for n, w in adapted.get_base_model().named_parameters() if "base_layer" in n}
    after = dict(saved(adapted, tmp_path, lora=True).named_parameters())
    changes = [after[name.replace(".base_layer", "")] - weight for name, weight in before.items()]
    assert len(changes) == 2 * 7  # layers, and the matrices of each
    assert all(torch.all((change > 0.99 * SMALL) & (change < 2.01 * SMALL)) for change in changes)


@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
def test_models_are_saved_in_32_bits(tiny_model, adapted, tmp_path, lora):
    model = adapted if lora else load_model(str(tiny_model), TrainConfig(precision="bf16"))
    found = saved(model, tmp_path, lora=lora)
    assert {weight.dtype for weight in found.parameters()} == {torch.float32}
    assert found.config.dtype == torch.float32
