//! A room that remembers when it is replaced; one of two versions. See
//! `test_guests::keeps`.

test_guests::keeps_room!("b", 2);
