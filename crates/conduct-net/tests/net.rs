//! Real endpoints on loopback.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use conduct_model::{Digest, NodeKey, Wall};
use conduct_net::{
    Answers, ArchiveSource, Authority, Config, Hint, IdentityRequest, JoinDesk, JoinRefusal,
    JoinToken, LinkNews, Net, NetError, NetEvent, Offer, Welcome, join,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// Holds one archive in memory.
struct Archives(Vec<u8>);

impl ArchiveSource for Archives {
    fn open(
        &self,
        archive: Digest,
        offset: u64,
    ) -> Pin<Box<dyn Future<Output = io::Result<Option<Offer>>> + Send + '_>> {
        let held = archive == Digest::of(&self.0) && offset <= self.0.len() as u64;
        let rest = self.0[(offset as usize).min(self.0.len())..].to_vec();
        let length_bytes = self.0.len() as u64;
        Box::pin(async move {
            Ok(held.then(|| Offer {
                length_bytes,
                bytes: Box::pin(io::Cursor::new(rest)),
            }))
        })
    }
}

/// Answers with who asked and what.
struct Echo;

impl Answers for Echo {
    fn answer(
        &self,
        from: NodeKey,
        question: Bytes,
    ) -> Pin<Box<dyn Future<Output = Bytes> + Send + '_>> {
        let answer = [from.short().as_bytes(), b" asked ", &question].concat();
        Box::pin(async move { Bytes::from(answer) })
    }
}

struct Node {
    net: Net,
    key: NodeKey,
    address: SocketAddr,
    events: mpsc::Receiver<NetEvent>,
}

fn start(authority: &Authority, archive: &[u8], desk: Option<Arc<dyn JoinDesk>>) -> Node {
    let identity = authority.make_node().expect("a node can be made");
    let key = identity.node();
    let (sender, events) = mpsc::channel(1024);
    let config = Config {
        bind: "127.0.0.1:0".parse().expect("an address"),
        identity,
        archives: Arc::new(Archives(archive.to_vec())),
        desk,
        answers: Some(Arc::new(Echo)),
    };
    let net = Net::open(config, sender).expect("the endpoint opens");
    let address = net.address().expect("it has an address");
    Node {
        net,
        key,
        address,
        events,
    }
}

impl Node {
    fn keep(&self, peer: &Node) {
        self.net.found(peer.key, peer.address);
        self.net.keep(peer.key);
    }

    /// Waits for the first event that `wanted` turns into something.
    async fn wait<T>(&mut self, wanted: impl Fn(&NetEvent) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("the endpoint lives");
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, found).await.expect("it happens in time")
    }

    async fn wait_link(&mut self, with: NodeKey, what: fn(&LinkNews) -> bool) {
        self.wait(|event| match event {
            NetEvent::Link { peer, news } if *peer == with && what(news) => Some(()),
            _ => None,
        })
        .await;
    }

    async fn wait_frame(&mut self) -> (NodeKey, Bytes) {
        self.wait(|event| match event {
            NetEvent::Frame { from, bytes } => Some((*from, bytes.clone())),
            _ => None,
        })
        .await
    }

    async fn wait_datagram(&mut self) -> (NodeKey, Bytes) {
        self.wait(|event| match event {
            NetEvent::Datagram { from, bytes } => Some((*from, bytes.clone())),
            _ => None,
        })
        .await
    }
}

fn is_connected(news: &LinkNews) -> bool {
    matches!(news, LinkNews::Connected(_))
}

fn is_lost(news: &LinkNews) -> bool {
    matches!(news, LinkNews::Lost)
}

#[tokio::test]
async fn datagrams_and_frames_arrive_under_the_name_of_their_sender() {
    let authority = Authority::make().unwrap();
    let (mut one, mut two) = (start(&authority, b"", None), start(&authority, b"", None));
    one.keep(&two);
    one.wait_link(two.key, is_connected).await;
    one.net.datagram(two.key, Bytes::from(vec![7; 1100]));
    assert_eq!(
        two.wait_datagram().await,
        (one.key, Bytes::from(vec![7; 1100]))
    );
    // The other direction needs no call: the link serves both.
    two.net.frame(one.key, Bytes::from_static(b"back"));
    assert_eq!(
        one.wait_frame().await,
        (two.key, Bytes::from_static(b"back"))
    );
}

#[tokio::test]
async fn a_frame_calls_the_peer_and_frames_keep_their_order() {
    let authority = Authority::make().unwrap();
    let (one, mut two) = (start(&authority, b"", None), start(&authority, b"", None));
    one.net.found(two.key, two.address);
    for number in 0..200u8 {
        one.net.frame(two.key, Bytes::from(vec![number; 1000]));
    }
    for number in 0..200u8 {
        assert_eq!(two.wait_frame().await.1[0], number);
    }
}

