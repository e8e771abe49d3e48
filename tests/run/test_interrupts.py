import os
import signal
import threading

import pytest

from coma_xr.run.schedule import Interrupts
from coma_xr.run.worker import Interrupted


def test_the_first_asks_and_tells_and_the_second_stops():
    told = []
    with Interrupts(told.append) as interrupts:
        assert (interrupts.asked, interrupts.through) == (False, Interrupted)
        signal.raise_signal(signal.SIGINT)
        assert (interrupts.asked, told) == (True, ["Ctrl-C"])
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)
        assert told == ["Ctrl-C"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_handler_is_given_back_after_an_error():
    with pytest.raises(ZeroDivisionError), Interrupts(str):
        _ = 1 / 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_users_is_left_alone():
    caught = []

    def own(number, frame):
        caught.append(number)

    signal.signal(signal.SIGINT, own)
    with Interrupts(pytest.fail) as interrupts:
        assert interrupts.through is KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)
        assert not interrupts.asked
    assert caught == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is own


def test_a_run_in_the_background_goes_on_ignoring_ctrl_c():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interrupts(pytest.fail):
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_handler_that_the_function_has_set_stays():
    def own(number, frame):
        pass

    with Interrupts(str):
        signal.signal(signal.SIGINT, own)
    assert signal.getsignal(signal.SIGINT) is own


def test_outside_of_the_main_thread_nothing_is_taken_over():
    seen = []

    def work():
        with Interrupts(str) as interrupts:
            seen.extend([signal.getsignal(signal.SIGINT), interrupts.through])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler, Interrupted]


@pytest.fixture
def default_sigterm():
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, before)


def test_sigterm_is_told_and_ends_the_process_as_a_shell_expects(default_sigterm):
    told = []
    with pytest.raises(SystemExit) as raised, Interrupts(told.append, terminable=True):
        signal.raise_signal(signal.SIGTERM)
    assert (raised.value.code, told) == (143, ["SIGTERM"])


def test_sigterm_is_left_alone_where_the_function_runs_in_this_process(default_sigterm):
    with Interrupts(pytest.fail):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_clears_up_is_not_cut_off():
    told = []
    with Interrupts(told.append) as interrupts:
        with interrupts.closing():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        assert (interrupts.asked, told) == (True, ["Ctrl-C"])
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)


def test_a_sigterm_that_comes_while_it_clears_up_ends_all_after_it(default_sigterm):
    told, cleared = [], []

    def end():
        with Interrupts(told.append, terminable=True) as interrupts:
            with interrupts.closing():
                signal.raise_signal(signal.SIGTERM)
                cleared.append(True)
            pytest.fail("It was forgotten.")

    with pytest.raises(SystemExit) as raised:
        end()
    assert (raised.value.code, told, cleared) == (143, ["SIGTERM"], [True])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system forks no process")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_was_forked_during_a_run_ends_without_a_word_of_it(default_sigterm):
    reading, writing = os.pipe()
    with Interrupts(lambda name: os.write(writing, name.encode()), terminable=True):
        child = os.fork()
        if not child:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
    os.close(writing)
    assert (os.WTERMSIG(status), os.read(reading, 10)) == (signal.SIGTERM, b"")
    os.close(reading)
