//! Plans as data: the commands that make the tool, the lock and the environment. Pure; `--dry-run` shows them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::interpreter::PROBE;
use outhaul_types::Lock;
use outhaul_types::{EnvironmentSpec, Interpreter};

/// Who resolves and installs packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// The uv binary.
    Uv,
    /// pip of an interpreter.
    Pip,
    /// Nobody: the person looks after the packages.
    None,
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uv => "uv",
            Self::Pip => "pip",
            Self::None => "none",
        })
    }
}

/// A file that a step reads, written before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepFile {
    /// Where it is put.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// One command to run on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is for, as a phrase: `installing the packages`.
    pub purpose: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The whole environment of the command; nothing is inherited on this machine.
    pub env: Vec<(String, String)>,
    /// Folder that it runs in, made if missing; none is the host's choice.
    pub cwd: Option<String>,
    /// Files written before it starts.
    pub files: Vec<StepFile>,
}

/// The steps from a spec to a built environment, as far as they are known before the packages are resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Where the environment will be.
    pub folder: String,
    /// The steps in order.
    pub steps: Vec<Step>,
}

const INSTALLED: &str = "import importlib.metadata as m
for d in m.distributions():
    if d.metadata['Name']: print('%s==%s' % (d.metadata['Name'], d.version))";

/// Makes steps with a common environment and folder.
pub(crate) struct Steps<'a> {
    pub env: &'a [(String, String)],
    pub cwd: &'a str,
}