#[tokio::test]
async fn an_address_can_be_called_without_knowing_who_is_there() {
    let authority = Authority::make().unwrap();
    let (mut one, two) = (start(&authority, b"", None), start(&authority, b"", None));
    one.net.dial(two.address);
    one.wait_link(two.key, is_connected).await;

    let nobody = "127.0.0.1:1".parse().unwrap();
    one.net.dial(nobody);
    let failed = |event: &NetEvent| match event {
        NetEvent::DialFailed { address } => Some(*address),
        _ => None,
    };
    assert_eq!(one.wait(failed).await, nobody);
}

#[tokio::test]
async fn both_may_call_at_once_and_one_link_comes_of_it() {
    let authority = Authority::make().unwrap();
    let (mut one, mut two) = (start(&authority, b"", None), start(&authority, b"", None));
    one.keep(&two);
    two.keep(&one);
    one.wait_link(two.key, is_connected).await;
    two.wait_link(one.key, is_connected).await;
    one.net.frame(two.key, Bytes::from_static(b"a"));
    two.net.frame(one.key, Bytes::from_static(b"b"));
    assert_eq!(two.wait_frame().await.1, "a");
    assert_eq!(one.wait_frame().await.1, "b");
}

#[tokio::test]
async fn a_node_of_another_cluster_gets_nothing_across() {
    let (ours, theirs) = (Authority::make().unwrap(), Authority::make().unwrap());
    let mut one = start(&ours, b"", None);
    let stranger = start(&theirs, b"", None);
    stranger.keep(&one);
    let refused = async {
        while one
            .net
            .counters()
            .handshakes_refused
            .load(std::sync::atomic::Ordering::Relaxed)
            == 0
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused)
        .await
        .expect("the handshake is refused");
    assert!(one.events.try_recv().is_err(), "a stranger became an event");
}

#[tokio::test]
async fn a_node_that_is_not_who_was_called_is_not_talked_to() {
    let authority = Authority::make().unwrap();
    let (one, two) = (start(&authority, b"", None), start(&authority, b"", None));
    let expected = authority.make_node().unwrap().node();
    one.net.found(expected, two.address);
    let refused = one.net.fetch(expected, Digest::of(b""), 0).await.err();
    assert!(matches!(refused, Some(NetError::Stranger { actual, .. }) if actual == two.key));
}

#[tokio::test]
async fn a_peer_that_closes_is_lost_and_called_again_when_it_is_back() {
    let authority = Authority::make().unwrap();
    let (mut one, two) = (start(&authority, b"", None), start(&authority, b"", None));
    one.keep(&two);
    one.wait_link(two.key, is_connected).await;
    two.net.close().await;
    one.wait_link(two.key, is_lost).await;
    one.wait_link(two.key, |news| *news == LinkNews::Connecting)
        .await;
}

#[tokio::test]
async fn an_archive_comes_from_any_offset_and_is_the_same_bytes() {
    let authority = Authority::make().unwrap();
    let archive: Vec<u8> = (0..3_000_000u32).map(|number| (number / 7) as u8).collect();
    let (one, two) = (
        start(&authority, b"", None),
        start(&authority, &archive, None),
    );
    one.net.found(two.key, two.address);
    for offset in [0, 1, 2_999_999, 3_000_000] {
        let digest = Digest::of(&archive);
        let mut reader = one
            .net
            .fetch(two.key, digest, offset)
            .await
            .expect("it is there");
        assert_eq!(reader.length_bytes, archive.len() as u64);
        let mut got = Vec::new();
        while let Some(bytes) = reader.next().await.expect("it comes to its end") {
            got.extend_from_slice(&bytes);
        }
        assert!(got == archive[offset as usize..], "from offset {offset}");
    }
    let missing = one
        .net
        .fetch(two.key, Digest::of(b"another"), 0)
        .await
        .err();
    assert!(matches!(missing, Some(NetError::NoArchive)));
}

#[tokio::test]
async fn a_question_is_answered_with_or_without_a_standing_link() {
    let authority = Authority::make().unwrap();
    let (mut one, two) = (start(&authority, b"", None), start(&authority, b"", None));
    one.net.found(two.key, two.address);
    let expected = format!("{} asked what", one.key.short());
    assert_eq!(
        one.net
            .ask(two.key, Bytes::from_static(b"what"))
            .await
            .unwrap(),
        expected
    );
    one.net.keep(two.key);
    one.wait_link(two.key, is_connected).await;
    assert_eq!(
        one.net
            .ask(two.key, Bytes::from_static(b"what"))
            .await
            .unwrap(),
        expected
    );
    let nobody = authority.make_node().unwrap().node();
    let unknown = one.net.ask(nobody, Bytes::from_static(b"what")).await;
    assert!(matches!(unknown, Err(NetError::Unknown(key)) if key == nobody));
}

