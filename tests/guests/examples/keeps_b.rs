//! Remembers when it is replaced; one of two versions. See `test_guests::keeps`.

test_guests::keeps!("b", 2);
