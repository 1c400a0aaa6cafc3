"""What can go wrong around the stack: one clear sentence each, and what to do."""

from pathlib import Path

from deepdlt.errors import DeepdltError


class DeploymentError(DeepdltError):
    """Root of the errors of the stack and the command line."""


class StackBusy(DeploymentError):
    """Raised when another command has been starting or stopping the stack for too long."""

    def __init__(self, lock: Path, waited_s: float) -> None:
        super().__init__(
            f"Another command has been starting or stopping the stack for {waited_s:.0f} s ({lock} is held): "
            "wait for it, or look at `deepdlt status`."
        )
        self.lock = lock


class StackInUse(DeploymentError):
    """Raised when workers would have to be stopped, or started again, while they have runs."""

    def __init__(self, changed: list[str]) -> None:
        super().__init__(
            f"The workers run with another {' and '.join(changed)} than this command, and they are at work: "
            "wait for the end of their runs, or stop them with `deepdlt down`."
        )
        self.changed = changed


class ServerRuns(DeploymentError):
    """Raised when a second server would run on the files of one that runs: it would damage them."""

    def __init__(self, lock: Path) -> None:
        super().__init__(
            f"A Prefect server runs on the files of this stack already ({lock} is held): set PREFECT_API_URL to its "
            "address to use it, or stop it first (`systemctl --user stop deepdlt.target` where systemd keeps it)."
        )
        self.lock = lock


class PartFailed(DeploymentError):
    """Raised when a process of the stack ends or stays silent at its start."""

    def __init__(self, name: str, what: str, log: Path, tail: str) -> None:
        super().__init__(f"The {name} {what}. The end of {log}:\n{tail}")
        self.name = name
        self.log = log


class ServerUnreachable(DeploymentError):
    """Raised when no Prefect server answers at an address."""

    def __init__(self, api_url: str, reason: str) -> None:
        super().__init__(
            f"No Prefect server answers at {api_url} ({reason}): start the local stack with `deepdlt up`, "
            "or set PREFECT_API_URL to a server that runs."
        )
        self.api_url = api_url


class ServerSilent(ServerUnreachable):
    """Raised when a server takes a request and does not answer it in time."""


class ServerRefused(DeploymentError):
    """Raised when the server answers that it will not do what was asked."""

    def __init__(self, what: str, status: int, detail: str) -> None:
        super().__init__(f"The server refused {what} (HTTP {status}): {detail}")
        self.status = status
        self.detail = detail


class DeployFailed(DeploymentError):
    """Raised when the deployments cannot be registered."""

    def __init__(self, output: str) -> None:
        super().__init__(f"The deployments could not be registered. Prefect said:\n{output}")


class DeploymentMissing(DeploymentError):
    """Raised when the server knows no deployment of a name."""

    def __init__(self, name: str, api_url: str) -> None:
        super().__init__(f"The server at {api_url} knows no deployment {name}: register it with `deepdlt deploy`.")
        self.name = name


class ParametersRefused(DeploymentError):
    """Raised when a run is not made because its parameters do not fit the flow."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"The server refused the parameters of {name}: {detail}")
        self.name = name
        self.detail = detail


class WrongUse(DeploymentError):
    """Raised when a command is given what it cannot work with; the exit code is 2."""


class ServerOpen(WrongUse):
    """Raised when a server that others can reach would let everybody in."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"A server on {host} can be reached from other machines, and whoever reaches it runs code here: set "
            "PREFECT_SERVER_API_AUTH_STRING to NAME:PASSWORD, and PREFECT_API_AUTH_STRING to the same wherever it "
            "is asked; or leave --host out."
        )
        self.host = host
