"""What an operator sets: by options of `whorl serve`, by WHORL_* in the environment, or not at all."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of the service; the environment's name of ``max_upload`` is WHORL_MAX_UPLOAD."""

    model_config = SettingsConfigDict(env_prefix="WHORL_", extra="ignore")

    data: Path = Field(description="Data directory: catalog, uploads, indexes.")
    database: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in the data directory.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, description="Port to listen on; 0: any free one.")
    workers: int = Field(
        default=1, ge=0, description="Processes that do jobs; 0: none, they are started elsewhere."
    )
    max_upload: int = Field(default=64 << 30, description="Bytes of one upload at most.")
    quota: int = Field(
        default=256 << 30, description="Bytes of unfinished and kept uploads of an organisation at most."
    )
    originals: str = Field(
        default="", description="Folder of originals, to be played beside captures; of others, uploads are."
    )
    spare: int = Field(default=1 << 30, description="Bytes of disk that uploads must leave free.")
    kept: int = Field(default=24 * 3600, description="Seconds after which an abandoned upload is removed.")
    requests_a_minute: int = Field(default=600, ge=1, description="Requests a minute that one key may make.")
    jobs_at_once: int = Field(default=1000, description="Unfinished jobs of an organisation at most.")
    streams_at_once: int = Field(
        default=100, description="Streams of an organisation watched at once at most."
    )
    allow_hosts: str = Field(
        default="",
        description="Hosts, or HOST:PORT, parted by commas, that may be connected to though they are private.",
    )
    watchers: int = Field(
        default=1, ge=0, le=1, description="0: no streams are watched here, a watcher is started elsewhere."
    )
    evidence_match: int = Field(
        default=2 << 30, ge=0, description="Bytes of a stream kept for one match at most."
    )
    evidence_total: int = Field(
        default=64 << 30,
        ge=0,
        description="Bytes kept of all streams: beyond, the oldest go. 0: nothing is kept.",
    )
    public_url: str = Field(default="", description="Where browsers reach it, behind a proxy: https://….")
    oidc_issuer: str = Field(default="", description="OIDC provider; empty: none.")
    oidc_client_id: str = Field(default="", description="What the provider calls this service.")
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="Its secret there.")

    @property
    def allowed_hosts(self) -> list[str]:
        """The hosts of ``allow_hosts``: nobody but the operator names them."""
        return [host.strip() for host in self.allow_hosts.split(",") if host.strip()]

    @property
    def database_url(self) -> str:
        """The URL of the one database that holds the catalog and all else."""
        return self.database or f"sqlite:///{(self.data / 'catalog.db').absolute()}"
