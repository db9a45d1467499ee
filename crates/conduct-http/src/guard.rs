//! Who may call at all: nobody from a web page, nobody under a foreign name, and where a token is
//! set nobody without it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use conduct_model::Digest;

use crate::error::{CODE, plain};
use crate::services::Peer;

/// Wrong tokens that an address may try in a minute.
const WRONG_TOKENS_MAX: u32 = 5;
const WRONG_TOKENS_SPAN: Duration = Duration::from_secs(60);
/// Addresses whose wrong tokens are remembered.
const WRONG_ADDRESSES_MAX: usize = 1024;

/// Checks callers of one listener.
#[derive(Debug)]
pub(crate) struct Guard {
    names: Vec<String>,
    token: Option<Digest>,
    wrong: Mutex<BTreeMap<IpAddr, Wrong>>,
}

#[derive(Clone, Copy, Debug)]
struct Wrong {
    count: u32,
    since: Instant,
}

/// Why a caller is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("a request names one host")]
    Hosts,
    #[error("this node is not called so; use its address")]
    Host,
    #[error("web pages of others may not call this node")]
    Origin,
    #[error("a token is needed: send it as Authorization: Bearer, or as the password of Basic")]
    Token,
    #[error("too many wrong tokens came from this address, try again in a minute")]
    TooMany,
}

impl Refused {
    fn kind(self) -> (StatusCode, &'static str) {
        match self {
            Refused::Hosts => (StatusCode::BAD_REQUEST, "malformed"),
            Refused::Host => (StatusCode::MISDIRECTED_REQUEST, "host"),
            Refused::Origin => (StatusCode::FORBIDDEN, "origin"),
            Refused::Token => (StatusCode::UNAUTHORIZED, "token"),
            Refused::TooMany => (StatusCode::TOO_MANY_REQUESTS, "token"),
        }
    }

    fn response(self) -> Response {
        let (status, code) = self.kind();
        let mut response = plain(status, format!("{self}\n"));
        let headers = response.headers_mut();
        headers.insert(CODE, HeaderValue::from_static(code));
        if self == Refused::Token {
            let ways = HeaderValue::from_static("Bearer, Basic realm=\"conduct\"");
            headers.insert(header::WWW_AUTHENTICATE, ways);
        }
        if self == Refused::TooMany {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(60));
        }
        response
    }
}

impl Guard {
    pub(crate) fn new(names: Vec<String>, token: Option<Digest>) -> Guard {
        Guard {
            names,
            token,
            wrong: Mutex::default(),
        }
    }

    fn check(&self, peer: Peer, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let local = peer.local.ip().to_canonical();
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next();
        if hosts.next().is_some() {
            return Err(Refused::Hosts);
        }
        // Without any name no page is behind it: pages' requests have one.
        let host = host
            .map(|host| host.to_str().map_err(|_| Refused::Host))
            .transpose()?;
        let named = [
            host,
            uri.authority().map(axum::http::uri::Authority::as_str),
        ];
        for host in named.into_iter().flatten() {
            let (name, _) = split_port(host);
            if !self.is_ours(name, local) {
                return Err(Refused::Host);
            }
        }
        if !self.is_own_page(peer, headers) {
            return Err(Refused::Origin);
        }
        self.check_token(peer, headers)
    }

    /// Whether a caller of `local` may call it `name`. An address cannot be made to point
    /// elsewhere, so the one that was called is always right; a name can.
    fn is_ours(&self, name: &str, local: IpAddr) -> bool {
        let bare = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(name);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            let ip = ip.to_canonical();
            return ip == local || (ip.is_loopback() && local.is_loopback());
        }
        let is_localhost = name.eq_ignore_ascii_case("localhost") && local.is_loopback();
        is_localhost
            || self
                .names
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether it comes from no page, or from one that this very listener served.
    fn is_own_page(&self, peer: Peer, headers: &HeaderMap) -> bool {
        const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
        let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
        if !matches!(site, None | Some(b"none" | b"same-origin")) {
            return false;
        }
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let host = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.split_once("://"));
        let Some(("http" | "https", host)) = host else {
            return false;
        };
        let (name, port) = split_port(host);
        let is_port = port.is_some_and(|port| port == peer.local.port().to_string());
        is_port && self.is_ours(name, peer.local.ip().to_canonical())
    }

    fn check_token(&self, peer: Peer, headers: &HeaderMap) -> Result<(), Refused> {
        let Some(token) = &self.token else {
            return Ok(());
        };
        let ip = peer.remote.ip();
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|_, wrong| wrong.since.elapsed() < WRONG_TOKENS_SPAN);
        if wrong
            .get(&ip)
            .is_some_and(|wrong| wrong.count >= WRONG_TOKENS_MAX)
        {
            return Err(Refused::TooMany);
        }
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        // Digests are compared, so how long it takes tells nothing about the token.
        if given
            .and_then(secret)
            .is_some_and(|given| Digest::of(&given) == *token)
        {
            return Ok(());
        }
        if given.is_some() && (wrong.len() < WRONG_ADDRESSES_MAX || wrong.contains_key(&ip)) {
            let fresh = Wrong {
                count: 0,
                since: Instant::now(),
            };
            wrong.entry(ip).or_insert(fresh).count += 1;
        }
        Err(Refused::Token)
    }
}

