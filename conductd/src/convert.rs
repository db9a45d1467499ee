//! The words of the edges in the words of the brain, and back.

use conduct_net::{LinkNews as NetNews, NetEvent};
use conduct_node::effect::Write;
use conduct_node::input::{Input, LinkNews, StoreFailure};
use conduct_store::{RecordsNews, StoreFailure as DiskFailure};

pub(crate) fn net(event: NetEvent) -> Input {
    match event {
        NetEvent::Datagram { from, bytes } => Input::Datagram { from, bytes },
        NetEvent::Frame { from, bytes } => Input::Frame { from, bytes },
        NetEvent::DialFailed { address } => Input::DialFailed { address },
        NetEvent::Link { peer, news } => {
            let news = match news {
                NetNews::Connecting => LinkNews::Connecting,
                NetNews::Connected(address) => LinkNews::Connected { address },
                NetNews::Lost => LinkNews::Lost,
            };
            Input::Link { peer, news }
        }
    }
}

pub(crate) fn records(news: RecordsNews) -> Input {
    match news {
        RecordsNews::Stored(n) => Input::Stored(n),
        RecordsNews::Failed { n, why } => {
            let why = match why {
                DiskFailure::NoSpace => StoreFailure::NoSpace,
                DiskFailure::Disk => StoreFailure::Disk,
            };
            Input::StoreFailed { n, why }
        }
    }
}

pub(crate) fn writes(writes: Vec<Write>) -> Vec<conduct_store::Write> {
    let write = |Write { key, value }| conduct_store::Write { key, value };
    writes.into_iter().map(write).collect()
}
