//! "Did you mean": the nearest known name to one that is not known.

/// The known name nearest to `text`, if one is near enough to be worth offering.
#[must_use]
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len().max(text.len()) / 3)
        .map(|(_, name)| name)
}

/// `, did you mean ...` or nothing: the tail of an error about an unknown name.
#[must_use]
pub fn did_you_mean<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(text, known).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let known = ["local", "gpu-box", "myhdi"];
        assert_eq!(nearest("locla", known), Some("local"));
        assert_eq!(nearest("GPU_BOX", known), Some("gpu-box"));
        assert_eq!(nearest("kubernetes", known), None);
        assert_eq!(nearest("x", []), None);
    }
}
