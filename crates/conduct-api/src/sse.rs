//! Server-sent events: frames to text, and text to frames however it is cut.
//!
//! An old client cuts every line at its colon and takes it for a mistake when there is not exactly
//! one. So nothing stands behind a colon that has one itself in the streams that old clients read,
//! no line lacks one, and no blank follows it.

use std::fmt::Write;

/// What a stream carries between two blank lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frame {
    /// Where to go on after a reconnect.
    pub id: Option<String>,
    /// What happened; none for a heartbeat.
    pub event: Option<String>,
    /// To what.
    pub data: String,
    /// How many milliseconds to wait before a reconnect.
    pub retry: Option<u32>,
}

/// A line that is longer is not kept: no frame of ours comes near.
pub const LINE_BYTES_MAX: usize = 1024 * 1024;

impl Frame {
    /// A frame that says no more than that the stream lives.
    pub const HEARTBEAT: &'static str = "data:\n\n";

    /// An event with its data.
    pub fn event(event: impl Into<String>, data: impl Into<String>) -> Frame {
        Frame {
            event: Some(event.into()),
            data: data.into(),
            ..Frame::default()
        }
    }

    /// Whether it only says that the stream lives.
    pub fn is_heartbeat(&self) -> bool {
        self.event.is_none() && self.data.is_empty()
    }

    /// As it travels. Line breaks within a field would begin another field; those of the data
    /// become lines of data, others are dropped.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.data.len() + 64);
        let mut line = |name: &str, value: &str| {
            text.push_str(name);
            text.push(':');
            text.extend(value.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')));
            text.push('\n');
        };
        for part in self.data.split(['\r', '\n']) {
            line("data", part);
        }
        if let Some(event) = &self.event {
            line("event", event);
        }
        if let Some(id) = &self.id {
            line("id", id);
        }
        if let Some(retry) = self.retry {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "retry:{retry}");
        }
        text.push('\n');
        text
    }
}

/// Reads frames from text that arrives in pieces.
#[derive(Debug, Default)]
pub struct Reader {
    line: Vec<u8>,
    /// The line is longer than any that means something.
    is_overlong: bool,
    /// The last byte was a carriage return: a newline behind it ends the same line.
    after_return: bool,
    frame: Frame,
    has_data: bool,
    has_any: bool,
}

impl Reader {
    /// Takes the next piece and appends the frames that it completes.
    pub fn push(&mut self, bytes: &[u8], frames: &mut Vec<Frame>) {
        for byte in bytes {
            let ends_return = std::mem::take(&mut self.after_return) && *byte == b'\n';
            match byte {
                b'\n' if ends_return => {}
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    frames.extend(self.end_line());
                }
                _ if self.line.len() < LINE_BYTES_MAX => self.line.push(*byte),
                _ => self.is_overlong = true,
            }
        }
    }

    fn end_line(&mut self) -> Option<Frame> {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_overlong) {
            return None;
        }
        if line.is_empty() {
            self.has_data = false;
            let frame = std::mem::take(&mut self.frame);
            return std::mem::take(&mut self.has_any).then_some(frame);
        }
        let line = String::from_utf8_lossy(&line);
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        self.field(name, value.strip_prefix(' ').unwrap_or(value));
        None
    }

    fn field(&mut self, name: &str, value: &str) {
        match name {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.frame.data.push('\n');
                }
                if self.frame.data.len() + value.len() <= LINE_BYTES_MAX {
                    self.frame.data.push_str(value);
                }
            }
            "event" => self.frame.event = Some(value.to_owned()),
            "id" => self.frame.id = Some(value.to_owned()),
            "retry" => self.frame.retry = value.parse().ok(),
            // A comment, or something that is not known yet.
            _ => return,
        }
        self.has_any = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut reader = Reader::default();
        let mut frames = Vec::new();
        for piece in pieces {
            reader.push(piece, &mut frames);
        }
        frames
    }

    #[test]
    fn a_frame_has_one_colon_in_each_line() {
        let frame = Frame {
            id: Some("1f-7".to_owned()),
            ..Frame::event("bundleInfoAdded", "878acb80e9f1")
        };
        assert_eq!(
            frame.text(),
            "data:878acb80e9f1\nevent:bundleInfoAdded\nid:1f-7\n\n"
        );
        for line in frame.text().lines().filter(|line| !line.is_empty()) {
            assert_eq!(line.matches(':').count(), 1);
        }
        assert_eq!(read(&[Frame::HEARTBEAT.as_bytes()]), [Frame::default()]);
    }

    #[test]
    fn nothing_in_a_field_becomes_another_field() {
        let hostile = Frame {
            id: Some("1\n\nevent:x".to_owned()),
            ..Frame::event("a\nevent:b\r\n\r\ndata:c", "d\n\nevent:e\0")
        };
        let frames = read(&[hostile.text().as_bytes()]);
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].data, "d\n\nevent:e");
        assert_eq!(frames[0].event.as_deref(), Some("aevent:bdata:c"));
        assert_eq!(frames[0].id.as_deref(), Some("1event:x"));
    }

    #[test]
    fn all_line_ends_and_comments_are_understood() {
        let text =
            b": hello\r\ndata: a\r\ndata:b\r\n\r\nevent:x\rdata:\r\rdata\n\nretry:9\n\nfoo:1\n\n";
        let frames = read(&[text]);
        let expected = [
            Frame {
                data: "a\nb".to_owned(),
                ..Frame::default()
            },
            Frame::event("x", ""),
            Frame::default(),
            Frame {
                retry: Some(9),
                ..Frame::default()
            },
        ];
        assert_eq!(frames, expected);
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut reader = Reader::default();
        let mut frames = Vec::new();
        for _ in 0..40 {
            reader.push(&[b'x'; 64 * 1024], &mut frames);
        }
        reader.push(b"\ndata:a\n\n", &mut frames);
        assert_eq!(
            frames,
            [Frame {
                data: "a".to_owned(),
                ..Frame::default()
            }]
        );
    }

    proptest::proptest! {
        #[test]
        fn frames_read_back_however_they_are_cut(
            event in proptest::option::of("[a-zA-Z:]{0,9}"),
            data in "[ -~]{0,9}(\n[ -~]{0,9}){0,2}",
            id in proptest::option::of("[0-9a-f-]{0,9}"),
            cut in 0..40_usize,
        ) {
            // A reader takes one blank behind the colon for a part of the colon.
            let lines: Vec<&str> = data.split('\n').map(str::trim_start).collect();
            let data = lines.join("\n").trim_start().to_owned();
            let frame = Frame { id, event, data, retry: None };
            let text = frame.text();
            let (a, b) = text.as_bytes().split_at(cut.min(text.len()));
            proptest::prop_assert_eq!(read(&[a, b]), vec![frame]);
        }

        #[test]
        fn any_bytes_can_be_pushed(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            read(&[&bytes]);
        }
    }
}