impl Steps<'_> {
    fn step(&self, purpose: &str, argv: &[&str]) -> Step {
        Step {
            purpose: purpose.to_owned(),
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: self.env.to_vec(),
            cwd: Some(self.cwd.to_owned()),
            files: Vec::new(),
        }
    }

    /// Asks an interpreter who it is. Isolated, so that nothing in the folder or the user's site plays a part.
    pub(crate) fn probe(&self, python: &str) -> Step {
        self.step(
            "asking the interpreter for its version",
            &[python, "-I", "-S", "-c", PROBE],
        )
    }

    pub(crate) fn uv_version(&self, uv: &str) -> Step {
        self.step("asking uv for its version", &[uv, "--version"])
    }

    /// A venv with pip in it, for tools.
    pub(crate) fn tool_venv(&self, python: &str, folder: &str, what: &str) -> Step {
        self.step(
            &format!("making a place for {what}"),
            &[python, "-m", "venv", folder],
        )
    }

    /// Puts pip into a venv.
    pub(crate) fn ensure_pip(&self, python: &str) -> Step {
        self.step(
            "putting pip into its place",
            &[python, "-I", "-m", "ensurepip", "--default-pip"],
        )
    }

    pub(crate) fn pip_install_tool(&self, python: &str, package: &str) -> Step {
        self.step(
            &format!("installing {package} from the package index"),
            &[
                python,
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--upgrade",
                package,
            ],
        )
    }

    pub(crate) fn pip_version(&self, python: &str) -> Step {
        self.step("asking pip for its version", &[python, "-m", "pip", "--version"])
    }

    pub(crate) fn fetch_python(&self, uv: &str, version: &str, folder: &str) -> Step {
        let mut step = self.step(
            &format!("fetching python {version}"),
            &[uv, "python", "install", version],
        );
        step.env.extend(python_folder(folder));
        step
    }

    pub(crate) fn find_fetched_python(&self, uv: &str, version: &str, folder: &str) -> Step {
        let mut step = self.step("finding the fetched python", &[uv, "python", "find", version]);
        step.env.extend(python_folder(folder));
        step.env
            .push(("UV_PYTHON_PREFERENCE".to_owned(), "only-managed".to_owned()));
        step
    }

    /// Resolves the requirements for `python` and writes the pinned lines to `output`.
    pub(crate) fn uv_lock(
        &self,
        uv: &str,
        python: &str,
        spec: &EnvironmentSpec,
        input: &str,
        output: &str,
    ) -> Step {
        let mut step = self.step(
            "resolving the packages",
            &[
                uv,
                "pip",
                "compile",
                "--quiet",
                "--generate-hashes",
                "--no-header",
                "--no-annotate",
                "--python",
                python,
            ],
        );
        step.argv.extend(uv_options(&spec.index_options));
        if spec
            .index_options
            .iter()
            .any(|o| o.starts_with("--extra-index-url"))
            && !self.env.iter().any(|(key, _)| key == "UV_INDEX_STRATEGY")
        {
            // The file means for pip that every index may have every package. uv alone would stop at the first
            // index that knows a name, and find no numpy behind a torch index that mirrors old ones.
            step.argv
                .extend(["--index-strategy".to_owned(), "unsafe-best-match".to_owned()]);
        }
        step.argv
            .extend([input, "--output-file", output].map(str::to_owned));
        step.files.push(StepFile {
            path: input.to_owned(),
            text: requirements_file(Tool::Uv, &spec.index_options, &spec.pip),
        });
        step
    }

    /// Resolves the requirements with the pip of `python` and writes its report to `output`.
    pub(crate) fn pip_lock(&self, python: &str, spec: &EnvironmentSpec, input: &str, output: &str) -> Step {
        let mut step = self.step(
            "resolving the packages",
            &[
                python,
                "-m",
                "pip",
                "install",
                "--disable-pip-version-check",
                "--dry-run",
                "--ignore-installed",
                "--report",
                output,
                "-r",
                input,
            ],
        );
        step.files.push(StepFile {
            path: input.to_owned(),
            text: requirements_file(Tool::Pip, &spec.index_options, &spec.pip),
        });
        step
    }

    /// The same for an interpreter that has packages already: only what it lacks is written.
    pub(crate) fn pip_lock_into(
        &self,
        program: &str,
        inner: &str,
        spec: &EnvironmentSpec,
        input: &str,
        output: &str,
    ) -> Step {
        let mut step = self.pip_lock(program, spec, input, output);
        step.argv.retain(|word| word != "--ignore-installed");
        // In front of `install`.
        step.argv.splice(3..3, ["--python", inner].map(str::to_owned));
        step
    }

    /// A module of an interpreter.
    pub(crate) fn module(&self, purpose: &str, python: &str, words: &[&str]) -> Step {
        self.step(purpose, &[&[python, "-m"], words].concat())
    }

    /// A program for an interpreter, run in `folder`.
    pub(crate) fn code(&self, purpose: &str, python: &str, code: &str, words: &[&str], folder: &str) -> Step {
        let mut step = self.step(purpose, &[&[python, "-I", "-c", code], words].concat());
        step.cwd = Some(folder.to_owned());
        step
    }

    /// A script of the shell that every host has.
    pub(crate) fn script(&self, purpose: &str, script: &str) -> Step {
        self.step(purpose, &["/bin/sh", "-c", script])
    }

    /// Asks an interpreter for its packages, as pinned lines.
    pub(crate) fn installed(&self, python: &str) -> Step {
        self.step(
            "asking the environment for its packages",
            &[python, "-I", "-c", INSTALLED],
        )
    }

    /// The commands that build a lock into `folder`. `tool` is the uv binary or a python with pip.
    pub(crate) fn build(
        &self,
        tool: Tool,
        program: &str,
        python: &str,
        lock: &Lock,
        folder: &str,
        input: &str,
    ) -> Vec<Step> {
        let inner = format!("{folder}/bin/python");
        let venv = match tool {
            Tool::Uv => self.step(
                "making the environment",
                &[program, "venv", "--quiet", "--python", python, folder],
            ),
            _ => self.step(
                "making the environment",
                &[python, "-m", "venv", "--without-pip", folder],
            ),
        };
        let install = self.install(tool, program, &inner, lock, input);
        std::iter::once(venv).chain(install).collect()
    }

    /// The command that installs a lock's packages of the Python index for the interpreter `inner`; none when it has
    /// none.
    pub(crate) fn install(
        &self,
        tool: Tool,
        program: &str,
        inner: &str,
        lock: &Lock,
        input: &str,
    ) -> Option<Step> {
        if crate::lock::required(lock).is_empty() {
            return None;
        }
        let mut install = match tool {
            Tool::Uv => {
                let mut step = self.step(
                    "installing the packages",
                    // Compiling now makes the first import of every run fast.
                    &[program, "pip", "install", "--python", inner, "--no-deps"],
                );
                step.argv.extend(uv_options(&lock.index_options));
                if lock
                    .index_options
                    .iter()
                    .any(|o| o.starts_with("--extra-index-url"))
                {
                    step.argv
                        .extend(["--index-strategy".to_owned(), "unsafe-best-match".to_owned()]);
                }
                step
            }
            _ => self.step(
                "installing the packages",
                &[
                    program,
                    "-m",
                    "pip",
                    "--disable-pip-version-check",
                    "--python",
                    inner,
                    "install",
                    "--no-deps",
                ],
            ),
        };
        if crate::lock::is_hashed(lock) {
            install.argv.push("--require-hashes".to_owned());
        }
        install.argv.extend(["-r".to_owned(), input.to_owned()]);
        let pinned: Vec<String> = lock.requirements.lines().map(str::to_owned).collect();
        install.files.push(StepFile {
            path: input.to_owned(),
            text: requirements_file(tool, &lock.index_options, &pinned),
        });
        if !lock.conda.is_empty() {
            // An environment of ours, even where the packages of its channel take it for a system's.
            for tool in ["PIP", "UV"] {
                let name = format!("{tool}_BREAK_SYSTEM_PACKAGES");
                install.env.push((name, "1".to_owned()));
            }
        }
        Some(install)
    }
}

fn python_folder(folder: &str) -> [(String, String); 2] {
    [
        ("UV_PYTHON_INSTALL_DIR".to_owned(), folder.to_owned()),
        // Nothing outside our folder: no links in the person's own bin folder.
        ("UV_PYTHON_INSTALL_BIN".to_owned(), "0".to_owned()),
    ]
}