#[tokio::test]
async fn a_cut_wire_carries_nothing_and_a_healed_one_does_again() {
    let authority = Authority::make().unwrap();
    let (mut one, mut two) = (start(&authority, b"", None), start(&authority, b"", None));
    one.keep(&two);
    one.wait_link(two.key, is_connected).await;
    two.wait_link(one.key, is_connected).await;
    one.net.cut(BTreeSet::from([two.address]));
    one.net.datagram(two.key, Bytes::from_static(b"lost"));
    assert_eq!(one.net.ask_kernel(two.key).await, Hint::Silent);
    let lost = async {
        while one.net.packets_cut() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, lost).await.expect("the datagram is lost");
    one.net.cut(BTreeSet::new());
    one.net.datagram(two.key, Bytes::from_static(b"heard"));
    // QUIC never sends a datagram again, so what was lost stays lost.
    assert_eq!(two.wait_datagram().await.1, "heard");
}

#[tokio::test]
async fn the_kernel_tells_a_closed_port_from_a_held_one() {
    let authority = Authority::make().unwrap();
    let (one, two) = (start(&authority, b"", None), start(&authority, b"", None));
    one.net.found(two.key, two.address);
    assert_eq!(one.net.ask_kernel(two.key).await, Hint::Silent);
    two.net.close().await;
    let (key, Node { net, .. }) = (two.key, two);
    drop(net);
    let refused = async {
        while one.net.ask_kernel(key).await != Hint::Refused {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused)
        .await
        .expect("the port closes with its last user");
}

/// Lets one secret in, once.
struct Desk {
    authority: Authority,
    secret: Mutex<Option<[u8; 32]>>,
}

impl JoinDesk for Desk {
    fn redeem(
        &self,
        _from: SocketAddr,
        secret: [u8; 32],
        request: &[u8],
    ) -> Result<Welcome, JoinRefusal> {
        let mut known = self.secret.lock().expect("no test panics in here");
        match *known {
            None => Err(JoinRefusal::Used),
            Some(expected) if expected != secret => Err(JoinRefusal::Unknown),
            Some(_) => {
                let certificate = self
                    .authority
                    .sign(request)
                    .map_err(|_| JoinRefusal::Request)?;
                *known = None;
                let authority = self.authority.certificate_der();
                Ok(Welcome {
                    certificate,
                    authority,
                    message: b"hello".to_vec(),
                })
            }
        }
    }
}

#[tokio::test]
async fn a_token_lets_one_node_in_and_only_where_it_belongs() {
    let authority = Authority::make().unwrap();
    let pem = (authority.certificate_pem(), authority.key_pem());
    let desk = Desk {
        authority: Authority::from_pem(&pem.0, &pem.1).unwrap(),
        secret: Mutex::new(Some([9; 32])),
    };
    let mut member = start(&authority, b"", Some(Arc::new(desk)));
    let own = "127.0.0.1:0".parse().unwrap();
    let token = JoinToken {
        authority: authority.digest(),
        secret: [9; 32],
        expires: Wall::default(),
    };

    let foreign = JoinToken {
        authority: Digest::of(b"another cluster"),
        ..token.clone()
    };
    let request = IdentityRequest::make().unwrap();
    let refused = join(own, member.address, &foreign, &request).await.err();
    assert!(
        matches!(refused, Some(NetError::OtherCluster { .. })),
        "{refused:?}"
    );

    let guessed = JoinToken {
        secret: [8; 32],
        ..token.clone()
    };
    let refused = join(own, member.address, &guessed, &request).await.err();
    assert!(
        matches!(refused, Some(NetError::Refused(JoinRefusal::Unknown))),
        "{refused:?}"
    );

    let welcome = join(own, member.address, &token, &request)
        .await
        .expect("it is let in");
    assert_eq!(welcome.message, b"hello");
    let identity = request
        .signed(welcome.certificate, welcome.authority)
        .unwrap();
    let key = identity.node();
    let again = join(
        own,
        member.address,
        &token,
        &IdentityRequest::make().unwrap(),
    )
    .await
    .err();
    assert!(
        matches!(again, Some(NetError::Refused(JoinRefusal::Used))),
        "{again:?}"
    );

    let (sender, _events) = mpsc::channel(64);
    let archives = Arc::new(Archives(Vec::new()));
    let config = Config {
        bind: own,
        identity,
        archives,
        desk: None,
        answers: None,
    };
    let joined = Net::open(config, sender).unwrap();
    joined.found(member.key, member.address);
    joined.frame(member.key, Bytes::from_static(b"here I am"));
    assert_eq!(
        member.wait_frame().await,
        (key, Bytes::from_static(b"here I am"))
    );
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let authority = Authority::make().unwrap();
    let one = start(&authority, b"", None);
    let (sender, _events) = mpsc::channel(1);
    let config = Config {
        bind: one.address,
        identity: authority.make_node().unwrap(),
        archives: Arc::new(Archives(Vec::new())),
        desk: None,
        answers: None,
    };
    let error = Net::open(config, sender).err().expect("the port is taken");
    assert_eq!(
        error.to_string(),
        format!("could not open udp {}", one.address)
    );
}
