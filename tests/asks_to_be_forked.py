"""Stands in a shell's PATH for a program that `preloaded.py` forks: hands over what it was given, and ends as it ends.

Run as `python -I -S asks_to_be_forked.py SOCKET PROGRAM WORD ...`; PROGRAM is what is started where nothing that was
loaded before may be forked. It loads next to nothing, for a shell's test starts it many times.
"""

import _socket
import array
import os
import signal
import sys

_, way, program, *words = sys.argv
asking = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
asking.connect(way)
environ = [name + b"=" + value for name, value in os.environb.items()]
folder = os.getcwdb()  # noqa: PTH109 - pathlib takes ten times as long to load as all the rest
told = [b"%d" % len(words), folder, *map(os.fsencode, words), *environ]
streams = array.array("i", [0, 1, 2])
asking.sendmsg([b"\0".join(told)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
answer = asking.recv(64)
if answer == b"start":
    os.execv(sys.executable, [sys.executable, "-I", program, *words])
status = int(answer)
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
