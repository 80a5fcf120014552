"""The loop of calls, without a process."""

import io
import pickle

from benchmarks.worker import serve


class Stub:
    """Answers two calls."""

    def double(self, value):
        return 2 * value

    def fail(self):
        raise ValueError("no")


def exchange(*calls):
    """Serve these calls; return the replies."""
    requests = io.BytesIO(b"".join(pickle.dumps(call) for call in calls))
    replies = io.BytesIO()
    serve(Stub(), requests, replies)
    replies.seek(0)
    return [pickle.load(replies) for _ in calls]


def test_calls_are_answered_in_order_until_the_requests_end():
    assert exchange(("double", (2,)), ("double", ("ab",))) == [(True, 4), (True, "abab")]


def test_a_failure_is_a_reply_with_its_traceback_and_the_loop_goes_on():
    (done, why), last = exchange(("fail", ()), ("double", (1,)))
    assert not done
    assert "ValueError: no" in why
    assert last == (True, 2)
