"""The embedded broker in a process of its own, for tests: it can be killed and started again."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

BROKER = """
import asyncio, sys
from pathlib import Path
from hotline.broker import serve
port, directory = int(sys.argv[1]), Path(sys.argv[2])
asyncio.run(serve("127.0.0.1", port, "line", "s3cret", directory, lambda: print("ready", flush=True)))
"""


class BrokerProcess:
    """The embedded broker on a free loopback port; it can be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"mqtt://line:s3cret@127.0.0.1:{self.port}"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", BROKER, str(self.port), str(self.directory)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.communicate()
            self.process = None
