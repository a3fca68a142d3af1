"""A scoring worker: loads an entry script, calls its init() once, and answers one request at a time.

Carried inside the program and started by it. Only the standard library of Python 3.8 may be used here, for it runs in
the environment of the person's model. It talks over the socket that it finds as standard input: frames of two
32-bit lengths (big endian), a JSON head and a body.
"""

import importlib.abc
import importlib.machinery
import inspect
import io
import json
import os
import select
import socket
import struct
import sys
import threading
import time
import traceback
import types
from urllib.parse import parse_qsl

LENGTHS = struct.Struct(">II")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
# The head of the usual answer, as `json.dumps` would write it each time.
PLAIN = b'{"status": 200, "headers": [["Content-Type", "application/json"]], "ms": "%s", "failed": false}'
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."


# ---------------------------------------------------------------- frames


class Channel:
    """Frames over the socket."""

    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb", buffering=65536)

    def receive(self):
        """The next head and body, or None when the other side has gone."""
        lengths = self.file.read(LENGTHS.size)
        if len(lengths) < LENGTHS.size:
            return None
        head_length, body_length = LENGTHS.unpack(lengths)
        head = self.file.read(head_length)
        body = self.file.read(body_length)
        if len(head) < head_length or len(body) < body_length:
            return None
        return json.loads(head), body

    def send(self, head, body=b""):
        head = head if isinstance(head, bytes) else json.dumps(head).encode()
        self.sock.sendall(LENGTHS.pack(len(head), len(body)) + head + body)


def take_channel():
    """Takes the socket from standard input, so that neither the script nor its children see it."""
    # A duplicate is not inherited by programs that are started from here.
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return Channel(socket.socket(fileno=own))


def end_with(sock):
    """Ends this process when the program has gone, also while run() is busy."""

    def watch():
        poll = select.poll()
        poll.register(sock, 0)  # hang-up is told without being asked for
        while True:
            if any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
                os._exit(0)

    threading.Thread(target=watch, name="outhaul-watch", daemon=True).start()


# ---------------------------------------------------------------- requests and responses of raw scripts


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
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) if self.mimetype == FORMS[0] else ()
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


MODULES = {
    "azureml.contrib.services.aml_request": {"AMLRequest": AMLRequest, "rawhttp": rawhttp},
    "azureml.contrib.services.aml_response": {"AMLResponse": AMLResponse},
    "azureml_inference_server_http.api.aml_request": {"AMLRequest": AMLRequest, "rawhttp": rawhttp},
    "azureml_inference_server_http.api.aml_response": {"AMLResponse": AMLResponse},
}
PACKAGES = (
    "azureml",
    "azureml.contrib",
    "azureml.contrib.services",
    "azureml_inference_server_http",
    "azureml_inference_server_http.api",
)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the modules that entry scripts import from the packages of the former service."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        del path, target
        if name not in self.names:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=name in PACKAGES)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__dict__.update(MODULES.get(module.__name__, {}))


def offer_modules():
    sys.meta_path.insert(0, Finder(MODULES))
    # Only where the environment has none of its own.
    sys.meta_path.append(Finder(PACKAGES))


# ---------------------------------------------------------------- the entry script


