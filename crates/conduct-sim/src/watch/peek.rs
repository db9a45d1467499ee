//! The few things that checkers read inside a node, in one place.

use conduct_node::Node;
use conduct_state::{State, Summary, WriterId};

/// What the node agrees on with the others.
pub fn state(node: &Node) -> Option<&State> {
    node.state()
}

/// Two hashes: of how far it knows every writer, and of the records under that.
pub fn summary(node: &Node) -> Option<Summary> {
    node.state().map(State::summary)
}

/// As whom it writes, and how often it has.
pub fn writes(node: &Node) -> Option<(WriterId, u64)> {
    node.state().map(|state| (state.writer(), state.version()))
}

/// About how many bytes of records it keeps, and how many its digest has.
pub fn state_bytes(node: &Node) -> Option<(usize, usize)> {
    let state = state(node)?;
    let records = state
        .records()
        .map(|record| record.payload().len() + record.extra().len() + RECORD_BYTES)
        .sum();
    Some((records, state.digest().encode().len()))
}

/// What a record takes beside its payload.
const RECORD_BYTES: usize = 200;
