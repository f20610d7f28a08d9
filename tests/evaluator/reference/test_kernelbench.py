"""Files in KernelBench's format, each with the verdict that its docstring names."""

import ast
from pathlib import Path

import pytest
import torch
from kernelwright.evaluator.reference.oracle import Oracle, judge
from kernelwright.evaluator.reference.proving import prove_at, require
from kernelwright.reference_kernels import TaskError, load_task

FOLDER = Path(__file__).parent / "kernelbench"


def verdict(path):
    return ast.get_docstring(ast.parse(path.read_text())).splitlines()[0]


ACCEPTED = [path.stem for path in sorted(FOLDER.glob("*.py")) if verdict(path) == "accepted"]
REFUSED = [path.stem for path in sorted(FOLDER.glob("*.py")) if verdict(path).startswith("refused: ")]


def opened(name):
    return Oracle(load_task(str(FOLDER / f"{name}.py")), "cpu")


def test_every_file_says_its_verdict():
    assert len(ACCEPTED) + len(REFUSED) == len(list(FOLDER.glob("*.py"))) >= 25


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_can_be_judged_is_proven_and_its_own_answer_passes_every_family(name):
    oracle = opened(name)
    proof = prove_at(oracle)
    assert proof.proven, proof.reason
    tried = 0
    for family in oracle.families():
        case = oracle.case(family)
        if case is not None:
            tried += 1
            result = judge(case, oracle.answer(case.inputs))
            assert result.passed, (family, result)
    assert tried >= 2 or name in ("embedding", "small_integers")


@pytest.mark.parametrize("name", ACCEPTED)
def test_facts_say_what_get_inputs_and_forward_give(name):
    oracle = opened(name)
    inputs = oracle.draw_inputs("nominal")
    outputs = oracle.answer(inputs)
    for fact, value in zip(oracle.facts.inputs, inputs, strict=True):
        if isinstance(value, torch.Tensor):
            assert (fact.shape, fact.dtype) == (
                list(value.shape),
                str(value.dtype)[6:],
            ) and value.is_contiguous()
        else:
            assert fact.dtype == f"Python {type(value).__name__}"
    assert [(f.shape, f.dtype) for f in oracle.facts.outputs] == [
        (list(o.shape), str(o.dtype)[6:]) for o in outputs
    ]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_judged_is_refused_with_the_reason_in_one_sentence(name):
    with pytest.raises(TaskError) as refusal:
        require(opened(name))
    said = str(refusal.value)
    assert verdict(FOLDER / f"{name}.py").removeprefix("refused: ") in said
    assert "\n" not in said and len(said) < 400
