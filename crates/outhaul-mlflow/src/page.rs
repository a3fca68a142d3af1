//! Pages of lists: a token is the position at which the next page begins.

use crate::MlflowError;

/// One page of a list, and the token of the next one.
///
/// # Errors
/// When the token is none of ours.
pub fn page<T>(
    all: Vec<T>,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), MlflowError> {
    let from: usize = match token.filter(|token| !token.is_empty()) {
        None => 0,
        Some(token) => token
            .parse()
            .map_err(|_| MlflowError::invalid(format!("`{token}` is not a page token of this server")))?,
    };
    let total = all.len();
    let items: Vec<T> = all.into_iter().skip(from).take(size).collect();
    let next = from.saturating_add(items.len());
    Ok((items, (next < total).then(|| next.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_give_each_item_once() {
        let (mut token, mut seen) = (None, Vec::new());
        loop {
            let (items, next) = page((0..7).collect(), token.as_deref(), 3).unwrap();
            seen.extend(items);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..7).collect::<Vec<_>>());
        assert_eq!(page(vec![1], Some(""), 5).unwrap(), (vec![1], None));
        assert_eq!(page(vec![1], Some("9"), 5).unwrap(), (vec![], None));
        assert!(page(vec![1], Some("x"), 5).is_err());
    }
}
