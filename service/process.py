"""The process of a command: its standard streams, how it is interrupted, how it ends."""

import io
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import NoReturn


def interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C. What a finalizer raises is printed and forgotten: there the interruption waits until it is over."""
    caller = frame
    while caller is not None:
        if caller.f_code.co_name == "__del__":
            threading.Timer(0.01, signal.pthread_kill, [threading.main_thread().ident, number]).start()
            return
        caller = caller.f_back
    raise KeyboardInterrupt


def with_streams() -> None:
    """A shell may have closed our output, or a terminal lacks a name's letters: no answer must get lost for that."""
    _fill_descriptors()
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  # for the rest of the process
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  # for the rest of the process
        end("error: the output is closed: answers go to stdout", 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is from the start


def _fill_descriptors() -> None:
    """Opens what is closed of 0, 1 and 2: else a file or a socket gets that number, and is taken for output."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest that is free
        os.set_inheritable(opened, True)  # by the decoder's process and by workers
    os.close(opened)


def let_go_of_stdout() -> None:
    """What is still to be printed goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def end(message: str, code: int) -> NoReturn:
    """Says why on stderr, and ends the process with this status."""
    from service.terminal import say

    say(message)
    raise SystemExit(code) from None
