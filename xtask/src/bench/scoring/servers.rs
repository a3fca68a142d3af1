//! Which servers are measured, and how each is told to serve the same entry script with one worker.

use serde_json::{Value, json};

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// One that answers a constant.
    Noop,
    /// Logistic regression on iris.
    Iris,
}

/// The row that is sent, and the class that it has.
const ROW: [f64; 4] = [5.1, 3.5, 1.4, 0.2];

impl Script {
    /// The entry script.
    pub fn text(self) -> &'static str {
        match self {
            Self::Noop => include_str!("scripts/noop.py"),
            Self::Iris => include_str!("scripts/iris.py"),
        }
    }

    /// Its name in the table.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Noop => "a script that does nothing",
            Self::Iris => "logistic regression on iris",
        }
    }

    /// What `run()` returns.
    fn answer(self) -> Value {
        match self {
            Self::Noop => json!("ok"),
            Self::Iris => json!([0]),
        }
    }
}

/// A server of models.
pub struct Server {
    /// Its name in the table.
    pub name: &'static str,
    /// The name of its virtual environment, and what is installed there. Every one has scikit-learn.
    pub venv: (&'static str, &'static [&'static str]),
    /// Its own files beside `score.py`; `{grpc}` and `{metrics}` stand for free ports, `{port}` for its own.
    pub files: &'static [(&'static str, &'static str)],
    /// What is run once beforehand.
    pub prepare: Option<&'static [&'static str]>,
    /// Its program and arguments, as in `files`.
    pub start: &'static [&'static str],
    /// Where requests go.
    pub path: &'static str,
    /// The body of a request.
    pub body: fn() -> Value,
    /// What must be answered.
    pub answer: fn(Script) -> Value,
}

const PLAIN: fn() -> Value = || json!({"data": [ROW]});

/// Outhaul; its environment is that of the server that it takes the place of.
pub const OURS: Server = Server {
    name: "`outhaul score`",
    venv: AZUREML.venv,
    files: &[],
    prepare: None,
    start: &[
        "OUTHAUL",
        "score",
        "score.py",
        "--model",
        "model",
        "--python",
        "PYTHON",
        "--port",
        "{port}",
        "--workers",
        "1",
    ],
    path: "/score",
    body: PLAIN,
    answer: Script::answer,
};

const AZUREML: Server = Server {
    name: "azureml-inference-server-http",
    venv: ("azureml", &["azureml-inference-server-http", "scikit-learn"]),
    files: &[],
    prepare: None,
    // With the arguments of its own command, which listens on all addresses.
    start: &[
        "gunicorn",
        "-b",
        "127.0.0.1:{port}",
        "-w",
        "1",
        "--timeout",
        "300",
        "--access-logfile",
        "-",
        "--error-logfile",
        "/dev/null",
        "azureml_inference_server_http.server.entry:app",
    ],
    path: "/score",
    body: PLAIN,
    answer: Script::answer,
};

/// The others. The first is the one that Outhaul takes the place of.
pub const OTHERS: [Server; 5] = [
    AZUREML,
    Server {
        name: "MLServer",
        venv: ("mlserver", &["mlserver", "scikit-learn"]),
        files: &[
            ("service.py", include_str!("scripts/mlserver_service.py")),
            // Without workers it scores in its own process, which is the one worker then.
            (
                "model-settings.json",
                r#"{"name": "m", "implementation": "service.Service"}"#,
            ),
            (
                "settings.json",
                r#"{"host": "127.0.0.1", "http_port": {port}, "grpc_port": {grpc}, "metrics_port": {metrics}, "parallel_workers": 0, "debug": false}"#,
            ),
        ],
        prepare: None,
        start: &["mlserver", "start", "."],
        path: "/v2/models/m/infer",
        body: || json!({"id": "1", "inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": ROW}]}),
        answer: |script| {
            let (kind, data) = match script {
                Script::Noop => ("BYTES", json!(["ok"])),
                Script::Iris => ("INT64", json!([0])),
            };
            json!({"model_name": "m", "id": "1", "parameters": {}, "outputs": [{"name": "answer", "shape": [1], "datatype": kind, "data": data}]})
        },
    },
    Server {
        name: "LitServe",
        venv: ("litserve", &["litserve", "scikit-learn"]),
        files: &[("service.py", include_str!("scripts/litserve_service.py"))],
        prepare: None,
        start: &["python", "service.py", "{port}"],
        path: "/predict",
        body: PLAIN,
        answer: Script::answer,
    },
    Server {
        name: "BentoML",
        venv: ("bentoml", &["bentoml", "scikit-learn"]),
        files: &[("service.py", include_str!("scripts/bentoml_service.py"))],
        prepare: None,
        start: &[
            "bentoml",
            "serve",
            "service:Service",
            "--host",
            "127.0.0.1",
            "--port",
            "{port}",
        ],
        path: "/score",
        body: PLAIN,
        answer: Script::answer,
    },
    Server {
        name: "`mlflow models serve`",
        venv: ("mlflow", &crate::bench::mlflow::PACKAGES),
        files: &[("save.py", include_str!("scripts/mlflow_save.py"))],
        prepare: Some(&["python", "save.py"]),
        start: &[
            "mlflow",
            "models",
            "serve",
            "-m",
            "saved",
            "--env-manager",
            "local",
            "--host",
            "127.0.0.1",
            "--port",
            "{port}",
            "--workers",
            "1",
        ],
        path: "/invocations",
        body: || json!({"inputs": [ROW]}),
        answer: |script| json!({"predictions": script.answer()}),
    },
];
