//! Side by side with the former service's own server: the same scripts, the same requests, the same answers.

use std::net::SocketAddr;

use super::reference::{self, Reference};
use super::support::{Answer, Place, call, until};

type Headers = &'static [(&'static str, &'static str)];

const NONE: Headers = &[];
const JSON: Headers = &[("Content-Type", "application/json")];
const TEXT: Headers = &[("Content-Type", "text/plain"), ("X-Thing", "t")];
const FORM: Headers = &[("Content-Type", "application/x-www-form-urlencoded")];
const LONG_ID: &str =
    "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr";

/// A request. `ours` is our status where we differ on purpose.
struct Case {
    method: &'static str,
    path: &'static str,
    headers: Headers,
    body: &'static [u8],
    ours: Option<u16>,
}

const fn case(method: &'static str, path: &'static str, headers: Headers, body: &'static [u8]) -> Case {
    Case {
        method,
        path,
        headers,
        body,
        ours: None,
    }
}

const fn post(headers: Headers, body: &'static [u8]) -> Case {
    case("POST", "/score", headers, body)
}

const fn get(path: &'static str) -> Case {
    case("GET", path, NONE, b"")
}

const PLAIN: &str = "\
def init(): pass
def run(data):
    if data == 'raise': raise ValueError('boom')
    if data == 'none': return None
    if data == 'object': return object()
    if data == 'dict': return {'b': 1, 'a': [1.5, None, True, 'é']}
    if data == 'number': return 1.0
    if data == 'nan': return float('nan')
    if data == 'bytes': return b'x'
    if data == 'tuple': return (1, 2)
    if data == 'true': return True
    return [type(data).__name__, data]
";

const PLAIN_CASES: &[Case] = &[
    get("/"),
    case("HEAD", "/", NONE, b""),
    case("POST", "/", NONE, b""),
    case("OPTIONS", "/", NONE, b""),
    get("/nope"),
    get("/score/"),
    case("DELETE", "/score", NONE, b""),
    case("PUT", "/score", NONE, b"x"),
    case("HEAD", "/score", NONE, b""),
    case("OPTIONS", "/score", NONE, b""),
    get("/score"),
    get("/score?a=1&b=x&c=%5B1%5D&a=2"),
    get("/score?a="),
    get("/score?a"),
    get("/score?a=%22q%22&t=true&n=null"),
    get("/score?x=NaN&f=1.50&y=a+b%2Bc"),
    case("GET", "/score?a=1", JSON, b"body"),
    case("POST", "/score?a=1", JSON, b"abc"),
    post(JSON, b"{\"a\": 1}"),
    post(JSON, b"not json"),
    post(JSON, b""),
    post(NONE, b""),
    post(NONE, b"abc"),
    post(TEXT, b"abc"),
    post(FORM, b"a=1&b=2"),
    post(
        &[("Content-Type", "multipart/form-data; boundary=X")],
        b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--\r\n",
    ),
    post(&[("Content-Type", "application/octet-stream")], b"\xff\xfe"),
    post(&[("Content-Type", "text/plain; charset=latin-1")], b"\xc3\xa9"),
    post(JSON, b"\xc3\xa9"),
    post(JSON, b"\xff"),
    post(JSON, b"raise"),
    post(JSON, b"none"),
    post(JSON, b"object"),
    post(JSON, b"dict"),
    post(JSON, b"number"),
    post(JSON, b"nan"),
    post(JSON, b"bytes"),
    post(JSON, b"tuple"),
    post(JSON, b"true"),
    post(&[("x-request-id", "abc")], b"1"),
    post(&[("x-ms-request-id", "m")], b"1"),
    post(&[("x-ms-client-request-id", "c")], b"1"),
    post(
        &[
            ("x-request-id", "r"),
            ("x-ms-request-id", "m"),
            ("x-ms-client-request-id", "c"),
        ],
        b"raise",
    ),
    post(&[("x-request-id", LONG_ID)], b"1"),
    post(&[("x-ms-request-id", LONG_ID)], b"1"),
    post(&[("x-ms-client-request-id", LONG_ID)], b"1"),
    case("GET", "/", &[("x-request-id", LONG_ID)], b""),
    get("/swagger.json"),
    get("/swagger.json?version=3"),
    get("/swagger.json?version=3.1"),
    get("/swagger.json?version=9"),
    case("POST", "/swagger.json", NONE, b""),
];

const HEADERS: &str = "\
def init(): pass
def run(data, request_headers):
    return [type(request_headers).__name__, data, request_headers.get('X-Thing'), request_headers.get('Content-Type')]
";

