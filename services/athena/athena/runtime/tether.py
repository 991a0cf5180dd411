"""Runs one command so that it can't outlive the process that asked for it.

Started as a plain script by `athena.runtime.process` (`python -I -S tether.py …`),
so it imports nothing but the standard library. On Linux it arranges for the
kernel to signal the command when its parent dies, then becomes the command. Where
the kernel has no such thing it stays beside the command, passes signals on and
looks once a second whether the parent is still there.

A user is switched to here and not in the parent: after the switch the interpreter
may be out of reach, and a change of user would undo the kernel's promise.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG = 1
_POLL_S = 1.0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tether")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, default=signal.SIGTERM, help="sent to the command when the parent dies")
    parser.add_argument("--mode", choices=("exec", "poll"), default="exec")
    parser.add_argument("--user", default="", help="UID:GID to run the command as")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(argv)
    os.umask(0o077)
    if options.user:
        _become(options.user)
    if options.mode == "poll":
        return _stay_beside(options.command, options.parent, options.signal)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, options.signal, 0, 0, 0) != 0:
        return _stay_beside(options.command, options.parent, options.signal)
    if os.getppid() != options.parent:  # it died before the kernel knew that we care
        return 1
    os.execvp(options.command[0], options.command)  # noqa: S606 - no shell is wanted
    return 0  # not reached: this process is the command now


def _become(user: str) -> None:
    uid, gid = (int(part) for part in user.split(":"))
    os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)


def _stay_beside(command: list[str], parent: int, death_signal: int) -> int:
    child = subprocess.Popen(command)

    def pass_on(number: int, _frame: object) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, pass_on)
    while child.poll() is None:
        if os.getppid() != parent:
            child.send_signal(death_signal)
            return child.wait()
        time.sleep(_POLL_S)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
