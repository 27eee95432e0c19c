//! As much of protobuf's wire format as ONNX needs: fields of whole numbers, text, bytes and messages.

/// A message being written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A whole number.
    #[must_use]
    pub fn number(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        // Negative numbers take ten bytes, as int64 does.
        self.varint(value as u64);
        self
    }

    /// Bytes with their length.
    #[must_use]
    pub fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    /// Text.
    #[must_use]
    pub fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    /// A message in this one.
    #[must_use]
    pub fn message(self, field: u64, inner: &Self) -> Self {
        self.bytes(field, &inner.0)
    }

    /// Several messages of a field.
    #[must_use]
    pub fn messages(self, field: u64, all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().fold(self, |message, inner| message.message(field, &inner))
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_wire_format() {
        // From protobuf's own description of its encoding: a = 150 in field 1, "testing" in field 2, the first in field 3.
        let a = Message::default().number(1, 150);
        assert_eq!(a.clone().into_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().text(2, "testing").into_bytes()[..3], [0x12, 0x07, b't']);
        assert_eq!(Message::default().message(3, &a).into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        assert_eq!(Message::default().number(1, -1).into_bytes().len(), 11);
    }
}
