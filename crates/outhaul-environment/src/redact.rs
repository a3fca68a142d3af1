//! Keeping passwords in addresses out of everything that people read. Pure.

/// The text with user and password of every address replaced by `***`; `${NAME}` stays, as it is no secret.
#[must_use]
pub fn redact_urls(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        plain.push_str(head);
        let end = tail
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | '<' | '>'))
            .unwrap_or(tail.len());
        let (authority, after) = tail.split_at(end);
        match authority.rsplit_once('@') {
            Some((user, host)) if !user.starts_with("${") && user != "git" => {
                plain.push_str("***@");
                plain.push_str(host);
            }
            _ => plain.push_str(authority),
        }
        rest = after;
    }
    plain.push_str(rest);
    plain
}
