//! A room that can take up no state of another version. See `test_guests::keeps`.

test_guests::keeps_room!("broken", 3);
