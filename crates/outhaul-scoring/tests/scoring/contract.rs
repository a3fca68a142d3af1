//! What scripts and callers may rely on, in an environment that has nothing but Python.

use outhaul_types::Secret;

use super::support::{Place, call, score};

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[tokio::test]
async fn init_is_called_once_for_each_worker_and_finds_the_model() {
    let place = Place::new(
        "import os, helper\n\
         def init():\n    global model\n    model = open(os.path.join(os.environ['AZUREML_MODEL_DIR'], 'm.txt')).read()\n    helper.calls += 1\n\
         def run(data):\n    return [model, data, helper.calls, sorted(os.environ).count('SECRET')]\n",
    );
    place.write("helper.py", "calls = 0\n");
    place.write("m.txt", "weights");
    let model = place.path("");
    let service = place.serve(|config| config.model = Some(model)).await;
    for _ in 0..3 {
        let answer = score(&service, "5").await;
        assert_eq!(answer.text(), r#"["weights", "5", 1, 0]"#);
    }
    assert!(service.stop(super::support::LONG).await);
}

#[tokio::test]
async fn scripts_of_the_former_service_find_its_modules() {
    for package in ["azureml.contrib.services", "azureml_inference_server_http.api"] {
        let place = Place::new(&format!(
            "from {package}.aml_request import AMLRequest, rawhttp\nfrom {package}.aml_response import AMLResponse\n\
             def init(): pass\n@rawhttp\ndef run(request):\n    \
             r = AMLResponse([request.method, request.full_path, request.get_data().decode(), request.headers['x-thing'],\n        \
             request.args.get('a'), request.get_json(silent=True)], 201, {{'X-Mine': 'yes'}}, json_str=True)\n    return r\n"
        ));
        let service = place.serve(|_| {}).await;
        let headers = [JSON, ("X-Thing", "t")];
        let answer = call(service.address(), "POST", "/score?a=1", &headers, b"[7]").await;
        assert_eq!(answer.text(), r#"["POST", "/score?a=1", "[7]", "t", "1", [7]]"#);
        assert_eq!((answer.status, answer.header("x-mine")), (201, Some("yes")));
        let answer = call(service.address(), "OPTIONS", "/score", &[("X-Thing", "t")], b"").await;
        assert!(answer.text().starts_with(r#"["OPTIONS""#), "{}", answer.text());
    }
}

#[tokio::test]
async fn run_may_be_anything_that_can_be_called() {
    let kinds = [
        "def run(data): return data",
        "def run(*, data): return data",
        "def run(data, more='x'): return data if more == 'x' else more",
        "def run(data, request_headers=None): return data if request_headers['X-Thing'] == 't' else 'none'",
        "class Run:\n    def __call__(self, data): return data\nrun = Run()",
        "class Run:\n    def score(self, data): return data\nrun = Run().score",
        "import functools\nrun = functools.partial(lambda other, data: data, 1)",
        "import functools\ndef inner(data): return data\n\
         @functools.wraps(inner)\ndef run(*args, **kwargs): return inner(*args, **kwargs)",
    ];
    for kind in kinds {
        let place = Place::new(&format!("def init(): pass\n{kind}\n"));
        let service = place.serve(|_| {}).await;
        let answer = call(
            service.address(),
            "POST",
            "/score",
            &[JSON, ("X-Thing", "t")],
            b"5",
        )
        .await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "\"5\""), "{kind}");
    }
}

#[tokio::test]
async fn a_script_without_the_contract_is_refused_with_its_reason() {
    let cases = [
        ("def init(:\n", "SyntaxError", "def init(:"),
        ("import nothing_of_this_name\n", "ModuleNotFoundError", "line 1"),
        ("def run(data): pass\n", "no function `init()`", ""),
        ("def init(): pass\n", "no function `run()`", ""),
        ("def init(): pass\ndef run(*data): pass\n", "`*args`", ""),
        (
            "def init(): pass\ndef run(data, **more): pass\n",
            "`**kwargs`",
            "",
        ),
        (
            "class Run:\n    def __call__(self, data, *more): pass\ndef init(): pass\nrun = Run()\n",
            "`*args`",
            "",
        ),
        ("def init(): pass\ndef run(): pass\n", "no parameter", ""),
        (
            "import pickle\ndef init(): pickle.loads(b'no pickle')\ndef run(data): pass\n",
            "UnpicklingError",
            "line 2, in init",
        ),
        (
            "import os\ndef init(): os._exit(7)\ndef run(data): pass\n",
            "exit code 7",
            "",
        ),
        (
            "import os, sys\ndef init():\n    print('last words', file=sys.stderr)\n    os.kill(os.getpid(), 9)\ndef run(data): pass\n",
            "signal 9",
            "last words",
        ),
        (
            "import sys\ndef init(): sys.exit(4)\ndef run(data): pass\n",
            "SystemExit",
            "in init",
        ),
    ];
    for (script, message, trace) in cases {
        let place = Place::new(script);
        let error = outhaul_scoring::start(place.config()).await.unwrap_err();
        let outhaul_scoring::ScoringError::Script {
            message: said,
            trace: shown,
            ..
        } = &error
        else {
            panic!("{script}: {error:?}")
        };
        assert!(said.contains(message), "{script}: {said}");
        assert!(shown.contains(trace), "{script}: {shown}");
        assert!(!shown.contains("worker.py"), "our own lines are no help: {shown}");
    }
}

#[tokio::test]
async fn what_the_settings_name_has_to_be_there() {
    let place = Place::new("def init(): pass\ndef run(data): return data\n");
    let none = place.path("none");
    let taken = place.serve(|_| {}).await;
    let mut wrong = Vec::new();
    for change in 0..5 {
        let mut config = place.config();
        match change {
            0 => config.script.clone_from(&none),
            1 => config.model = Some(none.clone()),
            2 => config.python.clone_from(&none),
            3 => config.address = taken.address(),
            _ => config.script = place.path(""),
        }
        wrong.push(outhaul_scoring::start(config).await.unwrap_err().to_string());
    }
    for (error, words) in
        wrong
            .iter()
            .zip(["entry script", "model", "interpreter", "cannot listen", "no file"])
    {
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_key_is_asked_for_where_there_are_keys() {
    let place = Place::new("def init(): pass\ndef run(data): return data\n");
    let service = place
        .serve(|config| config.keys = vec![Secret::new("old".into()), Secret::new("new".into())])
        .await;
    for (path, key, status) in [
        ("/score", None, 401),
        ("/score", Some("Bearer wrong"), 401),
        ("/score", Some("Bearer old"), 200),
        ("/score", Some("Bearer new"), 200),
        ("/swagger.json", None, 401),
        ("/metrics", None, 401),
        ("/metrics", Some("Bearer new"), 200),
        ("/", None, 200),
        ("/readyz", None, 200),
        ("/healthz", None, 200),
    ] {
        let headers: Vec<(&str, &str)> = key.map(|key| ("Authorization", key)).into_iter().collect();
        let answer = call(service.address(), "GET", path, &headers, b"").await;
        assert_eq!(answer.status, status, "{path} {key:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn browsers_may_call_from_elsewhere_only_when_asked_for() {
    let place = Place::new("def init(): pass\ndef run(data): return data\n");
    let origin = ("Origin", "http://a.example");
    let asked = [
        origin,
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "x-a"),
    ];
    for (cors, allowed) in [
        (None, None),
        (Some("http://b.example"), None),
        (Some("http://a.example"), Some("http://a.example")),
        (Some("*"), Some("*")),
    ] {
        let service = place.serve(|config| config.cors = cors.map(Into::into)).await;
        let answer = call(service.address(), "POST", "/score", &[origin, JSON], b"1").await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (200, allowed),
            "{cors:?}"
        );
        let answer = call(service.address(), "OPTIONS", "/score", &asked, b"").await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
        assert_eq!(
            answer.header("access-control-allow-headers"),
            allowed.map(|_| "x-a")
        );
    }
}
