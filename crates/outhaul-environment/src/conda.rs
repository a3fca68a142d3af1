//! conda package specs, and what becomes of them by the workspace's choice. Pure.

use crate::error::SpecError;
use outhaul_types::{CondaMode, EnvironmentSpec};

/// Conda names with another name on the Python index.
const RENAMED: &[(&str, &str)] = &[
    ("pytorch", "torch"),
    ("pytorch-cpu", "torch"),
    ("pytorch-gpu", "torch"),
    ("py-xgboost", "xgboost"),
    ("py-xgboost-cpu", "xgboost"),
    ("py-xgboost-gpu", "xgboost"),
    ("matplotlib-base", "matplotlib"),
    ("opencv", "opencv-python"),
    ("py-opencv", "opencv-python"),
    ("tensorflow-base", "tensorflow"),
    ("tensorflow-gpu", "tensorflow"),
    ("pytables", "tables"),
    ("pyqt", "PyQt5"),
    ("python-graphviz", "graphviz"),
    ("dask-core", "dask"),
    ("black-jupyter", "black"),
    ("msgpack-python", "msgpack"),
    ("ray-default", "ray"),
    ("ruamel_yaml", "ruamel.yaml"),
];

/// Conda names that are no Python package: libraries, compilers, tools and other languages.
const NOT_PYTHON: &[&str] = &[
    "cudatoolkit",
    "cudnn",
    "nccl",
    "cuda",
    "cuda-toolkit",
    "pytorch-cuda",
    "pytorch-mutex",
    "cpuonly",
    "mkl",
    "mkl-service",
    "blas",
    "openblas",
    "libblas",
    "nodejs",
    "gcc",
    "gxx",
    "compilers",
    "c-compiler",
    "cxx-compiler",
    "gcc_linux-64",
    "gxx_linux-64",
    "libgcc-ng",
    "libstdcxx-ng",
    "openjdk",
    "git",
    "make",
    "ffmpeg",
    "graphviz",
    "openmpi",
    "mpich",
    "hdf5",
    "openssl",
    "zlib",
    "sqlite",
    "r",
    "rstudio",
    "julia",
    "go",
    "rust",
    "perl",
    "libgomp",
    "ca-certificates",
    "readline",
    "ncurses",
    "tk",
    "xz",
    "bzip2",
    "libffi",
    "conda",
    "mamba",
    "intel-openmp",
    "_libgcc_mutex",
    "_openmp_mutex",
    "ld_impl_linux-64",
    "libxgboost",
    "gdal-bin",
    "proj",
    "geos",
    "boost",
];

/// A conda package spec taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackageSpec {
    pub channel: Option<String>,
    pub name: String,
    /// The version part as written: `=1.26`, `>=1.2,<2`, `1.26.*`; bare `=` is kept.
    pub version: Option<String>,
}

/// Takes `channel::name version build`, `name=version=build` and `name>=version` apart.
pub(crate) fn parse_package(text: &str) -> Result<PackageSpec, String> {
    let wrong = |why: &str| {
        format!(
            "`{}` is not a conda package: {why}",
            text.chars().take(80).collect::<String>()
        )
    };
    let spec = text.split('#').next().unwrap_or_default().trim();
    if spec.contains("://") {
        return Err(wrong("packages by address are not supported"));
    }
    let (channel, rest) = match spec.split_once("::") {
        Some((channel, rest)) => (Some(channel.trim().to_owned()), rest.trim()),
        None => (None, spec),
    };
    if let Some(at) = rest.find('[') {
        return Err(wrong(&format!(
            "conditions as in `{}` are not supported",
            &rest[at..]
        )));
    }
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
        .unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return Err(wrong("the name is missing"));
    }
    let name = name.to_ascii_lowercase();
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok(PackageSpec {
            channel,
            name,
            version: None,
        });
    }
    // Behind a version may stand a build string, after a space or a second `=`: it is bound to one channel's
    // binaries and says nothing about the wanted package.
    let glued: Vec<&str> = rest.split(',').map(str::trim).collect();
    let joined = glued.join(",");
    let mut words = joined.split_whitespace();
    let mut version = words.next().unwrap_or_default().to_owned();
    if version.chars().all(|c| matches!(c, '<' | '>' | '=' | '!' | '~')) {
        version.push_str(words.next().unwrap_or_default());
    }
    if words.count() > 1 {
        return Err(wrong("there is text behind the build string"));
    }
    let body = version.trim_start_matches(['=', '<', '>', '!', '~']);
    if let Some(cut) = body
        .find('=')
        .filter(|&cut| !body[..cut].contains(['<', '>', '!', '~', ',']))
    {
        let keep = version.len() - body.len() + cut;
        version.truncate(keep);
    }
    let body = version.trim_start_matches(['=', '<', '>', '!', '~']);
    if body == "*" {
        return Ok(PackageSpec {
            channel,
            name,
            version: None,
        });
    }
    if body.is_empty() || version.contains(['|', '(', ')', '^', '$']) {
        return Err(wrong(if body.is_empty() {
            "the version is missing"
        } else {
            "the version has alternatives"
        }));
    }
    Ok(PackageSpec {
        channel,
        name,
        version: Some(version),
    })
}

