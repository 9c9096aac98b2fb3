"""What an operator may set, all of it in the environment as HOTLINE_…; read once, handed on, never looked up."""

from __future__ import annotations

import difflib
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "HOTLINE_"


class WrongSetting(Exception):
    """A setting that cannot be used; the message names it and says what would be right."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", populate_by_name=True)

    var: Path = Path("var")
    """Everything a run produces: database, recordings, prompts, models, sockets."""
    number: str = Field(default="12345", pattern=r"^\+?[0-9]{1,20}$")
    """The number citizens dial; only shown and registered, any number that reaches the card is answered."""

    sip_host: str = "127.0.0.1"
    """Address the cards speak SIP and RTP on. The machine's own address opens the line to its network."""
    sip_port: int = Field(default=5060, ge=0, le=65535)
    """SIP port of the first card (UDP); the others take free ones. 0: any free port."""
    rtp_port: int = Field(default=0, ge=0, le=60000)
    """First RTP port; each card takes 1000 upwards from it. 0: the system chooses."""
    cards: int = Field(default=1, ge=1, le=64)
    """Card processes on this machine."""
    legs_kept: int = Field(default=1, ge=0)
    """Legs of each card that are never given to callers."""

    desk_host: str = "127.0.0.1"
    """Address the desk's web server listens on; 0.0.0.0: all of this machine's."""
    desk_port: int = Field(default=12345, ge=0, le=65535)
    """Its TCP port. 0: any free one."""

    ears: int = Field(default=1, ge=1, le=64)
    """Recognition processes."""
    ears_threads: int = Field(default=2, ge=1, le=64)
    """Decoding threads of each; about one a core."""
    model: str = ""
    """Vosk model: a folder, or a name below var/models. "": the installed one, else the embedded one."""
    model_list: str = "https://alphacephei.com/vosk/models/model-list.json"
    """Where the publisher of models lists them, or a mirror of yours. "": nowhere, models are carried here."""
    greeting: str = ""
    """A recording played at the answer instead of the synthesised greeting: any sound file."""

    database_url: str = ""
    """SQLAlchemy URL. "": SQLite in var."""
    mqtt_url: str = ""
    """mqtt://user:password@host:port of a broker. "": an embedded one on loopback."""

    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    log_json: bool = False

    @field_validator("sip_host")
    @classmethod
    def _one_address(cls, host: str) -> str:
        try:
            unspecified = ipaddress.IPv4Address(host).is_unspecified
        except ValueError:
            raise ValueError("give an IPv4 address of this machine, like 192.168.1.20") from None
        if unspecified:  # it would be told to callers as the place to send their sound to
            raise ValueError("0.0.0.0 is no address a caller could send sound to: give one of this machine's own")
        return host

    @field_validator("desk_host")
    @classmethod
    def _an_address(cls, host: str) -> str:
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise ValueError("give an IPv4 address of this machine, or 0.0.0.0 for all of them") from None
        return host

    @field_validator("model_list")
    @classmethod
    def _list_address(cls, url: str) -> str:
        at = urlsplit(url)
        if url and (at.scheme not in ("http", "https") or not at.hostname):
            raise ValueError("a list of models has an address like https://host/model-list.json")
        return url

    @field_validator("mqtt_url")
    @classmethod
    def _broker_address(cls, url: str) -> str:
        at = urlsplit(url)
        if url and (at.scheme != "mqtt" or not at.hostname):
            raise ValueError("a broker's address looks like mqtt://user:password@host:port")
        return url

    @field_validator("database_url")
    @classmethod
    def _database_address(cls, url: str) -> str:
        if url and not url.startswith(("sqlite:///", "postgresql")):
            raise ValueError("give sqlite:///path or postgresql+psycopg://user:password@host/name")
        return url

    @model_validator(mode="after")
    def _ports_suffice(self) -> Settings:
        if self.rtp_port and self.rtp_port + 1000 * self.cards > 65536:
            raise ValueError(f"{self.cards} cards take 1000 RTP ports each: choose a lower HOTLINE_RTP_PORT")
        return self

    def as_environment(self) -> dict[str, str]:
        """These very settings, for a process that this one starts."""
        return {PREFIX + name.upper(): str(getattr(self, name)) for name in Settings.model_fields}

    @property
    def run_dir(self) -> Path:
        """Sockets and the address of the embedded broker."""
        return self.var / "run"

    @property
    def recordings_dir(self) -> Path:
        return self.var / "recordings"

    @property
    def prompts_dir(self) -> Path:
        return self.var / "prompts"

    @property
    def models_dir(self) -> Path:
        return self.var / "models"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.var / 'hotline.db'}"

    @property
    def broker_note(self) -> Path:
        """Where the embedded broker's address lies for other programs of this machine."""
        return self.run_dir / "broker.url"

    @property
    def broker(self) -> str | None:
        """The broker's address, or None while no embedded one has been started."""
        if self.mqtt_url:
            return self.mqtt_url
        try:
            return self.broker_note.read_text().strip()
        except FileNotFoundError:
            return None

    @property
    def desk_note(self) -> Path:
        """Where the desk's address lies while it runs."""
        return self.run_dir / "desk.url"

    @property
    def desk(self) -> str | None:
        """The desk's address, or None while none has been started."""
        try:
            return self.desk_note.read_text().strip()
        except FileNotFoundError:
            return None

    def card_socket(self, card: int) -> Path:
        return self.run_dir / f"card-{card}.sock"

    def ears_socket(self, ears: int) -> Path:
        return self.run_dir / f"ears-{ears}.sock"


def load() -> Settings:
    """The settings of this process's environment. Raises WrongSetting."""
    try:
        settings = Settings()
    except ValidationError as error:
        raise WrongSetting("; ".join(_problem(dict(one)) for one in error.errors())) from None
    # a Unix socket's path has 107 bytes; sockets lie in var/run
    longest = len(os.fsencode(settings.card_socket(99).absolute()))
    if longest > 107:
        raise WrongSetting(
            f"HOTLINE_VAR={settings.var}: the path is too long for sockets by {longest - 107} characters"
        )
    return settings.model_copy(update={"var": settings.var.absolute()})


def _problem(error: dict[str, Any]) -> str:
    if not error["loc"]:  # about several settings at once
        return str(error["msg"]).removeprefix("Value error, ")
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"{PREFIX}{str(error['loc'][0]).upper()}={error['input']!r}: {said}"


def misspelt(environment: Mapping[str, str]) -> list[str]:
    """HOTLINE_ variables that mean nothing, each with what was probably meant."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    problems = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, 1)
            problems.append(f"{name} is no setting" + (f": did you mean {close[0]}?" if close else ""))
    return problems
