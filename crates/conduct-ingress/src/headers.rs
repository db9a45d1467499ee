//! Headers that are between two neighbours, and those that tell an instance who called.

use std::net::SocketAddr;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use hyper::{Request, Version};

use crate::caller::Caller;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// What a request wants to speak from now on, if that can be had: it must have no content.
pub(crate) fn wanted_protocol<B>(request: &Request<B>) -> Option<HeaderValue> {
    let headers = request.headers();
    let names_it = tokens(headers).any(|token| token.eq_ignore_ascii_case("upgrade"));
    let has_content = headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get(CONTENT_LENGTH)
            .is_some_and(|length| length != "0");
    let fits = names_it && !has_content && request.version() == Version::HTTP_11;
    let protocol = headers.get(UPGRADE).filter(|_| fits)?;
    // HTTP/2 begins with its preface here, and in no other way.
    let is_second = protocol.as_bytes().eq_ignore_ascii_case(b"h2c");
    (!is_second).then(|| protocol.clone())
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CONNECTION).into_iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// Takes away what was meant for us alone.
pub(crate) fn strip(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = tokens(headers)
            .filter_map(|token| token.parse().ok())
            .filter(|name| *name != HOST && *name != CONTENT_LENGTH)
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in [
        KEEP_ALIVE,
        PROXY_CONNECTION,
        HTTP2_SETTINGS,
        TE,
        TRANSFER_ENCODING,
        UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// Makes a request's headers those of HTTP/1.1 for an instance.
pub(crate) fn for_instance(
    headers: &mut HeaderMap,
    host: Option<&HeaderValue>,
    caller: Caller,
    trusted: bool,
) {
    strip(headers);
    // The caller was told to go on by us, when its content was asked for.
    headers.remove(EXPECT);
    one_cookie(headers);
    if !trusted {
        for name in [
            FORWARDED,
            FORWARDED_FOR,
            FORWARDED_PROTO,
            FORWARDED_HOST,
            FORWARDED_PORT,
        ] {
            headers.remove(name);
        }
    }
    let source = caller.source.ip().to_canonical().to_string();
    let source = match headers.get(FORWARDED_FOR).map(HeaderValue::to_str) {
        Some(Ok(before)) => format!("{before}, {source}"),
        _ => source,
    };
    set(headers, FORWARDED_FOR, HeaderValue::from_str(&source).ok());
    let scheme = HeaderValue::from_static(caller.scheme());
    let port = HeaderValue::from(SocketAddr::port(&caller.destination));
    if !headers.contains_key(FORWARDED_PROTO) {
        set(headers, FORWARDED_PROTO, Some(scheme));
    }
    if !headers.contains_key(FORWARDED_HOST) {
        set(headers, FORWARDED_HOST, host.cloned());
    }
    if !headers.contains_key(FORWARDED_PORT) {
        set(headers, FORWARDED_PORT, Some(port));
    }
    set(headers, HOST, host.cloned());
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

/// HTTP/2 sends cookies one by one, HTTP/1.1 knows one line of them.
fn one_cookie(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).into_iter();
    if cookies.nth(1).is_none() {
        return;
    }
    let all: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .into_iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = lines.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        pairs.collect()
    }

    fn caller() -> Caller {
        Caller {
            source: "[::ffff:10.0.0.7]:50000".parse().unwrap(),
            destination: "10.0.0.1:9000".parse().unwrap(),
            is_secure: false,
        }
    }

    #[test]
    fn what_is_between_neighbours_stays_between_them() {
        let mut given = headers(&[
            ("connection", "keep-alive, X-Mine, host"),
            ("keep-alive", "5"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("host", "a"),
            ("accept", "*/*"),
        ]);
        strip(&mut given);
        let left: Vec<&str> = given.keys().map(HeaderName::as_str).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(given.contains_key(HOST) && given.contains_key("accept"));
    }

    #[test]
    fn callers_are_not_believed_whom_they_speak_for() {
        let lies = &[
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=x"),
        ];
        let host = HeaderValue::from_static("shop");
        let mut given = headers(lies);
        for_instance(&mut given, Some(&host), caller(), false);
        assert_eq!(given["x-forwarded-for"], "10.0.0.7");
        assert_eq!(given["x-forwarded-proto"], "http");
        assert_eq!(given["x-forwarded-host"], "shop");
        assert_eq!(given["x-forwarded-port"], "9000");
        assert!(!given.contains_key("forwarded"));

        let mut given = headers(lies);
        for_instance(&mut given, Some(&host), caller(), true);
        assert_eq!(given["x-forwarded-for"], "1.2.3.4, 10.0.0.7");
        assert_eq!(given["x-forwarded-proto"], "https");
    }

    #[test]
    fn cookies_become_one_line() {
        let mut given = HeaderMap::new();
        given.append(COOKIE, HeaderValue::from_static("a=1"));
        given.append(COOKIE, HeaderValue::from_static("b=2"));
        one_cookie(&mut given);
        assert_eq!(given.get_all(COOKIE).iter().count(), 1);
        assert_eq!(given[COOKIE], "a=1; b=2");
    }

    #[test]
    fn only_a_request_without_content_changes_its_protocol() {
        let request = |lines: &[(&'static str, &'static str)]| {
            let mut request = Request::new(());
            *request.headers_mut() = headers(lines);
            wanted_protocol(&request)
        };
        let plain = [("connection", "Upgrade"), ("upgrade", "websocket")];
        assert_eq!(request(&plain).unwrap(), "websocket");
        assert_eq!(request(&[("upgrade", "websocket")]), None);
        assert_eq!(
            request(&[("connection", "upgrade"), ("upgrade", "h2c")]),
            None
        );
        let mut with_content = plain.to_vec();
        with_content.push(("content-length", "3"));
        assert_eq!(request(&with_content), None);
    }
}
