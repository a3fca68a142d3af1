"""What only some scripts and requests need: HTTP requests and responses as objects, values of queries.

A file of its own because a worker compiles what it runs at each start: this one is compiled when it is first asked for.
As in `worker.py`, the standard library of Python 3.8 has to do.
"""

import io
import json
import sys
from urllib.parse import parse_qsl

FORM = "application/x-www-form-urlencoded"


def query_values(query):
    """The values of a query by name: as JSON where they are JSON, a list where a name is given twice."""
    values = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def is_json(mimetype):
    return mimetype == "application/json" or mimetype.startswith("application/") and mimetype.endswith("+json")


class Headers(dict):
    """Headers by name, whatever its case."""

    def __init__(self, pairs=()):
        super().__init__()
        for name, value in pairs:
            self[name] = value

    @staticmethod
    def _key(name):
        return "-".join(part.capitalize() for part in str(name).split("-"))

    def __setitem__(self, name, value):
        super().__setitem__(self._key(name), str(value))

    def __getitem__(self, name):
        return super().__getitem__(self._key(name))

    def __contains__(self, name):
        return super().__contains__(self._key(name))

    def get(self, name, default=None):
        return super().get(self._key(name), default)


class Arguments(dict):
    """Values of a query: the first of each name, and all of them by `getlist`."""

    def __init__(self, pairs):
        super().__init__()
        self._all = {}
        for name, value in pairs:
            self._all.setdefault(name, []).append(value)
            self.setdefault(name, value)

    def getlist(self, name):
        return list(self._all.get(name, []))


class AMLRequest:
    """What a script with @rawhttp gets where the environment has no Flask: the part that such scripts use."""

    def __init__(self, head, body):
        self.method = head["method"]
        self.path = head["path"]
        self.query_string = head["query"].encode("latin-1")
        self.full_path = "%s?%s" % (head["path"], head["query"])
        self.headers = Headers(head["headers"])
        self.host = self.headers.get("Host", "")
        self.base_url = "http://%s%s" % (self.host, self.path)
        self.url = self.base_url + ("?" + head["query"] if head["query"] else "")
        self.remote_addr = head["remote"]
        self.data = body
        self.stream = io.BytesIO(body)
        self.args = Arguments(parse_qsl(head["query"], keep_blank_values=True))
        self.content_type = self.headers.get("Content-Type")
        self.content_length = len(body)
        self.mimetype = (self.content_type or "").split(";")[0].strip().lower()
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) if self.mimetype == FORM else ()
        self.form = Arguments(form)
        cookies = (part.strip().split("=", 1) for part in self.headers.get("Cookie", "").split(";"))
        self.cookies = {pair[0]: pair[1] for pair in cookies if len(pair) == 2}

    @property
    def is_json(self):
        return is_json(self.mimetype)

    @property
    def json(self):
        return self.get_json()

    def get_json(self, force=False, silent=False, cache=True):
        del cache
        try:
            if not (force or self.is_json):
                raise TypeError("the content type is %r, not JSON" % self.content_type)
            return json.loads(self.data)
        except (TypeError, ValueError):
            if silent:
                return None
            raise

    def get_data(self, cache=True, as_text=False, parse_form_data=False):
        del cache, parse_form_data
        return self.data.decode("utf-8", "replace") if as_text else self.data


class AMLResponse:
    """What a script returns to choose status and headers."""

    def __init__(self, message, status_code, response_headers=None, json_str=False, run_function_failed=False):
        self.status_code = status_code
        self.headers = Headers()
        self.headers["Content-Type"] = "application/json" if json_str else "text/html; charset=utf-8"
        for name, value in dict(response_headers or {}).items():
            self.headers[name] = value
        self.run_function_failed = run_function_failed
        if json_str:
            message = json.dumps(message)
        self.data = message if isinstance(message, (bytes, bytearray)) else str(message).encode()

    @property
    def mimetype(self):
        return self.headers["Content-Type"].split(";")[0]

    @mimetype.setter
    def mimetype(self, value):
        self.headers["Content-Type"] = value + "; charset=utf-8" if value.startswith("text/") else value

    content_type = property(
        lambda self: self.headers["Content-Type"],
        lambda self, value: self.headers.__setitem__("Content-Type", value),
    )

    def get_data(self, as_text=False):
        return self.data.decode("utf-8", "replace") if as_text else bytes(self.data)

    def set_data(self, data):
        self.data = data if isinstance(data, (bytes, bytearray)) else str(data).encode()


def rawhttp(function):
    """Marks a run() that takes the HTTP request itself."""
    function.outhaul_raw = True
    return function


def flask_request(head, body):
    """The request as Flask has it, or None where the environment has no Flask."""
    try:
        from flask import Request
    except ImportError:
        return None
    host = dict((name.lower(), value) for name, value in head["headers"]).get("host", "localhost")
    environ = {
        "REQUEST_METHOD": head["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": head["path"],
        "QUERY_STRING": head["query"],
        "REQUEST_URI": head["path"] + ("?" + head["query"] if head["query"] else ""),
        "REMOTE_ADDR": head["remote"],
        "SERVER_NAME": host.split(":")[0],
        "SERVER_PORT": host.split(":")[1] if ":" in host else "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in head["headers"]:
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value
        elif key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            environ["HTTP_" + key] = value
    return Request(environ)


# What entry scripts import from the packages of the former service, by module.
MODULES = {
    "azureml.contrib.services.aml_request": {"AMLRequest": AMLRequest, "rawhttp": rawhttp},
    "azureml.contrib.services.aml_response": {"AMLResponse": AMLResponse},
    "azureml_inference_server_http.api.aml_request": {"AMLRequest": AMLRequest, "rawhttp": rawhttp},
    "azureml_inference_server_http.api.aml_response": {"AMLResponse": AMLResponse},
}
