"""A scoring worker: loads an entry script, calls its init() once, and answers one request at a time.

Carried inside the program and started by it. Only the standard library of Python 3.8 may be used here, for it runs in
the environment of the person's model. It talks over the socket that it finds as standard input: frames of two
32-bit lengths (big endian), a JSON head and a body.

A service is ready when this file is: what takes long to import is imported where it is needed.
"""

import _thread
import json
import os
import select
import struct
import sys
import time
import types

LENGTHS = struct.Struct(">II")
# So much is read at once; most requests are shorter.
USUAL = 4096
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
SCRIPT_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."
# The head of the usual answer, as `json.dumps` would write it each time.
PLAIN = b'{"status": 200, "headers": [["Content-Type", "application/json"]], "ms": "%s", "failed": false}'
TAKES_ANY = 0x04 | 0x08  # flags of a function's code: it has `*args`, it has `**kwargs`
EXTRAS = os.path.join(os.path.dirname(__file__), "extras.py")


# ---------------------------------------------------------------- frames


class Channel:
    """Frames over the socket."""

    def __init__(self, fd):
        self.fd = fd
        self.file = open(fd, "rb", closefd=False)
        self.poll = select.poll()
        self.poll.register(fd, select.POLLIN)
        self.last = b""
        self.last_head = None

    def receive(self):
        """The next head and body, or None when the other side has gone."""
        # A wait in read() would be ended twice for each request: the kernel ends it when our answer is taken, too.
        self.poll.poll()
        frame = os.read(self.fd, USUAL)
        if len(frame) < LENGTHS.size:
            frame += self.file.read(LENGTHS.size - len(frame))
            if len(frame) < LENGTHS.size:
                return None
        head_length, body_length = LENGTHS.unpack_from(frame)
        begin = LENGTHS.size + head_length
        missing = begin + body_length - len(frame)
        # Nothing follows a request before it is answered: the file keeps nothing back.
        if missing > 0:
            rest = self.file.read(missing)
            if len(rest) < missing:
                return None
            frame += rest
        return self.head(frame[LENGTHS.size : begin]), frame[begin:]

    def head(self, text):
        """What the head says; most are like the one before."""
        if text != self.last:
            self.last_head = json.loads(text)
            self.last = text
        return self.last_head

    def send(self, head, body=b""):
        head = head if isinstance(head, bytes) else json.dumps(head).encode()
        frame = LENGTHS.pack(len(head), len(body)) + head + body
        sent = os.write(self.fd, frame)
        while sent < len(frame):
            sent += os.write(self.fd, memoryview(frame)[sent:])


def take_channel():
    """Takes the socket from standard input, so that neither the script nor its children see it."""
    # A duplicate is not inherited by programs that are started from here.
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return Channel(own)


def end_with(fd):
    """Ends this process when the program has gone, also while run() is busy."""

    def watch():
        poll = select.poll()
        poll.register(fd, 0)  # hang-up is told without being asked for
        while True:
            if any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll()):
                os._exit(0)

    _thread.start_new_thread(watch, ())


# ---------------------------------------------------------------- what only some need


class Extras:
    """The module `extras`. Its text is read at the start, since the folder may be cleaned up while we run."""

    def __init__(self):
        with open(EXTRAS, "rb") as file:
            self.text = file.read()
        self.module = None

    def load(self):
        if self.module is None:
            module = types.ModuleType("outhaul_extras")
            exec(compile(self.text, EXTRAS, "exec", dont_inherit=True), module.__dict__)
            self.module = module
        return self.module


PACKAGES = (
    "azureml",
    "azureml.contrib",
    "azureml.contrib.services",
    "azureml_inference_server_http",
    "azureml_inference_server_http.api",
)
MODULES = tuple(package + name for package in (PACKAGES[2], PACKAGES[4]) for name in (".aml_request", ".aml_response"))


class Finder:
    """Gives the modules that entry scripts import from the packages of the former service."""

    def __init__(self, names, extras):
        self.names = names
        self.extras = extras

    def find_spec(self, name, path=None, target=None):
        del path, target
        if name not in self.names:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self, is_package=name in PACKAGES)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__dict__.update(self.extras.load().MODULES.get(module.__name__, {}))


