//! Where symbolic links lead: pure rules on paths as text, no file system.

use std::collections::HashMap;

/// How many links the kernel follows for one path before it gives up.
const MAX_FOLLOWED: usize = 40;

/// What following a link comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It ends inside the tree, or nowhere.
    Stays,
    /// It passes through a place outside the tree.
    Leaves,
    /// `steps` ran out.
    TooLong,
}

/// Follows the link at `path` as the kernel would in a folder that holds just this tree. `links`
/// has every link of the tree. Each component walked takes one of `steps`.
///
/// Text alone does not tell: with a link `here -> .`, the target `here/../x` looks tame and is
/// outside.
pub(crate) fn follow(path: &str, links: &HashMap<&str, &str>, steps: &mut usize) -> Fate {
    // What is still to walk, last component first, and the folder reached so far.
    let mut ahead: Vec<&str> = path.rsplit('/').collect();
    let mut at = String::new();
    let mut followed = 0;
    while let Some(name) = ahead.pop() {
        let Some(left) = steps.checked_sub(1) else {
            return Fate::TooLong;
        };
        *steps = left;
        match name {
            "" | "." => {}
            ".." => {
                if at.is_empty() {
                    return Fate::Leaves;
                }
                at.truncate(at.rfind('/').unwrap_or(0));
            }
            _ => {
                let folder = at.len();
                if folder > 0 {
                    at.push('/');
                }
                at.push_str(name);
                if let Some(target) = links.get(at.as_str()) {
                    if target.starts_with('/') {
                        return Fate::Leaves;
                    }
                    followed += 1;
                    if followed > MAX_FOLLOWED {
                        // The kernel stops here too: the link opens nothing.
                        return Fate::Stays;
                    }
                    at.truncate(folder);
                    ahead.extend(target.rsplit('/'));
                }
            }
        }
    }
    Fate::Stays
}

/// The target to keep for the link `link` (relative to `root`) that now has `target`: unchanged
/// where it is relative and does not climb out of the root, rewritten to a relative one where it
/// leaves the root by name and comes back in (an absolute path into the root), `None` where it
/// points outside. `root` is absolute and has no links in it.
pub(crate) fn keep_inside(root: &str, link: &str, target: &str) -> Option<String> {
    let depth = link.matches('/').count();
    let folder = &link[..link.rfind('/').unwrap_or(0)];
    if !target.starts_with('/') && !climbs_out(depth, target) {
        return Some(target.to_owned());
    }
    let absolute = if target.starts_with('/') {
        target.to_owned()
    } else {
        format!("{root}/{folder}/{target}")
    };
    let mut names: Vec<&str> = Vec::new();
    for name in absolute.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            _ => names.push(name),
        }
    }
    for above in root.split('/').filter(|name| !name.is_empty()) {
        if names.is_empty() || names.remove(0) != above {
            return None;
        }
    }
    // The shortest way: not up and down again through folders the two have in common.
    let here: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    let common = here.iter().zip(&names).take_while(|(a, b)| a == b).count();
    let mut parts = vec![".."; here.len() - common];
    parts.extend(&names[common..]);
    Some(if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    })
}

/// Whether a relative target, read from a folder `depth` levels down, names a place above the top.
fn climbs_out(mut depth: usize, target: &str) -> bool {
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return true,
            },
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_as_the_kernel_would() {
        use Fate::{Leaves, Stays};
        let cases: [(&[(&str, &str)], Fate); 14] = [
            (&[("a", "b")], Stays),
            (&[("a", ".")], Stays),
            (&[("d/a", "..")], Stays),
            (&[("d/a", "../x/y/../z")], Stays),
            (&[("a", "..")], Leaves),
            (&[("a", "../x")], Leaves),
            (&[("d/a", "../../x")], Leaves),
            (&[("a", "d/../../x")], Leaves),
            (&[("a", "/x")], Leaves),
            (&[("a", "a")], Stays),
            (&[("a", "b"), ("b", "a")], Stays),
            // `here` is the top itself, so its parent is outside.
            (&[("a", "here/../x"), ("here", ".")], Leaves),
            (&[("d/e/up", "../.."), ("z", "d/e/up/../x")], Leaves),
            (&[("d/e/up", ".."), ("z", "d/e/up/../x")], Stays),
        ];
        for (links, fate) in cases {
            let map: HashMap<&str, &str> = links.iter().copied().collect();
            let worst = links.iter().map(|(path, _)| follow(path, &map, &mut 10_000));
            let worst = worst.max_by_key(|fate| *fate == Leaves);
            assert_eq!(worst, Some(fate), "{links:?}");
        }
    }

    #[test]
    fn targets_inside_are_kept_and_made_relative() {
        let cases = [
            ("l", "train.py", Some("train.py")),
            ("l", "./d//x", Some("./d//x")),
            ("d/l", "../x", Some("../x")),
            ("l", "/home/me/proj/d/x", Some("d/x")),
            ("d/e/l", "/home/me/proj/d/x", Some("../x")),
            ("d/l", "/home/me/proj", Some("..")),
            ("l", "/home/me/proj/", Some(".")),
            ("l", "/home/me/other/../proj/x", Some("x")),
            ("l", "../proj/x", Some("x")),
            ("d/l", "../../proj/d/x", Some("x")),
            ("l", "../other/x", None),
            ("l", "..", None),
            ("l", "/home/me/project/x", None),
            ("l", "/home/me", None),
            ("l", "/", None),
            ("l", "/../../etc/passwd", None),
        ];
        for (link, target, kept) in cases {
            assert_eq!(
                keep_inside("/home/me/proj", link, target).as_deref(),
                kept,
                "{link} -> {target}"
            );
        }
        assert_eq!(keep_inside("/", "d/l", "/etc/x").as_deref(), Some("../etc/x"));
    }
}
