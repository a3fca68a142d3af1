//! Which variables of the server's own environment builds and runs on this machine inherit. A list of what is
//! allowed rather than of what is not: a token that happens to be set in somebody's shell must not find its way into
//! every script. See `docs/decisions/0005-what-a-run-inherits.md`.

/// Variables that are inherited.
const NAMES: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "JAVA_HOME",
    "SPARK_HOME",
    "XDG_CACHE_HOME",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CONDA_CHANNEL_ALIAS",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "SLURM_CONF",
];

/// Beginnings of names that are inherited: locale, certificates, package tools, accelerators and their libraries.
const PREFIXES: &[&str] = &[
    "LC_",
    "SSL_CERT_",
    "PIP_",
    "UV_",
    "CUDA_",
    "NVIDIA_",
    "ROCR_",
    "HIP_",
    "OMP_",
    "MKL_",
    "OPENBLAS_",
];

/// Proxies, written in either case.
const PROXIES: &[&str] = &["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"];

/// The variables out of `all` that builds and runs inherit.
pub(crate) fn inherited(all: Vec<(String, String)>) -> Vec<(String, String)> {
    let allowed = |name: &str| {
        NAMES.contains(&name)
            || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || PROXIES.contains(&name.to_lowercase().as_str())
    };
    all.into_iter().filter(|(name, _)| allowed(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_through_and_secrets_do_not() {
        let names = [
            "PATH",
            "HTTPS_PROXY",
            "no_proxy",
            "SSL_CERT_FILE",
            "CUDA_VISIBLE_DEVICES",
            "AWS_SECRET_ACCESS_KEY",
            "GITHUB_TOKEN",
            "OUTHAUL_HOME",
            "LD_PRELOAD",
        ];
        let all = names.map(|name| (name.to_owned(), "x".to_owned())).to_vec();
        let kept: Vec<String> = inherited(all).into_iter().map(|(name, _)| name).collect();
        assert_eq!(kept, names[..5]);
    }
}
