import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.errors import ModelReferenceError, UserError
from lm.references import ModelReference, parse_reference

NAMES = st.text(st.characters(categories=["L", "N"], include_characters="-_./"), min_size=1)


@given(
    name=NAMES,
    revision=st.none() | st.text(st.characters(categories=["L", "N"], include_characters="-_."), min_size=1),
    options=st.fixed_dictionaries(
        {},
        optional={
            "dtype": st.sampled_from(["fp32", "bf16", "fp16"]),
            "device": st.sampled_from(["cpu", "cuda:1", "auto"]),
            "quant": st.sampled_from(["4bit", "8bit"]),
            "lora": st.sampled_from(["adapters/one", "/a b/c&d=e+f%20", "ä/ö"]),
        },
    ),
)
def test_a_reference_survives_its_spelling(name, revision, options):
    reference = ModelReference("hf", name, revision, options=options)
    assert parse_reference(str(reference)) == reference


@given(st.text())
def test_any_text_is_a_reference_or_one_clear_error(text):
    try:
        parse_reference(text)
    except ModelReferenceError as error:
        assert "names no model" in str(error)
        assert "hf:NAME-or-PATH" in str(error)


def test_the_forms_of_the_help_text():
    assert parse_reference("organism") == ModelReference("organism")
    assert parse_reference("hf:meta-llama/Llama-3.1-8B@main?dtype=bf16&device=cuda") == ModelReference(
        "hf", "meta-llama/Llama-3.1-8B", "main", options={"dtype": "bf16", "device": "cuda"}
    )
    assert parse_reference("vllm:org/model@v2@http://h:80/v1/") == ModelReference(
        "vllm", "org/model@v2", url="http://h:80/v1"
    )
    assert parse_reference("vllm:org/model@v2?memory=0.5&context=8192&gpus=2") == ModelReference(
        "vllm", "org/model", "v2", options={"memory": "0.5", "context": "8192", "gpus": "2"}
    )
    assert str(parse_reference("openai:gpt-4.1-mini")) == "openai:gpt-4.1-mini"
    assert parse_reference("scripted:answers.jsonl") == ModelReference("scripted", "answers.jsonl")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("organsim", "Did you mean 'organism'?"),
        ("organism:small", "takes neither a name nor options"),
        ("gpt2", "write 'hf:gpt2'"),
        ("mystery:NAME", "there is no provider 'mystery'"),
        ("hf:", "the name or path of the checkpoint is missing"),
        ("hf:gpt2@", "the revision after '@' is missing"),
        ("hf:https://example.org/gpt2", "not a URL"),
        ("hf:gpt2?dtyp=bf16", "Did you mean 'dtype'?"),
        ("hf:gpt2?dtype=int3", "option dtype cannot be 'int3'"),
        ("hf:gpt2?dtype=bf16&dtype=fp16", "given twice"),
        ("hf:gpt2?dtype", "not of the form"),
        ("vllm:", "the name or path of the checkpoint is missing"),
        ("vllm:http://127.0.0.1:8000/v1", "follows the model's name: vllm:NAME@URL"),
        ("vllm:m?memory=1.5", "option memory cannot be '1.5'"),
        ("vllm:m?contxt=5", "Did you mean 'context'?"),
        ("vllm:m?device=cuda", "unknown option 'device'"),
        ("vllm:m@http://h:8000/v1?memory=0.5", "end with its path"),
        ("openai:", "the name of the model is missing"),
        ("openai:m@http://", "of the form http://HOST"),
        ("openai:m@http://h:x/v1", "is no address"),
        ("openai:m@https://user:secret@h/v1", "keys come from the environment"),
        ("anthropic:m@http://h/v1?key=1", "end with its path"),
        ("inbox:", "the folder for requests"),
        ("scripted:", "the path of the answer file is missing"),
    ],
)
def test_errors_say_what_is_wrong(text, says):
    with pytest.raises(UserError) as caught:
        parse_reference(text)
    assert says in str(caught.value)
