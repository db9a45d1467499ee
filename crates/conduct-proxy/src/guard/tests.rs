use proptest::prelude::*;

use super::{Guard, Verdict};

/// Whether a connection passes, in one piece and in pieces of every small size alike.
fn is_plain(text: &str) -> bool {
    let whole = Guard::new().look(text.as_bytes()) == Verdict::Plain;
    for size in 1..5 {
        let mut guard = Guard::new();
        let mut all = true;
        // Also what comes after a refusal is looked at: it must not be taken back.
        for piece in text.as_bytes().chunks(size) {
            all &= guard.look(piece) == Verdict::Plain;
        }
        assert_eq!(whole, all, "{text:?} in pieces of {size}");
    }
    whole
}

#[test]
fn what_has_one_meaning_passes() {
    for text in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a:b HTTP/1.1\r\nHost: a:1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na\nb\rcGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\nb\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\nSum: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "PUT / HTTP/1.1\r\ncontent-length:\t0 \r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\n\r\n",
        "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\n\n\n",
        "GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x01\n\0",
        "GET / HTTP/1.1\r\nName: \u{e4}\u{f6}\r\n\r\n",
    ] {
        assert!(is_plain(text), "{text:?}");
    }
}

#[test]
fn what_has_two_meanings_is_refused() {
    for text in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\n",
        "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\n A: b\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\0c\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\n: nameless\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length:\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer_Encoding\x0b: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nabGET / HTTP/1.1\nHost: a\r\n\r\n",
        "PRI * HTTP/1.1\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSX",
        "POST / HTTP/1.1\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\na\n",
    ] {
        assert!(!is_plain(text), "{text:?}");
    }
}

#[test]
fn what_was_refused_stays_refused_from_its_place_on() {
    let mut guard = Guard::new();
    assert_eq!(guard.look(b"GET / HTTP/1.1\nHost: a"), Verdict::Refused(14));
    assert_eq!(
        guard.look(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
        Verdict::Refused(0)
    );
}

proptest! {
    #[test]
    fn pieces_make_no_difference(bytes in "[PRI* /HTP1.0\r\n:a5\0]{0,60}", at in 0..60_usize) {
        let at = at.min(bytes.len());
        let whole = Guard::new().look(bytes.as_bytes());
        let mut guard = Guard::new();
        let (begin, end) = bytes.as_bytes().split_at(at);
        let pieces = match (guard.look(begin), guard.look(end)) {
            (Verdict::Refused(place), _) => Verdict::Refused(place),
            (Verdict::Plain, Verdict::Refused(place)) => Verdict::Refused(at + place),
            (Verdict::Plain, Verdict::Plain) => Verdict::Plain,
        };
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn content_of_any_length_is_passed_over_and_the_next_request_is_looked_at(
        content in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", content.len()).into_bytes();
        bytes.extend(&content);
        bytes.extend(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
        for chunk in content.chunks(17) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
        let mut guard = Guard::new();
        prop_assert_eq!(guard.look(&bytes), Verdict::Plain);
        prop_assert_eq!(guard.look(b"GET / HTTP/1.1\n"), Verdict::Refused(14));
    }
}