/// The requirement line for pip that means the same.
fn requirement(spec: &PackageSpec) -> Result<String, String> {
    let name = RENAMED
        .iter()
        .find(|(conda, _)| *conda == spec.name)
        .map_or(spec.name.as_str(), |(_, pypi)| pypi);
    let Some(version) = &spec.version else {
        return Ok(name.to_owned());
    };
    let clauses: Vec<String> = version
        .split(',')
        .map(|clause| {
            let clause = clause.trim();
            let version = clause.trim_start_matches(['=', '<', '>', '!', '~']);
            let sign = &clause[..clause.len() - version.len()];
            let good = !version.is_empty()
                && version
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '*' | '_' | '+' | '!' | '-'))
                && version.find('*').is_none_or(|star| star + 1 == version.len());
            let (stem, star) = match version.strip_suffix('*') {
                Some(stem) => (stem.trim_end_matches('.'), true),
                None => (version, false),
            };
            if !good || stem.is_empty() {
                return Err(format!(
                    "`{}` has a version that pip cannot express: `{clause}`",
                    spec.name
                ));
            }
            Ok(match sign {
                // One `=` or none asks for every version that begins like this one.
                "" | "=" => format!("=={stem}.*"),
                "==" | "!=" if star => format!("{sign}{stem}.*"),
                "==" | "!=" | ">=" | "<=" | ">" | "<" | "~=" => format!("{sign}{stem}"),
                _ => {
                    return Err(format!(
                        "`{}` has a version that pip cannot express: `{clause}`",
                        spec.name
                    ));
                }
            })
        })
        .collect::<Result<_, String>>()?;
    Ok(format!("{name}{}", clauses.join(",")))
}

fn not_python(name: &str) -> bool {
    NOT_PYTHON.contains(&name)
        || name.starts_with("r-")
        || name.starts_with("cuda-")
        || name.starts_with("lib")
            && !matches!(
                name,
                "librosa" | "libsvm" | "libcst" | "libclang" | "libtmux" | "libsass" | "librt"
            )
}

/// Settles what becomes of the spec's conda packages; without any, the spec comes back as it is.
///
/// `file` names the spec's file in errors. With [`CondaMode::Channels`] the packages stay what they are. With [`CondaMode::Pypi`] every package becomes a requirement for pip, or the
/// error names all packages that cannot come from the Python index.
pub fn resolve_conda(
    file: &str,
    spec: &EnvironmentSpec,
    mode: CondaMode,
) -> Result<EnvironmentSpec, SpecError> {
    if spec.conda.is_empty() {
        return Ok(spec.clone());
    }
    let packages: Vec<PackageSpec> = spec
        .conda
        .iter()
        .map(|line| parse_package(line))
        .collect::<Result<_, _>>()
        .map_err(|message| SpecError::whole(file, message))?;
    if mode == CondaMode::Channels {
        return Ok(spec.clone());
    }
    if mode == CondaMode::Refuse {
        return Err(SpecError::whole(
            file,
            format!(
                "the packages {} come from conda channels, and this workspace refuses those",
                names(packages.iter())
            ),
        )
        .with_hint("move them under `pip:`, or allow them: `outhaul workspace set --conda channels`; or take them from the Python index: `--conda pypi`"));
    }
    let foreign: Vec<&PackageSpec> = packages
        .iter()
        .filter(|package| not_python(&package.name))
        .collect();
    if !foreign.is_empty() {
        return Err(SpecError::whole(
            file,
            format!("{} cannot come from the Python index: only conda channels have them", names(foreign.into_iter())),
        )
        .with_hint("remove them from the file if a Python package brings its own copy (torch and numpy do), or install them on the machine"));
    }
    let mut resolved = spec.clone();
    resolved.conda.clear();
    resolved.channels.clear();
    for package in &packages {
        let line = requirement(package).map_err(|message| {
            SpecError::whole(file, message)
                .with_hint("move the package under `pip:` with a version that pip knows")
        })?;
        resolved.pip.push(line);
    }
    Ok(resolved)
}

