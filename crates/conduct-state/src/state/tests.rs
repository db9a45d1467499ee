mod hostile;
mod reachable;
mod world;
