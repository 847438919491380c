"""What is prepared for a channel: made once whatever the threads, and never a part of it."""

import copy
import dataclasses
import gc
import pickle
import threading
import time
import weakref

import numpy as np
import pytest
from bottleneck.ground_truths import random_joint

from ibcollapse.bottleneck import Channel, solve
from ibcollapse.bottleneck.kernels import PackedChannel
from ibcollapse.storage.serialize import from_dict, to_dict


@pytest.fixture
def channel():
    return Channel.from_joint(random_joint(40, 5, 0))


def asked_at_once(ask, n_threads=4):
    """What threads get that ask at the same moment."""
    found, start = [None] * n_threads, threading.Barrier(n_threads)

    def wait_and_ask(i):
        start.wait()
        found[i] = ask()

    threads = [threading.Thread(target=wait_and_ask, args=(i,)) for i in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return found


def test_threads_that_ask_at_once_have_it_made_once(channel):
    made = []

    def make():
        made.append(threading.get_ident())
        # Long enough for the others to arrive while it is being made.
        time.sleep(0.05)
        return object()

    found = asked_at_once(lambda: channel.prepared.once("it", make))
    assert len(made) == 1
    assert all(one is found[0] for one in found)


def test_threads_that_ask_at_once_share_one_packed_channel(channel, monkeypatch):
    packed, pack = [], PackedChannel.pack

    def slow_pack(*rows):
        time.sleep(0.05)
        packed.append(pack(*rows))
        return packed[-1]

    monkeypatch.setattr(PackedChannel, "pack", slow_pack)
    found = asked_at_once(lambda: channel.prepared.packed)
    assert len(packed) == 1
    assert all(one is packed[0] for one in found)


def test_nothing_is_made_once_too(channel):
    made = []
    for _ in range(2):
        assert channel.prepared.once("nothing", lambda: made.append(1)) is None
    assert made == [1]


def test_what_is_made_may_ask_for_something_else(channel):
    store = channel.prepared
    assert store.once("outer", lambda: store.once("inner", lambda: 2) + 1) == 3


def test_an_error_is_not_kept(channel):
    with pytest.raises(ZeroDivisionError):
        channel.prepared.once("it", lambda: 1 // 0)
    assert channel.prepared.once("it", lambda: 7) == 7


def test_rows_are_sparse_where_few_posteriors_count():
    rng = np.random.default_rng(0)
    blocks = np.kron(np.eye(8), rng.dirichlet(np.ones(4), 5)) / 40
    sparse = Channel.from_joint(blocks).prepared
    assert sparse.sparse_rows is sparse.sparse_rows is not None
    dense = Channel.from_joint(random_joint(40, 5, 0)).prepared
    assert dense.sparse_rows is None
    assert len(dense.all_rows.values) == 40 * 5


def test_equal_rows_are_merged_once(channel):
    twice = Channel.from_joint(np.repeat(random_joint(10, 4, 1), 2, axis=0) / 2)
    assert twice.reduce() is twice.reduce()
    assert twice.reduce().n_x == 10
    assert channel.reduce() is channel


@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        dataclasses.replace,
        lambda channel: pickle.loads(pickle.dumps(channel)),
        lambda channel: from_dict(to_dict(channel)),
    ],
    ids=["copy", "deepcopy", "replace", "pickle", "file"],
)
def test_copies_have_the_same_bits_and_nothing_prepared(channel, again):
    channel.prepared.once("it", threading.Lock)
    other = again(channel)
    for field in dataclasses.fields(Channel):
        np.testing.assert_array_equal(getattr(other, field.name), getattr(channel, field.name))
    assert not other.p_x.flags.writeable
    assert not other.log_p_y_given_x.flags.writeable
    assert other.prepared is not channel.prepared
    assert other.prepared.once("it", lambda: "anew") == "anew"


def test_what_is_prepared_is_no_field_and_not_shown(channel):
    before = repr(channel)
    assert channel.prepared.packed.n_x == 40
    assert repr(channel) == before
    assert set(to_dict(channel)) == {"schema", "version"} | {
        field.name for field in dataclasses.fields(Channel)
    }


def test_a_channel_goes_with_its_last_reference_whatever_was_prepared():
    channel = Channel.from_joint(random_joint(40, 5, 0))
    solve(channel, 8.0)
    assert len(channel.prepared._made) > 3
    gone = weakref.ref(channel)
    # Without a circle of references that only the collector would find.
    gc.disable()
    try:
        del channel
        assert gone() is None
    finally:
        gc.enable()
