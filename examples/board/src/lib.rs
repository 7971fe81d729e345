//! A drawing that everyone in a room draws on. The README has the format.

use socklet_guest::prelude::*;

/// What a drawing may have in bytes: less than a joiner's queue takes at once. Of a
/// larger one the oldest strokes go.
const LARGEST: usize = 256 * 1024;
/// What is left of it then, so that not every further stroke moves all the others.
const LEFT: usize = LARGEST / 4 * 3;
/// What a peer may draw at once, in bytes.
const LARGEST_MESSAGE: usize = 16 * 1024;

/// A colour, a width, and the number of the points that follow.
const HEAD: usize = 4;
/// Two numbers of two bytes.
const POINT: usize = 4;

/// One room: its strokes, one after the other, oldest first.
struct Board {
    drawing: Vec<u8>,
}

impl Room for Board {
    type Member = ();

    fn open(_connection: &Connection, _request: &Request) -> Self {
        Board { drawing: Vec::new() }
    }

    fn on_ready(
        &mut self,
        _members: &mut Members<Self>,
        connection: &Connection,
        _request: &Request,
    ) {
        connection.write(&self.drawing);
    }

    fn on_message(
        &mut self,
        members: &mut Members<Self>,
        connection: &Connection,
        message: Message,
    ) {
        match message.as_binary() {
            Some(strokes) if strokes.len() > LARGEST_MESSAGE => {
                connection.close(1009, "at most 16 KiB at once");
            }
            Some(strokes) if are_whole(strokes) => {
                members.broadcast_except(connection, strokes);
                self.draw(strokes);
            }
            Some(_) => _ = connection.close(1007, "not whole strokes"),
            None => _ = connection.close(1003, "binary only"),
        }
    }
}

impl Board {
    fn draw(&mut self, strokes: &[u8]) {
        self.drawing.extend_from_slice(strokes);
        if self.drawing.len() > LARGEST {
            let mut kept = &self.drawing[..];
            while kept.len() > LEFT
                && let Some(rest) = after_first(kept)
            {
                kept = rest;
            }
            let forgotten = self.drawing.len() - kept.len();
            self.drawing.drain(..forgotten);
        }
    }
}

/// Whether these are strokes, and nothing is left over.
fn are_whole(mut strokes: &[u8]) -> bool {
    while !strokes.is_empty() {
        let Some(rest) = after_first(strokes) else { return false };
        strokes = rest;
    }
    true
}

/// What comes after the first stroke; `None` where that is not whole.
fn after_first(strokes: &[u8]) -> Option<&[u8]> {
    let [_colour, _width, high, low] = *strokes.first_chunk()?;
    let points = usize::from(u16::from_be_bytes([high, low]));
    strokes.get(HEAD + points * POINT..)
}

socklet_guest::export!(Board: Room);

#[cfg(test)]
mod tests {
    use super::{Board, LARGEST, LEFT, are_whole};

    fn stroke(colour: u8, points: u16) -> Vec<u8> {
        let mut stroke = vec![colour, 3];
        stroke.extend(points.to_be_bytes());
        stroke.extend((0..points).flat_map(|at| [at.to_be_bytes(), at.to_be_bytes()]).flatten());
        stroke
    }

    #[test]
    fn strokes_come_whole() {
        assert!(are_whole(&stroke(1, 2)));
        assert!(are_whole(&[stroke(1, 0), stroke(2, 300)].concat()));
        assert!(are_whole(&[]));
        assert!(!are_whole(&[1, 3, 0]));
        assert!(!are_whole(&stroke(1, 2)[..11]));
        assert!(!are_whole(&[stroke(1, 2), vec![0]].concat()));
        assert!(!are_whole(&[1, 3, 255, 255]));
    }

    #[test]
    fn the_oldest_strokes_make_room_for_new_ones() {
        let mut board = Board { drawing: Vec::new() };
        let mut sizes = Vec::new();
        for number in 0..1000_u32 {
            board.draw(&stroke(number.to_be_bytes()[3], 200));
            assert!(are_whole(&board.drawing));
            sizes.push(board.drawing.len());
        }
        assert!(sizes.iter().all(|size| *size <= LARGEST));
        assert!(sizes[500..].iter().all(|size| *size > LEFT - 1024));
        assert_eq!(board.drawing[board.drawing.len() - 804], 999_u32.to_be_bytes()[3]);
    }
}