const HEADERS_CASES: &[Case] = &[post(TEXT, b"1"), case("GET", "/score?a=1", TEXT, b"")];

const DEFAULTS: &str = "def init(): pass\ndef run(data, other=5): return [data, other]\n";

const DEFAULTS_CASES: &[Case] = &[post(JSON, b"1"), get("/score?a=1")];

const SCHEMA: &str = "\
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init(): pass
@input_schema('data', StandardPythonParameterType([1.0, 2.0]))
@input_schema('scale', StandardPythonParameterType(1))
@output_schema(StandardPythonParameterType([1.0]))
def run(data, scale):
    return [d * scale for d in data]
";

const GOOD: &[u8] = b"{\"data\":[1,2],\"scale\":2}";

const SCHEMA_CASES: &[Case] = &[
    post(JSON, GOOD),
    post(JSON, b"{\"data\":[1,2]}"),
    post(JSON, b"{\"scale\":2}"),
    post(JSON, b"{}"),
    post(JSON, b"[1]"),
    post(JSON, b"1"),
    post(JSON, b"nope"),
    post(JSON, b""),
    post(TEXT, GOOD),
    post(NONE, GOOD),
    post(FORM, GOOD),
    post(JSON, b"{\"data\":\"x\",\"scale\":2}"),
    post(JSON, b"{\"data\":[\"x\"],\"scale\":2}"),
    post(JSON, b"{\"data\":[1,2],\"scale\":\"y\"}"),
    post(JSON, b"{\"data\":[1,2],\"scale\":2,\"extra\":1}"),
    post(JSON, b"{\"Data\":[1,2],\"scale\":2}"),
    post(JSON, b"{\"data\":null,\"scale\":2}"),
    post(&[("Content-Type", "application/json; charset=utf-8")], GOOD),
    post(&[("Content-Type", "application/vnd.x+json")], GOOD),
    // An input that is no text is the caller's fault; there it is an internal error.
    Case {
        ours: Some(400),
        ..post(JSON, b"\xff")
    },
    get("/score?data=%5B1,2%5D&scale=3"),
    get("/score?data=1&scale=3"),
    get("/score"),
    get("/swagger.json?version=2"),
    get("/swagger.json?version=3"),
];

const RAW: &str = "\
from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse
def init(): pass
@rawhttp
def run(request):
    d = request.get_data()
    if d == b'raise': raise ValueError('x')
    if d == b'none': return None
    if d == b'dict': return {'a': 1}
    if d == b'str': return 'abc'
    if d == b'what':
        return [request.method, request.path, request.full_path, dict(request.args), request.content_type,
                request.mimetype, request.content_length, request.is_json, request.headers.get('X-Thing'),
                request.query_string.decode(), dict(request.cookies), dict(request.form), request.remote_addr]
    if d == b'[1]': return [request.json, request.get_json()]
    if d == b'teapot': return AMLResponse('bad', 418)
    if d == b'json': return AMLResponse({'a': 1}, 201, json_str=True)
    if d == b'headers':
        response = AMLResponse('hi', 202, {'X-A': 'b'})
        response.headers['X-Mine'] = 'yes'
        response.mimetype = 'text/csv'
        return response
    if d == b'bytes': return AMLResponse(b'\\x00\\xff', 200)
    return AMLResponse(request.method + ':' + d.decode('latin1'), 200)
";

const RAW_CASES: &[Case] = &[
    post(TEXT, b"raise"),
    post(TEXT, b"none"),
    post(TEXT, b"dict"),
    post(TEXT, b"str"),
    post(TEXT, b"what"),
    case(
        "POST",
        "/score?q=1&q=2",
        &[("Content-Type", "application/json"), ("Cookie", "k=v")],
        b"what",
    ),
    post(TEXT, b"[1]"),
    post(JSON, b"[1]"),
    post(TEXT, b"teapot"),
    post(TEXT, b"json"),
    post(TEXT, b"headers"),
    post(TEXT, b"bytes"),
    post(TEXT, b"\xff"),
    post(FORM, b"a=1"),
    case("GET", "/score?a=1&b=2", NONE, b""),
    case("PUT", "/score", NONE, b"x"),
    case("OPTIONS", "/score", NONE, b""),
    case("HEAD", "/score", NONE, b""),
    post(&[("x-request-id", "q")], b"x"),
];

const CHOSEN: &str = "\
from azureml_inference_server_http.api.aml_response import AMLResponse
def init(): pass
def run(data):
    if data == 'bad': return AMLResponse('bad thing', 400)
    if data == 'json': return AMLResponse({'message': 'm'}, 422, {'X-A': 'b'}, json_str=True)
    return AMLResponse(data, 200)
