//! Finding and killing the processes of a server.

use std::fs;

use nix::sys::signal::{Signal, kill as send};
use nix::unistd::Pid;

/// All processes: id, parent, name, user.
fn all() -> Vec<(i32, i32, String, u32)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|id: i32| {
            let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            let field = |name: &str| {
                status
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::trim)
            };
            let user = field("Uid:")?.split_whitespace().next()?.parse().ok()?;
            Some((
                id,
                field("PPid:")?.parse().ok()?,
                field("Name:")?.to_owned(),
                user,
            ))
        })
        .collect()
}

/// The processes under one whose name begins so.
pub(super) fn descendants(root: i32, name: &str) -> Vec<i32> {
    let all = all();
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for (id, _, _, _) in all
            .iter()
            .filter(|(_, of, its, _)| *of == parent && its.starts_with(name))
        {
            found.push(*id);
            parents.push(*id);
        }
    }
    found
}

/// The processes of a user.
pub(super) fn of_user(user: u32) -> Vec<i32> {
    all()
        .into_iter()
        .filter(|process| process.3 == user)
        .map(|process| process.0)
        .collect()
}

/// Kills a process.
pub(super) fn kill(id: i32) {
    let _ = send(Pid::from_raw(id), Signal::SIGKILL);
}
