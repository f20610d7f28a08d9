from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from kernelwright.evaluator.gpus import gpu
from kernelwright.evaluator.offline.cuda_facade import cuda_facade
from kernelwright.evaluator.offline.cuda_graphs import GraphListener
from kernelwright.evaluator.offline.fake_cuda import (
    Storages,
    card_tensor,
    dtype_name,
    fake_cuda,
    registered_guards,
)
from kernelwright.evaluator.protocol import TensorFact

CARD = gpu("rtx-4090")


@pytest.fixture
def card() -> Iterator[None]:
    with fake_cuda(CARD, Storages()):
        yield


def test_the_facade_gives_torch_back_as_it_was() -> None:
    before = dict(vars(torch.cuda)), dict(vars(torch.cuda.nvtx)), dict(vars(torch._C))
    with cuda_facade(CARD):
        assert torch.cuda.is_available()
    assert (dict(vars(torch.cuda)), dict(vars(torch.cuda.nvtx)), dict(vars(torch._C))) == before


def test_pytorch_s_own_device_guard_is_put_back() -> None:
    before = list(registered_guards())
    with fake_cuda(CARD, Storages()):
        assert list(registered_guards()) != before
    assert list(registered_guards()) == before


def test_the_properties_are_the_table_s() -> None:
    with cuda_facade(CARD):
        seen = torch.cuda.get_device_properties("cuda")
        assert seen.multi_processor_count == 128
        assert (seen.major, seen.minor) == torch.cuda.get_device_capability() == (8, 9)
        assert seen.shared_memory_per_block_optin == 99 * 1024
        assert torch.cuda.get_device_name(0) == "NVIDIA RTX 4090"


def test_streams_events_and_ranges_order_nothing_and_fail_nowhere() -> None:
    with cuda_facade(CARD):
        side, done = torch.cuda.Stream(), torch.cuda.Event(enable_timing=True)
        with torch.cuda.stream(side), torch.cuda.nvtx.range("work"), torch.cuda.device(0):
            done.record(side)
        torch.cuda.current_stream().wait_stream(side)
        side.wait_event(done)
        torch.cuda.synchronize()
        assert done.query()


def test_a_graph_s_capture_and_replay_are_heard() -> None:
    heard: list[str] = []

    class Listener(GraphListener):
        def begin(self, graph: object) -> None:
            super().begin(graph)
            heard.append("begin")

        def replay(self, graph: object) -> None:
            heard.append("replay")

    with cuda_facade(CARD, Listener()):
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            assert torch.cuda.is_current_stream_capturing()
        assert not torch.cuda.is_current_stream_capturing()
        graph.replay()
    assert heard == ["begin", "replay"]


@pytest.mark.usefixtures("card")
def test_a_tensor_says_cuda_and_takes_no_memory() -> None:
    x = card_tensor(TensorFact(name="x", shape=[1 << 20, 1 << 20], dtype="float32"))
    assert x.is_cuda
    assert x.device == torch.device("cuda", 0)
    assert (x @ x).sum(0).shape == (1 << 20,)
    assert dtype_name(x.half()) == "float16"


@pytest.mark.usefixtures("card")
def test_every_way_to_the_card_ends_there() -> None:
    host = torch.empty(4)
    ways = [host.cuda(), host.to("cuda"), host.cuda(0), torch.zeros(4, device="cuda:0"), host.to(host.cuda())]
    ways += [
        torch.tensor([1.0, 2.0], device="cuda"),
        host.cuda().new_empty(3),
        torch.empty(3, device=0),
        torch.empty_like(host.cuda()),
    ]
    assert {way.device for way in ways} == {torch.device("cuda", 0)}


@pytest.mark.usefixtures("card")
def test_a_module_moves_with_its_children_and_buffers() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4)).cuda()
    assert all(tensor.is_cuda for tensor in model.state_dict().values())
    assert isinstance(model[0].weight, torch.nn.Parameter)
    assert model.half()(torch.empty(2, 4, device="cuda").half()).dtype == torch.float16


@pytest.mark.usefixtures("card")
def test_views_share_an_address_range_and_others_do_not() -> None:
    x, y = torch.empty(8, 8, device="cuda"), torch.empty(8, 8, device="cuda")
    assert x[1:].data_ptr() - x.data_ptr() == 32
    assert abs(x.data_ptr() - y.data_ptr()) > 256
    assert x.data_ptr() % 512 == 0


def test_a_storage_s_number_is_not_given_twice() -> None:
    storages = Storages()
    with fake_cuda(CARD, storages):
        numbers = [storages.number(torch.empty(4, device="cuda")) for _ in range(50)]
    assert len(set(numbers)) == 50