/// The token of `Bearer`, or the password of `Basic`, which is what old clients can send.
fn secret(authorization: &str) -> Option<Vec<u8>> {
    let (scheme, value) = authorization.split_once(' ')?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.as_bytes().to_vec());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = base64(value)?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len());
    let (mut held, mut bits) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = DIGITS.iter().position(|known| *known == digit)?;
        held = held << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

/// `name:port`, where the name may be an address in brackets.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') && !name.is_empty() => (name, Some(port)),
        _ => (host, None),
    }
}

/// Lets through who may call, and makes every answer one that no page can abuse.
pub(crate) async fn guard(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let peer = peer.expect("every connection puts its ends to its requests");
    let mut response = match guard.check(peer, request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            tracing::info!(
                target: "audit",
                remote = %peer.remote,
                method = %request.method(),
                path = request.uri().path(),
                result = %refused,
                "refused"
            );
            refused.response()
        }
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, local: &str, headers: &[(&str, &str)]) -> Result<(), Refused> {
        let peer = Peer {
            remote: "127.0.0.1:50000".parse().unwrap(),
            local: local.parse().unwrap(),
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        guard.check(peer, &"/v2/bundles".parse().unwrap(), &map)
    }

    #[test]
    fn a_node_answers_to_its_address_and_to_the_names_that_it_was_given() {
        let guard = Guard::new(vec!["node1.example".to_owned()], None);
        let answers = |local, host| check(&guard, local, &[("host", host)]).is_ok();
        for host in [
            "127.0.10.1",
            "127.0.10.1:9005",
            "localhost:9005",
            "[::1]:9005",
            "Node1.Example",
        ] {
            assert!(answers("127.0.10.1:9005", host), "{host}");
        }
        for host in [
            "evil.com",
            "evil.com:9005",
            "10.0.0.1",
            "0.0.0.0:9005",
            "localhost.evil.com",
            "",
        ] {
            assert!(!answers("127.0.10.1:9005", host), "{host}");
        }
        assert!(answers("10.0.0.1:9005", "10.0.0.1"));
        assert!(!answers("10.0.0.1:9005", "localhost"));
        assert!(check(&guard, "127.0.0.1:9005", &[]).is_ok());
        let two = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(check(&guard, "127.0.0.1:9005", &two), Err(Refused::Hosts));
    }

    #[test]
    fn pages_of_others_are_refused_whatever_they_send() {
        let guard = Guard::new(Vec::new(), None);
        let from = |name, value| {
            check(
                &guard,
                "127.0.0.1:9005",
                &[("host", "127.0.0.1:9005"), (name, value)],
            )
        };
        for origin in [
            "http://evil.com",
            "null",
            "http://127.0.0.1",
            "http://127.0.0.1:3000",
            "http://localhost:9005.evil.com",
            "file://",
        ] {
            assert_eq!(from("origin", origin), Err(Refused::Origin), "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert_eq!(from("sec-fetch-site", site), Err(Refused::Origin), "{site}");
        }
        assert!(from("origin", "http://127.0.0.1:9005").is_ok());
        assert!(from("origin", "http://localhost:9005").is_ok());
        assert!(from("sec-fetch-site", "none").is_ok());
    }

    #[test]
    fn a_token_is_taken_in_two_ways_and_guessing_ends_soon() {
        let guard = Guard::new(Vec::new(), Some(Digest::of(b"open sesame")));
        let with = |value| {
            check(
                &guard,
                "127.0.0.1:9005",
                &[("host", "localhost"), ("authorization", value)],
            )
        };
        assert_eq!(check(&guard, "127.0.0.1:9005", &[]), Err(Refused::Token));
        assert!(with("Bearer open sesame").is_ok());
        // `conduct:open sesame`
        assert!(with("Basic Y29uZHVjdDpvcGVuIHNlc2FtZQ==").is_ok());
        for _ in 0..WRONG_TOKENS_MAX {
            assert_eq!(with("Bearer guess"), Err(Refused::Token));
        }
        assert_eq!(with("Bearer open sesame"), Err(Refused::TooMany));
    }
}
