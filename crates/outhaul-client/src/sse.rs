//! Server-sent events: bytes in pieces of any size to events. Pure.

/// The longest event that is read, in bytes: far above what the server sends, and a bound on memory.
pub const MAX_EVENT: usize = 64 << 20;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// Its type; `message` where the sender gave none.
    pub event: String,
    /// Its data; several `data` lines are joined with line feeds.
    pub data: String,
    /// Its id, where the sender gave one.
    pub id: Option<String>,
}

/// An event stream that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// An event is longer than the parser was told to read.
    #[error("an event is longer than {0} bytes")]
    TooLong(usize),
}

/// Reads an event stream piece by piece. An event whose empty line has not come is not given out.
#[derive(Debug)]
pub struct SseParser {
    longest: usize,
    line: Vec<u8>,
    /// The last line ended with a carriage return, so a line feed that follows belongs to it.
    after_return: bool,
    first_line: bool,
    event: String,
    data: Option<Vec<u8>>,
    id: Option<String>,
}

impl Default for SseParser {
    fn default() -> Self {
        Self::new(MAX_EVENT)
    }
}

impl SseParser {
    /// A parser for events of at most `longest` bytes.
    #[must_use]
    pub const fn new(longest: usize) -> Self {
        Self {
            longest,
            line: Vec::new(),
            after_return: false,
            first_line: true,
            event: String::new(),
            data: None,
            id: None,
        }
    }

    /// Reads the next bytes and hands every event that they complete to `found`.
    ///
    /// # Errors
    /// [`SseError::TooLong`]; the stream cannot be read any further then.
    pub fn push(&mut self, mut bytes: &[u8], mut found: impl FnMut(SseEvent)) -> Result<(), SseError> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.check(bytes.len())?;
                self.line.extend_from_slice(bytes);
                return Ok(());
            };
            self.check(end)?;
            self.after_return = bytes[end] == b'\r';
            if self.line.is_empty() {
                self.line(&bytes[..end], &mut found);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                self.line(&line, &mut found);
                line.clear();
                self.line = line;
            }
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    fn check(&self, more: usize) -> Result<(), SseError> {
        let held = self.line.len() + self.data.as_ref().map_or(0, Vec::len);
        if held + more > self.longest {
            Err(SseError::TooLong(self.longest))
        } else {
            Ok(())
        }
    }

    fn line(&mut self, mut line: &[u8], found: &mut impl FnMut(SseEvent)) {
        if std::mem::take(&mut self.first_line) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let id = self.id.take();
            // An event without data is no event; a lone id or comment must not look like one.
            if let Some(data) = self.data.take() {
                let event = if event.is_empty() {
                    "message".to_owned()
                } else {
                    event
                };
                found(SseEvent {
                    event,
                    data: text(data),
                    id,
                });
            }
            return;
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            // A comment: the heartbeat.
            Some(0) => return,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[..0]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.event = text(value.to_vec()),
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            b"id" => self.id = Some(text(value.to_vec())),
            _ => {}
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(pieces: &[&[u8]]) -> Vec<SseEvent> {
        let mut parser = SseParser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece, |event| events.push(event)).unwrap();
        }
        events
    }

    fn event(event: &str, data: &str, id: Option<&str>) -> SseEvent {
        SseEvent {
            event: event.into(),
            data: data.into(),
            id: id.map(Into::into),
        }
    }

    #[test]
    fn streams_are_read() {
        let cases: [(&str, Vec<SseEvent>); 12] = [
            ("data: a\n\n", vec![event("message", "a", None)]),
            (
                "event: log\ndata: a\nid: 7\n\n",
                vec![event("log", "a", Some("7"))],
            ),
            (
                "data: a\ndata: b\ndata:\ndata:  c\n\n",
                vec![event("message", "a\nb\n\n c", None)],
            ),
            (
                "data:a\r\n\r\ndata:b\r\rdata:c\n\n",
                ["a", "b", "c"].map(|d| event("message", d, None)).to_vec(),
            ),
            (
                ": heartbeat\n\n:\n\ndata: a\n: in between\n\n",
                vec![event("message", "a", None)],
            ),
            ("data\n\n", vec![event("message", "", None)]),
            ("event: lonely\n\ndata: a\n\n", vec![event("message", "a", None)]),
            ("id: 1\n\ndata: a\n\n", vec![event("message", "a", None)]),
            ("data: cut off\n", vec![]),
            ("\u{feff}data: a\n\n", vec![event("message", "a", None)]),
            (
                "retry: 10\nother: x\ndata: {\"a\": \"b: c\"}\n\n",
                vec![event("message", "{\"a\": \"b: c\"}", None)],
            ),
            ("\n\n\r\n", vec![]),
        ];
        for (stream, expected) in cases {
            assert_eq!(parse(&[stream.as_bytes()]), expected, "{stream:?}");
        }
    }

    #[test]
    fn huge_events_are_read_and_endless_ones_are_refused() {
        let data = "x".repeat(8 << 20);
        let stream = format!("data: {data}\n\n");
        let pieces: Vec<&[u8]> = stream.as_bytes().chunks(65_521).collect();
        assert_eq!(parse(&pieces), [event("message", &data, None)]);

        let mut parser = SseParser::new(1_000);
        let mut pushed = 0;
        let error = loop {
            match parser.push(b"data: 0123456789\n", |_| panic!("no event is complete")) {
                Ok(()) => pushed += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(error, SseError::TooLong(1_000));
        assert!((80..100).contains(&pushed), "{pushed}");
        assert!(SseParser::new(10).push(b"0123456789a", |_| ()).is_err());
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        assert_eq!(
            parse(&[b"data: \xff\xfe\n\n"]),
            [event("message", "\u{fffd}\u{fffd}", None)]
        );
    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_makes_no_difference(
            lines in prop::collection::vec("(event|data|id|): ?[a-zé:]{0,5}|", 0..12),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r", "\r\n"]), 12),
            cuts in prop::collection::vec(1usize..6, 1..40),
        ) {
            let stream: String = lines.iter().zip(&ends).map(|(line, end)| format!("{line}{end}")).collect();
            let whole = parse(&[stream.as_bytes()]);
            let mut rest = stream.as_bytes();
            let mut pieces = Vec::new();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, tail) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = tail;
            }
            prop_assert_eq!(parse(&pieces), whole);
        }

        #[test]
        fn the_kind_of_line_end_makes_no_difference(
            lines in prop::collection::vec("(event|data|id|): ?[a-z:]{0,5}|", 0..12),
        ) {
            let with = |end: &str| lines.iter().map(|line| format!("{line}{end}")).collect::<String>();
            let expected = parse(&[with("\n").as_bytes()]);
            prop_assert_eq!(&parse(&[with("\r").as_bytes()]), &expected);
            prop_assert_eq!(&parse(&[with("\r\n").as_bytes()]), &expected);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            parse(&[&bytes]);
        }
    }
}
