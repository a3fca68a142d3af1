//! Frames between the program and a worker: two lengths of 32 bits (big endian), a JSON head, a body. Pure.

use bytes::Bytes;

/// Bytes before the head.
pub(crate) const LENGTHS: usize = 8;
/// A longer head is no head of ours.
const LONGEST_HEAD: usize = 16 << 20;

/// What cannot be a frame.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a frame with a head of {head} and a body of {body} bytes")]
pub(crate) struct BadFrame {
    head: usize,
    body: usize,
}

/// The first part of a frame: lengths and head. The body follows as it is.
pub(crate) fn begin(head: &[u8], body: usize) -> Result<Vec<u8>, BadFrame> {
    let bad = || BadFrame {
        head: head.len(),
        body,
    };
    let head_length = u32::try_from(head.len()).map_err(|_| bad())?;
    let body_length = u32::try_from(body).map_err(|_| bad())?;
    let mut frame = Vec::with_capacity(LENGTHS + head.len() + body.min(4096));
    frame.extend_from_slice(&head_length.to_be_bytes());
    frame.extend_from_slice(&body_length.to_be_bytes());
    frame.extend_from_slice(head);
    Ok(frame)
}

/// Lengths of head and body.
pub(crate) fn lengths(bytes: [u8; LENGTHS]) -> Result<(usize, usize), BadFrame> {
    let [a, b, c, d, e, f, g, h] = bytes;
    let head = u32::from_be_bytes([a, b, c, d]) as usize;
    let body = u32::from_be_bytes([e, f, g, h]) as usize;
    if head > LONGEST_HEAD {
        return Err(BadFrame { head, body });
    }
    Ok((head, body))
}

/// A whole frame that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub head: Bytes,
    pub body: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(head in proptest::collection::vec(any::<u8>(), 0..300), body in 0usize..=u32::MAX as usize) {
            let frame = begin(&head, body).unwrap();
            let read = lengths(frame[..LENGTHS].try_into().unwrap()).unwrap();
            prop_assert_eq!(read, (head.len(), body));
            prop_assert_eq!(&frame[LENGTHS..], &head[..]);
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert!(begin(b"{}", u32::MAX as usize + 1).is_err());
        assert!(lengths([0xff; LENGTHS]).is_err());
        // A worker that prints into its socket, say.
        assert!(lengths(*b"Hello, w").is_err());
    }
}