fn names<'a>(packages: impl Iterator<Item = &'a PackageSpec>) -> String {
    let names: Vec<String> = packages
        .map(|package| match &package.channel {
            Some(channel) => format!("`{channel}::{}`", package.name),
            None => format!("`{}`", package.name),
        })
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(conda: &[&str]) -> EnvironmentSpec {
        EnvironmentSpec {
            conda: conda.iter().map(|&s| s.to_owned()).collect(),
            ..EnvironmentSpec::default()
        }
    }

    #[test]
    fn conda_specs_become_requirements() {
        for (conda, pip) in [
            ("numpy", "numpy"),
            ("numpy=1.26", "numpy==1.26.*"),
            ("numpy=1.26.*", "numpy==1.26.*"),
            ("numpy=1.26*", "numpy==1.26.*"),
            ("numpy 1.26", "numpy==1.26.*"),
            ("numpy==1.26.4", "numpy==1.26.4"),
            ("numpy=1.26.4=py311h64a7726_0", "numpy==1.26.4.*"),
            ("numpy==1.26.4=py311_0", "numpy==1.26.4"),
            ("numpy 1.26.4 py311h64a7726_0", "numpy==1.26.4.*"),
            ("numpy>=1.2", "numpy>=1.2"),
            ("numpy >=1.2, <2", "numpy>=1.2,<2"),
            ("numpy >= 1.2", "numpy>=1.2"),
            ("numpy!=1.3.*", "numpy!=1.3.*"),
            ("numpy=*", "numpy"),
            ("conda-forge::scikit-learn", "scikit-learn"),
            ("conda-forge/linux-64::lightgbm=4", "lightgbm==4.*"),
            ("pytorch=2.1", "torch==2.1.*"),
            ("py-xgboost", "xgboost"),
            ("matplotlib-base>=3", "matplotlib>=3"),
            ("opencv", "opencv-python"),
            ("Pandas", "pandas"),
        ] {
            let resolved = resolve_conda("e.yml", &with(&[conda]), CondaMode::Pypi).unwrap();
            assert_eq!(resolved.pip, [pip], "{conda}");
            assert!(resolved.conda.is_empty());
        }
    }

    #[test]
    fn what_pip_cannot_have_is_named() {
        for bad in [
            "cudatoolkit=11",
            "mkl",
            "nodejs",
            "r-base",
            "libgfortran",
            "pytorch-cuda=12",
        ] {
            let name = bad.split('=').next().unwrap();
            let error = resolve_conda("e.yml", &with(&["numpy", bad]), CondaMode::Pypi)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(&format!("`{name}`")) && !error.contains("numpy,"),
                "{error}"
            );
        }
        for bad in [
            "numpy=1|2",
            "",
            "::",
            "numpy[md5=x]",
            "https://h/x.conda",
            "numpy=",
            "numpy 1 2 3",
            "a=1*2",
        ] {
            assert!(
                resolve_conda("e.yml", &with(&[bad]), CondaMode::Pypi).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn refusing_names_the_ways_out() {
        let error =
            resolve_conda("e.yml", &with(&["numpy=1", "conda-forge::x"]), CondaMode::Refuse).unwrap_err();
        insta::assert_snapshot!(error, @r#"
    `e.yml`: the packages `numpy`, `conda-forge::x` come from conda channels, and this workspace refuses those
    move them under `pip:`, or allow them: `outhaul workspace set --conda channels`; or take them from the Python index: `--conda pypi`
    "#);
        assert!(resolve_conda("e.yml", &with(&[]), CondaMode::Refuse).is_ok());
    }
}