";

const CHOSEN_CASES: &[Case] = &[post(JSON, b"bad"), post(JSON, b"json"), post(JSON, b"ok")];

const ALL: [(&str, &str, &[Case]); 6] = [
    ("plain", PLAIN, PLAIN_CASES),
    ("headers", HEADERS, HEADERS_CASES),
    ("defaults", DEFAULTS, DEFAULTS_CASES),
    ("schema", SCHEMA, SCHEMA_CASES),
    ("raw", RAW, RAW_CASES),
    ("chosen", CHOSEN, CHOSEN_CASES),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_same_requests_get_the_same_answers() {
    let Some(python) = reference::python() else {
        println!("not run: the former service's server is not installed (`cargo xtask test` installs it)");
        return;
    };
    let mut differences = Vec::new();
    for (name, script, cases) in ALL {
        let place = Place::new(script);
        let reference = Reference::start(&python, &place.path(""));
        let service = place.serve(|config| config.python.clone_from(&python)).await;
        until("the reference answers", || async {
            is_up(reference.address).await
        })
        .await;
        for case in cases {
            let ask = |address| call(address, case.method, case.path, case.headers, case.body);
            let (theirs, ours) = (ask(reference.address).await, ask(service.address()).await);
            for difference in compare(case, &theirs, &ours) {
                let body = String::from_utf8_lossy(case.body);
                differences.push(format!(
                    "{name}: {} {} {body:?}: {difference}",
                    case.method, case.path
                ));
            }
        }
        assert!(service.stop(super::support::LONG).await);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

async fn is_up(address: SocketAddr) -> bool {
    // It listens before it has loaded the script, and answers then.
    tokio::net::TcpStream::connect(address).await.is_ok()
        && call(address, "GET", "/", &[], b"").await.status == 200
}

fn compare(case: &Case, theirs: &Answer, ours: &Answer) -> Vec<String> {
    let mut differences = Vec::new();
    let mut differ = |what: &str, theirs: String, ours: String| {
        if theirs != ours {
            differences.push(format!("{what}: theirs {theirs}, ours {ours}"));
        }
    };
    if let Some(status) = case.ours {
        assert_ne!(status, theirs.status, "no difference any more");
        differ("status", status.to_string(), ours.status.to_string());
        return differences;
    }
    differ("status", theirs.status.to_string(), ours.status.to_string());
    if case.path.starts_with("/swagger.json") && theirs.status == 200 {
        // The text is our own; version, schemas and routes are the contract.
        differ(
            "description",
            described(theirs).to_string(),
            described(ours).to_string(),
        );
    } else {
        differ("body", theirs.text(), ours.text());
    }
    for name in ["content-type", "x-ms-run-function-failed", "x-a", "x-mine"] {
        differ(
            name,
            format!("{:?}", theirs.header(name)),
            format!("{:?}", ours.header(name)),
        );
    }
    // It differs from call to call: it is there or not, and a number.
    let took = |answer: &Answer| {
        answer
            .header("x-ms-run-fn-exec-ms")
            .map(|ms| ms.parse::<f64>().is_ok())
    };
    differ(
        "x-ms-run-fn-exec-ms",
        format!("{:?}", took(theirs)),
        format!("{:?}", took(ours)),
    );
    // We send ids with errors of the HTTP side, too.
    for name in ["x-request-id", "x-ms-request-id", "x-ms-client-request-id"] {
        if let Some(id) = theirs.header(name).filter(|_| theirs.status != 431) {
            let given = case.headers.iter().any(|(_, value)| *value == id);
            let ours = ours.header(name);
            differ(
                name,
                format!("{:?}", Some(id).filter(|_| given)),
                format!("{:?}", ours.filter(|_| given)),
            );
            differ(
                name,
                "an id of this length".to_owned(),
                match ours {
                    Some(ours) if ours.len() == id.len() => "an id of this length".to_owned(),
                    other => format!("{other:?}"),
                },
            );
        }
    }
    differences
}

fn described(answer: &Answer) -> serde_json::Value {
    let document: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let schemas = ["/definitions", "/components/schemas"]
        .into_iter()
        .find_map(|at| document.pointer(at));
    let of = |name: &str| {
        schemas
            .and_then(|schemas| schemas.get(name))
            .and_then(|schema| schema.get("type"))
            .cloned()
    };
    let routes: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    serde_json::json!([
        document["swagger"],
        document["openapi"],
        of("ServiceInput"),
        of("ServiceOutput"),
        routes
    ])
}
