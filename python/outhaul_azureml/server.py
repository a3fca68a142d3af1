"""Requests to the server of the data folder, with errors as v1's users know them. The only room that sees the client."""

import os

from outhaul_azureml.errors import AzureMLException, ServiceException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping

    from outhaul._client.client import Client


_PIECE = 1 << 20


class Server:
    """One data folder's server. `raising` names the exception class that a refusal becomes."""

    def __init__(self, home: "str | None" = None) -> None:
        from outhaul._client.client import Client

        self.client = Client(home=home)  # type: Client

    @property
    def home(self) -> str:
        """The data folder."""
        return self.client.home

    def get(self, path: str, query: "Mapping[str, Any] | None" = None, raising: "Any" = None) -> "Any":
        """The JSON of an answer."""
        return self.ask("GET", path, query, None, raising)

    def ask(
        self,
        method: str,
        path: str,
        query: "Mapping[str, Any] | None" = None,
        body: "Any" = None,
        raising: "Any" = None,
        repeat: "bool | None" = None,
    ) -> "Any":
        """Any request."""
        from outhaul.errors import OuthaulError

        try:
            return self.client.request(method, path, query, body, repeat)
        except OuthaulError as error:
            raise translated(error, raising) from error

    def find(self, path: str, query: "Mapping[str, Any] | None" = None, raising: "Any" = None) -> "Any":
        """The JSON of an answer, or `None` if what is asked for is not there."""
        from outhaul.errors import NotFoundError, OuthaulError

        try:
            return self.client.request("GET", path, query)
        except NotFoundError:
            return None
        except OuthaulError as error:
            raise translated(error, raising) from error

    def read(self, path: str, query: "Mapping[str, Any] | None" = None) -> "Iterator[bytes]":
        """The bytes of a file as they come."""
        from outhaul.errors import OuthaulError

        try:
            yield from self.client.read(path, query)
        except OuthaulError as error:
            raise translated(error, None) from error

    def put_file(self, path: str, file: "Any") -> "Any":
        """Sends a file that is open for reading, in pieces: it may be larger than memory."""
        from outhaul._client.core import _lost, _refusal
        from outhaul._client.query import with_query
        from outhaul._client.transport import drive
        from outhaul._client.wire import Answer, WireError
        from outhaul.errors import OuthaulError

        core = self.client.core
        size = os.fstat(file.fileno()).st_size - file.tell()
        head = (
            "PUT {} HTTP/1.1\r\nHost: outhaul\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n"
        ).format(with_query(path, None), size)

        async def exchange() -> "Any":
            wire = await core._open()
            answer = Answer()
            try:
                await wire.send(head.encode("ascii"))
                left = size
                while left:
                    piece = file.read(min(left, _PIECE))
                    # A file that shrank meanwhile: the request is broken off, and nothing is kept.
                    if not piece:
                        raise WireError("the file became shorter while it was sent")
                    await wire.send(piece)
                    left -= len(piece)
                while not answer.done:
                    answer.push(await wire.receive(None))
            except (OSError, WireError) as error:
                raise _lost(error) from error
            finally:
                wire.close()
            text = answer.take()
            if answer.status >= 300:
                raise _refusal(answer, text)
            return text

        try:
            return drive(exchange())
        except OuthaulError as error:
            raise translated(error, None) from error


def words(error: "Any") -> str:
    """An error of the client in one text: what happened, and what to do next."""
    return "{}\n{}".format(error.message, error.hint) if error.hint else str(error.message)


def translated(error: "Any", raising: "Any") -> "Exception":
    """The exception that v1 raises in that place."""
    if raising is None:
        made = ServiceException(error)
        made.message = words(error)
        made.args = (made.message,)
        made.status_code = STATUS.get(error.code)
        return made
    made_of = raising(words(error), inner_exception=error)  # type: AzureMLException
    return made_of


STATUS = {"bad_request": 400, "not_found": 404, "conflict": 409, "environment": 422, "internal": 500, "target": 502}

_servers = {}  # type: dict[str, Server]


def server(home: "str | None" = None) -> Server:
    """The server of a data folder, one object for each."""
    from outhaul._client.program import data_folder

    place = os.path.abspath(home) if home else data_folder(os.environ)
    if place not in _servers:
        _servers[place] = Server(place)
    return _servers[place]
