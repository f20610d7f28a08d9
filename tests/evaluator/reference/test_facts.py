"""Shapes and floors of a task, without computing anything."""

import pytest
from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.reference.facts import floor_ms, floors, load_reference, surely_moved, task_facts
from kernelwright.reference_kernels import TaskError, load_task

TASK = load_task("layer_norm")


def test_layer_norm_moves_570_megabytes_at_least():
    facts = task_facts(TASK)
    assert facts.inputs[0].shape == [16, 64, 256, 256]
    assert [p.name for p in facts.parameters] == ["weight", "bias"]
    assert facts.floor_bytes == pytest.approx(570e6, rel=0.01)


@pytest.mark.parametrize(("card", "ms"), [("rtx-4090", 0.566), ("h200", 0.119)])
def test_floor_at_peak_bandwidth(card, ms):
    assert floor_ms(task_facts(TASK), gpu(card)) == pytest.approx(ms, abs=0.001)


def test_operations_can_decide_the_floor():
    facts = task_facts(TASK).model_copy(update={"floor_flops": int(1e15)})
    # Sums of TF32 products on the tensor cores can be as exact as fp32.
    assert floor_ms(facts, gpu("h200")) == pytest.approx(1e15 / 494.7e9)


def test_offline_there_is_no_floor_of_the_device():
    assert floors(task_facts(TASK), gpu("rtx-4090"), None).device is None


def test_small_shapes_replace_the_constants():
    small = task_facts(TASK, TASK.small[0])
    assert small.floor_bytes < 1e6


def test_an_unknown_constant_is_named():
    with pytest.raises(TaskError, match="no constant 'rows'"):
        load_reference(TASK, {"rows": 3})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nothing_like_this", "cannot be imported"),
        ("Model = 1", "defines no get_inputs"),
        ("class Model: pass\ndef get_inputs(): 1/0\ndef get_init_inputs(): return []", "does not run"),
    ],
)
def test_a_broken_reference_is_one_sentence(tmp_path, source, said):
    (tmp_path / "reference.py").write_text(source)
    (tmp_path / "task.toml").write_text('name = "broken"\ntitle = "Broken"\ndtype = "float32"\n')
    with pytest.raises(TaskError, match=said):
        task_facts(load_task(str(tmp_path)))


def test_of_a_single_file_only_what_it_writes_is_sure_without_running_it(tmp_path):
    (tmp_path / "file.py").write_text(
        "import torch\nclass Model(torch.nn.Module):\n    def forward(self, x, n=2):\n        return x[:, -1] * n\n"
        "def get_inputs(): return [torch.randn(1000, 3000)]\ndef get_init_inputs(): return []\n"
    )
    task = load_task(str(tmp_path / "file.py"))
    facts = task_facts(task)
    assert (facts.floor_bytes, surely_moved(task, facts).floor_bytes) == (12_004_000, 4000)
    assert [fact.name for fact in facts.inputs] == ["x"]
    assert surely_moved(TASK, task_facts(TASK)) == task_facts(TASK)
