//! Spec files: what they become, and what their errors say.

use outhaul_environment::{MAX_SPEC_BYTES, parse, spec_id};
use outhaul_types::{EnvironmentSpec, Interpreter};
use proptest::prelude::*;

fn error(file: &str, text: &str) -> String {
    parse(file, text).expect_err("must be refused").to_string()
}

fn managed(version: &str) -> Interpreter {
    Interpreter::Managed {
        version: Some(version.to_owned()),
    }
}

#[test]
fn a_conda_file() {
    let text = "\
name: train   # a comment
channels: [conda-forge, defaults]
dependencies:
  - python=3.11
  - pip
  - pip=23.1
  - numpy=1.26
  - conda-forge::scikit-learn >=1.2,<2
  - pip:
      - torch==2.1.0
      - --extra-index-url https://host/whl/cpu
      - \"azureml-core ; python_version < '3.12'\"
variables:
  RATE: 1.10
  DEBUG: true
  EMPTY: ''
prefix: /home/me/envs/train
";
    let spec = parse("dir/environment.yml", text).unwrap();
    assert_eq!(spec.name.as_deref(), Some("train"));
    assert_eq!(spec.interpreter, managed("=3.11"));
    assert_eq!(spec.channels, ["conda-forge", "defaults"]);
    assert_eq!(spec.conda, ["numpy=1.26", "conda-forge::scikit-learn >=1.2,<2"]);
    assert_eq!(
        spec.pip,
        ["torch==2.1.0", "azureml-core ; python_version < '3.12'"]
    );
    assert_eq!(spec.index_options, ["--extra-index-url https://host/whl/cpu"]);
    let variables: Vec<(&str, &str)> = spec
        .variables
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(variables, [("DEBUG", "true"), ("EMPTY", ""), ("RATE", "1.10")]);
}

#[test]
fn the_python_of_a_conda_file() {
    for (line, version) in [
        ("python", None),
        ("python=3.9", Some("=3.9")),
        ("python==3.9.7", Some("==3.9.7")),
        ("python>=3.8,<3.12", Some(">=3.8,<3.12")),
        ("python >=3.8, <3.12", Some(">=3.8,<3.12")),
        ("python 3.9.*", Some("3.9.*")),
        ("python=3.9.7=h60c2a47_0_cpython", Some("=3.9.7")),
    ] {
        let spec = parse("e.yaml", &format!("dependencies:\n- {line}\n")).unwrap();
        assert_eq!(
            spec.interpreter,
            Interpreter::Managed {
                version: version.map(str::to_owned)
            },
            "{line}"
        );
    }
}

#[test]
fn a_requirements_file() {
    let text = "\u{feff}# packages\n-i https://host/simple\n--extra-index-url=https://${USER}:${TOKEN}@host/x\n-f /srv/wheels\n\
                --pre\nsix==1.17.0 \\\n  --hash=sha256:00\r\nRequests[socks] >= 2 # http\n\n--no-binary :all:\n";
    let spec = parse("requirements.txt", text).unwrap();
    assert_eq!(spec.pip, ["six==1.17.0 --hash=sha256:00", "Requests[socks] >= 2"]);
    assert_eq!(
        spec.index_options,
        [
            "--index-url https://host/simple",
            "--extra-index-url https://${USER}:${TOKEN}@host/x",
            "--find-links /srv/wheels",
            "--pre",
            "--no-binary :all:"
        ]
    );
    assert_eq!(spec.interpreter, Interpreter::Managed { version: None });
}

#[test]
fn our_own_file() {
    let text = "name = 'x'\npython = '>=3.9'\npip = ['six', 'requests>=2']\nconda = ['numpy=1']\nchannels = ['c']\n\
                index-options = ['-i https://host/simple']\n[variables]\nA = 'b'\nN = 1_0\n";
    let spec = parse("environment.toml", text).unwrap();
    assert_eq!(spec.interpreter, managed(">=3.9"));
    assert_eq!((spec.pip.len(), spec.conda.len(), spec.channels.len()), (2, 1, 1));
    assert_eq!(spec.index_options, ["--index-url https://host/simple"]);
    assert_eq!(spec.variables["N"], "1_0");
    let own = parse("environment.toml", "python-path = '/usr/bin/python3'").unwrap();
    assert_eq!(
        own.interpreter,
        Interpreter::UserManaged {
            python: "/usr/bin/python3".into()
        }
    );
}

