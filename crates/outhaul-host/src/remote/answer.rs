//! What the far side says: lines, and blocks of bytes that are announced by their length. Pure.

/// The line before which everything is noise of the login shell.
const MARK: &[u8] = b"\n@@outhaul@@\n";

/// A block of bytes, with the words that announced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Run key.
    pub key: String,
    /// File.
    pub file: String,
    /// Offset of the first byte.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// An answer, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its lines, without the blocks and the last word.
    pub lines: Vec<String>,
    /// Its blocks, each with the number of lines before it.
    pub blocks: Vec<(usize, Block)>,
}

/// Why an answer does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The mark is not in it: the script was not started.
    NotStarted {
        /// What came instead, shortened.
        said: String,
    },
    /// It breaks off.
    CutOff,
    /// The far side could not do it.
    Failed(String),
}

/// What stands behind the mark.
#[must_use]
pub fn behind_mark(output: &[u8]) -> Option<&[u8]> {
    output
        .windows(MARK.len())
        .position(|window| window == MARK)
        .map(|at| &output[at + MARK.len()..])
}

impl Answer {
    /// Reads the whole output of an operation.
    ///
    /// # Errors
    /// When it is not whole, or says that the operation failed.
    pub fn parse(output: &[u8]) -> Result<Self, NoAnswer> {
        let Some(mut rest) = behind_mark(output) else {
            return Err(NoAnswer::NotStarted {
                said: shortened(output),
            });
        };
        let mut answer = Self::default();
        loop {
            let end = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .ok_or(NoAnswer::CutOff)?;
            let line = String::from_utf8_lossy(&rest[..end]).into_owned();
            rest = &rest[end + 1..];
            if let Some(reason) = line.strip_prefix("failed ") {
                return Err(NoAnswer::Failed(reason.to_owned()));
            }
            if matches!(
                line.as_str(),
                "ok" | "started" | "staged" | "need" | "found" | "none" | "short" | "damaged"
            ) {
                answer.lines.push(line);
                return Ok(answer);
            }
            if let Some(announced) = line.strip_prefix("data ") {
                let (mut block, length) = announce(announced).ok_or(NoAnswer::CutOff)?;
                // Behind the bytes stands a line end: a file that shrank meanwhile shows by that.
                if rest.len() <= length || rest[length] != b'\n' {
                    return Err(NoAnswer::CutOff);
                }
                block.bytes = rest[..length].to_vec();
                rest = &rest[length + 1..];
                answer.blocks.push((answer.lines.len(), block));
            } else {
                answer.lines.push(line);
            }
        }
    }

    /// The last word: how it went.
    #[must_use]
    pub fn word(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }

    /// What follows a name at the beginning of a line.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.lines
            .iter()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    }

    /// As [`value`](Self::value), of all lines that begin so.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines
            .iter()
            .filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' '))
    }
}

fn announce(text: &str) -> Option<(Block, usize)> {
    let mut words = text.split(' ');
    let block = Block {
        key: words.next()?.to_owned(),
        file: words.next()?.to_owned(),
        offset: words.next()?.parse().ok()?,
        bytes: Vec::new(),
    };
    let length = words.next()?.parse().ok()?;
    words.next().is_none().then_some((block, length))
}

/// The end of what a shell said, for an error.
#[must_use]
pub fn shortened(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ");
    last.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_before_the_mark_is_skipped() {
        let answer =
            Answer::parse(b"Welcome!\nfailed login banner\n@@outhaul@@\nroot /home/a b/.outhaul\nok\n")
                .unwrap();
        assert_eq!(
            (answer.value("root"), answer.word()),
            (Some("/home/a b/.outhaul"), "ok")
        );
        assert_eq!(
            Answer::parse(b"This account is currently not available.\n"),
            Err(NoAnswer::NotStarted {
                said: "This account is currently not available.".into()
            })
        );
    }

    #[test]
    fn blocks_hold_any_bytes() {
        let answer =
            Answer::parse(b"\n@@outhaul@@\nrun k\ndata k stdout 7 12\nok\nfailed x\n\nsizes\nok\n").unwrap();
        assert_eq!(answer.lines, ["run k", "sizes", "ok"]);
        let block = Block {
            key: "k".into(),
            file: "stdout".into(),
            offset: 7,
            bytes: b"ok\nfailed x\n".to_vec(),
        };
        assert_eq!(answer.blocks, [(1, block)]);
    }

    #[test]
    fn what_is_not_whole_does_not_count() {
        for text in [
            "\n@@outhaul@@\n",
            "\n@@outhaul@@\nroot /",
            "\n@@outhaul@@\nroot /\n",
            "\n@@outhaul@@\nok",
            "\n@@outhaul@@\ndata k stdout 0 5\nab\nok\n",
            "\n@@outhaul@@\ndata k stdout 0 5\nabcdefg\nok\n",
            "\n@@outhaul@@\ndata k stdout x 5\nabcde\nok\n",
        ] {
            assert_eq!(Answer::parse(text.as_bytes()), Err(NoAnswer::CutOff), "{text}");
        }
        assert_eq!(
            Answer::parse(b"\n@@outhaul@@\nfailed the disk is full\n"),
            Err(NoAnswer::Failed("the disk is full".into()))
        );
    }

    proptest::proptest! {
        #[test]
        fn any_output_is_read_or_refused_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            let mut output = MARK.to_vec();
            output.extend(&bytes);
            let _ = (Answer::parse(&bytes), Answer::parse(&output));
        }

        #[test]
        fn a_prefix_of_an_answer_never_counts(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40), cut in 0usize..90) {
            let mut output = MARK.to_vec();
            output.extend(format!("data k stdout 0 {}\n", bytes.len()).bytes());
            output.extend(&bytes);
            output.extend(b"\nok\n");
            let whole = output.len();
            output.truncate(cut);
            if cut < whole {
                proptest::prop_assert!(Answer::parse(&output).is_err());
            }
        }
    }
}
