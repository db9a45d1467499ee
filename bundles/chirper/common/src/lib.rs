//! What the services of Chirper share.
//!
//! [`replica`] keeps data on a disk and with the peers of a service: the reason why an instance can
//! be added, killed or replaced and nothing is lost. [`service`] is how every one of them begins,
//! says who it is, and ends. [`call`] is how they ask each other, and [`refusal`] how they say no.

pub mod call;
pub mod names;
pub mod refusal;
pub mod replica;
pub mod service;