def offer_modules(extras):
    sys.meta_path.insert(0, Finder(MODULES, extras))
    # Only where the environment has none of its own.
    sys.meta_path.append(Finder(PACKAGES, extras))


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

    def __init__(self, path, extras):
        self.path = path
        self.extras = extras
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
        parameters = parameters_of(self.run)
        if parameters is None:
            raise BadScript("`run()` in `%s` takes `*args` or `**kwargs`; name its parameters" % self.path)
        return parameters

    def ready(self):
        return {"raw": self.raw, "headers": self.raw or self.wants_headers, "schemas": self.schemas or {}}

    def arguments(self, head, body):
        """Positional and named arguments of run() for a request."""
        if self.raw:
            extras = self.extras.load()
            return (extras.flask_request(head, body) or extras.AMLRequest(head, body),), {}
        if self.schemas is None:
            arguments = {self.inputs[0]: self.plain_input(head, body)}
        else:
            arguments = self.named_inputs(head, body)
        if self.wants_headers:
            # As a dictionary of the framework of the former service would have them: one spelling for each name.
            arguments["request_headers"] = dict(self.extras.load().Headers(head["headers"]))
        return (), arguments

    def plain_input(self, head, body):
        if head["method"] == "GET":
            return json.dumps(self.extras.load().query_values(head["query"]))
        if mime(head) in FORMS:
            return ""
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refused(400, "Input cannot be decoded as UTF-8: %s" % error) from None

    def named_inputs(self, head, body):
        extras = self.extras.load()
        given = extras.query_values(head["query"]) if head["method"] == "GET" else json_dictionary(extras, head, body)
        arguments = {}
        for name in self.inputs:
            if name in given:
                arguments[name] = given[name]
            elif not self.parameters[name]:
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


def parameters_of(run):
    """The names of its parameters, and whether each may be left out; None when it takes any."""
    if type(run) is not types.FunctionType or hasattr(run, "__wrapped__") or hasattr(run, "__signature__"):
        import inspect

        parameters = inspect.signature(run).parameters
        kinds = [parameter.kind for parameter in parameters.values()]
        if inspect.Parameter.VAR_POSITIONAL in kinds or inspect.Parameter.VAR_KEYWORD in kinds:
            return None
        return {name: parameter.default is not parameter.empty for name, parameter in parameters.items()}
    # The usual function says it itself; to import `inspect` takes as long as to start Python.
    code = run.__code__
    if code.co_flags & TAKES_ANY:
        return None
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    optional = names[code.co_argcount - len(run.__defaults__ or ()) : code.co_argcount]
    return {name: name in optional or name in (run.__kwdefaults__ or ()) for name in names}


def schemas_of(run):
    """The schemas of a run() that is decorated by inference-schema; None when it is not."""
    # A script that did not import the package cannot be decorated by it.
    if "inference_schema" not in sys.modules:
        return None
    from inference_schema import schema_util

    if not schema_util.is_schema_decorated(run):
        return None
    schemas = {"input": schema_util.get_input_schema(run), "output": schema_util.get_output_schema(run)}
    try:
        json.dumps(schemas)
    except (TypeError, ValueError):  # a sample that JSON cannot say is no reason not to score
        return {}
    return schemas


def json_dictionary(extras, head, body):
    if not extras.is_json(mime(head)):
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
    while part is not None and part.tb_frame.f_code.co_filename in (__file__, EXTRAS):
        part = part.tb_next
    try:
        import traceback
    except Exception as why:  # a script may have used up what an import needs
        return "%s: %s\n(no traceback: %s)\n" % (type(error).__name__, error, why)
    return "".join(traceback.format_exception(type(error), error, part))


def main():
    channel = take_channel()
    end_with(channel.fd)
    path = sys.argv[1]
    sys.argv = [path]
    # As if the script had been started itself: its neighbours can be imported, ours cannot.
    sys.path[0] = os.path.dirname(path)
    extras = Extras()
    offer_modules(extras)
    try:
        script = Script(path, extras)
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
