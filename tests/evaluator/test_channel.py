"""Framed messages: what the judge accepts from a process that it does not trust."""

import json
import os
import socket
import struct
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernelwright.evaluator import channel


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.lists(st.floats(allow_nan=False)))))
def test_an_answer_arrives_as_it_was_sent(answer):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=channel.send_answer, args=(theirs, answer))
        sender.start()
        assert channel.receive_answer(ours, 5) == answer
        sender.join()


def test_a_silent_runner_times_out(pair):
    with pytest.raises(channel.TimedOut):
        channel.receive_answer(pair[0], 0.05)


def test_what_is_done_meanwhile_is_done_again_and_again_and_may_end_the_waiting(pair):
    calls = []

    def meanwhile() -> None:
        calls.append(len(calls))
        if len(calls) == 3:
            raise ZeroDivisionError

    pair[1].sendall(struct.pack("!Q", 100) + b"{")  # a message that never ends is waited for, too
    with pytest.raises(ZeroDivisionError):
        channel.receive_answer(pair[0], 60, meanwhile)
    assert calls == [0, 1, 2]


def test_a_runner_that_does_not_read_does_not_hold_the_judge(pair, monkeypatch):
    monkeypatch.setattr(channel, "_ORDER_SECONDS", 0.1)
    with pytest.raises(channel.Closed):
        channel.send_order(pair[0], {"op": "x" * (64 << 20)})


def test_half_a_message_times_out(pair):
    pair[1].sendall(struct.pack("!Q", 100) + b"{")
    with pytest.raises(channel.TimedOut):
        channel.receive_answer(pair[0], 0.05)


def test_a_dead_runner_is_seen(pair):
    pair[1].close()
    with pytest.raises(channel.Closed):
        channel.receive_answer(pair[0], 5)


def test_an_answer_beyond_the_limit_is_not_read(pair):
    pair[1].sendall(struct.pack("!Q", channel.REPLY_LIMIT + 1))
    with pytest.raises(channel.Malformed, match="at most"):
        channel.receive_answer(pair[0], 5)


@pytest.mark.parametrize("payload", [b"not json", b"[1, 2]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_object_is_refused(pair, payload):
    sender = threading.Thread(target=pair[1].sendall, args=(struct.pack("!Q", len(payload)) + payload,))
    sender.start()
    with pytest.raises(channel.Malformed):
        channel.receive_answer(pair[0], 5)
    sender.join()


def test_a_pickle_from_a_runner_is_never_loaded(pair):
    import pickle

    payload = pickle.dumps({"failure": None})
    pair[1].sendall(struct.pack("!Q", len(payload)) + payload)
    with pytest.raises(channel.Malformed):
        channel.receive_answer(pair[0], 5)


def test_an_order_keeps_tuples(pair):
    channel.send_order(pair[0], {"op": "load", "init_inputs": [(64, 256, 256)]})
    assert channel.receive_order(pair[1])["init_inputs"] == [(64, 256, 256)]


def test_answers_are_plain_json(pair):
    channel.send_answer(pair[1], {"ms": [1.5]})
    size = struct.unpack("!Q", pair[0].recv(8))[0]
    assert json.loads(pair[0].recv(size)) == {"ms": [1.5]}


def test_a_descriptor_travels_with_its_order(pair):
    file = os.memfd_create("travelling")
    os.pwrite(file, b"seen", 0)
    channel.send_order(pair[0], {"op": "load"}, [file])
    order = channel.receive_order(pair[1])
    (received,) = order["descriptors"]
    assert received != file
    assert os.pread(received, 4, 0) == b"seen"
