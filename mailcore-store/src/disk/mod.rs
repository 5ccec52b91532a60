//! The seam under every file that is kept.
