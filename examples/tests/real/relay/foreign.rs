//! Foreign servers as the next hop.
