//! What the kernel of a peer's machine knows before any time-out does.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

/// How often the kernel is asked, and how long it may take each time.
const ASKED: usize = 3;
const PATIENCE: Duration = Duration::from_millis(50);

/// A single byte that no QUIC endpoint answers.
const KNOCK: &[u8] = &[0];

/// What a port's kernel said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hint {
    /// The host answers, and nobody listens: the daemon is gone, the machine is not.
    Refused,
    /// Nothing was said. Host gone, wire cut, or the daemon is there after all.
    Silent,
}

/// Asks whether anybody holds the port. Never a verdict: a hint only chooses how long to wait.
pub(crate) async fn ask(own: SocketAddr, peer: SocketAddr) -> Hint {
    let asked = async {
        let socket = UdpSocket::bind((own.ip(), 0)).await?;
        socket.connect(peer).await?;
        for _ in 0..ASKED {
            socket.send(KNOCK).await?;
            // The refusal comes back as an error of the next receive.
            if let Ok(answer) = timeout(PATIENCE, socket.recv(&mut [0; 1])).await {
                answer?;
            }
        }
        Ok::<(), std::io::Error>(())
    };
    match asked.await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Hint::Refused,
        Err(_) | Ok(()) => Hint::Silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_without_a_daemon_is_refused_and_a_held_one_is_silent() {
        let own = "127.0.0.1:0".parse().unwrap();
        let held = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = held.local_addr().unwrap();
        assert_eq!(ask(own, address).await, Hint::Silent);
        drop(held);
        assert_eq!(ask(own, address).await, Hint::Refused);
    }
}
