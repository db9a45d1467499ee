//! The built-in command `check`: waits until addresses answer, then signals the start on behalf of
//! components that cannot. With liveness settings it goes on looking, and ends when what it watches
//! is dead.

use std::process::ExitCode;
use std::time::Duration;

use conduct_model::{Address, BindProtocol, Check, Liveness, Needed, Span, Target};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// What the shim takes for the end of the whole instance, although a check has ended.
pub(crate) const DEAD_CODE: u8 = 75;

/// The signal is answered within this, or the node is not there to take it.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(10);

/// How often a container that is still to come up is looked for.
const DOCKER_LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
enum CheckFailure {
    #[error("check must run as part of a bundle: {0} is not set")]
    NoVariable(&'static str),
    #[error("{0} cannot be tried: the shell left something in it that is no address")]
    NotFilledIn(String),
    #[error("{0}")]
    NoAnswer(String),
    #[error("the node did not take the start signal: {0}")]
    Signal(String),
}

/// Runs `check` with the words behind its name.
pub(crate) fn check_main(words: &[String]) -> ExitCode {
    let check = match Check::parse(words.iter().map(String::as_str)) {
        Ok(check) => check,
        Err(why) => return refuse(&why.to_string(), ExitCode::from(2)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(why) => return refuse(&why.to_string(), ExitCode::FAILURE),
    };
    match runtime.block_on(run(&check)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::BeforeStart(why)) => refuse(&why.to_string(), ExitCode::FAILURE),
        Err(Ended::Dead(why)) => refuse(&why, ExitCode::from(DEAD_CODE)),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "its standard error is the instance's log"
)]
fn refuse(why: &str, code: ExitCode) -> ExitCode {
    eprintln!("check: {why}");
    code
}

enum Ended {
    BeforeStart(CheckFailure),
    Dead(String),
}

async fn run(check: &Check) -> Result<(), Ended> {
    start(check).await.map_err(Ended::BeforeStart)?;
    match &check.liveness {
        Some(liveness) => Err(Ended::Dead(watch(check, liveness).await)),
        None => Ok(()),
    }
}

async fn start(check: &Check) -> Result<(), CheckFailure> {
    sleep(duration(check.initial_delay)).await;
    let mut refusals = Vec::new();
    for address in &check.addresses {
        match wait_for(address, check.connection_timeout).await {
            Ok(()) if check.needed == Needed::Any => return signal().await,
            Ok(()) => {}
            Err(why) if check.needed == Needed::All => return Err(why),
            Err(why) => refusals.push(why.to_string()),
        }
    }
    if refusals.is_empty() {
        return signal().await;
    }
    Err(CheckFailure::NoAnswer(refusals.join("; ")))
}

/// Tries an address as often as it says.
async fn wait_for(address: &Address, patience: Span) -> Result<(), CheckFailure> {
    if address.after_docker && try_until(address, patience, address.docker_timeout).await {
        return Ok(());
    }
    let mut tried = 0;
    loop {
        let Err(why) = try_once(address, patience).await else {
            return Ok(());
        };
        if tried == address.retry_count {
            return Err(why);
        }
        tried += 1;
        sleep(duration(address.retry_delay)).await;
    }
}

/// Tries until the container behind the address is up, which shows by its port; tries do not count.
async fn try_until(address: &Address, patience: Span, limit: Span) -> bool {
    let trying = async {
        while try_once(address, patience).await.is_err() {
            sleep(DOCKER_LOOK).await;
        }
    };
    timeout(duration(limit), trying).await.is_ok()
}

/// Looks again and again until too many looks in a row found nobody; answers what was last found.
async fn watch(check: &Check, liveness: &Liveness) -> String {
    let mut failed = 0;
    loop {
        sleep(duration(liveness.interval)).await;
        match look(check, liveness.timeout).await {
            Ok(()) => failed = 0,
            Err(why) => {
                failed += 1;
                if failed >= liveness.failures {
                    return why.to_string();
                }
            }
        }
    }
}

async fn look(check: &Check, patience: Span) -> Result<(), CheckFailure> {
    let mut outcome = Ok(());
    for address in &check.addresses {
        let tried = try_once(address, patience).await;
        match (&tried, check.needed) {
            (Ok(()), Needed::Any) | (Err(_), Needed::All) => return tried,
            (Ok(()), Needed::All) => {}
            (Err(_), Needed::Any) => outcome = tried,
        }
    }
    outcome
}

async fn try_once(address: &Address, patience: Span) -> Result<(), CheckFailure> {
    let Target::Socket {
        protocol,
        host,
        port,
    } = &address.target
    else {
        return Err(CheckFailure::NotFilledIn(format!("{:?}", address.target)));
    };
    let place = format!("{host}:{port}");
    let attempt = async {
        match protocol {
            BindProtocol::Udp => Ok(()),
            BindProtocol::Tcp => TcpStream::connect(&place).await.map(drop).map_err(stringly),
            BindProtocol::Http => {
                let path = address.path.as_ref().map_or("/", |path| path.as_str());
                let query = address.query.as_ref();
                let query = query
                    .map(|query| format!("?{}", query.as_str()))
                    .unwrap_or_default();
                let status = request(Method::GET, &place, &format!("{path}{query}")).await?;
                if status.is_server_error() {
                    Err(format!("it answers {status}"))
                } else {
                    Ok(())
                }
            }
        }
    };
    let tried = timeout(duration(patience), attempt).await;
    tried
        .unwrap_or_else(|_| Err("no answer".to_owned()))
        .map_err(|why| CheckFailure::NoAnswer(format!("{place}: {why}")))
}

/// Tells the node that the instance is healthy.
async fn signal() -> Result<(), CheckFailure> {
    let variable = |name| std::env::var(name).map_err(|_| CheckFailure::NoVariable(name));
    let place = format!(
        "{}:{}",
        variable("CONDUCTR_STATUS_IP")?,
        variable("CONDUCTR_STATUS_PORT")?
    );
    let path = format!("/bundles/{}?isStarted=true", variable("BUNDLE_ID")?);
    let asked = timeout(SIGNAL_PATIENCE, request(Method::PUT, &place, &path)).await;
    match asked {
        Ok(Ok(status)) if status.is_success() => Ok(()),
        Ok(Ok(status)) => Err(CheckFailure::Signal(format!("{place} answered {status}"))),
        Ok(Err(why)) => Err(CheckFailure::Signal(format!("{place}: {why}"))),
        Err(_) => Err(CheckFailure::Signal(format!("{place} did not answer"))),
    }
}

/// One request without body on a connection of its own.
async fn request(method: Method, place: &str, path: &str) -> Result<StatusCode, String> {
    let stream = TcpStream::connect(place).await.map_err(stringly)?;
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .map_err(stringly)?;
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", place)
        .header("user-agent", "conduct-check")
        .body(Empty::<Bytes>::new())
        .map_err(stringly)?;
    Ok(sender
        .send_request(request)
        .await
        .map_err(stringly)?
        .status())
}

fn stringly(error: impl std::error::Error) -> String {
    error.to_string()
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(span.as_millis())
}
