//! Words of a filter: names, texts, numbers and signs.

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name with dots, quotes taken off: `metrics.acc`, ``params.`my param` ``, `AND`.
    Name {
        /// As it reads.
        text: String,
        /// Whether it was quoted as a whole, so that it is no keyword.
        quoted: bool,
        /// Whether the quotes were double ones, which also stand around texts.
        double: bool,
    },
    /// A text in single quotes.
    Text(String),
    /// A number.
    Number(f64),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `(`, `)`, `,`.
    Sign(&'static str),
}

const SIGNS: [&str; 9] = ["!=", ">=", "<=", "=", "<", ">", "(", ")", ","];

/// Cuts a filter into words.
pub(super) fn lex(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (token, after) = next(rest)?;
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn next(rest: &str) -> Result<(Token, &str), String> {
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return Ok((Token::Sign(sign), &rest[sign.len()..]));
    }
    if rest.starts_with('\'') {
        let (text, after) = quoted(rest, '\'')?;
        return Ok((Token::Text(text), after));
    }
    if rest.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.')) {
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, ')' | ','))
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        return match word.parse::<f64>() {
            Ok(number) => Ok((Token::Number(number), after)),
            Err(_) => Err(format!("`{word}` is not a number")),
        };
    }
    name(rest)
}

/// A name: parts with dots between them, each bare or in backquotes or double quotes.
fn name(mut rest: &str) -> Result<(Token, &str), String> {
    let (mut text, mut quoted_whole, mut double) = (String::new(), true, false);
    let begin = rest;
    loop {
        let first = rest.chars().next();
        match first {
            Some(quote @ ('`' | '"')) => {
                let (part, after) = quoted(rest, quote)?;
                double |= quote == '"';
                text.push_str(&part);
                rest = after;
            }
            Some(c) if c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/') => {
                quoted_whole = false;
                text.push(c);
                rest = &rest[c.len_utf8()..];
            }
            _ => break,
        }
    }
    if text.is_empty() {
        let strange: String = begin.chars().take(1).collect();
        return Err(format!("`{strange}` cannot stand here"));
    }
    let token = Token::Name {
        text,
        quoted: quoted_whole,
        double,
    };
    Ok((token, rest))
}

/// A text in quotes; a quote in it is doubled.
fn quoted(rest: &str, quote: char) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            text.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            chars.next();
            text.push(c);
        } else {
            return Ok((text, &rest[at + quote.len_utf8()..]));
        }
    }
    Err(format!("a quote `{quote}` is not closed"))
}