/// Options that uv takes as arguments only. They hold no secrets; addresses go into the file.
fn uv_options(options: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    for option in options {
        match option.split_once(' ').unwrap_or((option, "")) {
            ("--pre", _) => words.extend(["--prerelease".to_owned(), "allow".to_owned()]),
            ("--trusted-host", host) => words.extend(["--allow-insecure-host".to_owned(), host.to_owned()]),
            _ => {}
        }
    }
    words
}

/// A requirements file for the tool: index options, then lines. Addresses stand here and not among the arguments, as
/// every user of a machine can read those.
fn requirements_file(tool: Tool, options: &[String], lines: &[String]) -> String {
    let mut text = String::new();
    let known = |option: &str| {
        let name = option.split(' ').next().unwrap_or_default();
        // Hashes are demanded when all are known, whatever the file says.
        name != "--require-hashes"
            && !(tool == Tool::Uv && matches!(name, "--pre" | "--trusted-host" | "--prefer-binary"))
    };
    for line in options.iter().filter(|option| known(option)).chain(lines) {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// The plan for a spec, for `--dry-run`: with the paths that would be used under `root`, and `<python>`, `<uv>` and
/// `<id>` for what only the machine can tell. Packages of a given lock are shown as they would be installed.
#[must_use]
pub fn plan(spec: &EnvironmentSpec, lock: Option<&Lock>, root: &str) -> Plan {
    let steps = Steps { env: &[], cwd: root };
    let python = match &spec.interpreter {
        Interpreter::UserManaged { python } => {
            return Plan {
                folder: String::new(),
                steps: vec![steps.probe(python)],
            };
        }
        Interpreter::Managed { .. } => "<python>",
    };
    let id = lock.map_or_else(|| "<id>".to_owned(), crate::lock::environment_id);
    let folder = format!("{root}/envs/{id}/<attempt>");
    let mut list = Vec::new();
    let pinned = lock.cloned().unwrap_or_else(|| {
        list.push(steps.uv_lock("<uv>", python, spec, "<requirements>", "<lock>"));
        Lock {
            version: crate::lock::LOCK_VERSION,
            spec_id: String::new(),
            python_version: "3.11.7".into(),
            platform: String::new(),
            tool: "uv".into(),
            interpreter: None,
            index_options: spec.index_options.clone(),
            requirements: spec.pip.iter().map(|line| format!("{line}\n")).collect(),
            conda: Vec::new(),
            image: None,
        }
    });
    list.extend(steps.build(Tool::Uv, "<uv>", python, &pinned, &folder, "<lock>"));
    if lock.is_none()
        && let Some(install) = list.last_mut()
    {
        // The pinned lines are not known yet; the wish must not pass for them.
        install.files.clear();
    }
    Plan { folder, steps: list }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(step: &Step) -> String {
        step.argv.join(" ")
    }

    #[test]
    fn addresses_stay_out_of_the_arguments() {
        let spec = EnvironmentSpec {
            pip: vec!["six".into()],
            index_options: vec![
                "--extra-index-url https://${TOKEN}@host/simple".into(),
                "--pre".into(),
                "--trusted-host host".into(),
                "--require-hashes".into(),
            ],
            ..EnvironmentSpec::default()
        };
        let steps = Steps { env: &[], cwd: "/r" };
        let uv = steps.uv_lock("uv", "python", &spec, "/r/in", "/r/out");
        insta::assert_snapshot!(argv(&uv), @"uv pip compile --quiet --generate-hashes --no-header --no-annotate --python python --prerelease allow --allow-insecure-host host --index-strategy unsafe-best-match /r/in --output-file /r/out");
        insta::assert_snapshot!(uv.files[0].text, @r#"
    --extra-index-url https://${TOKEN}@host/simple
    six
    "#);
        let pip = steps.pip_lock("python", &spec, "/r/in", "/r/out");
        insta::assert_snapshot!(argv(&pip), @"python -m pip install --disable-pip-version-check --dry-run --ignore-installed --report /r/out -r /r/in");
        insta::assert_snapshot!(pip.files[0].text, @r#"
    --extra-index-url https://${TOKEN}@host/simple
    --pre
    --trusted-host host
    six
    "#);
    }

    #[test]
    fn a_plan_shows_every_step() {
        let spec = EnvironmentSpec {
            pip: vec!["six".into()],
            ..EnvironmentSpec::default()
        };
        let plan = plan(&spec, None, "/r");
        let shown: Vec<String> = plan.steps.iter().map(argv).collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
    <uv> pip compile --quiet --generate-hashes --no-header --no-annotate --python <python> <requirements> --output-file <lock>
    <uv> venv --quiet --python <python> /r/envs/<id>/<attempt>
    <uv> pip install --python /r/envs/<id>/<attempt>/bin/python --no-deps -r <lock>
    "#);
        assert!(plan.steps.last().is_some_and(|step| step.files.is_empty()));
    }
}
