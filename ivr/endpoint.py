"""The one thread in which pjsua2 lives: created, driven and destroyed there, reached only by posting to it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar

import pjsua2 as pj
import structlog

from ivr.pcm import RATE_HZ

log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True)
class Address:
    """Where the endpoint speaks SIP and RTP. ``sip_port`` 0 takes any free port."""

    host: str = "127.0.0.1"
    sip_port: int = 0
    rtp_port: int = 0
    """First RTP port; pjsua2 looks upwards from it. 0 lets the system choose."""


class PortTaken(Exception):
    """The endpoint cannot listen where it was told to: the port is in use, or the address is not this machine's."""

    def __init__(self, address: Address, why: str, *, in_use: bool) -> None:
        self.in_use = in_use
        mend = (
            "stop the program that holds the port, or choose another with HOTLINE_SIP_PORT"
            if in_use
            else "HOTLINE_SIP_HOST must be an address of this machine"
        )
        super().__init__(f"cannot listen for SIP on {address.host}:{address.sip_port} ({why}): {mend}")


def library() -> ctypes.CDLL:
    """The C library under pjsua2, for the few things its Python has no name for."""
    return ctypes.CDLL(pj._pjsua2.__file__)


def legs_max() -> int:
    """How many calls the installed pjsua2 carries in one process; meaningful after libInit.

    4 for the wheel, 256 for an operator's own build: ``maxCalls`` above it is clamped without a word, so ask.
    """
    return int(library().pjsua_call_get_max_count())


class SipThread(threading.Thread):
    """Owns the pjsua2 Endpoint. ``post`` and ``do`` are the only doors; both may be used from any thread.

    ``log_level`` is PJSIP's own (0 to 6): from 1 on it prints packets, and with them people's numbers.
    ``make_account`` builds the account inside the thread once the transport is up (the account's callbacks are
    where calls come in). The thread ends after ``stop``; nothing that belongs to pjsua2 may outlive it, so
    ``on_stop`` must let go of every call and port.
    """

    def __init__(
        self,
        address: Address,
        make_account: Callable[[], pj.Account],
        on_stop: Callable[[], None],
        let_go: Callable[[], None],
        *,
        user_agent: str,
        log_level: int,
    ) -> None:
        super().__init__(name="sip", daemon=True)
        self.address = address
        self.legs_max = 0
        self._make_account = make_account
        self._on_stop = on_stop
        self._let_go = let_go
        self._user_agent = user_agent
        self._log_level = log_level
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._stopping = False
        self._ready: Future[Address] = Future()

    def open(self) -> Address:
        """Start the thread and wait until it listens. Returns the real address; raises PortTaken."""
        self.start()
        self.address = self._ready.result()
        return self.address

    def post(self, work: Callable[[], None]) -> None:
        """Have ``work`` done in the SIP thread, soon; an exception is logged, never raised to the caller."""
        self._work.put(work)

    def do(self, work: Callable[[], T]) -> Future[T]:
        """Have ``work`` done in the SIP thread; the future carries its result or its exception."""
        future: Future[T] = Future()

        def carry() -> None:
            try:
                future.set_result(work())
            except Exception as error:  # the asker decides what an error means
                # the traceback would keep pj objects alive past their time
                future.set_exception(error.with_traceback(None))

        self._work.put(carry)
        return future

    def stop(self) -> None:
        """End every call, close the endpoint, end the thread."""

        def halt() -> None:
            self._stopping = True

        self._work.put(halt)
        self.join()

    def run(self) -> None:
        sys.setswitchinterval(0.0005)  # the media clock must not wait 5 ms for the interpreter
        endpoint = pj.Endpoint()
        try:
            account = self._start(endpoint)
        except Exception as error:
            with contextlib.suppress(pj.Error):
                endpoint.libDestroy()
            self._ready.set_exception(error.with_traceback(None))
            return
        self._ready.set_result(self.address)
        try:
            while not self._stopping:
                endpoint.libHandleEvents(10)
                self._drain()
            self._on_stop()
            for _ in range(30):  # let BYEs and media removals go out
                endpoint.libHandleEvents(10)
                self._drain()
        except Exception as error:
            log.error("the sip thread ends", error=describe(error))
        self._let_go()
        account.shutdown()
        del account
        gc.collect()
        endpoint.libDestroy()

    def _drain(self) -> None:
        while True:
            try:
                work = self._work.get_nowait()
            except Empty:
                return
            try:
                work()
            except Exception as error:
                log.error("work in the sip thread failed", error=describe(error))

    def _start(self, endpoint: pj.Endpoint) -> pj.Account:
        library().pj_log_set_level(self._log_level)  # libCreate speaks before it can be configured
        endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.maxCalls = 512  # clamped to what the build allows
        config.uaConfig.userAgent = self._user_agent
        config.logConfig.level = self._log_level
        config.logConfig.consoleLevel = self._log_level
        config.logConfig.msgLogging = 0
        media = config.medConfig
        media.clockRate = media.sndClockRate = RATE_HZ
        media.audioFramePtime = 20
        media.channelCount = 1
        media.ecTailLen = 0
        media.noVad = True
        media.threadCnt = 1
        media.hasIoqueue = True
        media.sndAutoCloseTime = -1
        endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.port = self.address.sip_port
        transport.boundAddress = self.address.host
        try:
            transport_id = endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        except pj.Error as error:
            raise PortTaken(self.address, error.reason, in_use=error.status % 1000 == errno.EADDRINUSE) from None
        port = int(endpoint.transportGetInfo(transport_id).localName.rsplit(":", 1)[1])
        self.address = Address(self.address.host, port, self.address.rtp_port)
        endpoint.libStart()
        endpoint.audDevManager().setNullDev()
        for codec in endpoint.codecEnum2():
            wanted = {"PCMA/8000/1": 255, "PCMU/8000/1": 254}.get(codec.codecId, 0)
            endpoint.codecSetPriority(codec.codecId, wanted)
        self.legs_max = legs_max()
        return self._make_account()


def account_config(address: Address, user: str) -> pj.AccountConfig:
    """An account that registers nowhere and keeps media on the endpoint's own address."""
    config = pj.AccountConfig()
    config.idUri = f"sip:{user}@{address.host}:{address.sip_port}"
    config.regConfig.registerOnAdd = False
    # a phone that died says no BYE: asked again every so often (RFC 4028), it is found out, and its leg is free
    config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_ALWAYS
    config.callConfig.timerMinSESec = 90
    config.callConfig.timerSessExpiresSec = 180
    config.mediaConfig.transportConfig.boundAddress = address.host
    config.mediaConfig.transportConfig.port = address.rtp_port
    if address.rtp_port:
        config.mediaConfig.transportConfig.portRange = 1000
    return config


def describe(error: Exception) -> str:
    """One line for the log; a pj.Error prints nothing useful by itself."""
    if isinstance(error, pj.Error):
        return f"{error.title}: {error.reason}"
    return f"{type(error).__name__}: {error}"
