//! The listening sockets, and how they outlive an upgrade of the program.
//!
//! The next program is executed in this very process with the sockets open, and finds their numbers
//! in its environment. Callers who come meanwhile wait in the kernel's queue; none is refused.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use anyhow::Context;
use conduct_http::Listeners;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::settings::Settings;

/// `PID:control=5,status=6,locator=7`. The number of the process keeps what another process was
/// handed from being taken for ours.
pub(crate) const VARIABLE: &str = "CONDUCT_SOCKETS";

/// The sockets that callers come by.
#[derive(Debug)]
pub(crate) struct Sockets {
    control: TcpListener,
    status: TcpListener,
    locator: TcpListener,
    ingress: Option<IngressSockets>,
}

/// Those of the ingress. Ports that bundles ask for are opened anew.
#[derive(Debug)]
struct IngressSockets {
    http: TcpListener,
    https: Option<TcpListener>,
    status: TcpListener,
}

impl Sockets {
    /// Takes over what the program before left open, and opens what it did not.
    pub(crate) fn open(settings: &Settings) -> anyhow::Result<Sockets> {
        let left = std::env::var(VARIABLE).ok();
        let left = left.and_then(|text| Left::parse(&text, std::process::id()));
        let mut left = left.unwrap_or_default();
        let mut open_at = |name: &str, what: &str, ip: IpAddr, port: u16| {
            let address = SocketAddr::new(ip, port);
            match left.take(name) {
                Some(listener) if is_at(&listener, address) => Ok(listener),
                // Set otherwise since, or nothing was left: what was left is closed by this.
                _ => TcpListener::bind(address)
                    .with_context(|| format!("could not open {address} for the {what}")),
            }
        };
        let ingress = match &settings.ingress {
            Some(ingress) => {
                let mut open = |name: &str, port| open_at(name, "ingress", ingress.ip, port);
                Some(IngressSockets {
                    http: open("ingress", ingress.port)?,
                    https: ingress
                        .https_port
                        .map(|port| open("ingress-tls", port))
                        .transpose()?,
                    status: open("ingress-status", ingress.status_port)?,
                })
            }
            None => None,
        };
        let mut open =
            |name: &str, what: &str, port| open_at(name, what, settings.control_ip, port);
        Ok(Sockets {
            ingress,
            control: open("control", "control API", settings.control_port)?,
            status: open("status", "status service", settings.status_port)?,
            locator: open("locator", "service locator", settings.locator_port)?,
        })
    }

    /// The same sockets, as HTTP serves them.
    pub(crate) fn listeners(&self) -> std::io::Result<Listeners> {
        Ok(Listeners {
            control: serve(&self.control)?,
            status: serve(&self.status)?,
            locator: serve(&self.locator)?,
        })
    }

    /// The same sockets, as the ingress serves them, if this node has one.
    pub(crate) fn ingress_listeners(&self) -> std::io::Result<Option<conduct_ingress::Listeners>> {
        let Some(ingress) = &self.ingress else {
            return Ok(None);
        };
        let https = ingress.https.as_ref().map(serve).transpose()?;
        Ok(Some(conduct_ingress::Listeners {
            http: vec![serve(&ingress.http)?],
            https: https.into_iter().collect(),
            status: Some(serve(&ingress.status)?),
        }))
    }

    /// Leaves the sockets open for the next program in this process; answers what it must find
    /// in its environment.
    pub(crate) fn leave(&self) -> nix::Result<String> {
        let mut named = vec![
            ("control", &self.control),
            ("status", &self.status),
            ("locator", &self.locator),
        ];
        if let Some(ingress) = &self.ingress {
            named.push(("ingress", &ingress.http));
            named.push(("ingress-status", &ingress.status));
            named.extend(ingress.https.iter().map(|https| ("ingress-tls", https)));
        }
        let mut parts = Vec::new();
        for (name, listener) in named {
            fcntl(listener, FcntlArg::F_SETFD(FdFlag::empty()))?;
            parts.push(format!("{name}={}", listener.as_raw_fd()));
        }
        Ok(format!("{}:{}", std::process::id(), parts.join(",")))
    }
}

fn serve(listener: &TcpListener) -> std::io::Result<tokio::net::TcpListener> {
    let listener = listener.try_clone()?;
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

fn is_at(listener: &TcpListener, address: SocketAddr) -> bool {
    let local = listener.local_addr();
    local.is_ok_and(|local| {
        local.ip() == address.ip() && (address.port() == 0 || local.port() == address.port())
    })
}

/// What the program before left open.
#[derive(Debug, Default, PartialEq, Eq)]
struct Left(Vec<(String, RawFd)>);

impl Left {
    fn parse(text: &str, own: u32) -> Option<Left> {
        let (pid, parts) = text.split_once(':')?;
        if pid.parse::<u32>().ok()? != own {
            return None;
        }
        let part = |part: &str| {
            let (name, number) = part.split_once('=')?;
            Some((name.to_owned(), number.parse().ok()?))
        };
        parts.split(',').map(part).collect::<Option<_>>().map(Left)
    }

    fn take(&mut self, name: &str) -> Option<TcpListener> {
        let at = self.0.iter().position(|(left, _)| left == name)?;
        let (_, number) = self.0.remove(at);
        #[expect(
            unsafe_code,
            reason = "a number is all that a program can hand to the next"
        )]
        // SAFETY: the variable bears the number of this process, so it was written before the
        // exec that made this program, for a socket that was left open on purpose; nothing else
        // here knows of it, and it is taken out of the list, so it has this one owner.
        let socket = unsafe { OwnedFd::from_raw_fd(number) };
        if let Err(error) = fcntl(&socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)) {
            tracing::warn!(%error, name, "a socket that was handed over cannot be used");
            // It is not open, so there is nothing to close.
            std::mem::forget(socket);
            return None;
        }
        Some(TcpListener::from(socket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_left_for_this_process_is_taken() {
        let parsed = |text| Left::parse(text, 7);
        let both = vec![("control".to_owned(), 5), ("status".to_owned(), 6)];
        assert_eq!(parsed("7:control=5,status=6"), Some(Left(both)));
        for text in ["8:control=5", "control=5", "7:control", "7:control=x", ""] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn a_socket_that_is_handed_over_still_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let number = std::os::fd::IntoRawFd::into_raw_fd(listener);
        let mut left = Left(vec![("control".to_owned(), number)]);
        let taken = left.take("control").unwrap();
        assert!(is_at(&taken, address));
        assert!(left.take("control").is_none());
        std::net::TcpStream::connect(address).unwrap();
        taken.accept().unwrap();
    }
}