#[test]
fn specs_survive_json_and_refuse_strangers() {
    let spec = parse("e.toml", "python = '3.11'\npip = ['six']\n[variables]\nA = 'b'\n").unwrap();
    let text = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<EnvironmentSpec>(&text).unwrap(), spec);
    assert!(serde_json::from_str::<EnvironmentSpec>(&text.replacen("\"pip\"", "\"pipp\"", 1)).is_err());
}

#[test]
fn error_texts() {
    insta::assert_snapshot!(error("environment.yml", "name: x\ndependancies:\n  - six\n"), @r#"
    `environment.yml`:2:1: unknown key `dependancies`
       |
     2 | dependancies:
       | ^
    did you mean `dependencies`?
    "#);
    insta::assert_snapshot!(error("environment.yml", "dependencies: numpy\n"), @r#"
    `environment.yml`:1:15: `dependencies` must be a list, found a string
       |
     1 | dependencies: numpy
       |               ^
    a list of one: `["numpy"]`
    "#);
    insta::assert_snapshot!(error("environment.yml", "name: [x\ndependencies:\n  - a\n"), @r#"
    `environment.yml`:2:13: this is not valid YAML: illegal placement of ':' indicator
       |
     2 | dependencies:
       |             ^
    "#);
    insta::assert_snapshot!(error("environment.yml", "dependencies:\n  - pip:\n      - six\n      - ./local\n"), @r#"
    `environment.yml`:4:9: `./local` is a path on one machine, so the environment could not be made anywhere else
       |
     4 |       - ./local
       |         ^
    put the package on an index and name it here, or put its source into the run's folder and import it
    "#);
    insta::assert_snapshot!(error("environment.yml", "dependencies:\n  - pipp:\n      - six\n"), @r#"
    `environment.yml`:2:5: unknown key `pipp`
       |
     2 |   - pipp:
       |     ^
    did you mean `pip`?
    "#);
    insta::assert_snapshot!(error("environment.yml", "dependencies:\n  - 3.11\n"), @r#"
    `environment.yml`:2:5: a dependency must be a string, found a number
       |
     2 |   - 3.11
       |     ^
    for example `- numpy=1.26`
    "#);
    insta::assert_snapshot!(error("environment.yml", "- six\n"), @r#"
    `environment.yml`:1:1: a conda environment file must be a map, found a list
       |
     1 | - six
       | ^
    it has the keys `name`, `channels` and `dependencies`
    "#);
    insta::assert_snapshot!(error("environment.yml", "a: &x [1]\nb: *x\n"), @r#"
    `environment.yml`:2:4: YAML aliases are not used in environment files
       |
     2 | b: *x
       |    ^
    write the value out
    "#);
    insta::assert_snapshot!(error("environment.toml", "python = 3.10\n"), @r#"
    `environment.toml`:1:10: `python` must be a string, found a number
       |
     1 | python = 3.10
       |          ^
    write it in quotes: "3.10"
    "#);
    insta::assert_snapshot!(error("environment.toml", "pip = ['six'\nname = 1\n"), @r#"
    `environment.toml`:2:1: this is not valid TOML: missing comma between array elements, expected `,`
       |
     2 | name = 1
       | ^
    "#);
    insta::assert_snapshot!(error("environment.toml", "pythn = '3.10'\n"), @r#"
    `environment.toml`:1:1: unknown key `pythn`
       |
     1 | pythn = '3.10'
       | ^
    did you mean `python`?
    "#);
    insta::assert_snapshot!(error("environment.toml", "pip = 'six'\n"), @r#"
    `environment.toml`:1:7: `pip` must be a list, found a string
       |
     1 | pip = 'six'
       |       ^
    a list of one: `["six"]`
    "#);
    insta::assert_snapshot!(error("environment.toml", "pip = [1]\n"), @r#"
    `environment.toml`:1:8: `pip` items must be a string, found a number
       |
     1 | pip = [1]
       |        ^
    write it in quotes: "1"
    "#);
    insta::assert_snapshot!(error("environment.toml", "python-path = '/p'\npip = ['six']\n"), @r#"
    `environment.toml`:2:1: packages cannot be added to an interpreter that you look after
       |
     2 | pip = ['six']
       | ^
    remove `python-path`, or install the packages there yourself and remove them here
    "#);
    insta::assert_snapshot!(error("requirements.txt", "six\nnumpy=1.2\n"), @r#"
    `requirements.txt`:2:1: `numpy=1.2` has one `=`
       |
     2 | numpy=1.2
       | ^
    a requirement for pip has two: `numpy==1.2`
    "#);
    insta::assert_snapshot!(error("requirements.txt", "-r other.txt\n"), @r#"
    `requirements.txt`:1:1: `-r other.txt` includes another file; an environment is made from one file
       |
     1 | -r other.txt
       | ^
    copy its lines into this file
    "#);
    insta::assert_snapshot!(error("requirements.txt", "six\n-e .\n"), @r#"
    `requirements.txt`:2:1: `-e .` installs from a folder of one machine, so the environment could not be made anywhere else
       |
     2 | -e .
       | ^
    the script's folder is on the Python path already: leave the line out, or name a published package
    "#);
    insta::assert_snapshot!(error("requirements.txt", "--index-url https://me:geheim@host/simple\n"), @r#"
    `requirements.txt`:1:1: the address of `--index-url` holds a password
       |
     1 | --index-url https://***@host/simple
       | ^
    use variables whose names begin with `PIP_` or `UV_`, as in `https://${PIP_USERNAME}:${PIP_TOKEN}@host/simple`, or a netrc file
    "#);
    insta::assert_snapshot!(error("requirements.txt", "# nothing\n\n"), @r#"
    `requirements.txt`: the environment file is empty
    name at least one package, or run without an environment file
    "#);
    insta::assert_snapshot!(error("Pipfile", "x"), @r#"
    `Pipfile`: cannot tell the format of this environment file from its name
    use `environment.yml` (conda), `requirements.txt` (pip) or `environment.toml`
    "#);
}

#[test]
fn hostile_files_are_refused() {
    assert!(error("e.txt", &"a\n".repeat(MAX_SPEC_BYTES)).contains("more than the"));
    assert!(error("e.yml", &"[".repeat(100_000)).len() < 1000);
    assert!(error("e.yml", &format!("dependencies: {}", "[".repeat(40))).len() < 1000);
    assert!(
        error(
            "e.yml",
            &format!(
                "a:\n{}",
                (0..60).map(|i| " ".repeat(i) + "-\n").collect::<String>()
            )
        )
        .len()
            < 1000
    );
    assert!(
        error(
            "e.toml",
            &format!("a = {}{}", "[".repeat(20_000), "]".repeat(20_000))
        )
        .len()
            < 1000
    );
    assert!(error("e.toml", &format!("{}=1", vec!["a"; 50_000].join("."))).len() < 1000);
    assert!(error("e.txt", "six\0").contains("zero byte"));
    assert!(error("e.txt", &"x ".repeat(100_000)).len() < 2000);
    assert!(error("e.yml", "name: a\nname: b\n").contains("given twice"));
    assert!(error("e.yml", "name: a\n---\nname: b\n").contains("second YAML document"));
    assert!(error("e.yml", "variables: {1A: x}\n").contains("cannot be the name"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,300}", lines in prop::collection::vec("[-a-z:\\[\\]{}'\"&*#=<>!@/. \\\\~|%\t]{0,20}", 0..12)) {
        for name in ["e.yml", "e.toml", "e.txt"] {
            for text in [&text, &lines.join("\n")] {
                if let Err(error) = parse(name, text) {
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }
    }

    #[test]
    fn the_id_does_not_depend_on_the_order(
        order in Just(vec!["name = 'x'", "python = '3.11'", "pip = ['a', 'b==1']", "conda = ['c']", "index-options = ['--pre']"]).prop_shuffle(),
        packages in Just(vec!["a", "b==1"]).prop_shuffle(),
    ) {
        let pip = format!("pip = ['{}', '{}']", packages[0], packages[1]);
        let text = order.join("\n").replace("pip = ['a', 'b==1']", &pip);
        let straight = "python = '3.11'\npip = ['a', 'b==1']\nconda = ['c']\nindex-options = ['--pre']\n";
        prop_assert_eq!(spec_id(&parse("e.toml", &text).unwrap()), spec_id(&parse("e.toml", straight).unwrap()));
    }
}