class Refused(Exception):
    """A request that the script is not called for: a status and what to tell the caller."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class BadScript(Exception):
    """An entry script that does not keep to the contract."""


class Script:
    """An entry script that is loaded and initialised."""

    def __init__(self, path):
        self.path = path
        module = load(path)
        for name in ("init", "run"):
            if not callable(getattr(module, name, None)):
                raise BadScript("`%s` has no function `%s()`" % (path, name))
        self.run = module.run
        self.raw = getattr(self.run, "outhaul_raw", False)
        self.parameters = {} if self.raw else self.check_parameters()
        self.wants_headers = "request_headers" in self.parameters
        self.inputs = [name for name in self.parameters if name != "request_headers"]
        if not self.raw and not self.inputs:
            raise BadScript("`run()` in `%s` has no parameter for the input" % path)
        self.schemas = schemas_of(self.run)
        module.init()

    def check_parameters(self):
        parameters = inspect.signature(self.run).parameters
        for name, parameter in parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise BadScript("`run()` in `%s` takes `*args` or `**kwargs`; name its parameters" % self.path)
        return dict(parameters)

    def ready(self):
        return {"raw": self.raw, "headers": self.raw or self.wants_headers, "schemas": self.schemas or {}}

    def arguments(self, head, body):
        """Positional and named arguments of run() for a request."""
        if self.raw:
            return (flask_request(head, body) or AMLRequest(head, body),), {}
        if self.schemas is None:
            arguments = {self.inputs[0]: plain_input(head, body)}
        else:
            arguments = self.named_inputs(head, body)
        if self.wants_headers:
            # As a dictionary of the framework of the former service would have them: one spelling for each name.
            arguments["request_headers"] = dict(Headers(head["headers"]))
        return (), arguments

    def named_inputs(self, head, body):
        given = query_values(head["query"]) if head["method"] == "GET" else json_dictionary(head, body)
        arguments = {}
        for name in self.inputs:
            if name in given:
                arguments[name] = given[name]
            elif self.parameters[name].default is inspect.Parameter.empty:
                raise Refused(400, "A value is not provided for the '%s' parameter." % name)
        return arguments


def load(path):
    """Runs the file as a module, so that tracebacks show its lines and no machinery around them."""
    name = os.path.splitext(os.path.basename(path))[0]
    if not name.isidentifier() or name in sys.modules:
        name = "entry_script"
    module = types.ModuleType(name)
    module.__file__ = path
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    sys.modules[name] = module
    exec(code, module.__dict__)
    return module


def schemas_of(run):
    """The schemas of a run() that is decorated by inference-schema; None when it is not."""
    # A script that did not import the package cannot be decorated by it.
    if "inference_schema" not in sys.modules:
        return None
    util = importlib.import_module("inference_schema.schema_util")
    if not util.is_schema_decorated(run):
        return None
    schemas = {"input": util.get_input_schema(run), "output": util.get_output_schema(run)}
    try:
        json.dumps(schemas)
    except (TypeError, ValueError):  # a sample that JSON cannot say is no reason not to score
        return {}
    return schemas


def plain_input(head, body):
    if head["method"] == "GET":
        return json.dumps(query_values(head["query"]))
    if mime(head) in FORMS:
        return ""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(400, "Input cannot be decoded as UTF-8: %s" % error) from None


def query_values(query):
    values = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        values.setdefault(name, []).append(value)
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def json_dictionary(head, body):
    if not is_json(mime(head)):
        raise Refused(415, "Expects Content-Type to be application/json")
    if not body:
        raise Refused(400, "POST body is empty. Expecting a JSON dictionary.")
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Refused(400, "POST body could not be decoded as JSON: %s" % error) from None
    if not isinstance(value, dict):
        raise Refused(400, "POST body should be a JSON dictionary.")
    return value


def mime(head):
    return head["type"].split(";")[0].strip().lower()


def is_json(mimetype):
    return mimetype == "application/json" or mimetype.startswith("application/") and mimetype.endswith("+json")


# ---------------------------------------------------------------- answers


def answer(script, head, body):
    """Calls run() for one request: the head and the body of the answer."""
    try:
        positional, named = script.arguments(head, body)
    except Refused as refused:
        return message(refused.status, str(refused))
    except Exception:
        return message(500, INTERNAL, trace=own_part(sys.exc_info()[1]))
    began = time.perf_counter()
    try:
        result = script.run(*positional, **named)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, too: a script that wants to end the process has failed this request
        return message(500, SCRIPT_FAILED, failed=True, trace=own_part(error))
    took = "%.3f" % ((time.perf_counter() - began) * 1000)
    try:
        return response(result, took)
    except Exception as error:
        return message(500, INTERNAL, trace=own_part(error))


def response(result, took):
    if hasattr(result, "get_data") and hasattr(result, "status_code") and hasattr(result, "headers"):
        headers = [[str(name), str(value)] for name, value in result.headers.items()]
        head = {"status": int(result.status_code), "headers": headers, "ms": took}
        head["failed"] = bool(getattr(result, "run_function_failed", False))
        return head, result.get_data()
    return PLAIN % took.encode(), json.dumps({} if result is None else result).encode()


def message(status, text, failed=False, trace=None):
    head = {"status": status, "headers": [["Content-Type", "application/json"]], "failed": failed}
    if trace:
        head["trace"] = trace
    return head, json.dumps({"message": text}).encode()


def own_part(error):
    """The traceback from the person's own lines on."""
    part = error.__traceback__
    while part is not None and part.tb_frame.f_code.co_filename == __file__:
        part = part.tb_next
    return "".join(traceback.format_exception(type(error), error, part))


def main():
    channel = take_channel()
    end_with(channel.sock)
    path = sys.argv[1]
    sys.argv = [path]
    # As if the script had been started itself: its neighbours can be imported, ours cannot.
    sys.path[0] = os.path.dirname(path)
    offer_modules()
    try:
        script = Script(path)
    except BadScript as error:
        channel.send({"broken": str(error)})
        return 3
    except BaseException as error:
        channel.send({"broken": "%s: %s" % (type(error).__name__, error)}, own_part(error).encode())
        return 3
    channel.send({"ready": script.ready()})
    while True:
        request = channel.receive()
        if request is None:
            return 0
        channel.send(*answer(script, *request))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that the script has left behind do not keep the worker.
    os._exit(code)
