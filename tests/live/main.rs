//! Real programs together: daemons, the command line, and clients that others wrote.

mod attacks;
mod commands;
mod guides;
mod original;
mod protocol;
mod registry;
mod streams;
