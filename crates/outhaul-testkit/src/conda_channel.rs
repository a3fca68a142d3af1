//! A conda channel in a folder, packed by the test itself: no public channel is needed. Packing is done by Python's
//! standard library (`conda_channel/pack.py`), so that no archive crate is needed either.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

/// What stands for the folder of the environment in files of packages: 255 bytes, as conda-build makes it.
pub const PLACEHOLDER: &str = "/opt/outhaul_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_placehold_pl";

/// A channel in a folder.
#[derive(Clone, Debug)]
pub struct CondaChannel {
    folder: PathBuf,
}

impl CondaChannel {
    /// Makes a channel with the usual packages, without Python: quick.
    ///
    /// - `numbers` 1.0, 1.1 and 2.0 for `linux-64`, the second as `.conda`: each has `share/numbers`
    /// - `counter` 1.0 for `linux-64`, which needs `numbers >=1,<2`
    /// - `greeter` 0.3 for every platform, which needs Python: a module `greeter` and a command `greet`
    /// - `textual` 1.0: `bin/textual` and `etc/textual.conf`, which name the folder of the environment
    /// - `binary` 1.0: `lib/binary.dat`, which names it between zero bytes
    pub fn build(folder: &Path) -> Self {
        Self::with(folder, &usual())
    }

    /// Makes a channel with the usual packages and `python`, packed from the `python3` on the `PATH`: takes seconds.
    pub fn build_with_python(folder: &Path) -> Self {
        let mut all = usual();
        all.push(CondaPackageSource::python());
        Self::with(folder, &all)
    }

    /// Makes a channel with the given packages, or adds them to one that is there.
    ///
    /// # Panics
    /// When they cannot be packed.
    pub fn with(folder: &Path, packages: &[CondaPackageSource]) -> Self {
        let list: Vec<&Value> = packages.iter().map(|package| &package.0).collect();
        let text = serde_json::to_vec(&list).expect("packages are JSON");
        let mut packing = Command::new("python3")
            .args(["-I", "-c", include_str!("conda_channel/pack.py")])
            .arg(folder)
            .stdin(Stdio::piped())
            .spawn()
            .expect("python3 packs conda packages");
        let mut input = packing.stdin.take().expect("the input is a pipe");
        input.write_all(&text).expect("python3 reads its input");
        drop(input);
        let status = packing.wait().expect("python3 ends");
        assert!(status.success(), "conda packages could not be packed: {status}");
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Its address, `file://...`.
    pub fn url(&self) -> String {
        format!("file://{}", self.folder.display())
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The archive of a package, such as `numbers-1.0-0.tar.bz2`, wherever in the channel it is.
    ///
    /// # Panics
    /// When it is not there.
    pub fn archive(&self, name: &str) -> PathBuf {
        let places =
            ["linux-64", "linux-aarch64", "noarch"].map(|subdir| self.folder.join(subdir).join(name));
        let found = places.into_iter().find(|path| path.is_file());
        found.unwrap_or_else(|| panic!("there is no `{name}` in the channel"))
    }
}

/// A package to be packed.
#[derive(Clone, Debug)]
pub struct CondaPackageSource(Value);

impl CondaPackageSource {
    /// An empty `.tar.bz2` package with build `0` for `linux-64`.
    pub fn new(name: &str, version: &str) -> Self {
        Self(json!({
            "name": name, "version": version, "build": "0", "subdir": "linux-64", "format": "tar.bz2",
            "noarch": null, "python": false, "depends": [], "constrains": [], "files": [], "entry_points": [],
        }))
    }

    /// Python itself, from the `python3` on the `PATH`, for the platform of this machine.
    pub fn python() -> Self {
        let mut package = Self::new("python", &python_version()).as_conda();
        package.0["python"] = json!(true);
        if cfg!(target_arch = "aarch64") {
            package.0["subdir"] = json!("linux-aarch64");
        }
        package
    }

    /// Packs it as `.conda`.
    #[must_use]
    pub fn as_conda(mut self) -> Self {
        self.0["format"] = json!("conda");
        self
    }

    /// Makes it for every platform: `generic` or `python`.
    #[must_use]
    pub fn noarch(mut self, kind: &str) -> Self {
        self.0["noarch"] = json!(kind);
        self.0["subdir"] = json!("noarch");
        self
    }

    /// Makes it for another platform, such as `linux-aarch64`.
    #[must_use]
    pub fn subdir(mut self, subdir: &str) -> Self {
        self.0["subdir"] = json!(subdir);
        self
    }

    /// Needs another package.
    #[must_use]
    pub fn needs(self, spec: &str) -> Self {
        self.push("depends", json!(spec))
    }

    /// Has a command, as `greet = greeter:main`.
    #[must_use]
    pub fn entry_point(self, entry_point: &str) -> Self {
        self.push("entry_points", json!(entry_point))
    }

    /// Has a file.
    #[must_use]
    pub fn file(self, path: &str, content: &str) -> Self {
        self.push(
            "files",
            json!({"path": path, "content": content, "executable": false, "placeholder": null}),
        )
    }

    /// Has a file in which a placeholder stands for the folder of the environment; `mode` is `text` or `binary`.
    ///
    /// Characters of the content are bytes.
    #[must_use]
    pub fn file_with_prefix(self, path: &str, content: &str, mode: &str, placeholder: &str) -> Self {
        let executable = path.starts_with("bin/");
        let placeholder = json!({"prefix": placeholder, "mode": mode});
        self.push(
            "files",
            json!({"path": path, "content": content, "executable": executable, "placeholder": placeholder}),
        )
    }

    fn push(mut self, list: &str, value: Value) -> Self {
        if let Some(list) = self.0[list].as_array_mut() {
            list.push(value);
        }
        self
    }
}

/// Version of the `python3` on the `PATH`, such as `3.11.7`.
///
/// # Panics
/// When there is none.
pub fn python_version() -> String {
    let output = Command::new("python3")
        .args(["-I", "-c", "import platform; print(platform.python_version())"])
        .output()
        .expect("python3 is installed");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn usual() -> Vec<CondaPackageSource> {
    let package = CondaPackageSource::new;
    let numbers = |version: &str| package("numbers", version).file("share/numbers", &format!("{version}\n"));
    vec![
        numbers("1.0"),
        numbers("1.1").as_conda(),
        numbers("2.0"),
        package("counter", "1.0").needs("numbers >=1,<2").as_conda(),
        package("greeter", "0.3")
            .noarch("python")
            .needs("python >=3.8")
            .file(
                "site-packages/greeter/__init__.py",
                "import sys\n\ndef main():\n    print('hello from', sys.prefix)\n    return 0\n",
            )
            .entry_point("greet = greeter:main"),
        package("textual", "1.0")
            .file_with_prefix(
                "bin/textual",
                &format!("#!/bin/sh\necho home={PLACEHOLDER}\nexec cat {PLACEHOLDER}/etc/textual.conf\n"),
                "text",
                PLACEHOLDER,
            )
            .file_with_prefix(
                "etc/textual.conf",
                &format!("root = {PLACEHOLDER}/share\n"),
                "text",
                PLACEHOLDER,
            ),
        package("binary", "1.0").as_conda().file_with_prefix(
            "lib/binary.dat",
            &format!("\u{1}\u{2}\0{PLACEHOLDER}/lib/data\0tail\0\u{ff}"),
            "binary",
            PLACEHOLDER,
        ),
    ]
}
