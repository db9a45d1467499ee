//! What holds for the whole project.

mod architecture;
