//! Sets timers as it is told; one of two versions. See `test_guests::rings`.

test_guests::rings!("b", 2);
