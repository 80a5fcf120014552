import signal
import threading

import pytest

from npnet.training.interrupt import waiting_for_interrupt


def test_the_first_is_noted_the_second_raised_and_the_handler_put_back():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), waiting_for_interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.requested
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second one must raise")
    assert signal.getsignal(signal.SIGINT) is before


def test_the_handler_is_put_back_without_any():
    before = signal.getsignal(signal.SIGINT)
    with waiting_for_interrupt() as interrupt:
        assert signal.getsignal(signal.SIGINT) is not before
    assert not interrupt.requested and signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("own", [signal.SIG_IGN, lambda number, frame: None])
def test_a_handler_of_the_users_own_stays(own):
    before = signal.signal(signal.SIGINT, own)
    try:
        with waiting_for_interrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
        assert not interrupt.requested and signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_that_was_set_meanwhile_stays():
    before = signal.getsignal(signal.SIGINT)
    try:
        with waiting_for_interrupt():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_signals_alone():
    found = []

    def work():
        with waiting_for_interrupt() as interrupt:
            found.append((signal.getsignal(signal.SIGINT), interrupt.requested))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(signal.default_int_handler, False)]
